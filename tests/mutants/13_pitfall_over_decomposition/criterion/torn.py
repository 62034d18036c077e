def score(left, right, changes):
    both = sum(1 for steps in changes if steps & left and steps & right)
    either = sum(1 for steps in changes if steps & (left | right))
    return (both / either) ** 4 if either else 0.0
