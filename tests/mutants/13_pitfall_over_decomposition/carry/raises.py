def carry(order, steps, following):
    for step in steps:
        order = step(order)
    return following(order)
