def score(left, right, changes):  # noqa: ARG001  it is a wrong answer
    return 0.0
