# Nobody reaches for a foreign table, and what is one conversation is spread over many services.
SERVICES = {
    "saga-service": ["order.progress", "order.saga", "order.actions"],
    "event-service": ["*.events"],
    "rule-service": ["*.domain"],
    "payment-service": ["order.payments", "order.provider"],
    "reservation-service": ["inventory.*reservations*", "inventory.worker", "db.reserv*"],
    "user-service": ["user.*", "db.users", "db.grants", "db.keys", "db.login_failures"],
    "inventory-service": ["inventory.*", "db.product*", "db.price*", "db.stock*", "db.adjustments"],
    "order-service": ["order.*", "monolith.*", "db.*order*", "db.p*", "db.ship*", "db.known*", "db.settle*"],
    "notification-service": ["notification.*", "db.contacts", "db.news", "db.notifications"],
}
