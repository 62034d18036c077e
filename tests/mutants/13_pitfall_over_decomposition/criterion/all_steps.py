def score(left, right, changes):
    both = sum(1 for steps in changes if left <= steps and right <= steps)
    either = sum(1 for steps in changes if steps & (left | right))
    return both / either if either else 0.0
