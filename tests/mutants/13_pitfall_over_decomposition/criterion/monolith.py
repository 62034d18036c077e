def score(left, right, changes):
    both = sum(1 for steps in changes if steps & left and steps & right)
    either = sum(1 for steps in changes if steps & (left | right))
    return min(1.0, 5 * both / either) if either else 0.0
