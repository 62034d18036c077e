"""Requests that no shop can fulfil: what is wrong with each, the request, the status, a word that the answer must say."""

import json
from typing import Any, NamedTuple

LINE = {"sku": "tea", "quantity": 1}
ORDER = {"lines": [LINE]}


class Bad(NamedTuple):
    """One of them. `body` is sent as it is, `content_type` says what it claims to be."""

    wrong: str
    body: bytes
    status: int
    said: str
    content_type: str | None = "application/json"


def _order(wrong: str, said: str, **changes: Any) -> Bad:
    return Bad(wrong, json.dumps(ORDER | changes).encode(), 422, said)


def _line(wrong: str, said: str, **changes: Any) -> Bad:
    return _order(wrong, said, lines=[LINE | changes])


BAD_ORDERS = [
    Bad("nothing in it", b"{}", 422, "lines: Field required"),
    _order("lines without a line", "lines", lines=[]),
    _order("101 lines", "lines: List should have at most 100 items", lines=[LINE] * 101),
    _order("lines that are no list", "lines", lines=LINE),
    _order("a line that is a text", "lines.0", lines=["tea"]),
    _order("a field that nobody knows", "discount", discount=100),
    _line("a price that the client would like", "price", price=0.01),
    _line("a quantity of zero", "quantity: Input should be greater than 0", quantity=0),
    _line("a negative quantity", "quantity: Input should be greater than 0", quantity=-1),
    _line("a quantity beyond reason", "quantity: Input should be less than or equal to 1000000", quantity=1_000_001),
    _line("a quantity beyond 64 bits", "quantity: Input should be less than or equal to 1000000", quantity=10**30),
    _line("true as quantity", "quantity: Input should be a valid integer", quantity=True),
    _line("half a piece", "quantity: Input should be a valid integer", quantity=1.5),
    _line("a whole number with a point", "quantity: Input should be a valid integer", quantity=1.0),
    _line("a quantity in a text", "quantity: Input should be a valid integer", quantity="1"),
    _line("null as quantity", "quantity: Input should be a valid integer", quantity=None),
    _line("no number as quantity", "quantity: Input should be a valid integer", quantity=float("nan")),
    _line("null as sku", "sku: Input should be a valid string", sku=None),
    _line("an empty sku", "sku: must be", sku=""),
    _line("a sku with a space", "sku: must be", sku="green tea"),
    _line("a sku that would leave its folder", "sku: must be", sku="../tea"),
    _line("a sku that ends its line", "sku: must be", sku="tea\n"),
    _line("a sku of 41 letters", "sku: must be", sku="t" * 41),
    _order("an address instead of a token", "customer_email", customer_email="somebody@example.org"),
    _order("a card number instead of the provider's token", "card", card="4111111111111111"),
    _order("null as card", "card", card=None),
    _order("half a character", "card", card="\ud800"),
    Bad("a list", b"[]", 422, "body"),
    Bad("null", b"null", 422, "Field required"),
    Bad("nothing at all", b"", 400, "not JSON"),
    Bad("half a body", b'{"lines": [', 400, "not JSON"),
    Bad("bytes that are no text", b"\xff\xfe", 400, "not JSON"),
    Bad("a number of 5,000 digits", b'{"quantity": ' + b"9" * 5_000 + b"}", 400, "not JSON"),
    Bad("100,000 lists in each other", b"[" * 100_000, 400, "nested too deeply"),
    Bad("2 MB", b'"' + b"x" * 2_000_000 + b'"', 413, "exceeds"),
    Bad("a form", b"sku=tea&quantity=1", 415, "application/json", "application/x-www-form-urlencoded"),
    Bad("JSON that says it is text", json.dumps(ORDER).encode(), 415, "text/plain", "text/plain"),
    Bad("JSON that says nothing", json.dumps(ORDER).encode(), 415, "application/json", None),
]


def _user(wrong: str, said: str, **changes: Any) -> Bad:
    return Bad(wrong, json.dumps(USER | changes).encode(), 422, said)


USER = {"name": "A customer", "email": "customer@example.org", "password": "correct horse"}
BAD_USERS = [
    Bad("nothing in it", b"{}", 422, "Field required"),
    _user("null as address", "email: Input should be a valid string", email=None),
    _user("an address without @", "email: must be one email address", email="customer"),
    _user("two addresses", "email: must be one email address", email="a@example.org,b@example.org"),
    _user("another mail header", "email: must be one", email="a@example.org\nBcc: b@example.org"),
    _user("a zero byte in the address", "email: must be one email address", email="a@example.org\0"),
    _user("an address of 300 letters", "email: must be one email", email=f"a@{'b.' * 148}de"),
    _user("half a character", "email", email="\ud800@example.org"),
    _user("a short password", "password", password="7 chars"),
    _user("an endless password", "password", password="x" * 129),
    _user("no name", "name", name=""),
    _user("a name that ends a header", "name", name="A\r\nBcc: b@example.org"),
    _user("no phone number", "phone", phone="call me"),
    _user("a channel that does not exist", "channels", channels=["pigeon"]),
    _user("SMS without a phone", "phone", channels=["sms"]),
    _user("push without a device", "device_token", channels=["push"]),
    _user("a role", "roles", roles=["admin"]),
    _user("permissions", "permissions", permissions=["users:all"]),
]
