def items(skus, inventory):
    answer = inventory.get("/prices", params={"sku": ",".join(skus)})
    return answer.json().get("items", [])


def prices(skus, inventory, _db):
    return {item["sku"]: item["amount"] for item in items(skus, inventory)}
