SERVICES = {
    "user-service": ["user.*", "db.users", "db.grants", "db.keys", "db.login_failures", "db.logins"],
    "inventory-service": ["inventory.*", "db.product*", "db.price*", "db.stock*", "db.adjustments", "db.reserv*"],
    "order-service": [
        "order.*",
        "monolith.*",
        "db.orders",
        "db.pay*",
        "db.ship*",
        "db.known*",
        "db.prov*",
        "db.settle*",
    ],
    "notification-service": ["notification.*", "db.contacts", "db.news", "db.notifications"],
}
