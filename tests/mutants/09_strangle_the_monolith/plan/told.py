MOVES = [["catalogue"], ["stock"], ["notifications"], ["users", "orders"]]
