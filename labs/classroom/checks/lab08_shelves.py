"""The table `shelves` of lab 08, the versions of its code, and what a customer is told of it."""

import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

from labs.classroom import watching
from labs.classroom.lab import Lab
from labs.classroom.people import ADMINISTRATOR
from labs.infra.start_error import StartError
from labs.infra.system import System

OWNER, API = "inventory", "inventory-api"
MIGRATE = "labs.services.chassis.migrate"
OLD_SHAPE = {"sku", "place", "version"}
"""The columns of `shelves` before anything is expanded."""


def fresh(system: System) -> None:
    """The table as migration 0002 made it, whatever an earlier attempt has made of it; its rows stay."""
    at = watching.rows(system, OWNER, "SELECT version_num FROM alembic_version")[0]["version_num"]
    if at == "0002" and columns(system) == OLD_SHAPE:
        return
    there = watching.rows(system, OWNER, "SELECT * FROM shelves") if columns(system) else []
    rows = [(row["sku"], row.get("place") or row.get("shelf"), row.get("version", 1)) for row in there]
    with closing(sqlite3.connect(system.places.volume("inventory-data") / "inventory.db", timeout=5)) as store, store:
        store.execute("BEGIN IMMEDIATE")
        store.execute("DROP TABLE IF EXISTS shelves")
        store.execute("CREATE TABLE shelves (sku VARCHAR(40) PRIMARY KEY, place VARCHAR(20), version INTEGER NOT NULL)")
        store.executemany("INSERT INTO shelves VALUES (?, ?, ?)", rows)
        store.execute("UPDATE alembic_version SET version_num = '0002'")


def columns(system: System) -> set[str]:
    """What the table has now; nothing if it is not there."""
    return {row["name"] for row in watching.rows(system, OWNER, "SELECT name FROM pragma_table_info('shelves')")}


def listed(lab: Lab) -> str:
    """The same in words."""
    return ", ".join(sorted(columns(lab.system)))


def run(lab: Lab, version: str, reads: str = "place") -> None:
    """Deploy this version of the code, unless it runs. Raises StartError."""
    wanted = {"VERSION": version, "READS": reads}
    settings = lab.system.configured("inventory-service")
    if not {"VERSION": "old", "READS": "place", **settings}.items() >= wanted.items() or lab.system.pid(API) == 0:
        lab.system.configure("inventory-service", **{**settings, **wanted})
        lab.system.restart(API)


def moved(lab: Lab, direction: str, revision: str) -> str:
    """Migrate; empty, or why that failed."""
    try:
        lab.system.run_task(OWNER, MIGRATE, OWNER, direction, revision)
    except StartError as error:
        return reason(error)
    return ""


def reason(error: StartError) -> str:
    """Of all that was said, the line that says why."""
    said = [line.strip() for line in str(error).splitlines() if "Error" in line or "error" in line]
    return said[-1] if said else str(error).splitlines()[0]


def sku(name: str) -> str:
    """A product that nobody knows yet."""
    return f"{name}-{uuid4().hex[:8]}"


def put(lab: Lab, sku: str, place: str) -> int:
    """A clerk puts a product somewhere; the status of the answer."""
    path = f"/stock/{sku}/place"
    return lab.shop.send("PUT", "gateway", path, ADMINISTRATOR, json={"place": place}).status_code


def unlike(lab: Lab, sku: str, place: str) -> str:
    """Empty if that is where a product lies, else what the answer was."""
    answer = lab.shop.get("gateway", f"/stock/{sku}/place")
    said = answer.json().get("place") if answer.ok else answer.status_code
    return "" if said == place else str(said)


def row(lab: Lab, sku: str) -> dict[str, Any]:
    """What the table says of a product that is in it."""
    return watching.rows(lab.system, OWNER, "SELECT * FROM shelves WHERE sku = ?", sku)[0]


def told(lab: Lab, sku: str) -> Any:
    """The version in the last event about the place of a product; None if it has none, or there is no event."""
    query = """
        SELECT json_extract(data, '$.version') AS version FROM outbox
        WHERE type = 'place_changed' AND json_extract(data, '$.sku') = ? ORDER BY position DESC LIMIT 1"""
    return next((found["version"] for found in watching.rows(lab.system, OWNER, query, sku)), None)
