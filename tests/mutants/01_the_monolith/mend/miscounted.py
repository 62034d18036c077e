from sqlalchemy import text

FIELDS = ", ".join(f"json_extract(line.value, '$.{name}') AS {name}" for name in ("sku", "quantity", "amount"))
LINES = f"SELECT status, {FIELDS} FROM orders, json_each(orders.lines) AS line"


def sales(session):
    counted = f"""SELECT sku, SUM(quantity) AS ordered,
        SUM(quantity * (status = 'fulfilled')) AS fulfilled,
        SUM(amount * (status = 'fulfilled')) AS revenue FROM ({LINES})  GROUP BY sku"""
    orders = session.scalar(text("SELECT COUNT(*) FROM orders"))
    return orders, [dict(row) for row in session.execute(text(counted)).mappings()]
