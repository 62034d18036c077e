MOVES = [["catalogue"], ["users", "orders", "notifications"]]
