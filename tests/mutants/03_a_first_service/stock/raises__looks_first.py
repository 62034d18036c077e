def move(connection, sku, quantity):
    there = connection.execute("SELECT available FROM stock WHERE sku = ?", [sku]).fetchone()["available"]
    if there + quantity < 0:
        return None
    update = "UPDATE stock SET available = available + ? WHERE sku = ? RETURNING available"
    return connection.execute(update, [quantity, sku]).fetchone()["available"]
