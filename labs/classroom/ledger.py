"""The ledger: one look over all stores of the shop, the payment provider's and the carrier's book and the customers' inbox, by
order. Was anything lost, done twice, sold twice, charged for nothing?"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
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
class Pieces:
    """How many pieces of each SKU an order has somewhere: in a parcel of the carrier, or out of the stock."""

    order_id: str
    of: Mapping[str, int]


@dataclass(frozen=True)
class Books:
    """What all books say. `charges` and `refunds` are (order id, amount), `mails` (order id, subject, message id). `held` is
    what inventory-service keeps for orders or knows to be gone with them, `shipments` the carrier's parcels; `waiting` events
    in outboxes."""

    orders: tuple[OrderRow, ...] = ()
    stock: tuple[StockRow, ...] = ()
    held: tuple[Pieces, ...] = ()
    charges: tuple[tuple[str, int], ...] = ()
    refunds: tuple[tuple[str, int], ...] = ()
    shipments: tuple[Pieces, ...] = ()
    mails: tuple[tuple[str, str, str], ...] = ()
    waiting: int = 0


@dataclass
class Ledger:
    """How many orders, and which (ids or SKUs) are wrong in what way. Everything from `lost` on must be empty. While events
    wait, one service may not know yet what another one did."""

    accepted: int = 0
    fulfilled: int = 0
    rejected: int = 0
    cancelled: int = 0
    waiting_events: int = 0
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
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "under_way"}
        return {kind: which for kind, which in found.items() if isinstance(which, list) and which}

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
    - oversold: less than nothing for sale, or more pieces held than ever arrived; orders whose pieces have left with the
      carrier and are for sale all the same, or were sold to somebody else
    - unaccounted: pieces that are neither for sale nor held, or both; orders that ended without success and hold pieces, or
      hold pieces that did not leave with their parcel
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
    ledger.waiting_events = books.waiting
    ledger.under_way = sorted(order.id for order in books.orders if order.status not in ENDED)
    ledger.lost = sorted(set(accepted) - known.keys())
    _judge_money(books, known, ledger)
    _judge_stock(books, known, ledger)
    _judge_mails(books, ledger)
    return ledger


def _judge_money(books: Books, known: dict[str, OrderRow], ledger: Ledger) -> None:
    charged, times = Counter[str](), Counter[str]()
    shipped = Counter(parcel.order_id for parcel in books.shipments)
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
    impossible = {s.sku for s in books.stock if s.available < 0 or s.held > s.arrived}
    off = {s.sku for s in books.stock if s.available + s.held != s.arrived} - impossible
    held, shipped = _by_order(books.held), _by_order(books.shipments)
    clinging = {o for o in held if o in known and known[o].status in ("rejected", "cancelled")}
    compared = shipped.keys() - set(ledger.under_way) if books.stock else set()
    gone = {o for o in compared if shipped[o] - held[o]}
    left_behind = {o for o in compared if held[o] - shipped[o]}
    ledger.oversold = sorted(impossible | gone)
    ledger.unaccounted = sorted(off | clinging | left_behind)


def _by_order(all_pieces: Collection[Pieces]) -> defaultdict[str, Counter[str]]:
    """Pieces by SKU; subtracting one Counter from another leaves what the other has not."""
    sums = defaultdict[str, Counter[str]](Counter)
    for pieces in all_pieces:
        sums[pieces.order_id].update(pieces.of)
    return sums


def _judge_mails(books: Books, ledger: Ledger) -> None:
    ids = defaultdict[tuple[str, str], set[str]](set)
    for order_id, subject, message_id in books.mails:
        ids[order_id, subject].add(message_id)
    ledger.mailed_twice = sorted({order_id for (order_id, _), several in ids.items() if order_id and len(several) > 1})
