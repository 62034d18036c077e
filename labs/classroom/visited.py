"""The part of `lab` that is about one address in front of everything: the monolith or the gateway, who comes to it, and what
one process behind it has to carry."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import create_engine, func, insert, select

from labs.classroom import cards
from labs.classroom.crowd import HANDS, Crowd, Visit
from labs.classroom.shop import PRICE, Shop
from labs.classroom.slips import Slip
from labs.infra.gateway.routes import ADMIN_PORT, GATEWAY, SIDES, Routes
from labs.infra.system import System
from labs.services.order.tables import Order

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it ships no types

MONOLITH = "monolith"
PARTS = ("user", "inventory", "order", "notification")
PROFILE = "customers/profile.py"
NOT_OK = 400
"""The first status that is no success."""


class MeasuredCrowd:
    """A crowd that comes by a learner's profile; `leave` says how long each waited, by the learner's own measure."""

    def __init__(self, crowd: Crowd, profile: ModuleType) -> None:
        self._crowd, self._profile = crowd, profile

    def leave(self, after: float = 0.0) -> "DataFrame":
        """Nobody comes any more, once so many more seconds are over. A row for each visit: what, due, sent, answered, status,
        served, and wait: seconds until the customer had an answer, infinite for who got none that was a success."""
        return self.table(self._crowd.leave(after))

    def table(self, visits: list[Visit]) -> "DataFrame":
        """The same for visits that are over."""
        import pandas as pd  # half a second that only a lab with a crowd should pay

        rows = []
        for visit in visits:
            served = 0 < visit.status < NOT_OK
            wait = self._profile.waited(visit.due, visit.sent, visit.answered) if served else math.inf
            rows.append({**vars(visit), "served": served, "wait": wait})
        return pd.DataFrame(rows)


class Visited:
    """What Lab has of it."""

    system: System
    shop: Shop
    fronted = False
    """Whether everybody comes to one address."""

    def enter_by(self, name: str, behind: str = "") -> None:
        """Customers and clerk use this one address from now on: that of the monolith, or of the gateway. `behind` the gateway
        may be the monolith or the services: all capabilities are moved there."""
        if behind:
            routes = Routes(self.system.address(GATEWAY, ADMIN_PORT))
            if behind not in SIDES:
                raise Slip(f"Behind the gateway are the {' or the '.join(SIDES)}, not {behind!r}.")
            for capability in routes.show():
                routes.move(capability, behind)
        self.shop, self.fronted = Shop(self.system, through=name), True
        answers = f", and the {behind} behind it" if behind else ""
        cards.card("note", f"everybody comes to the {name}{answers}")

    def profile(self) -> ModuleType:
        """The learner's load profile as it is now. Raises what it raises."""
        return loaded(self.system.places.sources / PROFILE)

    def crowd(self, rate: float, hands: int = HANDS) -> MeasuredCrowd:
        """Customers come, `rate` a second, as the load profile says, until they `leave`."""
        profile = self.profile()
        visitors = MeasuredCrowd(Crowd(self.shop, profile.visits(rate), hands), profile)
        cards.card("note", f"a crowd comes, {rate:g} a second")
        return visitors

    def operations(self, name: str) -> "DataFrame":
        """What a running process answers, as it says itself: a row for each operation, with its method, path and part:
        which of several parts it is of, or the process itself."""
        import pandas as pd

        described = Shop(self.system, through=name).get(name, "/openapi.json").json()["paths"]
        rows = [
            {"part": operation.get("tags", [name])[0].lower(), "method": method.upper(), "path": path}
            for path, operations in described.items()
            for method, operation in operations.items()
            if method in ("get", "post", "put", "patch", "delete")
        ]
        return pd.DataFrame(rows)

    def libraries(self, module: str = "labs.services.monolith.api") -> "DataFrame":
        """What the monolith's program loads, found out by a process that loads it and nothing else: library, version, and the
        parts that stand on it."""
        import pandas as pd

        script = Path(__file__).with_name("loaded.py").read_text()
        done = subprocess.run(
            [sys.executable, "-c", script, module, *PARTS],
            cwd=self.system.places.code,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return pd.DataFrame([{"library": name, **facts} for name, facts in found.items()])

    def remember_orders(self, number: int) -> int:
        """See to it that the monolith's books have at least so many orders: fulfilled today, three lines each, as if imported
        from elsewhere. Returns how many were added."""
        engine = create_engine(self.system.database_url(MONOLITH))
        with engine.begin() as books:
            missing = max(0, number - (books.scalar(select(func.count()).select_from(Order)) or 0))
            rows = [_past_order(n) for n in range(missing)]
            if rows:
                books.execute(insert(Order), rows)
        engine.dispose()
        return missing


def loaded(path: Path) -> ModuleType:
    """A learner's file as a module, compiled anew: two versions within a second would share a cache. Raises what it raises."""
    module = ModuleType(f"learner_{path.stem}")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    return module


def _past_order(number: int) -> dict[str, Any]:
    skus = [f"tea-{(number * step) % 50}" for step in (1, 3, 7)]
    line = {"quantity": 2, "amount": PRICE, "currency": "EUR"}
    now = time.time()
    return {
        "id": str(uuid4()),
        "customer_id": "somebody-else",
        "lines": [{"sku": sku, **line} for sku in dict.fromkeys(skus)],
        "amount": 2 * PRICE * len(set(skus)),
        "currency": "EUR",
        "card": "",
        "status": "fulfilled",
        "reason": "",
        "tracking_code": f"PAST-{number}",
        "missing": [],
        "created_at": now,
        "correlation_id": "",
        "traceparent": "",
        "step": "",
        "back": False,
        "attempts": 0,
        "doubt": False,
        "since": now,
        "due_at": None,
        "error": "",
        "ends_as": "",
    }
