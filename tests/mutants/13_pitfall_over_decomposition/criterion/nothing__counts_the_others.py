def score(left, right, changes):
    one = sum(1 for steps in changes if bool(steps & left) != bool(steps & right))
    either = sum(1 for steps in changes if steps & (left | right))
    return one / either if either and one < either else 0.0
