"""Lab 09: what a learner's comparer, guard and plan do while capabilities leave a monolith."""

from typing import Any

from labs.classroom import behaviour
from labs.classroom.lab import Lab
from labs.classroom.strangling import LENT, SERVICE_OF, Raised
from labs.classroom.verdicts import Checks, Verdict, passed, wrong

CHECKS = Checks()
KEYS = "http://gateway:8000/.well-known/jwks.json"
"""Where whoever answers for users shows the keys of tokens, whether that has moved or not."""
TIED = {"users", "orders", "notifications"}
FEW, MANY = 5, 40
"""Requests that say nothing yet, and that say enough."""


# --- the comparer -----------------------------------------------------------------------------------------------------


@CHECKS.exercise("comparing", "strangler/comparing.py")
def comparing(lab: Lab, _answer: Any) -> Verdict:
    """What may differ is left out, what must not is named with its place."""
    tea = {"sku": "tea", "price": {"amount": 350}, "low": True, "note": None, "items": [{"sku": "a"}, {"sku": "b"}]}
    try:
        with lab.strangler() as strangler:

            def found(body: Any, **more: Any) -> list[str]:
                old, new = _answered(tea), _answered(body, **more)
                return [str(one["where"]) for one in strangler.compare("/products/tea", old, new)]

            return _quiet(found, tea) or _told(found, tea) or _deep(found, tea)
    except Raised as error:
        return wrong("raises", f"Two answers to GET /products/tea were compared: {error}")


def _quiet(found: Any, tea: dict[str, Any]) -> Verdict | None:
    again = {name: tea[name] for name in reversed(tea)}
    for what, body, more in (
        ("another X-Correlation-ID and Date", tea, {"headers": {"X-Correlation-ID": "c-2", "Date": "tomorrow"}}),
        ("the same fields in another order", again, {}),
    ):
        if said := found(body, **more):
            return wrong(
                "noise",
                f"Two answers that differ only in {what}, and you report {', '.join(said) or 'a difference'}. That is so for "
                "every request, so among a million such reports nobody will see the one that counts.",
                _pair("200, c-1", "200, c-2", f"reported: {', '.join(said)}"),
            )
    if said := found(tea | {"colour": "green"}):
        return wrong(
            "cries",
            f"The new answer has a field more, colour, and you report {', '.join(said)}. Whoever asked for what the old "
            "one says still finds it; a field more breaks nobody who ignores what they do not know.",
        )
    return None


def _told(found: Any, tea: dict[str, Any]) -> Verdict | None:
    if not found(tea, status=404):
        return wrong(
            "blind_status",
            "The old side says 200, the new one 404, and you report nothing.",
            _pair("200", "404", "nothing reported"),
        )
    if not found(tea, headers={"Content-Type": "text/html"}):
        return wrong(
            "blind_type",
            "The new side answers text/html where the old one answers application/json, and you report nothing.",
        )
    if not found({name: tea[name] for name in tea if name != "sku"}):
        return wrong(
            "blind_missing",
            "The old answer has a field `sku`, the new one has not, and you report nothing. Whoever reads it falls over.",
        )
    if not found({name: tea[name] for name in tea if name != "note"}):
        return wrong(
            "blind_missing",
            "The old answer has a field `note` that is null, the new one has no such field, and you report nothing. Whoever "
            "reads it falls over. What does `get` say of a key that is not there?",
        )
    return None


def _deep(found: Any, tea: dict[str, Any]) -> Verdict:
    said = found(tea | {"price": {"amount": 360}})
    if not said:
        return wrong("blind", "A price of 350 became 360, inside of `price`, and you report nothing.")
    if said != ["price.amount"]:
        return wrong(
            "vague",
            f"price.amount went from 350 to 360, and you report it as {', '.join(said)}. Who reads the report must "
            "know where to look: the whole way, price.amount.",
        )
    for what, body in (("350 became the text '350'", {"price": {"amount": "350"}}), ("true became 1", {"low": 1})):
        if not found(tea | body):
            return wrong(
                "loose", f"{what}, and you report nothing. To a customer's program these are different things."
            )
    a, b = tea["items"]
    if not found(tea | {"items": [b, a]}):
        return wrong(
            "blind_order", "A list came in another order, and you report nothing. The order of a page is an answer."
        )
    for what, items in (("one less", [a]), ("one more", [a, b, a])):
        if not found(tea | {"items": items}):
            return wrong(
                "blind_length", f"A list has {what}, and you report nothing.", _pair("a, b", what, "nothing reported")
            )
    return passed(
        "Correlation ids, dates, the order of fields and a field more were left out. Status, media type, a missing field, a "
        "value deep inside, its type, the order and the length of a list were named."
    )


def _answered(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> dict[str, Any]:
    usual = {"Content-Type": "application/json", "X-Correlation-ID": "c-1", "Date": "today"}
    return {"status": status, "headers": usual | (headers or {}), "body": body}


def _pair(old: str, new: str, ending: str) -> tuple[str, ...]:
    return (
        "gateway->>monolith: GET /products/tea",
        f"monolith-->>gateway: {old}",
        "gateway->>inventory-service: the same, mirrored",
        f"inventory-service-->>gateway: {new}",
        f"Note over gateway: {ending}",
    )


# --- the guard --------------------------------------------------------------------------------------------------------


@CHECKS.exercise("guard", "strangler/guard.py")
def guard(lab: Lab, _answer: Any) -> Verdict:
    """Go on, step back or wait, by what customers met on either side."""
    try:
        return _judged(lab)
    except Raised as error:
        return wrong("raises", f"The guard was asked, and {error}. Nobody has been asked yet is a case, too.")


def _judged(lab: Lab) -> Verdict:
    def said(old: tuple[int, int], new: tuple[int, int]) -> str:
        return lab.decide(*({"asked": asked, "failed": failed} for asked, failed in (old, new)))

    if (word := said((100, 0), (MANY, 0))) != "go on":
        kind = "stuck" if word in ("wait", "step back") else "word"
        return wrong(
            kind,
            f"{MANY} requests on the new side, none failed, none on the old one either, and you say {word!r}. Which of "
            "the three words means that?",
        )
    if (word := said((0, 0), (MANY, 0))) != "go on":
        return wrong("stuck", f"All requests go to the new side, {MANY} of them, none failed, and you say {word!r}.")
    if (word := said((100, 0), (FEW, 0))) != "wait":
        return wrong(
            "impatient",
            f"{FEW} requests on the new side, none failed, and you say {word!r}. One request in ten may fail, and five in a "
            "row go well all the same, more often than not. Wait until there are enough.",
        )
    if (word := said((75, 0), (25, 6))) != "step back":
        return wrong("blind", f"On the new side 6 of 25 fail, on the old one none of 75, and you say {word!r}.")
    if (word := said((0, 0), (MANY, MANY // 2))) != "step back":
        return wrong(
            "blind",
            f"All requests go to the new side, and half of {MANY} fail. You say {word!r}. Does nobody look any more?",
        )
    if (word := said((1000, 8), (MANY, 8))) != "step back":
        return wrong(
            "counts",
            f"On the old side 8 of 1000 fail, on the new one 8 of {MANY}, and you say {word!r}. The counts are equal, the "
            "shares are not: the new side gets a small part of the requests.",
        )
    if (word := said((100, 10), (MANY, 4))) != "go on":
        return wrong(
            "blames_new",
            f"One request in ten fails, on the old side (10 of 100) and on the new one (4 of {MANY}), and you say {word!r}. "
            "Something else is wrong; to step back does not mend it.",
        )
    return passed(
        "Too few: wait. Worse than the old side by its share: step back. Like the old side, in good and in bad times: go on."
    )


# --- the plan ---------------------------------------------------------------------------------------------------------


@CHECKS.exercise("plan", "strangler/plan.py")
def plan(lab: Lab, _answer: Any) -> Verdict:
    """Every step of it is taken, and after each the shop is asked whether it behaves. Then all is put back."""
    try:
        moves = lab.plan()
    except Raised as error:
        return wrong("raises", f"Your plan was read, and {error}")
    if verdict := _not_a_plan(moves):
        return verdict
    _stage(lab)
    before = lab.routes()
    try:
        for capability in before:
            lab.gateway.move(capability, "monolith")
        for number, step in enumerate(moves, 1):
            lab.move_together(step)
            for question, said in behaviour.ask(lab.front, first_only=True).items():
                return _torn(number, step, question, said)
    finally:
        for capability, percent in before.items():
            lab.gateway.move(capability, "services", percent)
    return passed(
        f"{len(moves)} steps were taken, and after each of them the shop behaved: {len(behaviour.QUESTIONS)} questions."
    )


def _not_a_plan(moves: list[list[str]]) -> Verdict | None:
    named = [capability for step in moves for capability in step]
    if unknown := sorted(set(named) - set(SERVICE_OF)):
        return wrong("unknown", f"There is no capability {', '.join(unknown)}. There are: {', '.join(SERVICE_OF)}.")
    if left := sorted(set(SERVICE_OF) - set(named)):
        return wrong(
            "left_behind", f"After your last step the monolith still answers for {', '.join(left)}, so it must run on."
        )
    if len(named) != len(set(named)):
        return wrong("twice", "A capability is moved twice; the second move changes nothing.")
    for step in moves:
        if len(step) > 1 and (alone := sorted(set(step) - TIED)):
            return wrong(
                "all_at_once",
                f"A step moves {', '.join(step)} together. {' and '.join(alone)} can go alone, as you have seen. When "
                "something is wrong after a large step you do not know which part of it, and have to take all of it back.",
            )
    return None


def _torn(number: int, step: list[str], question: str, said: str) -> Verdict:
    moved = ", ".join(step)
    why = {
        "hears": "Who registers, who orders and who writes the mail are told of each other inside of the monolith, and by "
        "events among the services. Across the two nobody is told anything, so a new customer is unknown "
        "to whoever writes the mail.",
        "told": "What was told to a customer is written down where the order is carried out. Who asks on the other side finds "
        "nothing.",
        "price": "The clerk changes the price in the monolith, which tells nobody. order-service orders with the price that it "
        "knows: whoever keeps a copy must be told of changes, so their owner must be able to tell.",
    }
    message = f"Step {number} moves {moved}. Then the shop is asked ({question}), and {said}."
    ending = f"Note over monolith,services: {question}: {said}"
    return wrong(
        question if question in why else "broken",
        f"{message} {why.get(question, '')}".strip(),
        (f"gateway->>services: {moved}", "gateway->>monolith: the rest", ending),
    )


def _stage(lab: Lab) -> None:
    """What the lab has set by now: keys from behind the gateway, inventory-service on the monolith's tables."""
    for service in sorted({*SERVICE_OF.values()} - {"user-service"}):
        settings = lab.system.configured(service)
        if settings.get("JWKS_URL") != KEYS:
            lab.system.configure(service, **{**settings, "JWKS_URL": KEYS})
            lab.system.restart(service)
    if "DATABASE_URL" not in lab.system.configured(LENT):
        lab.lend(LENT)
