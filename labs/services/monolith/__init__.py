"""The shop before it was taken apart: the same rules, one process, one database, everything inside the request."""
