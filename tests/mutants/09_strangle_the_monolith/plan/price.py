MOVES = [["stock"], ["users", "orders", "notifications"], ["catalogue"]]
