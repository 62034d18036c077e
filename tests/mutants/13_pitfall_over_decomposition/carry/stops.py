def carry(order, steps, following):  # noqa: ARG001  it is a wrong answer
    for step in steps:
        order = step(order)
    return order
