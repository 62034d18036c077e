"""Lab 13: a hop is judged by what comes out at both ends of the path, a criterion by what becomes of it when it is merged."""

from typing import Any

from requests import HTTPError

from labs.classroom import merging
from labs.classroom.checks.lab13_histories import HISTORIES, History
from labs.classroom.decomposed import SEED
from labs.classroom.lab import Lab
from labs.classroom.merging import Score
from labs.classroom.order_path import ENTRY
from labs.classroom.verdicts import Checks, Verdict, passed, wrong
from labs.infra.logging import files
from labs.infra.logging.entries import structured
from labs.infra.logging.files import Mark
from labs.infra.start_error import StartError

CHECKS = Checks()
CRITERION = "criterion"
TOUCHED, SHARE = 1.5, 0.5
"""At most so many services may a change of the year touch on average, and such a share of the path may be deployed with it."""
WON_BACK = 0.7
"""Of the memory and the CPU time of one service for each step, the merged path may take this share. It takes a third."""
ORDERS = 8
TOO_EARLY = 409
"""What a service answers to an order of which not all is done that comes before its own steps."""


@CHECKS.exercise("carry", "checkout/carry.py", arranges=True)
def carry(lab: Lab, _answer: Any) -> Verdict:
    """All own steps, then the next service once, and its answer; a failure stays one."""
    steps = list(lab.steps())
    try:
        lab.path.arrange([steps[:3], steps[3:13], steps[13:]])
    except StartError as error:
        return wrong("raises", f"Three services were to be started with your file. {str(error).splitlines()[0]}")
    lab.shop.offer("tea")
    first, second, last = lab.path.names
    marks = {name: files.mark(lab.system.log(name)) for name in lab.path.processes}
    before = _placed(lab)
    answer = lab.one_order()
    placed = _placed(lab) - before
    if answer.status_code == TOO_EARLY:
        return _too_early(answer.json()["detail"], first, second, steps[:3])
    if not answer.ok:
        return wrong("raises", f"An order was answered with {answer.status_code}. {_error(lab, marks)}")
    order = answer.json() if "json" in answer.headers.get("Content-Type", "") else None
    if not isinstance(order, dict) or not isinstance(done := order.get("done"), list):
        return wrong(
            "raises", f"The customer got no order: {answer.text[:80]!r}. What comes back must be the order itself."
        )
    if not placed:
        message = (
            f"The customer has an answer, and there is no order: of {len(steps)} steps {len(done)} were done, and nobody was "
            "asked for the rest. A service that is not the last one asks `following`."
        )
        return wrong("stops", message, _story(f"{first}->>customer: 200, done: {done[-1] if done else 'nothing'}"))
    if done != steps:
        message = (
            f"The order was placed, but the customer's answer knows of {len(done)} steps only: no total, no order "
            "number. What comes back from the next service is the order; it has all that was done."
        )
        back = f"{second}->>{first}: the order, done: {steps[-1]}"
        return wrong(
            "own_answer", message, _story(f"{first}->>{second}: the order", back, f"{first}->>customer: its own")
        )
    return _when_it_fails(lab, last) or passed(
        "Three services with 3, 10 and 3 steps: all sixteen were done in their order, each service was asked once, and what "
        "failed in the last one failed for the customer too."
    )


def _when_it_fails(lab: Lab, last: str) -> Verdict | None:
    lab.path.fail(lab.shop, 1.0, SEED, only=[last])
    try:
        before = _placed(lab)
        answer = lab.one_order()
    finally:
        lab.path.fail(lab.shop, 0.0, SEED, only=[last])
    if not answer.ok:
        return None
    message = (
        f"{last}-service failed and placed {_placed(lab) - before} orders, and the customer was told 200. Nobody will ever "
        "look for that order. A failure that you cannot mend goes to whoever asked."
    )
    return wrong("swallows", message, _story(f"Note over {last}: 503", f"{lab.path.names[0]}->>customer: 200"))


def _too_early(detail: str, first: str, second: str, own: list[str]) -> Verdict:
    """`detail` is what the second service says: it ends with the steps that were done when it was asked."""
    done = detail.rpartition(": ")[2]
    asked = f"{first}->>{second}: an order, done: {done}"
    refused = f"{second}->>{first}: 409"
    if done == "nothing":
        message = (
            f"{detail}. Your own steps, {', '.join(own)}, had done nothing yet. Was the next service asked first, or was what "
            "the steps return dropped? A step leaves the order that it gets as it is, and returns another one."
        )
        return wrong("too_early", message, _story(asked, refused))
    if sorted(done.split(", ")) == sorted(own):
        return wrong("backwards", f"{detail}. All of your steps were done, in another order than that of the list.")
    message = (
        f"{detail}. The service of {', '.join(own)} has {len(own)} steps, and asks the next one when some of them are still to "
        "be done. Steps in one process are called one after the other, and the network comes once, at the end."
    )
    return wrong("half", message, _story(asked, refused))


@CHECKS.exercise(CRITERION, "cuts/criterion.py")
def criterion(lab: Lab, _answer: Any) -> Verdict:
    """Small histories whose answer is plain, then the path itself, merged and run."""
    try:
        score = lab.criterion()
    except Exception as error:  # noqa: BLE001  whatever a learner's file raises is the verdict
        return wrong("raises", f"Your criterion cannot be read: {type(error).__name__}: {error}.")
    for history in HISTORIES:
        try:
            said = float(score(*history.asked()))
        except Exception as error:  # noqa: BLE001  as above
            return wrong("raises", f"{history.words()} Your function raised {type(error).__name__}: {error}.")
        if history.misjudged(said):
            return _misjudged(history, said)
    return _for_real(lab, score)


def _misjudged(history: History, said: float) -> Verdict:
    verb = "belong together" if history.together else "belong apart"
    message = f"{history.words()} Your score of ({history.left}) and ({history.right}) is {said:.2f}, and they {verb}. "
    lines = [f"Note over {','.join(steps)}: {often} changes" for steps, often in history.edits.items()]
    return wrong(history.mistake, message + history.meaning, tuple(lines))


def _for_real(lab: Lab, score: Score) -> Verdict:
    changes = list(lab.changes().values())
    finest = [[step] for step in lab.steps()]
    cut = merging.merged(finest, score, changes)
    touched, share = merging.deployments(cut, changes), merging.redeployed(cut, changes)
    became = f"By your score {len(finest)} services become {len(cut)}. A change of the year"
    if share > SHARE:
        message = (
            f"{became} touches {touched:.2f} of them, and deploys {share:.0%} of the path anew: a new VAT rate takes the "
            "parcels along. Where one change in ten edits both sides of a border, is that a reason to give it up?"
        )
        return wrong("monolith", message)
    if touched > TOUCHED:
        message = (
            f"{became} still touches {touched:.2f} of them on average; less than {TOUCHED} can be had. Most wishes still need "
            f"several deployments in the right order. The cut: {' | '.join(', '.join(steps) for steps in cut)}."
        )
        return wrong("torn", message)
    return _run(lab, cut) or passed(
        f"{became} touches {touched:.2f} of them on average, where it touched {merging.deployments(finest, changes):.2f}, and "
        f"deploys {share:.0%} of the path. Run for real, one order goes through {len(cut)} services instead of {len(finest)}, "
        "all sixteen steps are done, and memory and CPU time are won back."
    )


def _run(lab: Lab, cut: list[list[str]]) -> Verdict | None:
    """The finest cut, unless it was weighed before, and the merged one: None if what it cost is won back."""
    lab.shop.offer("tea")
    steps = list(lab.steps())
    finest = tuple((step,) for step in steps)
    try:
        if finest not in lab.path.weighed:
            lab.path.arrange(finest)
            lab.path.weigh(lab.shop, ORDERS)
        lab.path.arrange(cut)
        before, after = lab.path.weighed[finest], lab.path.weigh(lab.shop, ORDERS)
    except (StartError, HTTPError) as error:
        said = str(error).splitlines()[0]
        return wrong(
            "not_whole", f"The path was to be run, and no order came through: {said} Look at exercise 1 again."
        )
    order = lab.one_order().json()
    if order["done"] != steps or len(order["way"]) != len(cut):
        message = (
            f"Merged, an order goes through {len(order['way'])} services and has {len(order['done'])} steps done; there are "
            f"{len(cut)} and {len(steps)}. Look at exercise 1 again: `lab.check('carry')`."
        )
        return wrong("not_whole", message)
    for what, now, then in (("memory", after.memory, before.memory), ("CPU time", after.cpu, before.cpu)):
        if now > WON_BACK * then:
            message = (
                f"Merged into {len(cut)} services, it takes {now / then:.0%} of the {what} of {len(steps)} services."
            )
            return wrong("not_won_back", message)
    return None


def _placed(lab: Lab) -> int:
    """Orders that order-service has."""
    return len(lab.rows("order", "SELECT id FROM orders"))


def _error(lab: Lab, marks: dict[str, Mark]) -> str:
    """What the services of the path have logged as an error since these marks, the last of them first."""
    for name in reversed(lab.path.processes):
        for entry in structured(files.text(lab.system.log(name), marks[name]).splitlines()):
            if error := entry.get("error"):
                return f"In {name}: {error['type']}: {error['message']}."
    return "No service has logged an error."


def _story(*lines: str) -> tuple[str, ...]:
    """The lines of a sequence diagram, after what always comes first."""
    return (f"customer->>{ENTRY}: a basket", *lines)
