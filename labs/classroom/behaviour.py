"""What a customer of the shop may rely on, asked over HTTP at one address: a small part of what tests/services ask. Nothing
here knows who answers."""

from collections.abc import Callable
from uuid import uuid4

import requests

from labs.classroom.people import PASSWORD
from labs.classroom.shop import Shop
from labs.classroom.watching import until

PATIENCE = 10.0
"""Seconds after which what has not happened counts as not happening. An order takes less than one, of thirty learners on one
host perhaps five."""
CUSTOMER, CLERK, KNOWS = "order-service", "inventory-service", "user-service"
"""A Shop behind one address asks that address, whatever the service is called."""


def who_registers_can_log_in(shop: Shop) -> str:
    """And read the own profile."""
    email = _email()
    registered = shop.post(KNOWS, "/users", {"name": "A customer", "email": email, "password": PASSWORD})
    profile = shop.get(KNOWS, registered.headers.get("Location", "/users/nobody"), email)
    return (
        "" if profile.ok and profile.json()["email"] == email else f"the profile is answered with {profile.status_code}"
    )


def a_product_can_be_found(shop: Shop) -> str:
    """A clerk offers it."""
    sku = _sku()
    shop.offer(sku, 420)
    found = shop.get(CLERK, "/products", params={"search": sku}).json()["items"]
    return "" if [each["price"]["amount"] for each in found] == [420] else f"a search for it finds {len(found)}"


def a_new_price_counts(shop: Shop) -> str:
    """For the next order, as soon as everybody has heard of it."""
    sku, email = _sku(), _email()
    for price in (420, 500):
        shop.offer(sku, price)
        if not until(lambda price=price: _total(shop, sku, email) == price, PATIENCE):  # type: ignore[misc]  # bound here
            return f"a piece costs {price}, and an order for one comes to {_total(shop, sku, email)}"
    return ""


def an_order_is_fulfilled(shop: Shop) -> str:
    """And its pieces are gone from the stock."""
    sku = _sku()
    shop.stock(sku, 5)
    order = shop.place((sku, 2), email=_email())
    if (status := shop.wait([order], PATIENCE)[order].status) != "fulfilled":
        return f"it is {status}"
    left = until(lambda: shop.available(sku) == 3, PATIENCE)
    return "" if left else f"of 5 pieces 2 were sold, and {shop.available(sku)} are for sale"


def a_customer_hears_of_it(shop: Shop) -> str:
    """Whoever has registered just now gets a mail about the order."""
    sku, email = _sku(), _email()
    shop.stock(sku, 1)
    shop.place((sku, 1), email=email)
    return "" if shop.wait_for_mails(1, PATIENCE, to=email) else "no mail came"


def what_was_told_can_be_read(shop: Shop) -> str:
    """The customer's own list says what was sent about the order."""
    sku, email = _sku(), _email()
    shop.stock(sku, 1)
    order = shop.place((sku, 1), email=email)

    def listed() -> bool:
        answer = shop.get("notification-service", "/notifications", email, params={"order_id": order})
        return answer.ok and bool(answer.json()["items"])

    return "" if until(listed, PATIENCE) else "the list of what was told about the order is empty"


def an_order_beyond_the_stock_is_rejected(shop: Shop) -> str:
    """And says why."""
    sku = _sku()
    shop.stock(sku, 1)
    order = shop.place((sku, 2), email=_email())
    settled = shop.wait([order], PATIENCE)[order]
    return "" if settled.status == "rejected" and "2 wanted" in settled.reason else f"it is {settled.status}"


QUESTIONS: dict[str, Callable[[Shop], str]] = {
    "login": who_registers_can_log_in,
    "found": a_product_can_be_found,
    "price": a_new_price_counts,
    "order": an_order_is_fulfilled,
    "hears": a_customer_hears_of_it,
    "told": what_was_told_can_be_read,
    "beyond": an_order_beyond_the_stock_is_rejected,
}
"""Each says what is wrong, nothing if all is well."""


def ask(shop: Shop, first_only: bool = False) -> dict[str, str]:
    """What is wrong, by question; empty if the shop behaves. `first_only` stops at the first."""
    wrong: dict[str, str] = {}
    for name, question in QUESTIONS.items():
        try:
            said = question(shop)
        except (requests.RequestException, KeyError) as error:
            said = f"{type(error).__name__}: {error}"
        if said:
            wrong[name] = said
        if wrong and first_only:
            break
    return wrong


def _total(shop: Shop, sku: str, email: str) -> int:
    answer = shop.order((sku, 1), email=email)
    return int(answer.json()["total"]["amount"]) if answer.ok else 0


def _sku() -> str:
    return f"tea-{uuid4().hex[:10]}"


def _email() -> str:
    return f"{uuid4().hex[:12]}@example.org"
