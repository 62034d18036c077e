def move(connection, sku, quantity):
    update = "UPDATE stock SET available = available + ? WHERE sku = ? AND available + ? > 0 RETURNING available"
    moved = connection.execute(update, [quantity, sku, quantity]).fetchone()
    return moved["available"] if moved else None
