"""The ledger: one look over all stores of the shop, the payment provider's and the carrier's book and the customers' inbox, by
order. Was anything lost, done twice, sold twice, charged for nothing?"""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, fields

ENDED = frozenset({"fulfilled", "rejected", "cancelled"})


@dataclass(frozen=True)
class OrderRow:
    """An order as order-service has it; `owed` is what its customer has to pay in the end, in minor units: the total less
    the lines that could not be shipped, and nothing for an order that was not fulfilled."""

    id: str
    status: str
    owed: int


@dataclass(frozen=True)
class StockRow:
    """A product as inventory-service has it: pieces that ever arrived (less what was corrected away), pieces held for
    orders or gone with them, pieces for sale."""

    sku: str
    arrived: int
    held: int
    available: int


@dataclass(frozen=True)
class Books:
    """What all books say. `charges` and `refunds` are (order id, amount), `shipments` order ids, `mails` (order id, subject,
    message id), `holding` the orders that hold pieces, `waiting` events in outboxes and sagas that have not ended."""

    orders: tuple[OrderRow, ...] = ()
    stock: tuple[StockRow, ...] = ()
    holding: frozenset[str] = frozenset()
    charges: tuple[tuple[str, int], ...] = ()
    refunds: tuple[tuple[str, int], ...] = ()
    shipments: tuple[str, ...] = ()
    mails: tuple[tuple[str, str, str], ...] = ()
    waiting: int = 0


@dataclass
class Ledger:
    """How many orders, and which (ids or SKUs) are wrong in what way. Everything from `lost` on must be empty."""

    accepted: int = 0
    fulfilled: int = 0
    rejected: int = 0
    cancelled: int = 0
    under_way: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    charged_without_order: list[str] = field(default_factory=list)
    charged_wrongly: list[str] = field(default_factory=list)
    shipped_wrongly: list[str] = field(default_factory=list)
    mailed_twice: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> dict[str, list[str]]:
        """The kinds of trouble that there are, with the orders or products in it; orders under way are no trouble yet."""
        kinds = [
            f.name
            for f in fields(self)
            if f.name not in ("accepted", "fulfilled", "rejected", "cancelled", "under_way")
        ]
        return {kind: getattr(self, kind) for kind in kinds if getattr(self, kind)}

    @property
    def settled(self) -> bool:
        """Whether every order has ended, and nothing is wrong."""
        return not self.under_way and not self.wrong

    def rows(self) -> list[tuple[str, int, str]]:
        """For a table: what, how many, the first few."""
        values = [(f.name.replace("_", " "), getattr(self, f.name)) for f in fields(self)]
        return [
            (name, value, "") if isinstance(value, int) else (name, len(value), ", ".join(value[:3]))
            for name, value in values
        ]


def judge(books: Books, accepted: Collection[str] = ()) -> Ledger:
    """Compare the books. `accepted` are the orders that customers hold a 202 for; empty: those that order-service knows.

    - lost: accepted, and order-service does not know it
    - doubled: charged more than once for what the customer keeps, or shipped more than once
    - oversold: less than nothing for sale, or more pieces held than ever arrived
    - unaccounted: pieces that are neither for sale nor held, or both; orders that ended without success and hold pieces
    - charged without order: the provider has money for an order that order-service does not know
    - charged wrongly: an ended order has cost its customer something else than it should
    - shipped wrongly: fulfilled and not shipped, or shipped and not fulfilled
    - mailed twice: two mails about the same thing under different Message-IDs; SMTP itself may repeat one and the same
    """
    ledger = Ledger()
    known = {order.id: order for order in books.orders}
    ledger.accepted = len(accepted) or len(known)
    states = Counter(order.status for order in books.orders)
    ledger.fulfilled, ledger.rejected, ledger.cancelled = (
        states[name] for name in ("fulfilled", "rejected", "cancelled")
    )
    ledger.under_way = sorted(order.id for order in books.orders if order.status not in ENDED)
    ledger.lost = sorted(set(accepted) - known.keys())
    _judge_money(books, known, ledger)
    _judge_stock(books, known, ledger)
    _judge_mails(books, ledger)
    return ledger


def _judge_money(books: Books, known: dict[str, OrderRow], ledger: Ledger) -> None:
    charged, times, shipped = Counter[str](), Counter[str](), Counter(books.shipments)
    for order_id, amount in books.charges:
        charged[order_id] += amount
        times[order_id] += 1
    for order_id, amount in books.refunds:
        charged[order_id] -= amount
    ended = [order for order in known.values() if order.status in ENDED]
    ledger.doubled = sorted(
        {order_id for order_id, n in times.items() if n > 1 and charged[order_id] > 0}
        | {o for o, n in shipped.items() if n > 1}
    )
    ledger.charged_without_order = sorted(o for o in charged if o not in known and charged[o] > 0)
    ledger.charged_wrongly = sorted(order.id for order in ended if charged[order.id] != order.owed)
    ledger.shipped_wrongly = sorted(
        order.id for order in ended if (order.status == "fulfilled") != bool(shipped[order.id])
    )


def _judge_stock(books: Books, known: dict[str, OrderRow], ledger: Ledger) -> None:
    ledger.oversold = sorted(s.sku for s in books.stock if s.available < 0 or s.held > s.arrived)
    off = {s.sku for s in books.stock if s.available + s.held != s.arrived}
    clinging = {o for o in books.holding if o in known and known[o].status in ("rejected", "cancelled")}
    ledger.unaccounted = sorted((off - set(ledger.oversold)) | clinging)


def _judge_mails(books: Books, ledger: Ledger) -> None:
    ids = defaultdict[tuple[str, str], set[str]](set)
    for order_id, subject, message_id in books.mails:
        ids[order_id, subject].add(message_id)
    ledger.mailed_twice = sorted({order_id for (order_id, _), several in ids.items() if order_id and len(several) > 1})
