def score(left, right, changes):
    both = sum(1 for steps in changes if steps & left and steps & right)
    theirs = sum(1 for steps in changes if steps & right)
    return both / theirs if theirs else 0.0
