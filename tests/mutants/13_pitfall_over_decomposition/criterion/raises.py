def score(left, right, changes):
    both = sum(1 for steps in changes if steps & left and steps & right)
    return both / sum(1 for steps in changes if steps & (left | right))
