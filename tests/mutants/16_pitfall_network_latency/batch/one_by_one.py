def items(skus, inventory):
    found = []
    for sku in dict.fromkeys(skus):
        found += inventory.get("/prices", params={"sku": sku}).json()["items"]
    return found


def prices(skus, inventory, _db):
    return {item["sku"]: item["amount"] for item in items(skus, inventory)}
