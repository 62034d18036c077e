def move(connection, sku, quantity):
    there = connection.execute("SELECT available FROM stock WHERE sku = ?", [sku]).fetchone()["available"]
    if there + quantity < 0:
        return None
    connection.execute("UPDATE stock SET available = ? WHERE sku = ?", [there + quantity, sku])
    return there + quantity
