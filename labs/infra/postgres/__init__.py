"""A private PostgreSQL: its server, and a database for each service in it."""
