"""Lab 08: what a learner's migration, code and read model do to a table that is in use."""

from typing import Any

import requests

from labs.classroom import watching
from labs.classroom.checks import lab08_shelves as shelves
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.start_error import StartError
from labs.services.chassis.events import Event

CHECKS = Checks()
PATIENCE = 5.0
"""Seconds after which an event counts as not handled; it takes a tenth of one."""
SIGNS = "signs-worker"


@CHECKS.exercise("expand", "inventory/migrations/0003_shelf.py")
def expand(lab: Lab, _answer: Any) -> Verdict:
    """The schema gets a column, the old code does not notice, and the way back leaves nothing behind."""
    shelves.fresh(lab.system)
    shelves.run(lab, "old")
    tea, cup = shelves.sku("tea"), shelves.sku("cup")
    shelves.put(lab, tea, "A-1")
    if failed := shelves.moved(lab, "upgrade", "0003"):
        return wrong("fails", f"`upgrade` does not run on a table with rows in it: {failed}")
    if trouble := shelves.unlike(lab, tea, "A-1"):
        return wrong(
            "breaks_old",
            f"The schema is new, the code that runs is still the old one, and a customer who looks for tea gets {trouble}. "
            "Between a migration and a deployment there is always a while; what the old code reads must still be there.",
            _story("upgrade to 0003", f"GET /stock/{tea}/place", "SELECT place FROM shelves", trouble),
        )
    if (status := shelves.put(lab, cup, "C-1")) != requests.codes.ok:
        return wrong(
            "refuses_writes",
            f"Reading still works, but a product that is new to the table cannot be placed any more: {status}. The old code "
            "does not know the new column, so it gives it no value; the column must do without one.",
            _story(
                "upgrade to 0003", f"PUT /stock/{cup}/place", "INSERT INTO shelves (sku, place, version)", str(status)
            ),
        )
    if "shelf" not in shelves.columns(lab.system):
        return wrong(
            "no_shelf", f"After `upgrade` the table has {shelves.listed(lab)}; the new code needs a column `shelf`."
        )
    return _and_back(lab, tea, cup)


def _and_back(lab: Lab, tea: str, cup: str) -> Verdict:
    shelves.put(lab, tea, "A-2")
    if failed := shelves.moved(lab, "downgrade", "0002"):
        return wrong("no_way_back", f"`downgrade` does not run: {failed}")
    if "place" not in shelves.columns(lab.system):
        return wrong(
            "loses",
            f"After `downgrade` the table has {shelves.listed(lab)}: `place` is gone, and with it where all lies. The way "
            "back takes away what the way forward added, and nothing else.",
            _story("upgrade, then downgrade", f"GET /stock/{tea}/place", "SELECT place FROM shelves", "500"),
        )
    if left := sorted(shelves.columns(lab.system) - shelves.OLD_SHAPE):
        return wrong(
            "no_way_back",
            f"After `downgrade` the table still has {', '.join(left)}. The next `upgrade` adds it a second time, and fails.",
        )
    if trouble := shelves.unlike(lab, tea, "A-2") or shelves.unlike(lab, cup, "C-1"):
        return wrong("loses", f"After the way forward and back a product is not where it was: {trouble}.")
    return passed(
        "With the new schema the old code read and wrote as before, new products too. The way back left the table as it was, "
        "and nothing that was written meanwhile was lost."
    )


@CHECKS.exercise("both", "inventory/shelves_both.py")
def both(lab: Lab, _answer: Any) -> Verdict:
    """The code of the time between: whoever wrote last, old code or new, everybody reads the same."""
    shelves.fresh(lab.system)
    shelves.run(lab, "old")
    if (failed := shelves.moved(lab, "upgrade", "0003")) or "shelf" not in shelves.columns(lab.system):
        return wrong("elsewhere", f"There is no column `shelf` to write to. Solve `expand` first. {failed}")
    tea, cup = shelves.sku("tea"), shelves.sku("cup")
    shelves.put(lab, tea, "A-1")
    try:
        verdict = _between(lab, tea, cup)
    except StartError as error:
        verdict = wrong("broken", f"Your code does not start: {shelves.reason(error)}")
    shelves.run(lab, "old")
    shelves.moved(lab, "downgrade", "0002")
    return verdict


def _between(lab: Lab, tea: str, cup: str) -> Verdict:
    shelves.run(lab, "both", "place")
    if trouble := shelves.unlike(lab, tea, "A-1"):
        return wrong(
            "blind",
            f"The old code put tea on A-1 after the column was added; yours is deployed and says {trouble}. What the old code "
            "writes is only in `place`. (If it is a 500, `lab logs inventory-api` in a terminal says why.)",
            _turns("old", "PUT tea A-1", "your code", f"GET tea: {trouble}"),
        )
    for sku, place in ((tea, "A-2"), (cup, "C-1")):
        if (status := shelves.put(lab, sku, place)) != requests.codes.ok:
            return wrong(
                "fails",
                f"Your code is deployed, and PUT /stock/{sku}/place is answered with {status}. `lab logs inventory-api` in a "
                "terminal says why.",
            )
    row = shelves.row(lab, tea)
    if row["version"] != 2:
        return wrong(
            "no_version",
            f"Tea was placed twice, and its version is {row['version']}. Each change counts: by it a "
            "copy elsewhere knows which of two messages is the later one.",
        )
    if (told := shelves.told(lab, tea)) != row["version"]:
        return wrong(
            "no_version",
            f"Tea was placed twice, its row says version {row['version']}, and place_changed was told with version {told}: "
            "that is what your `put` returned. Which of two such messages is the later one?",
        )
    if (row["shelf"], shelves.row(lab, cup)["shelf"]) != ("A-2", "C-1"):
        return wrong(
            "nothing_for_new",
            f"Your code has put tea on A-2, and the column `shelf` says {row['shelf']}. The new code will read only that.",
            _turns("your code", "PUT tea A-2", "new", f"GET tea: {row['shelf']}"),
        )
    shelves.run(lab, "old")
    if trouble := shelves.unlike(lab, tea, "A-2"):
        return wrong(
            "lost_for_old",
            f"Your code put tea on A-2. Then it was taken back, as deployments are, and the old code says {trouble}: it reads "
            "`place`, and there nothing was written.",
            _turns("your code", "PUT tea A-2", "old", f"GET tea: {trouble}"),
        )
    shelves.put(lab, tea, "A-3")
    shelves.run(lab, "both", "place")
    if trouble := shelves.unlike(lab, tea, "A-3"):
        return wrong(
            "stale",
            f"Your code was taken back, the old code put tea on A-3, yours came again, and says {trouble}. As long as the "
            "old code may write, only `place` is always up to date.",
            _turns("old", "PUT tea A-3", "your code", f"GET tea: {trouble}"),
        )
    shelves.run(lab, "both", "shelf")
    shelves.put(lab, cup, "C-2")
    behind = watching.rows(lab.system, shelves.OWNER, "SELECT 1 FROM shelves WHERE shelf = 'A-2'")
    if behind and not shelves.unlike(lab, tea, "A-3"):
        return wrong(
            "deaf_to_setting",
            "With READS=shelf your code should answer from `shelf`, and it still answers from `place`. When everything is "
            "written to both and filled up, that setting is the next step.",
        )
    if trouble := shelves.unlike(lab, cup, "C-2"):
        return wrong("deaf_to_setting", f"With READS=shelf your code put a cup on C-2, and says {trouble}.")
    return passed(
        "Old code, yours, old code, yours: whoever wrote last, each read it. Both columns are "
        "written, and READS says which is read."
    )


@CHECKS.exercise("signs", "signs/worker.py")
def signs(lab: Lab, _answer: Any) -> Verdict:
    """A copy made of events: each fact by its own version, whatever comes twice or late."""
    tea = shelves.sku("tea")
    for event in (_placed(tea, "A-1", 1), _priced(tea, 350, 2)):
        if failed := _told(lab, event):
            return failed
    if not (sign := _sign(lab, tea)):
        return wrong(
            "empty", f"A place and a price were told for {tea}, both were handled, and `signs` has no row for it."
        )
    if (sign["place"], sign["amount"]) != ("A-1", 350):
        return wrong(
            "wipes",
            f"A-1 was told as the place of tea, then 350 as its price, and the sign says {sign['place']} and "
            f"{sign['amount']}. Each event may change only what it tells of.",
            _heard("place_changed A-1", "price_changed 350", f"the sign says {sign['place']}, {sign['amount']}"),
        )
    for event in (_priced(tea, 500, 5), _priced(tea, 400, 4)):
        if failed := _told(lab, event):
            return failed
    if _sign(lab, tea)["amount"] != 500:
        return wrong(
            "older_price",
            "The fifth price of tea, 500, came before its fourth, 400, and now the sign says 400. Which is newer says the "
            "version, not the order in which they come.",
            _heard("price_changed 500, version 5", "price_changed 400, version 4", "the sign says 400"),
        )
    for event in (_placed(tea, "A-3", 3), _placed(tea, "A-3", 3), _placed(tea, "A-2", 2)):
        if failed := _told(lab, event):
            return failed
    sign = _sign(lab, tea)
    if sign["place"] == "A-1":
        return wrong(
            "one_version",
            "The price of tea is at version 5, its place went to version 3, and the sign still says A-1: the price's version "
            "was taken for that of the place. Each fact has a version of its own.",
            _heard("price_changed 500, version 5", "place_changed A-3, version 3", "the sign says A-1"),
        )
    if sign["place"] != "A-3":
        return wrong(
            "older_place",
            "The third place of tea, A-3, came before its second, A-2, and now the sign says A-2. A later message may tell of "
            "something earlier.",
            _heard("place_changed A-3, version 3", "place_changed A-2, version 2", f"the sign says {sign['place']}"),
        )
    return passed("Place and price, late, early and twice: the sign says what the newest version of each said.")


# --- events and stories -----------------------------------------------------------------------------------------------


def _placed(sku: str, place: str, version: int) -> Event:
    return Event("inventory-service", "place_changed", {"sku": sku, "place": place, "version": version})


def _priced(sku: str, amount: int, version: int) -> Event:
    told = {"sku": sku, "amount": amount, "currency": "EUR", "version": version}
    return Event("inventory-service", "price_changed", told)


def _told(lab: Lab, event: Event) -> Verdict | None:
    """Tell it, and wait until its effect is committed. A verdict if it raises or nobody listens to it."""
    watching.tell(lab.system, event)
    watching.until(
        lambda: watching.claimed(lab.system, "signs", event.id) or watching.last_error(lab.system, SIGNS), PATIENCE
    )
    if watching.claimed(lab.system, "signs", event.id):
        return None
    if trouble := watching.last_error(lab.system, SIGNS):
        return wrong("raises", f"signs-service heard {event.type}, {event.data}, and your handler raised {trouble}.")
    return wrong(
        "deaf",
        f"inventory-service told {event.type}, and nothing in your class listens to it. What it is not told, "
        "signs-service could only find out by looking into somebody else's table.",
    )


def _sign(lab: Lab, sku: str) -> dict[str, Any]:
    """Its row; empty if there is none."""
    found = watching.rows(lab.system, "signs", "SELECT * FROM signs WHERE sku = ?", sku)
    return found[0] if found else {}


def _story(before: str, request: str, statement: str, answer: str) -> tuple[str, ...]:
    return (
        f"Note over database: {before}",
        f"customer->>old-code: {request}",
        f"old-code->>database: {statement}",
        f"old-code-->>customer: {answer}",
    )


def _turns(first: str, wrote: str, second: str, read: str) -> tuple[str, ...]:
    writer, reader = first.replace(" ", "-"), second.replace(" ", "-")
    return (
        f"customer->>{writer}: {wrote}",
        f"Note over {writer},{reader}: another deployment",
        f"customer->>{reader}: {read}",
    )


def _heard(first: str, second: str, ending: str) -> tuple[str, ...]:
    told = (f"inventory-service->>signs-service: {event}" for event in (first, second))
    return (*told, f"Note over signs-service: {ending}")
