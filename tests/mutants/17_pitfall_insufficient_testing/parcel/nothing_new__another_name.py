def told(order):
    return {"tracking_code": order.tracking_code, "url": f"https://carrier.example/{order.tracking_code}"}
