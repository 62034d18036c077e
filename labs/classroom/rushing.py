"""The part of a lab that is about services which wait for each other: customers who come in a rush, something wrong outside
meanwhile, and how many threads of a service are in use."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import requests

from labs.classroom import books, cards
from labs.classroom.faulty import Fault
from labs.classroom.ledger import Ledger, judge
from labs.classroom.load import Report, Request, open_loop
from labs.classroom.programs import printed, twin
from labs.classroom.shop import PRICE, Shop
from labs.classroom.slips import Slip
from labs.classroom.watching import until
from labs.infra.system import System

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE = 20.0
"""Customers a second, of whom every second one buys."""
PATIENCE = 20.0
"""Seconds that a customer of a rush waits; no request of a lab takes as long."""
SETTLED_WITHIN = 10.0
"""Seconds until every book knows what became of orders that have ended; it takes one."""
OURS = "chain-"
"""How the ids of orders begin that a chain of a learner's own charges; order-service does not know them."""
LINE = "thread"
"""The word before the line of each request: from when to when it had a thread, in seconds since the epoch."""


@dataclass(frozen=True)
class Rush:
    """What became of the customers of one rush: of those who buy and those who only look. `orders` are the ids of what they
    wanted to buy; `began` and `ended` are seconds since the epoch; `arrived` is how many requests met the fault outside."""

    orders: tuple[str, ...]
    buys: Report
    looks: Report
    began: float
    ended: float
    arrived: int

    @property
    def amplification(self) -> float:
        """Requests that met what was wrong, for each customer who wanted to buy."""
        return self.arrived / len(self.buys.outcomes)

    @property
    def served(self) -> float:
        """The share of these customers whose purchase was confirmed."""
        return len(self.buys.answered(requests.codes.created)) / len(self.buys.outcomes)


class Rushing:
    """What Lab has of it. A service is named as in `lab.up`, e.g. checkout-service."""

    system: System
    shop: Shop

    def put_between(self, service: str, name: str) -> None:
        """Between a service and what it asks: the same program once more, as a service of its own called `name`."""
        between(self.system, service, name)
        cards.card("note", f"{service} asks {name}-service now, and that asks whom {service} had asked")

    def charge(self, service: str, card: str = "card-ok") -> requests.Response:
        """Buy something for `card`, a token of the payment provider, at a service that charges; any answer."""
        return self.shop.post(service, "/charges", purchase(card))

    def rush(
        self,
        service: str,
        buyers: int,
        fault: str = "",
        value: float | None = None,
        *,
        rate: float = RATE,
        mended: bool = True,
    ) -> Rush:
        """So many customers who buy and as many who only look come in turns, `rate` a second in all, while something is wrong:
        a fault of `lab.faults`, with its value. It is mended when all have come, or else when all have their answer; this
        returns then."""
        wanted, began = [purchase() for _ in range(buyers)], time.time()
        with contextlib.ExitStack() as over:
            trouble = over.enter_context(Fault(self.system, fault, value, None)) if fault else None

            def come() -> Iterator[Request]:
                for each in wanted:
                    yield Request("POST", self.shop.url(service, "/charges"), each)
                    yield Request("GET", self.shop.url(service, "/offers"))
                if mended and trouble:
                    trouble.end()

            report = open_loop(come(), rate, (2 * buyers + 1.5) / rate, PATIENCE)
        buys, looks = (
            Report([one for one in report.outcomes if round(one.due * rate) % 2 == turn], report.lasted)
            for turn in (0, 1)
        )
        orders = tuple(each["order_id"] for each in wanted)
        return Rush(orders, buys, looks, began, time.time(), trouble.met if trouble else 0)

    def threads_in_use(self, process: str, rush: Rush) -> float:
        """How many threads of a process were in use during a rush, on average."""
        used = (min(ended, rush.ended) - max(began, rush.began) for began, ended in self._spans(process, rush))
        return sum(used) / (rush.ended - rush.began)

    def most_threads(self, process: str, rush: Rush) -> int:
        """How many threads of a process were in use at once during a rush."""
        return max((number for _, number in steps(self._spans(process, rush))), default=0)

    def threads(self, process: str, rushes: Mapping[str, Rush], there_are: int) -> "Figure":
        """A figure of how many threads of a process were in use by when, a line for each rush."""
        from labs.classroom import figures  # half a second that only a lab with a plot should pay

        figure, axes = figures.plot()
        axes.axhline(there_are, color="black", linewidth=1, linestyle=":")
        axes.annotate("threads there are", (0, there_are), xytext=(4, 4), textcoords="offset points")
        for (name, rush), line in zip(rushes.items(), ("-", "--", "-."), strict=False):
            at, numbers = zip((0.0, 0), *steps(self._spans(process, rush), rush.began), strict=True)
            axes.step(at, numbers, where="post", label=name, linewidth=2, linestyle=line)
        axes.set(xlabel="seconds", ylabel="threads in use", xlim=(0, None), ylim=(0, 1.3 * there_are))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure

    def ledger(self, accepted: Iterable[str] = ()) -> Ledger:
        """All books of the shop compared, once every order has ended and they agree, or after some patience. `accepted` are
        orders that customers hold a 202 for. What a chain of this lab has sold is in no book but the provider's: left out."""
        wanted = list(accepted)

        def compared() -> Ledger:
            found = books.read({store: self.system.database_url(store) for store in books.STORES})
            charges = tuple(charge for charge in found.charges if not charge[0].startswith(OURS))
            return judge(replace(found, charges=charges), wanted)

        until(lambda: compared().settled, SETTLED_WITHIN)
        return compared()

    def _spans(self, process: str, rush: Rush) -> list[tuple[float, float]]:
        return [span for span in spans(self.system, process) if span[1] >= rush.began and span[0] <= rush.ended]


def between(system: System, service: str, name: str) -> None:
    """The same as `put_between`, without a word; nothing if it is done already. Raises Slip."""
    program, there = service.removesuffix("-service"), f"http://{name}-api:8000"
    if not system.knows(program):
        raise Slip(f"There is no {service} yet. Run the cell that starts it, `%%service {program}/api.py`, first.")
    twin(system, program, name)
    if not system.pid(f"{name}-api"):
        system.start(f"{name}-service")
    if system.configured(service).get("NEXT_URL") != there:
        system.configure(service, **{**system.configured(service), "NEXT_URL": there})
        system.restart(service)


def purchase(card: str = "card-ok") -> dict[str, Any]:
    """Something new that is to be charged, in the words of the payment provider."""
    return {"order_id": f"{OURS}{uuid4().hex[:16]}", "amount": PRICE, "currency": "EUR", "card": card}


def spans(system: System, process: str) -> list[tuple[float, float]]:
    """From when to when each request had a thread of a process, seconds since the epoch, in the order in which they ended."""
    found = []
    for line in printed(system, process, LINE):
        with contextlib.suppress(ValueError):  # the last line may be half written yet
            began, ended, *_ = line.split()
            found.append((float(began), float(ended)))
    return found


def steps(spans: Iterable[tuple[float, float]], since: float = 0.0) -> list[tuple[float, int]]:
    """How many of these are under way from when on, in seconds after `since`. Who ends in the moment in which another begins
    is gone first."""
    changes = sorted(change for began, ended in spans for change in ((began, 1), (ended, -1)))
    under_way, found = 0, list[tuple[float, int]]()
    for moment, change in changes:
        under_way += change
        found.append((max(0.0, moment - since), under_way))
    return found
