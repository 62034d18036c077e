"""Exercise `copy` of lab 14: two events make one fact, in whatever order they come."""

from typing import Any
from uuid import uuid4

from nameko.exceptions import RemoteError, RpcTimeout

from labs.classroom import neighbours, watching
from labs.classroom.checks.lab14_doors import NEIGHBOUR, OWNER
from labs.classroom.lab import Lab
from labs.classroom.sessions import NAME
from labs.classroom.verdicts import Verdict, passed, wrong
from labs.infra.postgres.server import ADMINISTRATOR
from labs.services.chassis.events import Event

PATIENCE = 5.0
"""Seconds after which an event counts as not handled; it takes a tenth of one."""
SERVICE, WORKER = f"{NEIGHBOUR}-service", f"{NEIGHBOUR}-worker"
WHY_NOT = "What the two events say is enough; and that door will be closed."
NEXT_DOOR = """
SELECT count(*) AS sessions FROM pg_stat_activity WHERE usename = :who AND datname = :at AND application_name <> :ours"""


def judge(lab: Lab, _answer: Any) -> Verdict:
    """Paid and fulfilled counts, one of them does not, and either may be heard first."""
    customer = uuid4().hex
    try:
        verdict = _after(lab, customer)
        if _is_next_door(lab):
            return wrong("peeks", f"Your service is connected to the database of order-service. {WHY_NOT}")
        return verdict
    except (RemoteError, RpcTimeout) as error:
        return wrong(
            "no_answer",
            f"loyalty-service was asked for somebody's points, and there was no answer but {type(error).__name__}: {error}. "
            "`points` was given; is it still there?",
        )
    finally:
        lab.session(NEIGHBOUR).run("DELETE FROM purchases WHERE customer_id = :id", id=customer)


def points(lab: Lab, customer: str) -> int:
    """Of a customer, as loyalty-service says it."""
    return int(neighbours.call(lab.system, SERVICE, "points", customer))


def _after(lab: Lab, customer: str) -> Verdict:
    first, second = str(uuid4()), str(uuid4())
    if failed := _hears(lab, _paid(first, customer, 1050)):
        return failed
    if early := points(lab, customer):
        return wrong(
            "pays_early",
            f"An order of 10.50 € is paid for, not yet fulfilled, and its customer has {early} points. It may still "
            "come to nothing: then the money goes back, and who takes the points back?",
            _told("order_paid 10.50 €", f"{early} points, and no parcel yet"),
        )
    if failed := _hears(lab, _fulfilled(first, customer)):
        return failed
    if (now := points(lab, customer)) != 10:
        return _missing(lab, first, now)
    for event in (_fulfilled(second, customer), _paid(second, customer, 2099)):
        if failed := _hears(lab, event):
            return failed
    if (now := points(lab, customer)) != 30:
        return wrong(
            "out_of_order",
            "The customer had 10 points. Of a second order, 20.99 €, order_fulfilled was handled before order_paid; "
            f"that makes 30 points, and {now} are told. Whichever of the two comes first has to leave something for "
            "the other one.",
            _told("order_fulfilled", "order_paid 20.99 €", f"{now} points, not 30"),
        )
    return passed(
        "Paid alone gave nothing; paid and fulfilled gave a point for each whole euro, whichever was heard first, and nobody "
        "else's database was opened."
    )


def _is_next_door(lab: Lab) -> bool:
    """Whether loyalty-service has a session with the database of order-service."""
    return bool(lab.session(ADMINISTRATOR).rows(NEXT_DOOR, who=NEIGHBOUR, at=OWNER, ours=NAME)[0]["sessions"])


def _missing(lab: Lab, order: str, now: int) -> Verdict:
    rows = lab.session(NEIGHBOUR).rows("SELECT amount, fulfilled FROM purchases WHERE order_id = :id", id=order)
    if rows and rows[0]["fulfilled"] and not rows[0]["amount"]:
        return wrong(
            "wipes",
            f"order_paid told 10.50 €, then came order_fulfilled, and now the amount is {rows[0]['amount']}. Each "
            "event may change only what it tells of.",
            _told("order_paid 10.50 €", "order_fulfilled", f"amount: {rows[0]['amount']}"),
        )
    return wrong(
        "empty",
        f"An order of 10.50 € was paid for, then fulfilled; both events were handled. That makes 10 points, and {now} "
        f"are told. In `purchases` stands {rows[0] if rows else 'nothing of it'}.",
        _told("order_paid 10.50 €", "order_fulfilled", f"{now} points"),
    )


def _hears(lab: Lab, event: Event) -> Verdict | None:
    """Put it into the queues of loyalty-service alone, and wait until its effect is committed. A verdict if it raises, or
    nobody listens."""
    before = watching.last_error(lab.system, WORKER)
    queues = watching.handler_queues(lab.system, SERVICE, event.type)
    for queue in queues:
        watching.hand(lab.system, event, queue)
    watching.until(
        lambda: watching.claimed(lab.system, NEIGHBOUR, event.id) or watching.last_error(lab.system, WORKER) != before,
        PATIENCE if queues else 0.0,
    )
    if watching.claimed(lab.system, NEIGHBOUR, event.id):
        return None
    trouble = watching.last_error(lab.system, WORKER)
    if "permission denied for database" in trouble:
        return wrong(
            "peeks", f"Your handler of {event.type} went to the database of order-service, and was refused. " + WHY_NOT
        )
    if trouble:
        return wrong("raises", f"loyalty-service heard {event.type}, {event.data}, and your handler raised {trouble}.")
    return wrong(
        "deaf",
        f"order-service told {event.type}, and nothing in your class listens to it. Without it an order is never both "
        "paid for and fulfilled.",
    )


def _paid(order: str, customer: str, amount: int) -> Event:
    told = {"order_id": order, "customer_id": customer, "amount": amount, "currency": "EUR"}
    return Event("order-service", "order_paid", told)


def _fulfilled(order: str, customer: str) -> Event:
    lines: list[Any] = [{"sku": "tea", "quantity": 3}]
    told = {"order_id": order, "customer_id": customer, "lines": lines, "missing": [], "tracking_code": "checked"}
    return Event("order-service", "order_fulfilled", told)


def _told(*events_and_ending: str) -> tuple[str, ...]:
    *events, ending = events_and_ending
    told = (f"order-service->>loyalty-service: {event}" for event in events)
    return (*told, f"Note over loyalty-service: {ending}")
