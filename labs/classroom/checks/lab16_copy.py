"""Lab 16, `copy`: prices that are here already, kept right by events, and asked for only where they are missing."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from labs.classroom import watching
from labs.classroom.checks.lab16_quotes import PRICE, asks, failing, offered, quoted
from labs.classroom.lab import Lab
from labs.classroom.slips import Slip
from labs.classroom.verdicts import Verdict, passed, wrong
from labs.infra.system import System
from labs.services.chassis.events import Event

OWN, SOURCE, WORKER = "quotes", "inventory", "quotes-worker"
PATIENCE = 10.0
"""Seconds after which an event counts as not handled; it takes a fifth of one."""
NEW_PRICE, NEWEST_PRICE = 400, 450
TOLD = "SELECT event_id FROM outbox WHERE type = 'price_changed' AND json_extract(data, '$.sku') = ? ORDER BY position"


def copy(lab: Lab, _answer: Any) -> Verdict:
    """Kept, read, kept right; then what it lacks."""
    if not lab.system.state(WORKER):
        raise Slip(f"{WORKER} does not run: the cell of quotes/worker.py starts it. Run it, then check again.")
    (tea,) = offered(lab, 1)
    return (
        _heard(lab, tea)
        or _kept(lab, tea)
        or _at_hand(lab, tea)
        or _changed(lab, tea)
        or _late(lab, tea)
        or _cold(lab, tea)
        or passed(
            "What was told is here: a quote asks nobody. A new price came by its event, an older one that came late changed "
            "nothing. What the copy lacked was asked for once, in one question, and kept."
        )
    )


def _kept(lab: Lab, tea: str) -> Verdict | None:
    rows = watching.rows(lab.system, OWN, "SELECT amount FROM prices WHERE sku = ?", tea)
    if not rows:
        message = "price_changed came, `keep` was called with it, and the table `prices` has no row for the product."
        return wrong("empty", message, _story("nothing is kept"))
    return None


def _at_hand(lab: Lab, tea: str) -> Verdict | None:
    quote = quoted(lab, "by_copy", tea)
    if failed := failing(quote):
        return failed
    if quote.questions:
        message = (
            "The price of a product is in the table `prices`, and inventory-service was asked for it all the same."
        )
        return wrong(
            "asks", f"{message} A copy that nobody reads saves nothing.", asks(quote, "had it in its own table")
        )
    if quote.prices != {tea: PRICE}:
        message = f"A product costs {PRICE} cents, as an event said, and the quote says {quote.prices or 'nothing'}."
        return wrong("empty", message, _story("quotes something else"))
    return None


def _changed(lab: Lab, sku: str, price: int = NEW_PRICE) -> Verdict | None:
    lab.shop.offer(sku, price)
    if failed := _heard(lab, sku):
        return failed
    if quoted(lab, "by_copy", sku).prices.get(sku) != price:
        message = (
            f"The price went to {price}, the event was handled, and the quote still has the old one. A newer version "
            "replaces what is there, however it came to be there."
        )
        return wrong("frozen", message, _story("the old price stays"))
    return None


def _late(lab: Lab, tea: str) -> Verdict | None:
    """The first version once more, under another id: as if it had been on its way for long."""
    late = Event("inventory-service", "price_changed", {"sku": tea, "amount": PRICE, "currency": "EUR", "version": 1})
    watching.tell(lab.system, late)
    if failed := _handled(lab, late.id):
        return failed
    if quoted(lab, "by_copy", tea).prices.get(tea) != NEW_PRICE:
        message = (
            f"Version 2 of a price, {NEW_PRICE}, came before version 1, {PRICE}, and now the quote says {PRICE}. Which is "
            "newer says the version, not the order in which they come."
        )
        return wrong("older", message, _story(f"quotes {PRICE}, which is not true any more", "version 2", "version 1"))
    return None


def _cold(lab: Lab, tea: str) -> Verdict | None:
    """What was told before the copy was: in the catalogue, and not in the table."""
    cups = offered(lab, 5)
    for cup in cups:
        if failed := _heard(lab, cup):
            return failed
    _forget(lab.system, cups)
    first = quoted(lab, "by_copy", tea, *cups)
    if failed := failing(first):
        return failed
    if missing := [cup for cup in cups if cup not in first.prices]:
        message = (
            f"{len(missing)} products that are in the catalogue and not in the copy have no price in the quote. Nobody tells "
            "again what was told before you listened: what the copy lacks has to be asked for."
        )
        return wrong("cold", message, asks(first, "says that they do not exist"))
    if len(first.questions) > 1:
        message = f"The copy lacked 5 products, and inventory-service was asked {len(first.questions)} times."
        return wrong(
            "one_by_one", f"{message} `by_batch.items` asks for all of them at once.", asks(first, "N+1 again")
        )
    if first.asked_for(tea):
        message = "Of 6 products 5 were missing, and inventory-service was asked for all 6. The sixth was in the table."
        return wrong("asks", message, asks(first, "had one of them in its own table"))
    again = quoted(lab, "by_copy", tea, *cups)
    if again.questions:
        message = "What the copy lacked was asked for, and at the next quote asked for again: it was not kept."
        return wrong("forgets", message, asks(again, "asked for the same a moment ago"))
    return _changed(lab, cups[0], NEWEST_PRICE)


def _heard(lab: Lab, sku: str) -> Verdict | None:
    """Wait until what inventory-service has told last of a product is handled. A verdict if it is not."""
    told = watching.rows(lab.system, SOURCE, TOLD, sku)
    return _handled(lab, str(told[-1]["event_id"]))


def _handled(lab: Lab, event_id: str) -> Verdict | None:
    def claimed() -> bool:
        return watching.claimed(lab.system, OWN, event_id)

    watching.until(lambda: claimed() or watching.last_error(lab.system, WORKER), PATIENCE)
    if claimed():
        return None
    if trouble := watching.last_error(lab.system, WORKER):
        return wrong("raises", f"price_changed came, `keep` was called with what it says, and raised {trouble}.")
    message = f"price_changed was told, and quotes-service has not handled it within {PATIENCE:g} s."
    return wrong("deaf", f"{message} Does quotes/worker.py stand as it was given?")


def _forget(system: System, skus: Iterable[str]) -> None:
    """Take rows out of the learner's table, as if they had never been told."""
    path = system.places.volume(f"{OWN}-data") / f"{OWN}.db"
    with closing(sqlite3.connect(path, timeout=5)) as store, store:
        store.executemany("DELETE FROM prices WHERE sku = ?", [(sku,) for sku in skus])


def _story(ending: str, *versions: str) -> tuple[str, ...]:
    told = (f"inventory-service->>quotes-service: price_changed, {version}" for version in versions or ("a new price",))
    return (*told, f"Note over quotes-service: {ending}")
