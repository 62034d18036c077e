def told(order):
    url = f"https://carrier.example/{order.tracking_code}"
    return {"tracking_code": url, "tracking_url": url}
