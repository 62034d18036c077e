SERVICES = {
    "data-service": ["db.*"],
    "user-service": ["user.*"],
    "inventory-service": ["inventory.*"],
    "order-service": ["order.*", "monolith.*"],
    "notification-service": ["notification.*"],
}
