def carry(order, steps, following):
    for step in reversed(steps):
        order = step(order)
    return following(order) if following else order
