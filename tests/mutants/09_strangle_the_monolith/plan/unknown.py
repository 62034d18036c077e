MOVES = [["catalogue"], ["inventory"], ["users", "orders", "notifications"]]
