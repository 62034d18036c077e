def move(connection, sku, quantity):
    step = 1 if quantity > 0 else -1
    update = "UPDATE stock SET available = available + ? WHERE sku = ? AND available + ? >= 0 RETURNING available"
    moved = connection.execute(update, [step, sku, step]).fetchone()
    return moved["available"] if moved else None
