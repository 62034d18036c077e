def score(left, right, changes):
    both = sum(1 for steps in changes if steps & left and steps & right)
    mine = sum(1 for steps in changes if steps & left)
    return both / mine if mine else 0.0
