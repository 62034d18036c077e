"""Lab 04: whom the learner's services believe, and what they give away."""

from typing import Any
from uuid import uuid4

import requests

from labs.classroom import forging
from labs.classroom.checks import lab04_passwords, lab04_tokens
from labs.classroom.lab import Lab
from labs.classroom.people import ADMINISTRATOR
from labs.classroom.verdicts import Checks, Verdict, passed, wrong

CHECKS = Checks()
OK, UNAUTHORIZED, NOT_FOUND = 200, 401, 404


@CHECKS.exercise("passwords", "user/passwords.py")
def passwords(lab: Lab, _answer: Any) -> Verdict:
    """What is stored of a password, and what a guess costs."""
    return lab04_passwords.judge(lab)


@CHECKS.exercise("issue", "user/issuing.py")
def issue(lab: Lab, _answer: Any) -> Verdict:
    """What a token says, and to whom."""
    return lab04_tokens.judge(lab)


@CHECKS.exercise("verify", "chassis/verifying.py")
def verify(lab: Lab, _answer: Any) -> Verdict:
    """A valid token is believed, everything else is refused, and nothing changes."""
    tea = f"tea-{uuid4().hex[:8]}"
    token = lab04_tokens.log_in(lab, f"{uuid4().hex[:12]}@example.org")
    status = _orders(lab, token)
    if status >= requests.codes.server_error:
        message = (
            f"A customer with a valid token asked for orders, and order-service answered {status}. `lab logs order-api` says "
            "why."
        )
        return wrong("raises", message)
    if status != OK:
        message = (
            f"A customer with a valid token asked for orders and was told {status}. Nobody can buy anything any more. What do "
            "you ask of a token that this one does not have?"
        )
        return wrong("refuses", message, _told("GET /orders, a valid token", str(status)))
    lab.shop.stock(tea, 5)
    forged = forging.forgeries(lab.shop, lab.system, token)
    for each in forged:
        if failed := _judge_forgery(each, _orders(lab, each.token)):
            return failed
        body = {"sku": tea, "quantity": 1000}
        lab.shop.post("inventory-service", "/stock", body, headers=_bearer(each.token))
    if (there := lab.shop.available(tea)) != 5:
        return wrong("forged", f"A forged token put {there - 5} pieces on the shelf that do not exist.")
    return passed(
        f"A valid token is believed. {len(forged)} others, forged, expired or meant for others, are all refused (401)."
    )


def _judge_forgery(forgery: forging.Forgery, status: int) -> Verdict | None:
    if status == UNAUTHORIZED:
        return None
    if status >= requests.codes.server_error:
        message = (
            f"A token {_words(forgery)} made order-service answer {status}. What cannot be believed is a 401: which error "
            "leaves your `claims` that is no InvalidToken?"
        )
        return wrong("raises", message, _told(f"GET /orders, {forgery.what}", str(status)))
    why = {
        "forged": "Its signature is not that of user-service, and was not looked at.",
        "unsigned": "Nobody has signed it; its head says so itself, and your service took its word for it.",
        "confused": "It is signed with the public key as if that were a secret. Its head chose HS256, and you let it choose.",
        "eternal": "Its time is over. Whoever finds an old token in a log can use it for ever.",
        "for_others": "user-service gave it out for something else: whoever runs that could order in the customer's name.",
        "from_others": "It says that somebody else has issued it, and this shop believes user-service only.",
        "about_nobody": "It does not say whom it is about.",
    }[forgery.mistake]
    message = f"A token {_words(forgery)} was let in ({status}). {why}"
    return wrong(forgery.mistake, message, _told(f"GET /orders, {forgery.what}", f"{status}, and all orders"))


def _words(forgery: forging.Forgery) -> str:
    return f"({forgery.what})"


@CHECKS.exercise("ownership", "order/ownership.py")
def ownership(lab: Lab, _answer: Any) -> Verdict:
    """An order is its customer's, and nobody else's but the clerks'."""
    tea = f"tea-{uuid4().hex[:8]}"
    lab.shop.offer(tea)
    alice, bob = (f"{name}-{uuid4().hex[:8]}@example.org" for name in ("alice", "bob"))
    hers, his = lab.shop.place((tea, 1), email=alice), lab.shop.place((tea, 1), email=bob)
    own = lab.shop.get("order-service", f"/orders/{hers}", alice).status_code
    if own >= requests.codes.server_error:
        return wrong("raises", f"A customer looked at her own order and was told {own}. The log of order-api says why.")
    if own != OK:
        return wrong("closed", f"A customer looked at her own order and was told {own}. It is hers.")
    story = (
        f"bob->>order-service: GET /orders/{hers[:8]}…, which is alice's",
        "order-service-->>bob: 200, and all of it",
    )
    if lab.shop.get("order-service", f"/orders/{hers}", bob).status_code == OK:
        message = "Bob asked for Alice's order by its id, with a valid token of his own, and got it: goods, price, everything."
        return wrong("open", message, story)
    if (status := lab.shop.cancel(hers, email=bob).status_code) != NOT_FOUND:
        message = (
            f"Bob asked to cancel Alice's order and was told {status}. Of an order that is not his he may not even learn that "
            "it exists: for him there is none, a 404."
        )
        asked = f"bob->>order-service: POST /orders/{hers[:8]}…/cancel, which is alice's"
        return wrong("open", message, (asked, f"order-service-->>bob: {status}"))
    if (listed := _listed(lab, bob)) != {his}:
        message = f"Bob has placed one order, and his list shows {len(listed)}."
        if hers in listed:
            return wrong("list_leaks", f"{message} Alice's is among them: one door was closed, and the other is open.")
        return wrong("list_empty", f"{message} What he has bought cannot be found again.")
    return _of_clerks(lab, hers, his) or passed(
        "Each customer sees the own order and list, and of the other's not even that it exists. Who may see all sees both."
    )


def _of_clerks(lab: Lab, *orders: str) -> Verdict | None:
    seen = [lab.shop.get("order-service", f"/orders/{order}", ADMINISTRATOR).status_code for order in orders]
    if seen != [OK, OK]:
        message = f"Somebody with orders:all looked at two customers' orders and was told {seen[0]}. Nobody can help them now."
        return wrong("clerk_blind", message)
    if not set(orders) <= _listed(lab, ADMINISTRATOR):
        return wrong(
            "clerk_blind", "Somebody with orders:all asked for the list, and orders of customers are missing in it."
        )
    return None


def _listed(lab: Lab, who: str) -> set[str]:
    answer = lab.shop.get("order-service", "/orders", who, params={"limit": 100})
    return {order["id"] for order in answer.json()["items"]} if answer.ok else set()


def _orders(lab: Lab, token: str) -> int:
    return lab.shop.get("order-service", "/orders", headers=_bearer(token)).status_code


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _told(asked: str, answer: str) -> tuple[str, ...]:
    return (f"stranger->>order-service: {asked}", f"order-service-->>stranger: {answer}")
