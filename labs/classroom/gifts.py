"""The books of gift orders, which a learner's service takes money for, ships, or undoes: its own tables `orders` and `shelf`,
and what the world outside wrote down; compared by the shop's own ledger."""

import json
from typing import TYPE_CHECKING
from uuid import uuid4

from labs.classroom import watching
from labs.classroom.ledger import Books, Ledger, OrderRow, Pieces, StockRow, judge
from labs.infra.system import System
from labs.services.chassis.events import Event

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

ENDS = {"shipped": "fulfilled", "released": "rejected"}
"""How an order ends, in the service's words and in the ledger's."""
PRICE = 2500
PATIENCE = 6.0
"""Seconds after which an order that has not ended counts as stuck; it takes half a second."""
GIFT = "gift"


def ask(system: System, service: str, card: str = "card-ok") -> str:
    """Order a gift; returns its id. `card` is a token of the payment provider: card-ok, card-declined."""
    order_id = uuid4().hex
    event = Event("order-service", "gift_ordered", {"order_id": order_id, "amount": PRICE, "card": card})
    watching.hand(system, event, f"{service}-service")
    return order_id


def state(system: System, service: str, order_id: str) -> str:
    """Of an order: placed, paid, undoing, shipped, released; empty if the service does not know it."""
    found = watching.rows(system, service, "SELECT state FROM orders WHERE id = ?", order_id)
    return str(found[0]["state"]) if found else ""


def ended(system: System, service: str, order_id: str) -> bool:
    """Whether it has, after some patience."""
    return bool(watching.until(lambda: state(system, service, order_id) in ENDS, PATIENCE))


def ledger(system: System, service: str) -> Ledger:
    """All orders of one service, in all books."""
    orders = watching.rows(system, service, "SELECT id, amount, state FROM orders")
    (shelf,) = watching.rows(system, service, "SELECT arrived, pieces FROM shelf")
    known = {order["id"] for order in orders}
    kept = [order["id"] for order in orders if order["state"] != "released"]
    charges = watching.rows(system, "outside", "SELECT order_id, amount FROM charges WHERE status <> 'voided'")
    refunds = watching.rows(
        system,
        "outside",
        "SELECT order_id, refunds.amount FROM refunds JOIN charges ON charges.key = refunds.charge_key",
    )
    parcels = watching.rows(system, "outside", "SELECT order_id, shipped FROM shipments")
    return judge(
        Books(
            orders=tuple(_order(row["id"], row["state"], row["amount"]) for row in orders),
            stock=(StockRow(GIFT, shelf["arrived"], len(kept), shelf["pieces"]),),
            held=tuple(Pieces(order_id, {GIFT: 1}) for order_id in kept),
            charges=tuple((row["order_id"], row["amount"]) for row in charges if row["order_id"] in known),
            refunds=tuple((row["order_id"], row["amount"]) for row in refunds if row["order_id"] in known),
            shipments=tuple(
                Pieces(row["order_id"], {GIFT: 1})
                for row in parcels
                if row["order_id"] in known and json.loads(row["shipped"])
            ),
        )
    )


def shown(found: Ledger) -> "DataFrame":
    """The ledger as a table: how many orders there are of each kind."""
    from pandas import DataFrame

    kept = ("accepted", "fulfilled", "rejected", "doubled", "charged wrongly", "shipped wrongly", "unaccounted")
    rows = {name: count for name, count, _ in found.rows() if name in kept}
    return DataFrame({"orders": rows})


def _order(order_id: str, at: str, amount: int) -> OrderRow:
    return OrderRow(order_id, ENDS.get(at, at), amount if at == "shipped" else 0)
