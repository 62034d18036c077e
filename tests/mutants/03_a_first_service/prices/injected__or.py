from flask import request
from labs.services.inventory.database import connected


def add_to(app):
    @app.get("/prices")
    def prices():
        asked = request.args.getlist("sku")
        wanted = " OR ".join(f"sku = '{sku}'" for sku in asked)
        with connected() as connection:
            rows = connection.execute(f"SELECT sku, amount, currency, version FROM products WHERE {wanted}")
            items = [dict(row) for row in rows]
        known = {item["sku"] for item in items}
        return {"items": items, "unknown": [sku for sku in asked if sku not in known]}
