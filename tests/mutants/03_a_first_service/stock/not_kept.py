def move(connection, sku, quantity):
    there = connection.execute("SELECT available FROM stock WHERE sku = ?", [sku]).fetchone()["available"]
    return there + quantity if there + quantity >= 0 else None
