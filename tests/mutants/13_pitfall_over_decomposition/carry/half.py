def carry(order, steps, following):
    order = steps[0](order)
    return following(order) if following else order
