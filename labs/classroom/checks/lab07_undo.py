"""Lab 07, its last exercise: a gift is paid for and shipped, or nobody has paid and the piece is back on the shelf."""

from typing import Any

from labs.classroom import gifts, programs, watching
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Verdict, passed, wrong
from labs.infra.logging import files
from labs.infra.logging.files import Mark

GIFTS = "gifts"
REFUNDED_WITHIN = 1.5
"""Seconds that money may take to come back after its order has ended; a refund takes a tenth of one."""


def compensation(lab: Lab, _answer: Any) -> Verdict:
    """Each way an order can go, and then each with a death on it."""
    programs.fresh(lab.system, GIFTS)
    since = files.mark(lab.system.log(GIFTS))
    return (
        _without_death(lab, since)
        or _asks_again(lab, "after_call@1", "charges_twice", "charged", "after the card was charged")
        or _asks_again(lab, "after_call@2", "ships_twice", "shipped", "after the parcel had left")
        or _dies_undoing(lab)
        or passed(
            "Paid and shipped; declined, and the piece back on the shelf; refused by the carrier, refunded and back on the "
            "shelf. Killed after the charge, after the parcel, before the refund: the same, once each."
        )
    )


def _without_death(lab: Lab, since: Mark) -> Verdict | None:
    good = gifts.ask(lab.system, GIFTS)
    if not gifts.ended(lab.system, GIFTS, good):
        return _stuck(lab, since, good, "an order that nothing stands in the way of")
    if gifts.state(lab.system, GIFTS, good) != "shipped" or _is(lab, good, "shipped_wrongly"):
        return wrong("ships_nothing", "The card was good, the carrier willing, and the order ended without a parcel.")
    if _is(lab, good, "charged_wrongly"):
        return wrong("free", "An order was shipped, and its customer was not charged what it costs.")
    broke = gifts.ask(lab.system, GIFTS, card="card-declined")
    if not gifts.ended(lab.system, GIFTS, broke):
        return _stuck(lab, since, broke, "an order whose card is declined")
    if _parcels(lab, broke):
        message = "A card was declined, and the parcel left all the same: nobody has paid for it."
        return wrong("ships_unpaid", message, ("gifts->>payments: charge", "payments-->>gifts: 402, declined",
                                               "gifts->>carrier: ship"))  # fmt: skip
    with lab.faults.on("carrier_ships_nothing"):
        refused = gifts.ask(lab.system, GIFTS)
        if not gifts.ended(lab.system, GIFTS, refused):
            return _stuck(lab, since, refused, "an order that the carrier refuses")
    return _undone(lab, refused) or _shelf(lab)


def _undone(lab: Lab, order_id: str) -> Verdict | None:
    """The carrier refused it after the money was taken."""
    if _is(lab, order_id, "shipped_wrongly"):
        return wrong(
            "hopeful", "The carrier found nothing to ship, and the order says `shipped`. Nobody will ever look again."
        )
    if not watching.until(lambda: not _is(lab, order_id, "charged_wrongly"), REFUNDED_WITHIN):
        message = (
            "The carrier refused the order after the card was charged. It is released, and its customer's money is not."
        )
        return wrong("keeps_money", message, ("gifts->>payments: charge", "payments-->>gifts: taken",
                                              "gifts->>carrier: ship", "carrier-->>gifts: nothing found",
                                              "Note over gifts: released, and not refunded"))  # fmt: skip
    return None


def _shelf(lab: Lab) -> Verdict | None:
    if gifts.ledger(lab.system, GIFTS).unaccounted:
        message = (
            "Orders came to nothing, and their pieces are neither for sale nor held for anybody: a few more of these, and the "
            "shelf is empty while the warehouse is full. `orders.release` gives the piece back."
        )
        return wrong("keeps_piece", message)
    return None


def _asks_again(lab: Lab, where: str, name: str, what: str, when: str) -> Verdict | None:
    """It died before it could write the answer down, and must ask again."""
    order_id, survivors = _dying(lab, where)
    if survivors:
        return None
    if not gifts.ended(lab.system, GIFTS, order_id):
        return wrong("stuck", f"It died {when} and was started again, and the order never ended.")
    if _is(lab, order_id, "doubled"):
        message = (
            f"It died {when}, before it had written that down, and asked again when it was started. The other side could not "
            f"know that it was the same request: {what} twice. A key that stays the same tells it."
        )
        return wrong(name, message, (f"gifts->>outside: {what}, key 1", "Note over gifts: dies",
                                     f"gifts->>outside: {what}, key 2"))  # fmt: skip
    return None


def _dies_undoing(lab: Lab) -> Verdict | None:
    """Before the refund, which is its third call."""
    with lab.faults.on("carrier_ships_nothing"):
        order_id, _survivors = _dying(lab, "before_call@3")
        done = gifts.ended(lab.system, GIFTS, order_id)
    if not done:
        return wrong("stuck", "It died before the refund and was started again, and the order never ended.")
    if _is(lab, order_id, "charged_wrongly"):
        message = (
            "It died on its way back: the order was released already, and the refund had yet to come. Nobody looks at a "
            "released order again, so its customer's money is gone. Write down that it is over when it is."
        )
        return wrong("ends_early", message, ("carrier-->>gifts: nothing found", "Note over gifts: released",
                                             "Note over gifts: dies before the refund"))  # fmt: skip
    return _shelf(lab)


def _dying(lab: Lab, where: str) -> tuple[str, list[str]]:
    asked: list[str] = []
    survivors = programs.dies(lab.system, [GIFTS], where, lambda: asked.append(gifts.ask(lab.system, GIFTS)))
    return asked[0], survivors


def _is(lab: Lab, order_id: str, trouble: str) -> bool:
    return order_id in getattr(gifts.ledger(lab.system, GIFTS), trouble)


def _parcels(lab: Lab, order_id: str) -> bool:
    query = "SELECT shipped FROM shipments WHERE order_id = ? AND shipped <> '[]'"
    return bool(watching.rows(lab.system, "outside", query, order_id))


def _stuck(lab: Lab, since: Mark, order_id: str, what: str) -> Verdict:
    if error := programs.raised(lab.system, GIFTS, since):
        return wrong("raises", f"For {what}, your program ended with {error}.")
    state = gifts.state(lab.system, GIFTS, order_id) or "not there"
    return wrong(
        "stuck", f"{what.capitalize()} never ended: its state is still {state!r}. What does `carry_on` do with that?"
    )
