from flask import request
from labs.services.inventory.database import connected


def add_to(app):
    @app.get("/prices")
    def prices():
        asked = list(dict.fromkeys(request.args.getlist("sku")))
        query = f"SELECT sku, amount, currency FROM products WHERE sku IN ({', '.join('?' * len(asked))})"
        with connected() as connection:
            items = [dict(row) for row in connection.execute(query, asked)]
        known = {item["sku"] for item in items}
        return {"items": items, "unknown": [sku for sku in asked if sku not in known]}
