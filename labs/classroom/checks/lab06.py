"""Lab 06: what the learner's event handlers do with real orders."""

from typing import Any
from uuid import uuid4

from labs.classroom import watching
from labs.classroom.lab import Lab
from labs.classroom.tapping import Tap, tap
from labs.classroom.verdicts import Checks, Verdict, passed, story, wrong
from labs.services.chassis.events import Event

CHECKS = Checks()
PATIENCE = 4.0
"""Seconds after which an order that nobody answers counts as forgotten; an answer takes a tenth of one."""
LISTENERS = {
    "order_placed": "inventory-service",
    "stock_reserved": "order-service",
    "stock_rejected": "order-service",
    "order_confirmed": "whoever listens",
    "order_rejected": "whoever listens",
}


@CHECKS.exercise("reserve", "inventory/worker.py")
def reserve(lab: Lab, _answer: Any) -> Verdict:
    """All pieces of an order or none, and order-service hears which."""
    tea, cup = f"tea-{uuid4().hex[:8]}", f"cup-{uuid4().hex[:8]}"
    lab.shop.stock(tea, 5)
    lab.shop.stock(cup, 1)
    with tap(lab.system) as seen:
        small, status = _order(lab, (tea, 2))
        if status == "placed":
            return _silent(
                lab, seen, small, "inventory-worker", "order_placed", "an order for 2 pieces, with 5 on the shelf"
            )
        if status == "rejected":
            return wrong("refuses", "An order for 2 pieces was rejected although 5 are there.", _story(seen, small))
        if lab.shop.available(tea) == 5:
            return wrong(
                "promises",
                "You told stock_reserved, but all 5 pieces are still for sale: nothing was taken from the stock.",
                _story(seen, small, "Note over inventory-service: 5 pieces before, 5 after"),
            )
        large, status = _order(lab, (tea, 10))
        if status == "placed":
            return _silent(
                lab, seen, large, "inventory-worker", "order_placed", "an order for 10 pieces, with 3 on the shelf"
            )
        if status != "rejected":
            return wrong("oversells", "An order for 10 pieces was confirmed although 3 are there.", _story(seen, large))
        mixed, status = _order(lab, (tea, 1), (cup, 5))
        if status == "placed":
            return _silent(
                lab, seen, mixed, "inventory-worker", "order_placed", "an order of two lines, one of them short"
            )
        if lab.shop.available(tea) != 3:
            return wrong(
                "partial",
                "An order for 1 tea and 5 cups (1 is there) was rejected, but its tea is gone: all lines or none.",
                _story(seen, mixed, "Note over inventory-service: the tea stays reserved for nobody"),
            )
    return _reserved_once(lab, tea)


def _reserved_once(lab: Lab, tea: str) -> Verdict:
    event = Event("order-service", "order_placed", _placed(str(uuid4()), tea, 1))
    watching.tell(lab.system, event, times=3)
    watching.until(
        lambda: lab.shop.available(tea) < 2 or watching.suppressed(lab.system, "inventory-worker", event.id) == 2,
        PATIENCE,
    )
    if (left := lab.shop.available(tea)) != 2:
        return wrong(
            "doubled",
            f"One order for 1 piece arrived three times, as brokers may deliver; {3 - left} pieces were taken, not 1. "
            "The handler has no memory of event ids; `tx` has. Is all that you write written with `tx`?",
            (*(f"order-service->>inventory-service: order_placed (delivery {n})" for n in (1, 2, 3)),
             f"Note over inventory-service: {3 - left} pieces taken for one order"),
        )  # fmt: skip
    return passed(
        "2 pieces with 5 on the shelf: confirmed. 10 with 3: rejected. One line short: nothing taken. "
        "One order delivered three times: one piece."
    )


@CHECKS.exercise("settle", "order/worker.py")
def settle(lab: Lab, _answer: Any) -> Verdict:
    """The answer of the stock settles the order, once, and everybody may hear of it."""
    tea = f"tea-{uuid4().hex[:8]}"
    lab.shop.stock(tea, 5)
    with tap(lab.system) as seen:
        good, status = _order(lab, (tea, 2))
        if status == "placed":
            return _silent(lab, seen, good, "order-worker", "stock_reserved", "an order whose pieces are reserved")
        if status == "rejected":
            return wrong("swapped", "The pieces were reserved, and the order became rejected.", _story(seen, good))
        if not (told := _told(seen, good, "order_confirmed")):
            return wrong(
                "untold",
                "The order is confirmed in your own table, and nobody else knows: order_confirmed was not told. "
                "No mail, no parcel.",
                _story(seen, good, "Note over order-service: confirmed, and silent"),
            )
        if "customer_id" not in told[0].data:
            return wrong(
                "no_contact", "order_confirmed lacks customer_id: notification-service cannot write to anybody."
            )
        bad, status = _order(lab, (tea, 50))
        if status == "confirmed":
            return wrong("swapped", "The stock said no, and the order became confirmed.", _story(seen, bad))
        if status == "placed":
            return _silent(lab, seen, bad, "order-worker", "stock_rejected", "an order whose pieces are not there")
        if not (told := _told(seen, bad, "order_rejected")) or not told[0].data.get("reason"):
            message = (
                "The order was rejected, but order_rejected with its reason was not told: its customer never hears why."
            )
            return wrong("no_reason", message, _story(seen, bad))
        if "customer_id" not in told[0].data:
            return wrong("no_contact", "order_rejected lacks customer_id: whoever has to write to the customer cannot.")
        if not lab.shop.reason(bad):
            message = "order_rejected carries the reason, but the order itself does not: GET /orders/… shows none."
            return wrong("reason_not_kept", message)
        return _settled_once(lab, seen, good)


def _settled_once(lab: Lab, seen: Tap, order_id: str) -> Verdict:
    """Two late answers for an order that is confirmed already: another yes, then a no."""
    trace_id = uuid4().hex  # by which its errors are told from those of what an earlier answer has left in the queues
    for event_type in ("stock_reserved", "stock_rejected"):
        said, parent = {"order_id": order_id, "reason": "late"}, f"00-{trace_id}-{uuid4().hex[:16]}-00"
        late = Event("inventory-service", event_type, said, traceparent=parent)
        watching.tell(lab.system, late)
        watching.until(lambda event=late: _dealt_with(lab, event, trace_id), PATIENCE)  # type: ignore[misc]
    if trouble := watching.last_error(lab.system, "order-worker", trace_id):
        message = f"A late answer came for a settled order: `settle` gave None, and your handler raised {trouble}."
        ending = "Note over order-service: raises, is tried again, and raises"
        late_story = ("inventory-service->>order-service: stock_reserved, once more", ending)
        return wrong("trips", f"{message} The event comes again and again, and ends as a dead letter.", late_story)
    if lab.shop.status(order_id) != "confirmed":
        return wrong(
            "flips",
            "A late stock_rejected turned a confirmed order into a rejected one. Only an order that still waits may change.",
            _story(seen, order_id),
        )
    if (times := watching.told(lab.system, "order", "order_confirmed", order_id)) != 1:
        return wrong(
            "tells_twice",
            f"order_confirmed was told {times} times for one order: its customer gets {times} mails. Tell only what changed.",
            _story(seen, order_id),
        )
    if watching.told(lab.system, "order", "order_rejected", order_id):
        message = (
            "A late stock_rejected came for a confirmed order. It stayed confirmed, and order_rejected was told all the same: "
            "its customer hears that there will be no parcel. What does `settle` give you when nothing changed?"
        )
        return wrong("denies", message, _story(seen, order_id))
    return passed(
        "Reserved became confirmed, rejected became rejected with its reason, both were told once; "
        "late answers changed nothing."
    )


def _dealt_with(lab: Lab, event: Event, trace_id: str) -> bool:
    """Its effect is committed, or the handler raised."""
    trouble = watching.last_error(lab.system, "order-worker", trace_id)
    return watching.claimed(lab.system, "order", event.id) or bool(trouble)


@CHECKS.exercise("demand", "analytics/worker.py")
def demand(lab: Lab, _answer: Any) -> Verdict:
    """Pieces wanted by product, from the events alone."""
    tea, cup = f"tea-{uuid4().hex[:8]}", f"cup-{uuid4().hex[:8]}"
    lab.shop.stock(tea, 4)
    lab.shop.offer(cup)
    lab.shop.place((tea, 2))
    lab.shop.place((tea, 3), (cup, 1))
    watching.until(lambda: _demand(lab, tea) >= 5, PATIENCE)
    counted = _demand(lab, tea), _demand(lab, cup)
    if counted == (0, 0):
        if trouble := watching.last_error(lab.system, "analytics-worker"):
            return wrong("raises", f"Two orders were placed, and your handler raised {trouble}.")
        return wrong(
            "empty",
            "Two orders were placed, and the table demand has no row for what they asked for. "
            "To which event, and of which service, does your handler listen?",
        )
    if counted == (2, 1):
        return wrong("counts_orders", "2 orders asked for 5 pieces of tea; you counted 2. Count pieces, not orders.")
    if counted[1] == 0:
        return wrong("first_line", "An order for 3 teas and 1 cup: the cup was not counted. An order has many lines.")
    if counted != (5, 1):
        return wrong("miscounted", f"Wanted were 5 teas and 1 cup; you counted {counted[0]} and {counted[1]}.")
    again = Event("order-service", "order_placed", _placed(str(uuid4()), tea, 4))
    watching.tell(lab.system, again, times=3)
    watching.until(
        lambda: _demand(lab, tea) > 9 or watching.suppressed(lab.system, "analytics-worker", again.id) == 2, PATIENCE
    )
    if (total := _demand(lab, tea)) != 9:
        return wrong(
            "doubled",
            f"An event for 4 teas was delivered three times and counted {(total - 5) // 4} times. "
            "Write with `tx`: there each event counts once.",
            tuple(f"order-service->>analytics-service: order_placed (delivery {n})" for n in (1, 2, 3)),
        )
    return passed("5 teas and 1 cup were counted from two orders; an event that came three times counted once.")


def _order(lab: Lab, *lines: tuple[str, int]) -> tuple[str, str]:
    """Place an order and wait for what becomes of it: its id and status."""
    order_id = lab.shop.place(*lines)
    return order_id, lab.shop.wait([order_id], PATIENCE, still={"placed"})[order_id].status


def _placed(order_id: str, sku: str, quantity: int) -> dict[str, Any]:
    return {"order_id": order_id, "lines": [{"sku": sku, "quantity": quantity}]}


def _demand(lab: Lab, sku: str) -> int:
    found = watching.rows(lab.system, "analytics", "SELECT pieces FROM demand WHERE sku = ?", sku)
    return int(found[0]["pieces"]) if found else 0


def _told(seen: Tap, order_id: str, event_type: str) -> list[Event]:
    """The events of a type that passed for one order; waits a moment for the first."""
    return watching.until(lambda: [event for event in seen.of(order_id) if event.type == event_type], 1.5) or []


def _story(seen: Tap, order_id: str, *ending: str, deaf: str = "") -> tuple[str, ...]:
    return story(seen.of(order_id), {k: v for k, v in LISTENERS.items() if k != deaf}, *ending)


def _silent(lab: Lab, seen: Tap, order_id: str, process: str, heard: str, what: str) -> Verdict:
    """The order still waits: because the handler raised, never heard, told the wrong thing, or told nothing; or because it
    did its part, and the other side did not."""
    service = lab.system.services[process].group
    events = seen.of(order_id)
    mine = [event for event in events if event.source == service and event.type not in ("order_placed", heard)]
    silence = f"Note over {service}: silence"
    if heard not in {event.type for event in events}:
        teller = "inventory-service" if service == "order-service" else "order-service"
        message = (
            f"For {what}, {teller} never told {heard}, so {service} has nothing to answer. Look at {teller} first."
        )
        return wrong("elsewhere", message, _story(seen, order_id, f"Note over {teller}: silence"))
    if trouble := watching.last_error(lab.system, process):
        return wrong("raises", f"For {what}, your handler raised {trouble}.", _story(seen, order_id, silence))
    if not watching.handled(lab.system, process, heard):
        message = f"{service} never heard {heard}, for {what}. Which line of your class listens to it?"
        return wrong("deaf", message, _story(seen, order_id, deaf=heard))
    if not mine:
        message = f"For {what}, {service} heard {heard} and told nothing. Whoever waits for an answer waits forever."
        return wrong("silent", message, _story(seen, order_id, silence))
    if mine[-1].type not in LISTENERS:
        message = f"For {what}, {service} told {mine[-1].type}, and nobody listens to that. Is it spelt as above?"
        return wrong("unheard", message, _story(seen, order_id))
    if mine[-1].type == "stock_rejected" and "reason" not in mine[-1].data:
        message = f"For {what}, {service} told stock_rejected without a reason; order-service could not use it."
        return wrong("no_reason", message, _story(seen, order_id, "Note over order-service: no reason to give"))
    message = (
        f"{service} did its part: it told {mine[-1].type}. The order still waits, so look at whoever listens to that."
    )
    return wrong("elsewhere", message, _story(seen, order_id))
