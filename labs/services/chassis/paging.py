"""Lists in pages: `?limit=&after=` in, `{"items": […], "next": cursor}` out. A cursor is the place of the last item in the
list's order, so that what is added or removed meanwhile shifts nothing.

    @app.get("/orders")
    @app.input(PageIn, location="query")
    @app.output(OrdersOut)  # class OrdersOut(PageOut): items: list[OrderOut]
    def look(query_data):
        place = query_data.place(int)
        … ORDER BY position DESC LIMIT query_data.limit + 1, and if there is a place WHERE position < place[0] …
        return query_data.page(rows, lambda order: (order.position,), out)
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from labs.services.chassis.problems import Problem
from labs.services.chassis.shapes import Shape

DEFAULT_LIMIT, LARGEST_LIMIT = 20, 100
Row = TypeVar("Row")
Place = tuple[Any, ...]
"""The values that a list is ordered by, for one row: texts and whole numbers."""


def _digits(text: Any) -> Any:
    """pydantic would take ` 1_0.0 ` for a number too."""
    if isinstance(text, str) and not (text.isascii() and text.isdecimal()):
        raise ValueError("must be a whole number")
    return text


class PageIn(BaseModel):
    """Which part of a list. A list with filters of its own adds them in a subclass."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=LARGEST_LIMIT), BeforeValidator(_digits)] = DEFAULT_LIMIT
    after: Annotated[str, Shape(r"[A-Za-z0-9_-]{1,400}", "must be the `next` of another page")] | None = None

    def place(self, *types: type) -> Place | None:
        """Where the page begins: after this place, None for the beginning. `types` are those of its values. Raises
        Problem 422."""
        if self.after is None:
            return None
        try:
            found = json.loads(base64.urlsafe_b64decode(self.after + "=" * (-len(self.after) % 4)))
        except ValueError:
            found = None
        if not isinstance(found, list) or [type(value) for value in found if _storable(value)] != list(types):
            raise Problem(422, "after: must be the `next` of another page of this list")
        return tuple(found)

    def page(self, rows: Sequence[Row], place: Callable[[Row], Place], out: Callable[[Row], Any]) -> dict[str, Any]:
        """The answer. `rows` are at most one more than the limit: the last is not shown, it says that there are more."""
        shown = rows[: self.limit]
        return {"items": [out(row) for row in shown], "next": _cursor(place(shown[-1])) if shown != rows else None}


class PageOut(BaseModel):
    """A part of a list, to which a subclass adds its `items`; `next` is the `after` of the next part, null at the end."""

    next: str | None


def _storable(value: Any) -> bool:
    """Not what no database takes: a number beyond 64 bits, NUL, half a surrogate pair."""
    return value.isprintable() if isinstance(value, str) else not isinstance(value, int) or abs(value) < 2**63


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).rstrip(b"=").decode()
