def told(order):
    return {"tracking_url": f"https://carrier.example/{order.tracking_code}"}
