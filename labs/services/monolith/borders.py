"""Where the monolith would be cut: a cut as data, and who would own what. A part is a module such as `order.store`, a table is
`db.orders`."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

CUSTOMER = "customer"
"""Who calls when nobody inside does."""


class NoOwner(LookupError):
    """Nobody would own this part."""


class Trespass(RuntimeError):
    """A part reaches for a table that another service owns."""


class Borders:
    """A cut: for each service the patterns of what it owns, such as `order.*`. The first pattern that fits counts, in the order
    of the services."""

    def __init__(self, services: Mapping[str, Sequence[str]]) -> None:
        self.services = {name: tuple(patterns) for name, patterns in services.items()}
        self._known: dict[str, str] = {CUSTOMER: CUSTOMER}

    def owner(self, part: str) -> str:
        """The service that owns a part or a table. Raises NoOwner."""
        if part not in self._known:
            owners = (name for name, patterns in self.services.items() if any(fnmatchcase(part, p) for p in patterns))
            if (owner := next(owners, None)) is None:
                raise NoOwner(f"{part} belongs to nobody")
            self._known[part] = owner
        return self._known[part]

    def refuse(self, part: str, table: str) -> None:
        """Raises Trespass if the part belongs to one service and the table to another, NoOwner."""
        here, there = self.owner(part), self.owner(table)
        if here != there:
            raise Trespass(f"{part}, of {here}, reaches for {table}, of {there}")
