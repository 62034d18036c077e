def carry(order, steps, following):
    if following:
        order = following(order)
    for step in steps:
        order = step(order)
    return order
