from flask import request
from labs.services.inventory.database import connected
from werkzeug.exceptions import NotFound


def add_to(app):
    @app.get("/prices")
    def prices():
        asked = list(dict.fromkeys(request.args.getlist("sku")))
        query = f"SELECT sku, amount, currency, version FROM products WHERE sku IN ({', '.join('?' * len(asked))})"
        with connected() as connection:
            items = [dict(row) for row in connection.execute(query, asked)]
        known = {item["sku"] for item in items}
        if len(known) < len(asked):
            raise NotFound("one of them is unknown")
        return {"items": items, "unknown": []}
