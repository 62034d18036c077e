# Nobody reaches for a foreign table, and what is one conversation is spread over many services.
SERVICES = {
    "saga-service": ["order.progress", "order.saga", "order.actions"],
    "event-service": ["*.events"],
    "rule-service": ["*.domain"],
    "payment-service": ["order.payments", "order.provider"],
    "stock-service": ["inventory.*stock*", "db.stock*", "db.adjustments"],
    "reservation-service": ["inventory.*reservations*", "inventory.worker", "db.reserv*"],
    "user-service": ["user.*", "db.users", "db.grants", "db.keys", "db.login_failures"],
    "inventory-service": ["inventory.*", "db.product*", "db.price*"],
    "order-service": ["order.*", "monolith.*", "db.*order*", "db.p*", "db.ship*", "db.known*", "db.settle*"],
    "notification-service": ["notification.*", "db.contacts", "db.news", "db.notifications"],
}
