MOVES = [["catalogue"], ["stock"], ["orders"], ["users", "notifications"]]
