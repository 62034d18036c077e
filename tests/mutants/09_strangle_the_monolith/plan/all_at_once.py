MOVES = [["catalogue", "stock", "users", "orders", "notifications"]]
