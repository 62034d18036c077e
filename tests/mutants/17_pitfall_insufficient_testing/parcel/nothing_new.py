def told(order):
    return {"tracking_code": order.tracking_code}
