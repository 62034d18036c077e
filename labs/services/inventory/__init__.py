"""inventory-service owns the stock: what is there, and what is reserved for whom."""
