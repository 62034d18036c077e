def move(connection, sku, quantity):
    update = "UPDATE stock SET available = available + ? WHERE sku = ? AND available + ? >= 0"
    connection.execute(update, [quantity, sku, quantity])
    return connection.execute("SELECT available FROM stock WHERE sku = ?", [sku]).fetchone()["available"]
