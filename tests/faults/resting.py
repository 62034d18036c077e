"""After the storm: everything is mended, what was begun comes to its end, and all books are compared.

At rest means: no order, notification, import or settlement is under way, every outbox and every queue is empty, and every event
that was told has taken effect with everybody who listens. Only then does the ledger judge."""

import json
import logging
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import requests
from kombu import Connection
from kombu.exceptions import KombuError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from labs.classroom import books
from labs.classroom.ledger import Ledger, judge
from labs.classroom.watching import queue_names
from labs.infra.system import BROKER, System
from labs.services.chassis.dead_letters import NEVER_ANSWERED, CannotLook, Letter, letters, replay
from labs.services.chassis.topology import dead
from tests.faults.killing import disarm
from tests.faults.storm import Storm
from tests.infra.nodes import eventually

TELLING = ("user", "order", "inventory", "notification")
HANDLER = re.compile(r"evt-(?P<source>.+?)-service-(?P<type>\w+)--(?P<consumer>.+)-service\.(?P<method>\w+)")
"""The name of a handler's queue, as nameko makes it."""
UNFINISHED = {
    "user": {"events in the outbox": "SELECT count(*) FROM outbox WHERE sent_at IS NULL"},
    "order": {
        "orders": "SELECT count(*) FROM orders WHERE status NOT IN ('fulfilled', 'rejected', 'cancelled')",
        "events in the outbox": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
        "settlements": "SELECT count(*) FROM settlements WHERE status = 'waiting'",
    },
    "inventory": {
        "events in the outbox": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
        "price imports": "SELECT count(*) FROM price_imports WHERE done + failed < total",
        "stock reports": "SELECT count(*) FROM stock_reports WHERE made_at IS NULL",
    },
    "notification": {
        "events in the outbox": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
        "events without a customer": "SELECT count(*) FROM news",
        "notifications": "SELECT count(*) FROM notifications WHERE status = 'pending'",
    },
}
"""What is not over yet, by service: what it is called, and how many there are."""
log = logging.getLogger(__name__)


def mend(system: System) -> None:
    """Everything runs, nothing is armed, no fault is on."""
    system.start(BROKER, timeout=90)
    disarm(system)
    system.start(*(name for name in system.services if system.state(name) == "stopped"), timeout=90)
    eventually(lambda: _faults_are_off(system), 90, "the world outside is asked to behave")


def rest(system: System, storm: Storm, within: float = 240.0, leases: bool = True, replaying: bool = False) -> Ledger:
    """Mend everything, wait until all is at rest, as long as something moves `within` so many seconds, and compare. Without
    `leases` the time for which a dead worker holds on to its notifications passes at once. `replaying` does what a person does
    after very many deaths: brings back what the broker gave up. Raises AssertionError with the ledger and the history of some
    orders."""
    began = moved = time.monotonic()
    mend(system)
    if not leases:
        _end_leases(system)
    last: list[str] = []
    while (unfinished := list(restless(system))) and time.monotonic() - moved < within:
        if unfinished != last:
            last, moved = unfinished, time.monotonic()
        if replaying:
            _bring_back(system)
        time.sleep(0.2)
    log.info(f"at rest after {time.monotonic() - began:.0f} s; the last were {last[:3]}")
    ledger = judge(books.read({name: system.database_url(name) for name in books.STORES}), storm.accepted)
    wrong = [*unfinished, *_beyond_the_ledger(system, storm), *storm.wrong]
    if wrong or not ledger.settled:
        raise AssertionError(report(system, storm, ledger, wrong))
    return ledger


def restless(system: System) -> Iterator[str]:
    """What is not over yet, in words."""
    try:
        for service, questions in UNFINISHED.items():
            for what, question in questions.items():
                if count := ask(system, service, question)[0][0]:
                    yield f"{service}-service: {count} {what}"
        names = queue_names(system)
        yield from _waiting(system, names)
        yield from _unheard(system, names)
    except (OSError, KombuError, SQLAlchemyError, requests.RequestException) as error:
        yield f"nobody can say: {type(error).__name__}: {error}"


def dead_letters(system: System) -> list[Letter]:
    """Those of all services."""
    found = []
    for service in TELLING:
        try:
            found += letters(system.amqp_url(), f"{service}-service")
        except CannotLook as error:
            if "no queue here" not in str(error):
                raise
    return found


def report(system: System, storm: Storm, ledger: Ledger, wrong: Collection[str]) -> str:
    """The ledger, what else is wrong, and what happened to the first few orders that are."""
    lines = [f"seed {storm.seed}: not everything came out right"]
    lines += [f"  {what:22} {count:6}  {which}" for what, count, which in ledger.rows()]
    lines += [f"  {words}" for words in list(wrong)[:20]]
    lines.append(f"  what customers met: {dict(storm.trouble)}")
    ids = [order for kind in ledger.wrong.values() for order in kind] + ledger.under_way
    for order in dict.fromkeys(ids[:3]):
        lines += [f"{order}:", *(f"  {line}" for line in history(system, order))]
    return "\n".join(lines)


def history(system: System, order_id: str, most: int = 60) -> list[str]:
    """What all processes logged of one order, by its correlation id."""
    found = ask(system, "order", "SELECT correlation_id FROM orders WHERE id = :id", id=order_id)
    wanted = found[0][0] if found else order_id
    lines = [
        f"{line['@timestamp']} {path.stem:20} {line['message']} {_said(line)}"
        for path in sorted(Path(system.log("order-api")).parent.glob("*.log"))
        for raw in path.read_text(errors="replace").splitlines()
        if wanted in raw and (line := _line(raw))
    ]
    return sorted(lines)[:most]


# --- how --------------------------------------------------------------------------------------------------------------


def _faults_are_off(system: System) -> bool:
    try:
        return requests.delete(f"http://{system.address('outside')}/faults", timeout=10).ok
    except requests.RequestException:
        return False


def ask(system: System, service: str, question: str, **parameters: Any) -> list[Any]:
    """The rows that a query of a service's own database gives."""
    engine = create_engine(system.database_url(service))
    try:
        with engine.connect() as store:
            return list(store.execute(text(question), parameters))
    finally:
        engine.dispose()


def _bring_back(system: System) -> None:
    """Events in whose company a consumer died DELIVERY_LIMIT times; not those that a handler could not deal with."""
    for letter in dead_letters(system):
        handler = HANDLER.fullmatch(letter.queue)
        if handler and letter.reason == NEVER_ANSWERED:
            replay(system.amqp_url(), f"{handler['consumer']}-service", [letter.id])
            log.info(f"replayed {letter.type} {letter.id}: {letter.reason}")


def _end_leases(system: System) -> None:
    engine = create_engine(system.database_url("notification"))
    with engine.begin() as store:
        store.execute(text("UPDATE notifications SET due_at = 0 WHERE status = 'pending'"))
    engine.dispose()


def _waiting(system: System, names: Collection[str]) -> Iterator[str]:
    dying = {dead(f"{service}-service") for service in TELLING}
    with Connection(system.amqp_url(), connect_timeout=5) as connection:
        channel = connection.channel()
        for name in names:
            count = channel.queue_declare(name, passive=True).message_count
            if count and name not in dying:
                yield f"{count} messages in {name}"
    for letter in dead_letters(system):
        yield f"a dead letter of {letter.queue}: {letter.type or 'no event'} {letter.id}: {letter.reason}"


def _unheard(system: System, names: Collection[str]) -> Iterator[str]:
    """Events that were told, and have not taken effect with everybody whose queue is bound to them."""
    heard = {service: set(ask(system, service, "SELECT consumer, event_id FROM inbox")) for service in TELLING}
    told = {service: ask(system, service, "SELECT type, event_id FROM outbox") for service in TELLING}
    for handler in filter(None, map(HANDLER.fullmatch, names)):
        consumer = f"{handler['consumer']}-service.{handler['method']}"
        claimed = {event for name, event in heard[handler["consumer"]] if name == consumer}
        lost = [event for kind, event in told[handler["source"]] if kind == handler["type"] and event not in claimed]
        if lost:
            yield f"{consumer} has not heard of {len(lost)} {handler['type']}, such as {lost[0]}"


def _beyond_the_ledger(system: System, storm: Storm) -> Iterator[str]:
    """What it does not compare: orders that nobody asked for, and notifications."""
    known = {row[0] for row in ask(system, "order", "SELECT id FROM orders")}
    if unasked := known - storm.accepted.keys():
        yield f"{len(unasked)} orders that no customer holds a 202 for, such as {sorted(unasked)[0]}"
    if len(set(storm.accepted.values())) != len(storm.accepted):
        yield "one key became two orders"
    sent = {row[0] for row in ask(system, "notification", "SELECT id FROM notifications WHERE status = 'sent'")}
    mails = {row[0].strip("<>").partition("@")[0] for row in ask(system, "outside", "SELECT message_id FROM mails")}
    messages = [row[0] for row in ask(system, "outside", "SELECT key FROM messages")]
    if lost := sent - mails - set(messages):
        yield f"{len(lost)} notifications are marked as sent and reached nobody, such as {sorted(lost)[0]}"
    if len(messages) != len(set(messages)):
        yield f"{len(messages) - len(set(messages))} text messages or push notifications arrived twice"


def _line(raw: str) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) and {"@timestamp", "message"} <= line.keys() else None


def _said(line: dict[str, Any]) -> str:
    labels = {k: v for k, v in line.get("labels", {}).items() if k != "correlation_id"}
    error = line.get("error", {}).get("message", "")
    return " ".join([*(f"{k}={v}" for k, v in labels.items()), error])[:200]
