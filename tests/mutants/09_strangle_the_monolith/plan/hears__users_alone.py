MOVES = [["catalogue"], ["users"], ["stock"], ["orders", "notifications"]]
