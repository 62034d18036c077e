def move(connection, sku, quantity):
    update = "UPDATE stock SET available = available + ? WHERE sku = ? AND available + ? >= 0 RETURNING available"
    moved = connection.execute(update, [quantity, sku, quantity]).fetchone()
    return (moved and moved["available"]) or None
