def told(order):
    return {"tracking_code": order["tracking_code"], "tracking_url": order["tracking_url"]}
