"""The behaviour of the shop, its data in PostgreSQL."""
