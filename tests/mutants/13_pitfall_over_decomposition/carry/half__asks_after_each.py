def carry(order, steps, following):
    for step in steps:
        order = step(order)
        if following:
            order = following(order)
    return order
