"""The near limit: plain Flask that commits one row and answers 202, and promises nothing else."""

import os
import sqlite3
import threading
from typing import Any
from uuid import uuid4

from flask import Flask, request

app = Flask(__name__)
local = threading.local()


def _connection() -> sqlite3.Connection:
    if not hasattr(local, "connection"):
        local.connection = sqlite3.connect(os.environ["DATABASE"], timeout=5, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            local.connection.execute(f"PRAGMA {pragma}")
        local.connection.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, lines TEXT)")
    connection: sqlite3.Connection = local.connection
    return connection


@app.post("/orders")
def place() -> Any:
    """One row, one commit."""
    order_id = str(uuid4())
    lines = request.get_data(as_text=True)
    connection = _connection()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO orders VALUES (?, ?)", (order_id, lines))
    connection.execute("COMMIT")
    return {"id": order_id, "status": "placed"}, 202
