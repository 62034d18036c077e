"""The doors to the orders of lab 14: how they are before anything is published, what a migration makes of them, and customers
whose orders are there to be counted."""

import re
from typing import Any
from uuid import uuid4

from labs.classroom.changing import MIGRATE
from labs.classroom.lab import Lab
from labs.classroom.slips import Slip
from labs.infra.postgres.server import ADMINISTRATOR
from labs.infra.start_error import StartError

OWNER, NEIGHBOUR = "order", "loyalty"
BEFORE, AFTER = "0002", "0003"
"""Revisions of the owner's schema, without and with what it publishes."""
MADE = """
SELECT 'DROP SCHEMA ' || quote_ident(nspname) || ' CASCADE' AS statement FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')
UNION ALL
SELECT 'DROP VIEW public.' || quote_ident(viewname) || ' CASCADE' FROM pg_views WHERE schemaname = 'public'"""
"""The statements that take away what the owner's own migrations have not made."""
TAKEN_BACK = (
    *(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {whom}" for whom in (NEIGHBOUR, "PUBLIC")),
    *(f'REVOKE ALL ON DATABASE "{OWNER}" FROM {whom}' for whom in (NEIGHBOUR, "PUBLIC")),
    f"REVOKE ALL ON SCHEMA public FROM {NEIGHBOUR}",
    f'REVOKE "{OWNER}" FROM {NEIGHBOUR}',
    f"UPDATE alembic_version SET version_num = '{BEFORE}'",
)
LINES_OF_AN_ERROR = re.compile(r"[\w.]+(Error|Exception|Exit)\b.*:")
PIECES, POINTS = 3, 10
"""Of one order: three teas at 3.50 € are ten whole euros."""


def fresh(lab: Lab) -> None:
    """The owner's database as its migration 0002 left it, whatever an earlier attempt has published or forgotten."""
    admin = lab.session(ADMINISTRATOR, at=OWNER)
    admin.run(*(row["statement"] for row in admin.rows(MADE)), *TAKEN_BACK)


def moved(lab: Lab, direction: str, revision: str) -> str:
    """Migrate the owner's schema; empty, or why that failed."""
    try:
        lab.system.run_task(OWNER, MIGRATE, OWNER, direction, revision)
    except StartError as error:
        return reason(error)
    return ""


def reason(error: StartError) -> str:
    """Of all that was said, the line that says why."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if LINES_OF_AN_ERROR.match(line)), lines[0])


def bought(lab: Lab, times: int = 1) -> dict[str, Any]:
    """A new customer buys so often, PIECES each time, and then once with a card that is declined. The customer's `id` and
    `email`, the `sku`, and the ids of the `orders` that were fulfilled. Raises Slip if the shop does not do that."""
    email, sku = f"{uuid4().hex}@example.org", f"tea-{uuid4().hex[:8]}"
    lab.shop.stock(sku, 100)
    orders = [lab.shop.place((sku, PIECES), email=email) for _ in range(times)]
    declined = lab.shop.place((sku, PIECES), email=email, card="card-declined")
    became = lab.shop.wait([*orders, declined])
    if {became[order].status for order in orders} != {"fulfilled"} or became[declined].status != "rejected":
        states = ", ".join(sorted(settled.status for settled in became.values()))
        raise Slip(
            f"The shop does not do its work, so nothing can be checked: of {times + 1} orders, one of them with a card "
            f"that is declined, became {states}. `lab logs order-worker` in a terminal says why."
        )
    return {"id": lab.shop.look(orders[0])["customer_id"], "email": email, "sku": sku, "orders": orders}
