def score(left, right, changes):
    return float(any(steps & left and steps & right for steps in changes))
