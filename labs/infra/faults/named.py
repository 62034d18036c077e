"""Every fault and every delay there is, as data. What a fault of the world outside does is said once, where it strikes
(labs/services/outside/faults.py); a delay strikes on the wire (lines.py). Here both have one shape, for whoever lists them."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from labs.infra.faults import FaultError

OUTSIDE, WIRE = "outside", "wire"
"""Where they strike: the processes of docker-compose.yml that switch them."""
SECONDS, MILLISECONDS = "s", "ms"
LONGEST = {SECONDS: 600.0, MILLISECONDS: 10_000.0, "": 0.0}
"""The largest value of each unit; more is a typing error."""


@dataclass(frozen=True)
class Named:
    """One fault. `default` is its value when it is set without one, in its `unit`; those without a unit are on or off."""

    name: str
    description: str
    where: str
    unit: str = ""
    default: float = 0.0

    def value(self, wanted: float | None) -> float:
        """The value to set it to. Raises FaultError for one that it cannot have."""
        if wanted is None:
            return self.default
        if not self.unit:
            raise FaultError(f"{self.name} is on or off: it takes no value.")
        if isinstance(wanted, bool) or not math.isfinite(wanted) or not 0 <= wanted <= LONGEST[self.unit]:
            most = f"{LONGEST[self.unit]:g} {self.unit}"
            raise FaultError(f"{self.name} takes a number from 0 to {most}, not {wanted!r}.")
        return float(wanted)


DELAYS = {
    name: Named(
        name, f"every round trip to {to} takes longer by this; opening a connection too", WIRE, MILLISECONDS, 50.0
    )
    for name, to in {
        "wire_user": "user-service",
        "wire_inventory": "inventory-service",
        "wire_outside": "payments, carrier, SMS and push",
    }.items()
}
"""On the wire between services, by name."""


@cache
def every() -> Mapping[str, Named]:
    """All of them by name."""
    from labs.services.outside.faults import FAULTS  # with SQLAlchemy, which the wire itself does without

    struck = {
        name: Named(name, fault.description, OUTSIDE, SECONDS if fault.seconds else "", fault.seconds)
        for name, fault in FAULTS.items()
    }
    return {**struck, **DELAYS}


def find(name: str) -> Named:
    """The one of this name. Raises FaultError, with what may have been meant."""
    if found := every().get(name):
        return found
    close = difflib.get_close_matches(name, every(), 3)
    meant = f" Did you mean {' or '.join(close)}?" if close else ""
    raise FaultError(f"There is no fault {name!r}.{meant} `lab faults` lists them all.")
