def carry(order, steps, following):
    for step in steps:
        step(order)
    return following(order) if following else order
