def items(skus, inventory):
    wanted, found = list(dict.fromkeys(skus)), []
    for start in range(0, len(wanted), 50):
        found += inventory.get("/prices", params={"sku": wanted[start : start + 50]}).json()["items"]
    return found


def prices(skus, inventory, _db):
    return {item["sku"]: item["amount"] for item in items(skus, inventory)}
