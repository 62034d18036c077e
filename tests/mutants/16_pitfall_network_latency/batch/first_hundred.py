def items(skus, inventory):
    return inventory.get("/prices", params={"sku": skus[:100]}).json()["items"]


def prices(skus, inventory, _db):
    return {item["sku"]: item["amount"] for item in items(skus, inventory)}
