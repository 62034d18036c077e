def score(left, right, changes):
    return sum(1 for steps in changes if steps & left and steps & right)
