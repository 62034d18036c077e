"""What each service needs of those that it asks over HTTP, lived on by its own code and written down as pacts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pact import Pact, match

from labs.classroom.proving.pacts import HOST
from labs.services.chassis.client import Client
from labs.services.chassis.database import Database
from labs.services.chassis.keys import RemoteKeys
from labs.services.notification.channels import Refused as NotDelivered
from labs.services.notification.gateways import Gateway, push_message, text_message
from labs.services.notification.store import Notification
from labs.services.order.domain import Price
from labs.services.order.fulfilment import Fulfilment
from labs.services.order.payments import Payments
from labs.services.order.prices import ReadModel
from labs.services.order.provider import Provider
from labs.services.order.saga import Done, Refused
from labs.services.order.tables import Order
from tests.services.unit.outside_stand import KEY

JSON, PROBLEM = "application/json", "application/problem+json"
ORDER, INVENTORY, NOTIFICATION, USER, OUTSIDE = (
    "order-service",
    "inventory-service",
    "notification-service",
    "user-service",
    "outside",
)
CHARGED, REFUNDED, UNKNOWN, DECLINED, SHIPPED = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 6))
"""An order for each example: the world outside gives the same answer to whoever comes again with the same key."""
DAY, MOMENT = "2030-01-01", "2030-01-01T12:00:00+00:00"
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
"""A public key, that of RFC 8037, appendix A."""


def moment() -> Any:
    """A moment as RFC 3339 has it, with its time zone."""
    return match.regex(MOMENT, regex=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


def prices(folder: Path, order_database: Callable[[], Database]) -> None:
    """order-service asks what products cost that it has not heard of."""
    pact = Pact(ORDER, INVENTORY)
    known = pact.upon_receiving("a question for two prices").given("tea and cup are in the catalogue")
    known.with_request("GET", "/prices").with_query_parameters([("sku", "tea"), ("sku", "cup")])
    price = {"sku": match.str("tea"), "amount": match.int(350), "currency": currency(), "version": match.int(1)}
    known.will_respond_with(200).with_body({"items": match.each_like(price)}, JSON)
    unknown = pact.upon_receiving("a question for a product that nobody sells").given("there is no unicorn")
    unknown.with_request("GET", "/prices").with_query_parameter("sku", "unicorn")
    unknown.will_respond_with(200).with_body({"items": []}, JSON)
    with pact.serve(addr=HOST) as inventory:
        model = ReadModel(order_database(), Client(str(inventory.url), INVENTORY))
        assert model.of(["tea", "cup"])["tea"] == Price(350, "EUR", 1)
        assert model.of(["unicorn"]) == {}
    pact.write_file(folder)


def charges(folder: Path, _order_database: Callable[[], Database]) -> None:
    """order-service takes money, and is told if the card is declined."""
    pact = Pact(ORDER, OUTSIDE)
    taken = pact.upon_receiving("a charge")
    _sent(taken, "/payments/charges", CHARGED, charge(CHARGED)).will_respond_with(201).with_body({"at": moment()}, JSON)
    declined = pact.upon_receiving("a charge of a card that the bank declines")
    _sent(declined, "/payments/charges", DECLINED, charge(DECLINED, "card-declined"))
    declined.will_respond_with(402).with_body({"detail": match.str("The card is declined.")}, PROBLEM)
    with pact.serve(addr=HOST) as outside:
        pays = Payments(Provider("payments", f"{str(outside.url).rstrip('/')}/payments", KEY))
        done, refused = pays.charge(order(CHARGED)), pays.charge(order(DECLINED, card="card-declined"))
    assert isinstance(done, Done)
    assert done.records[0][1]["day"] == DAY
    assert isinstance(refused, Refused)
    assert "declined" in refused.reason
    pact.write_file(folder)


def refunds(folder: Path, _order_database: Callable[[], Database]) -> None:
    """order-service gives money back, also of a charge that may never have come."""
    pact = Pact(ORDER, OUTSIDE)
    back = pact.upon_receiving("a refund of a charge").given("the order that is refunded was charged")
    _sent(back, "/payments/refunds", f"{REFUNDED}-all", {"charge_key": REFUNDED, "amount": 700})
    told = {"status": "refunded", "at": moment(), "charged_at": moment()}
    back.will_respond_with(201).with_body(told, JSON)
    void = pact.upon_receiving("a refund of a charge that never came")
    _sent(void, "/payments/refunds", f"{UNKNOWN}-all", {"charge_key": UNKNOWN, "amount": 700})
    void.will_respond_with(201).with_body({"status": "voided"}, JSON)
    with pact.serve(addr=HOST) as outside:
        pays = Payments(Provider("payments", f"{str(outside.url).rstrip('/')}/payments", KEY))
        refunded, voided = pays.refund(order(REFUNDED)), pays.refund(order(UNKNOWN))
    assert isinstance(refunded, Done)
    assert [values["kind"] for _, values in refunded.records] == ["charge", "refund"]
    assert voided == Done()
    pact.write_file(folder)


def entries(folder: Path, _order_database: Callable[[], Database]) -> None:
    """order-service settles a day against the provider's book."""
    pact = Pact(ORDER, OUTSIDE)
    book = pact.upon_receiving("a question for a day of the book").given("one order was charged on that day")
    book.with_request("GET", "/payments/entries").with_query_parameter("day", DAY).with_query_parameter("limit", "100")
    book.with_header("Authorization", _authorization())
    kind = match.regex("charge", regex="^(charge|refund)$")
    entry = {"id": match.str("e-1"), "kind": kind, "order_id": match.str(CHARGED), "amount": match.int(700)}
    book.will_respond_with(200).with_body({"items": match.each_like(entry), "next": None}, JSON)
    with pact.serve(addr=HOST) as outside:
        pays = Payments(Provider("payments", f"{str(outside.url).rstrip('/')}/payments", KEY))
        page = pays.entries(DAY, None)
    assert page["items"][0]["amount"] == 700
    assert page["next"] is None
    pact.write_file(folder)


def shipments(folder: Path, _order_database: Callable[[], Database]) -> None:
    """order-service hands an order to the carrier."""
    pact = Pact(ORDER, OUTSIDE)
    parcel = pact.upon_receiving("a parcel to carry")
    line = {"sku": "tea", "quantity": 2}
    _sent(parcel, "/carrier/shipments", SHIPPED, {"order_id": SHIPPED, "lines": [line]})
    shipped = match.each_like({"sku": match.str("tea"), "quantity": match.int(2)})
    told = {"tracking_code": match.regex("TRACK-1", regex="^.+$"), "shipped": shipped, "missing": []}
    parcel.will_respond_with(201).with_body(told, JSON)
    with pact.serve(addr=HOST) as outside:
        ships = Fulfilment(Provider("carrier", f"{str(outside.url).rstrip('/')}/carrier", KEY))
        done = ships.ship(order(SHIPPED))
    assert isinstance(done, Done)
    assert done.facts == {"tracking_code": "TRACK-1", "missing": []}
    pact.write_file(folder)


def messages(folder: Path, _order_database: Callable[[], Database]) -> None:
    """notification-service hands text messages and push notifications over, and is told what will never be taken."""
    pact = Pact(NOTIFICATION, OUTSIDE)
    text = pact.upon_receiving("a text message")
    _message(text, "/sms", "e-1-sms", {"to": "+4915112345678", "text": "It is on its way."}).will_respond_with(201)
    wrong = pact.upon_receiving("a text message to what is no number")
    _message(wrong, "/sms", "e-2-sms", {"to": "nobody", "text": "It is on its way."}).will_respond_with(422)
    push = pact.upon_receiving("a push notification")
    shown = {"device_token": "device-1", "title": "Your order", "text": "It is on its way."}
    _message(push, "/push", "e-1-push", shown).will_respond_with(201)
    with pact.serve(addr=HOST) as outside:
        url = str(outside.url).rstrip("/")
        sms, pushes = Gateway("sms", f"{url}/sms", text_message), Gateway("push", f"{url}/push", push_message)
        with sms.opened() as send:
            send(_notification("e-1-sms", "+4915112345678"))
            try:
                send(_notification("e-2-sms", "nobody"))
            except NotDelivered as error:
                assert "422" in str(error)
            else:
                raise AssertionError("a number that is none was taken")
        with pushes.opened() as send:
            send(_notification("e-1-push", "device-1"))
    pact.write_file(folder)


def keys_of(consumer: str) -> Callable[[Path, Callable[[], Database]], None]:
    """Whoever checks tokens fetches the keys that verify them."""

    def keys(folder: Path, _order_database: Callable[[], Database]) -> None:
        pact = Pact(consumer, USER)
        asked = pact.upon_receiving("a question for the keys that verify tokens")
        asked.with_request("GET", "/.well-known/jwks.json")
        key = {
            "kid": match.regex("key-1", regex="^.+$"),
            "kty": match.regex("OKP", regex="^OKP$"),
            "crv": match.regex("Ed25519", regex="^Ed25519$"),
            "x": match.regex(X, regex="^[A-Za-z0-9_-]{43}$"),
        }
        asked.will_respond_with(200).with_body({"keys": match.each_like(key)}, JSON)
        with pact.serve(addr=HOST) as users:
            url = f"{str(users.url).rstrip('/')}/.well-known/jwks.json"
            assert RemoteKeys(url).find("key-1") is not None
        pact.write_file(folder)

    keys.__name__ = f"keys_of_{consumer.replace('-', '_')}"
    return keys


EVERY = (
    prices,
    charges,
    refunds,
    entries,
    shipments,
    messages,
    *map(keys_of, (ORDER, INVENTORY, NOTIFICATION)),
)
"""Each writes into a folder; the second argument makes an empty database of order-service."""


def currency() -> Any:
    """As in ISO 4217."""
    return match.regex("EUR", regex="^[A-Z]{3}$")


def order(order_id: str, card: str = "card-ok") -> Order:
    """Two teas for 700 cents."""
    line = {"sku": "tea", "quantity": 2, "amount": 350, "currency": "EUR"}
    return Order(id=order_id, amount=700, currency="EUR", card=card, lines=[line], missing=[])


def charge(order_id: str, card: str = "card-ok") -> dict[str, Any]:
    """What the payment provider is asked for it."""
    return {"order_id": order_id, "amount": 700, "currency": "EUR", "card": card}


def _authorization() -> Any:
    return match.regex(f"Bearer {KEY}", regex="^Bearer .+$")


def _sent(interaction: Any, path: str, key: str, body: dict[str, Any]) -> Any:
    interaction.with_request("POST", path).with_header("Authorization", _authorization())
    return interaction.with_header("Idempotency-Key", key).with_body(body, JSON)


def _message(interaction: Any, gateway: str, key: str, body: dict[str, Any]) -> Any:
    return (
        interaction.with_request("POST", f"{gateway}/messages")
        .with_header("Idempotency-Key", key)
        .with_body(body, JSON)
    )


def _notification(name: str, to: str) -> Notification:
    return Notification(id=name, recipient=to, subject="Your order", body="It is on its way.")
