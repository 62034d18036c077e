"""Writes down what happens inside the monolith while it serves a request: which module calls which, which tables they touch,
and in which transaction. And where borders are in force, refuses what would cross them.

It watches with Python's own profiling hook, in the thread of the request only, and with SQLAlchemy's events. Modules of the
chassis, and those here that only join the parts together, are not seen: what they do counts for whoever called them. What the
unit of work writes at the end of a transaction counts for the table's owner. What a request hands to other threads, such as
the sending of its mails, is not seen at all."""

import json
import re
import sys
import threading
from collections.abc import Collection
from functools import cache
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import event
from sqlalchemy.orm import Session

from labs.services.chassis.database import Database
from labs.services.chassis.health import QUIET
from labs.services.monolith.borders import CUSTOMER, Borders

PARTS = ("user", "inventory", "order", "notification")
OWN = ("report", "sales", "ranking")
"""Modules of the monolith itself that do some work."""
_OURS = "labs.services."
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE|JOIN)\s+"?(\w+)', re.IGNORECASE)


class _Thread(threading.local):
    """What one thread is doing. `steps` is None while nobody watches."""

    def __init__(self) -> None:
        self.begin()
        self.steps: list[list[Any]] | None = None

    def begin(self) -> None:
        """A new request."""
        self.steps, self.stack = [], [CUSTOMER]
        self.transactions: list[int] = []
        self.begun, self.flushing, self.status = 0, False, 0

    def note(self, caller: str, called: str, what: str) -> None:
        """One step: (caller, called, what, transaction), the last 0 outside of any."""
        assert self.steps is not None, "only a request is watched"
        self.steps.append([caller, called, what, self.transactions[-1] if self.transactions else 0])


class Recorder:
    """Appends a line of JSON for each request to the file `path`, if that is not empty; `borders` are those in force. `tables`
    are those of the parts."""

    def __init__(self, path: str, borders: Borders | None, tables: Collection[str]) -> None:
        self._path, self._borders, self._tables = path, borders, frozenset(tables)
        self._here, self._turn = _Thread(), threading.Lock()

    def install(self, app: Flask, db: Database) -> None:
        """Watch the requests of this app, and what they ask of this database."""
        app.before_request(self._begin)
        app.after_request(self._answered)
        app.teardown_request(self._end)
        event.listen(db.engine, "begin", self._transaction_begins)
        event.listen(db.engine, "commit", self._transaction_ends)
        event.listen(db.engine, "rollback", self._transaction_ends)
        event.listen(db.engine, "before_cursor_execute", self._statement)
        event.listen(Session, "before_flush", self._flush_begins)
        event.listen(Session, "after_flush", self._flush_ends)

    # --- requests -----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not request.path.startswith(QUIET):
            self._here.begin()
            sys.setprofile(self._call)

    def _answered(self, response: Response) -> Response:
        self._here.status = response.status_code
        return response

    def _end(self, _error: BaseException | None) -> None:
        sys.setprofile(None)
        steps, self._here.steps = self._here.steps, None
        if steps is None or not self._path:
            return
        route = request.url_rule.rule if request.url_rule else request.path
        line = json.dumps({"request": f"{request.method} {route}", "status": self._here.status, "steps": steps})
        with self._turn, Path(self._path).open("a") as recording:
            recording.write(f"{line}\n")

    # --- calls --------------------------------------------------------------------------------------------------------

    def _call(self, frame: FrameType, what: str, _argument: Any) -> None:
        """Python calls it at every call and return in this thread."""
        if what not in ("call", "return") or frame.f_code.co_flags & CO_GENERATOR:
            return
        if not (part := _part(frame.f_globals.get("__name__", ""))):
            return
        here = self._here
        if what == "return":
            if len(here.stack) > 1:
                here.stack.pop()
            return
        if here.steps is not None and part != here.stack[-1]:
            here.note(here.stack[-1], part, frame.f_code.co_name)
        here.stack.append(part)

    # --- tables -------------------------------------------------------------------------------------------------------

    def _transaction_begins(self, _connection: Any) -> None:
        self._here.begun += 1
        self._here.transactions.append(self._here.begun)

    def _transaction_ends(self, _connection: Any) -> None:
        if self._here.transactions:
            self._here.transactions.pop()

    def _flush_begins(self, *_: Any) -> None:
        self._here.flushing = True

    def _flush_ends(self, *_: Any) -> None:
        self._here.flushing = False

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        here = self._here
        if here.steps is None or len(here.stack) < 2:
            return
        for name in dict.fromkeys(_TABLE.findall(statement)):
            if name in self._tables:
                table = f"db.{name}"
                caller = table if here.flushing else here.stack[-1]
                here.note(caller, table, statement.split(None, 1)[0].upper())
                if self._borders:
                    self._borders.refuse(caller, table)


@cache
def _part(module: str) -> str:
    """What a module is called in a recording; empty if it is not seen."""
    if not module.startswith(_OURS):
        return ""
    part, _, rest = module.removeprefix(_OURS).partition(".")
    seen = rest and (part in PARTS or (part == "monolith" and rest in OWN))
    return f"{part}.{rest}" if seen else ""
