"""Lab 17: a consumer's contract is judged by what it lets a provider do, a version by who can live on it, a gate by what it
lets through."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from labs.classroom import proven, watching
from labs.classroom.checks import lab17_gates as gates
from labs.classroom.lab import Lab
from labs.classroom.proving.commits import COMMITS, PRICES, VERSIONS
from labs.classroom.slips import Slip
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.start_error import StartError

CHECKS = Checks()
PATIENCE = 10.0
"""Seconds after which a mail counts as not coming; it takes one."""
CODE = "TRACK-0123456789ABCDEF"
"""Of the parcel that the tests of the lab tell of."""
FINE = ("as it is", "other prices", "one more field", "without unknown")
"""What order-service lives on; on no other of the providers in judging.py."""
NEW = "3"
"""The version that the learner writes."""


@CHECKS.exercise("prices", "tests/test_order_prices.py")
def prices(lab: Lab, _answer: Any) -> Verdict:
    """The pact that the learner's test writes, against providers that changed something."""
    if proven.made(lab.system, COMMITS[PRICES]):
        raise Slip(f"The commit {PRICES!r} is in force. Take it back first: lab.revert({PRICES!r}).")
    said = proven.asked(lab.system, "judging", "prices")
    if trouble := next(filter(None, said["consumer"].values()), ""):
        return wrong(
            "not_lived_on",
            "With the answer that you describe, the real code of order-service does not get its prices. A contract that its "
            f"own consumer cannot live on protects nobody. Your test says: {trouble}",
            ("order-service->>contract: GET /prices?sku=tea&sku=cup", "contract-->>order-service: your ANSWER"),
        )
    if not said["written"]:
        return wrong(
            "nothing_written", "Your test passes, and it has written no pact. The last line of the test writes it."
        )
    return _prices(said["providers"])


def _prices(found: Mapping[str, list[str]]) -> Verdict:
    """`found` has what each provider does not keep of the pact."""
    refused = {name: "; ".join(words) for name, words in found.items() if words}
    if "as it is" in refused:
        return wrong(
            "refuses_today",
            "inventory-service as it runs today, with tea for 350 and a cup for 900, does not keep your contract, though "
            f"order-service lives on what it answers: {refused['as it is']}. How many prices are in an answer?",
            _asked("as it is today", refused["as it is"]),
        )
    if "other prices" in refused:
        return wrong(
            "exact",
            "Tea costs 1234 now, and your contract is broken: it says what tea costs, not what an answer looks like. Each "
            "change of a price would stop a deployment.",
            _asked("tea and cup for 1234", refused["other prices"]),
        )
    if "without unknown" in refused or "one more field" in refused:
        return wrong(
            "demands_unread",
            "An answer without `unknown` breaks your contract. Nothing in order-service reads that field, so its owner could "
            "take it away and nobody would miss it. A contract says what you need, not all that you get.",
            _asked("an answer without unknown", refused.get("without unknown", "")),
        )
    if "half a cent" not in refused:
        return wrong(
            "fractions",
            "A provider that says 350.5 keeps your contract, and order-service refuses such a price: for it an amount is a "
            "whole number of cents. In JSON 350 and 350.5 are both numbers; which matcher knows the difference?",
            _asked("amount 350.5", "it keeps the contract", "order-service raises ValueError"),
        )
    if through := [name for name in found if name not in FINE and name not in refused]:
        return wrong(
            "blind",
            f"A provider whose answer is {through[0]!r} keeps your contract, and order-service cannot live on it.",
            _asked(through[0], "it keeps the contract", "order-service has no price"),
        )
    return passed(
        f"{len(found)} providers: those that order-service can live on keep your contract, with other prices, more fields, or "
        f"without what nobody reads. The other {len(found) - len(FINE)} do not."
    )


@CHECKS.exercise("parcel", "order/parcel_3.py")
def parcel(lab: Lab, _answer: Any) -> Verdict:
    """Whether both versions of notification-service can live on it, in their contracts and in the running shop."""
    if not proven.made(lab.system, VERSIONS):
        proven.edited(lab.system, VERSIONS)
    said = proven.asked(lab.system, "judging", "parcel")
    if "error" in said:
        return wrong("raises", f"For an order whose parcel has left, your `told` raises {said['error']}.")
    told = said["told"]
    if "tracking_code" not in told:
        return wrong(
            "breaks_old",
            "You tell no `tracking_code`, and notification-service 1, which runs, reads nothing else. It raises no error: its "
            "mail says 'Its tracking code is .'",
            _heard(told, "the mail has no code"),
        )
    if told["tracking_code"] != CODE:
        return wrong(
            "changes_meaning",
            f"The field is still there, and says something else: {told['tracking_code']!r} instead of {CODE!r}. "
            "Whoever shows it as a code, or asks the carrier with it, breaks as if it were gone.",
            _heard(told, "the customer types an address into the carrier's form"),
        )
    if "tracking_url" not in told:
        return wrong(
            "nothing_new",
            "Nobody breaks, and nobody gains: notification-service 2 reads `tracking_url`, and you do not tell it.",
            _heard(told, "version 2 finds no tracking_url"),
        )
    if not str(told["tracking_url"]).startswith("https://") or CODE not in str(told["tracking_url"]):
        return wrong(
            "wrong_url",
            f"`tracking_url` is {told['tracking_url']!r}. notification-service 2 puts it into a mail to be clicked on, so it "
            "must be an address, and one that leads to this parcel.",
            _heard(told, "the customer clicks, and nothing opens"),
        )
    if failed := {name: why for name, why in said["tests"].items() if why and _is_about_new(name)}:
        name, why = next(iter(failed.items()))
        return wrong("breaks_contract", f"{name} fails with your version: {why}")
    return _delivered(lab)


def _is_about_new(test: str) -> bool:
    """The others are about versions that are not the learner's."""
    return f"[{NEW}-" in test


def _delivered(lab: Lab) -> Verdict:
    """An order in the running shop, with this version deployed."""
    service = "order-service"
    lab.system.configure(service, **{**lab.system.configured(service), "VERSION": NEW})
    try:
        lab.system.restart("order-worker")
    except StartError as error:
        return wrong("raises", f"With your version order-worker does not start: {error}")
    sku = f"tea-{uuid4().hex[:8]}"
    lab.shop.stock(sku, 1)
    order = lab.shop.place((sku, 1))
    lab.shop.wait([order])
    code = lab.shop.look(order)["tracking_code"]
    arrived = watching.until(
        lambda: code and any(code in mail["body"] for mail in lab.shop.mails(order_id=order)), PATIENCE
    )
    if not arrived:
        return wrong(
            "not_told",
            f"Both contracts are kept, and yet in the running shop no mail about an order of {sku} says its tracking code. "
            "`lab logs order-worker` and `lab logs notification-worker` in a terminal say more.",
        )
    return passed(
        "notification-service 1 finds its code, notification-service 2 its address, and in the running shop a customer has the "
        "mail. Old and new are told side by side until nobody reads the old one."
    )


@CHECKS.exercise("gate", "tests/gate.py")
def gate(lab: Lab, _answer: Any) -> Verdict:
    """What the learner's gate lets through, over what was really verified and over worlds made up beside it."""
    if not proven.made(lab.system, VERSIONS):
        proven.edited(lab.system, VERSIONS)
    written = lab.system.places.sources / "tests/written/notification-2"
    found = proven.asked(lab.system, "run", *(gates.FILES[1:] if written.is_dir() else gates.FILES))
    results = gates.MADE_UP | gates.verified(found)
    answers = []
    for world in gates.WORLDS:
        try:
            file = lab.test_file("gate")
            answer = file.may_deploy(
                world.service, world.version, dict(world.production), gates.CONTRACTS, dict(results)
            )
        except Exception as error:  # noqa: BLE001  whatever a learner's file raises is the verdict
            return wrong("raises", f"{world.words} Your gate raises {type(error).__name__}: {error}.")
        if not isinstance(answer, bool):
            return wrong("no_answer", f"{world.words} Your gate answers {answer!r}, not True or False.")
        answers.append(answer)
    right = [gates.right(w.service, w.version, w.production, gates.CONTRACTS, results) for w in gates.WORLDS]
    if answers == right:
        return passed(
            f"{len(right)} questions, {sum(right)} deployments let through, {len(right) - sum(right)} stopped, all rightly."
        )
    world, answer = next((w, a) for w, a, r in zip(gates.WORLDS, answers, right, strict=True) if a != r)
    happened = f"{world.words} Your gate says {'yes' if answer else 'no'}. "
    for name, (mistaken, meaning) in gates.MISTAKES.items():
        if [mistaken(w.service, w.version, w.production, gates.CONTRACTS, results) for w in gates.WORLDS] == answers:
            return wrong(name, happened + meaning, _deployed(world, answer))
    return wrong("misjudges", happened + "Look at this one by hand.", _deployed(world, answer))


# --- stories ----------------------------------------------------------------------------------------------------------


def _asked(answer: str, judged: str, *after: str) -> tuple[str, ...]:
    said = judged.replace(";", ",").replace("#", "")[
        :120
    ]  # Mermaid ends a line at the one, and a colour begins with the other
    return (
        "contract->>inventory-service: GET /prices?sku=tea&sku=cup",
        f"inventory-service-->>contract: {answer}",
        f"Note over contract: {said}",
        *(f"Note over inventory-service: {each}" for each in after),
    )


def _heard(told: Mapping[str, Any], ending: str) -> tuple[str, ...]:
    fields = ", ".join(name for name in ("tracking_code", "tracking_url") if name in told) or "neither code nor address"
    return (
        f"order-service->>notification-service: order_fulfilled with {fields}",
        f"Note over notification-service: {ending}",
    )


def _deployed(world: gates.World, answer: bool) -> tuple[str, ...]:
    runs = ", ".join(f"{name} {version}" for name, version in world.production.items())
    return (
        f"Note over production: {runs}",
        f"{world.service}->>gate: may version {world.version} be deployed?",
        f"gate-->>{world.service}: {'yes' if answer else 'no'}",
    )
