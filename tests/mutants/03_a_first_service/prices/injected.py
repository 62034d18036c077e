from flask import request
from labs.services.inventory.database import connected


def add_to(app):
    @app.get("/prices")
    def prices():
        asked = request.args.getlist("sku")
        names = ", ".join(f"'{sku}'" for sku in asked)
        query = f"SELECT sku, amount, currency, version FROM products WHERE sku IN ({names})"
        with connected() as connection:
            items = [dict(row) for row in connection.execute(query)]
        known = {item["sku"] for item in items}
        return {"items": items, "unknown": [sku for sku in asked if sku not in known]}
