from flask import request
from labs.services.inventory.database import connected


def add_to(app):
    @app.get("/prices")
    def prices():
        asked = request.args.getlist("sku")
        query = "SELECT sku, amount, currency, version FROM products WHERE sku = ?"
        with connected() as connection:
            return {"items": [dict(connection.execute(query, [sku]).fetchone()) for sku in asked], "unknown": []}
