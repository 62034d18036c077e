"""inventory-service owns the catalogue, its prices, and the stock: what is there, and what is reserved for whom."""
