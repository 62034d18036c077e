def move(connection, sku, quantity):
    update = "UPDATE stock SET available = available + ? WHERE sku = ? RETURNING available"
    return connection.execute(update, [quantity, sku]).fetchone()["available"]
