def carry(order, steps, following):
    for step in steps:
        order = step(order)
    if following:
        following(order)
    return order
