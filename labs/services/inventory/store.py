"""What inventory-service keeps, from one place: `store.reserve`, `store.available`. Its tables are nobody else's."""

from labs.services.inventory.stores import catalogue, imports, reports
from labs.services.inventory.stores.reservations import expire, firm, release, reserve, take, waiting
from labs.services.inventory.stores.stock import add, available, everything
from labs.services.inventory.stores.tables import Base

__all__ = [
    "Base",
    "add",
    "available",
    "catalogue",
    "everything",
    "expire",
    "firm",
    "imports",
    "release",
    "reports",
    "reserve",
    "take",
    "waiting",
]
