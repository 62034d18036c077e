"""Lab 14: what a neighbour can do with what was published; what a copy made of events says, and what fills its past."""

from typing import Any

import requests
from sqlalchemy.exc import DBAPIError

from labs.classroom.checks import lab14_copy, lab14_doors, lab14_history
from labs.classroom.checks.lab14_doors import AFTER, BEFORE, NEIGHBOUR, OWNER, POINTS
from labs.classroom.lab import Lab
from labs.classroom.sessions import Refused, Session, said
from labs.classroom.verdicts import Checks, Verdict, passed, wrong

CHECKS = Checks()
QUESTION = (
    "SELECT coalesce(sum(amount / 100), 0) AS points FROM orders WHERE customer_id = :id AND status = 'fulfilled'"
)
"""Of loyalty-service, as it stands in its code."""
PUBLISHED = {"id", "customer_id", "amount", "status"}
HIDDEN = ("orders", "payments", "shipments", "outbox")
CHANGES = (
    "UPDATE orders SET amount = amount",
    "DELETE FROM orders",
    "UPDATE public.orders SET amount = amount",
    "DELETE FROM public.orders",
)
BUILDS = f"CREATE TABLE {NEIGHBOUR}.notes (note TEXT)"


@CHECKS.exercise("publish", "order/migrations/0003_loyalty.py")
def publish(lab: Lab, _answer: Any) -> Verdict:
    """The neighbour's one question is answered, all else is refused, and the way back closes the door."""
    lab14_doors.fresh(lab)
    buyer = lab14_doors.bought(lab)
    if failed := lab14_doors.moved(lab, "upgrade", AFTER):
        return wrong("fails", f"`upgrade` does not run: {failed}")
    theirs = lab.session(NEIGHBOUR, at=OWNER)
    verdict = _answered(theirs, buyer["id"]) or _no_more(theirs) or _sells_on(lab, buyer) or _closes(lab, theirs)
    lab14_doors.fresh(lab)
    return verdict or passed(
        "The question of loyalty-service is answered, and it sees four columns. The other tables, changes, also "
        "through the view, and tables of its own were refused by the database. The way back closed the door, and the "
        "way forward opened it again."
    )


def _answered(theirs: Session, customer: str) -> Verdict | None:
    try:
        points = theirs.rows(QUESTION, id=customer)[0]["points"]
    except Refused as refused:
        return wrong(
            "locked_out",
            f"loyalty-service asks its question, and the database says: {refused}. There are three doors: the "
            "database, the schema `loyalty`, the view `orders` in it. Without a right on that schema the name "
            "`orders` means the table in `public`.",
            _asked("SELECT sum(…) FROM orders", str(refused)),
        )
    except DBAPIError as error:
        return wrong("too_narrow", f"loyalty-service asks its question, and the database says: {said(error)}.")
    if points != POINTS:
        return wrong(
            "wrong_rows",
            "A customer has one fulfilled order of 10.50 € and one that was rejected. By the table that makes "
            f"{POINTS} points, by what you publish {points}: the view does not show the orders as they are.",
            _asked("SELECT sum(…) FROM orders", f"{points} points"),
        )
    if words := theirs.refusal("SELECT id FROM orders"):
        return wrong("too_narrow", f"The `id` of an order is to be published, too; who asks for it is told: {words}.")
    return None


def _no_more(theirs: Session) -> Verdict | None:
    for table in HIDDEN:
        if not theirs.refusal(f"SELECT * FROM public.{table} LIMIT 1"):
            return wrong(
                "sees_all",
                f"The role loyalty can read the table {table} itself, with every column that it has and will have. "
                "Then it needs no view, and your next migration breaks it without asking.",
                _asked(f"SELECT * FROM public.{table}", "here you are"),
            )
    if theirs.refusal("SELECT * FROM orders LIMIT 1"):
        return wrong(
            "no_view",
            "The question is answered, and the card is hidden: loyalty has a right on some columns of the table itself. "
            "Then the shape of your table is what you have promised, and a column that you rename is gone for others. A "
            "view keeps its shape while yours changes.",
            _asked("SELECT … FROM orders", "some columns of public.orders"),
        )
    if more := sorted(theirs.rows("SELECT * FROM orders LIMIT 1")[0].keys() - PUBLISHED):
        return wrong(
            "shows_more",
            f"Through the view loyalty sees {', '.join(more)} as well. Points need none of it, and what is published "
            "is a promise: each of these columns is one that you cannot change any more.",
            _asked("SELECT * FROM orders", ", ".join(more)),
        )
    for change in CHANGES:
        if not theirs.refusal(change):
            return wrong(
                "writes",
                f"loyalty runs `{change}`, and the database does it. A view of one table can be written through, with "
                "the rights of its owner, if somebody has the right to. (It was rolled back this time.) To ask a "
                "question takes SELECT.",
                _asked(change, "done"),
            )
    if not theirs.refusal(BUILDS):
        return wrong(
            "builds",
            f"loyalty runs `{BUILDS}`, and has a table of its own in your database: USAGE lets somebody in to look at "
            "what is in a schema, CREATE lets them build there. Who moves your data has to move theirs.",
            _asked(BUILDS, "done"),
        )
    return None


def _sells_on(lab: Lab, buyer: dict[str, Any]) -> Verdict | None:
    status = lab.shop.order((buyer["sku"], 1), email=buyer["email"]).status_code
    if status == requests.codes.accepted:
        return None
    return wrong(
        "breaks_orders",
        f"After `upgrade` order-service answers POST /orders with {status}: its own table is not as it was.",
    )


def _closes(lab: Lab, theirs: Session) -> Verdict | None:
    if failed := lab14_doors.moved(lab, "downgrade", BEFORE):
        return wrong("no_way_back", f"`downgrade` does not run: {failed}")
    if not theirs.refusal("SELECT 1"):
        return wrong(
            "stays_open",
            "After `downgrade` the role loyalty still comes into the database `order`. A schema takes with it what is "
            "in it; the right to connect is not in it, and stays until somebody takes it back.",
            _asked("connect to order", "welcome"),
        )
    if failed := lab14_doors.moved(lab, "upgrade", AFTER):
        return wrong("no_way_back", f"After `downgrade`, `upgrade` does not run a second time: {failed}")
    return None


def _asked(asked: str, answered: str) -> tuple[str, ...]:
    return (f"loyalty->>database: {asked}", f"database-->>loyalty: {answered}")


CHECKS.exercise("copy", "loyalty/worker.py")(lab14_copy.judge)
CHECKS.exercise("history", "loyalty/history.py")(lab14_history.judge)
