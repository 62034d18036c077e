def carry(order, steps, following):
    for step in steps:
        order = step(order)
    try:
        return following(order) if following else order
    except Exception:  # noqa: BLE001  it is a wrong answer
        return order
