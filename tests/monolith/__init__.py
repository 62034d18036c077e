"""The behaviour of the shop, asked of the monolith."""
