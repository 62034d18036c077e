"""Messages that no handler should take: what is no event at all, and events that say what cannot be."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

from kombu import Connection

from labs.services.chassis.events import LARGEST, Event

ORDER, SOMEBODY = str(uuid4()), str(uuid4())
OF_ORDER = {"order_id": ORDER, "customer_id": SOMEBODY}
LINES = [{"sku": "not-for-sale", "quantity": 1}]
NEW_PRICES = [{"line": 1, "sku": "tea", "amount": 1, "currency": "EUR"}]
CONTACT = {
    "version": 1,
    "name": "A",
    "email": "a@example.org",
    "phone": None,
    "device_token": None,
    "channels": ["email"],
}
TOLD: Mapping[tuple[str, str], dict[str, Any]] = MappingProxyType(
    {
        ("user", "user_registered"): {"user_id": SOMEBODY} | CONTACT,
        ("user", "profile_changed"): {"user_id": SOMEBODY} | CONTACT,
        ("order", "order_placed"): OF_ORDER | {"lines": LINES, "total": {"amount": 350, "currency": "EUR"}},
        ("order", "order_confirmed"): OF_ORDER,
        ("order", "order_paid"): OF_ORDER | {"amount": 350, "currency": "EUR"},
        ("order", "order_fulfilled"): OF_ORDER | {"tracking_code": "T", "lines": LINES, "missing": []},
        ("order", "order_rejected"): OF_ORDER | {"reason": "none left"},
        ("order", "order_cancelled"): OF_ORDER | {"reason": "changed my mind"},
        ("order", "settlement_asked"): {"day": "2026-01-01"},
        ("inventory", "stock_reserved"): {"order_id": ORDER},
        ("inventory", "stock_rejected"): {"order_id": ORDER, "reason": "none left"},
        ("inventory", "stock_overdue"): {"order_id": ORDER},
        ("inventory", "price_changed"): {"sku": "tea", "amount": 350, "currency": "EUR", "version": 1},
        ("inventory", "price_import_chunk"): {"import_id": ORDER, "lines": NEW_PRICES},
        ("inventory", "stock_report_asked"): {"report_id": ORDER},
    }
)
"""The data of every event that somebody handles, as it is when all is well, by (who tells it, its type)."""
WRONG: tuple[Any, ...] = (None, {"a": [1]}, "\ud800", 10**30)
"""In place of any field."""
HARMFUL: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("order", "order_placed", {"lines": [{"sku": "tea", "quantity": -5}]}),
    ("order", "order_placed", {"lines": [{"sku": "tea", "quantity": 0.5}]}),
    ("order", "order_placed", {"lines": [{"sku": "tea", "quantity": "1"}]}),
    ("order", "order_placed", {"lines": [{"sku": "tea", "quantity": True}]}),
    ("order", "order_placed", {"lines": {"sku": "tea", "quantity": 1}}),
    ("order", "order_placed", {"order_id": ["x"]}),
    ("order", "order_fulfilled", {"missing": [{"sku": "tea", "quantity": -5}]}),
    ("inventory", "price_changed", {"amount": "free", "version": 99}),
    ("inventory", "price_changed", {"amount": -350, "version": 99}),
    ("inventory", "price_changed", {"amount": 0.5, "version": 99}),
    ("inventory", "price_changed", {"amount": 10**30, "version": 99}),
    ("inventory", "price_changed", {"currency": 7, "version": 99}),
    ("inventory", "price_changed", {"version": "newest"}),
    ("inventory", "price_changed", {"sku": None, "version": 99}),
    ("inventory", "stock_rejected", {"order_id": {"like": "%"}}),
    ("user", "profile_changed", {"email": ["a@example.org", "b@example.org"], "version": 99}),
    ("user", "profile_changed", {"channels": "email", "version": 99}),
)
"""What would do harm if a handler believed it: (who tells it, its type, what is wrong)."""


class Poison(NamedTuple):
    """A message. Its dead letter has this id, and these words in its reason."""

    kind: str
    id: str
    body: bytes
    properties: dict[str, Any]
    words: str = ""


def told(source: str, event_type: str, **changes: Any) -> Poison:
    """An event in good form with this wrong data."""
    event = Event(f"{source}-service", event_type, TOLD[source, event_type] | changes)
    return Poison(f"{event_type} {changes}", event.id, json.dumps(event.data).encode(), {"headers": event.headers()})


def garbage(source: str, event_type: str) -> Iterator[Poison]:
    """What is no event, or not one that a handler of this type can know."""
    yield _with(source, event_type, "without data", b"{}")
    yield _with(source, event_type, "not JSON", b"<order/>", "Expecting value")
    yield _with(source, event_type, "half JSON", b'{"order_id": ', "Expecting value")
    yield _with(source, event_type, "no text", b"\xff\xfe\x00", "utf-8")
    yield _with(source, event_type, "lists in each other", b"[" * 100_000, "recursion")
    yield _with(source, event_type, "a list", b"[]", "JSON object")
    yield _with(source, event_type, "nothing", b"", "JSON object")
    yield _with(source, event_type, "huge", b'{"fill": "%b"}' % (b"x" * LARGEST), "larger than 1,000,000 bytes")
    pickle = {"content_type": "application/x-python-serialize"}
    yield _with(source, event_type, "a pickle", b"cos\nsystem\n(S'true'\ntR.", "Refusing to deserialize", **pickle)
    yaml = {"content_type": "application/x-yaml"}
    yield _with(
        source, event_type, "YAML", b"!!python/object/apply:os.system [true]", "Refusing to deserialize", **yaml
    )
    yield _with(source, event_type, "a packed body", b"{}", "", content_encoding="x-evil")
    yield _headed(source, event_type, "of an unknown type", "knows", type="shop_closed")
    yield _headed(source, event_type, "of another source", "knows", source="evil-service")
    yield _headed(
        source, event_type, "with an endless correlation id", "correlationid must be", correlationid="x" * 500
    )
    yield _headed(source, event_type, "with an endless id", "at most 36", id="x" * 500 + uuid4().hex)
    yield _headed(source, event_type, "with a number as id", "id must be text", id=uuid4().int % 2**31)
    yield _headed(source, event_type, "without an id", "missing id", id=None)
    name = f"without headers-{uuid4().hex[:8]}"
    yield Poison("without headers", name, b"{}", {}, "missing id, source, type")


def publish(url: str, to: str, key: str, *poisons: Poison) -> None:
    """To this exchange, with this routing key."""
    usual = {"content_type": "application/json", "content_encoding": "utf-8"}
    with Connection(url, connect_timeout=5) as connection:
        channel = connection.channel()
        for poison in poisons:
            kept = {"delivery_mode": 2, "message_id": poison.id[:255]}
            message = channel.prepare_message(poison.body, **(usual | poison.properties), properties=kept)
            channel.basic_publish(message, to, key)


def _with(source: str, event_type: str, kind: str, body: bytes, words: str = "", **properties: Any) -> Poison:
    event = Event(f"{source}-service", event_type, {})
    return Poison(kind, event.id, body, {"headers": event.headers(), **properties}, words)


def _headed(teller: str, event_type: str, kind: str, words: str, **changes: Any) -> Poison:
    event = Event(f"{teller}-service", event_type, {})
    changed = event.headers() | {f"cloudEvents:{name}": value for name, value in changes.items()}
    name = str(changes.get("id", event.id) or event.id)
    return Poison(kind, name, b"{}", {"headers": {k: v for k, v in changed.items() if v}}, words)
