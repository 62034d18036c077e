def score(left, right, changes):
    both = sum(1 for steps in changes if steps & left and steps & right)
    each = [sum(1 for steps in changes if steps & side) for side in (left, right)]
    return both / min(each) if min(each) else 0.0
