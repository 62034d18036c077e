"""What a check of lab 17 wants to know, found out beside the services' code: `python -m labs.services.tests.judging RESULT
QUESTION`. The answer goes into RESULT as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from labs.classroom.proving import run
from labs.classroom.proving.stand import PACTS, Change, fulfilled, inventory, mismatches

CONSUMER = "test_order_prices.py"
"""The learner's."""
EVENTS = ("test_notification_parcel.py", "test_order_parcel_pact.py")
"""Those of the lab: what notification-service needs, and whether order-service tells it."""


def _each(**changes: Any) -> Change:
    """An answer in which each item is changed so; a change to None takes a field out."""

    def changed(answer: Any) -> Any:
        items = [{k: v for k, v in (item | changes).items() if v is not None} for item in answer["items"]]
        return answer | {"items": items}

    return changed


def _nested(answer: Any) -> Any:
    items = [
        {"sku": i["sku"], "price": {"amount": i["amount"], "currency": i["currency"]}, "version": i["version"]}
        for i in answer["items"]
    ]
    return answer | {"items": items}


PROVIDERS: dict[str, Change] = {
    "as it is": lambda answer: answer,
    "other prices": _each(amount=1234, version=7),
    "one more field": _each(unit="piece"),
    "without unknown": lambda answer: {"items": answer["items"]},
    "prices as text": _each(amount="350"),
    "half a cent": _each(amount=350.5),
    "without currency": _each(currency=None),
    "without version": _each(version=None),
    "nested": _nested,
}
"""What a provider may do to its answer to GET /prices; order-service lives on the first four of them, and on no other."""


def prices() -> dict[str, Any]:
    """Does the learner's consumer test pass, and what of its pact do all these providers not keep?"""
    for old in PACTS.glob("order/*.json"):
        old.unlink()
    said: dict[str, Any] = {"consumer": run.found(CONSUMER), "providers": {}}
    written = sorted(PACTS.glob("order/*.json"))
    said["written"] = [json.loads(path.read_text()) for path in written]
    if not written or any(said["consumer"].values()):
        return said
    with inventory() as alone:
        states = {"tea and cup are in the catalogue": lambda: alone.offer(tea=350, cup=900)}
        for name, change in PROVIDERS.items():
            alone.change = change
            kept = mismatches("inventory-service", written[0], url=alone.url, states=states)
            said["providers"][name] = kept
    return said


def parcel() -> dict[str, Any]:
    """What the learner's version of order-service tells of a parcel, and whether both versions of notification-service get
    what they need from it."""
    try:
        told = json.loads(fulfilled(3))
    except Exception as error:  # noqa: BLE001  whatever a learner's code raises is the answer
        return {"error": f"{type(error).__name__}: {error}"}
    return {"told": told, "tests": run.found(*EVENTS)}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps({"prices": prices, "parcel": parcel}[sys.argv[2]]()))
