"""The same request sent again has one effect and gets the same answer. The key is claimed, and the answer kept, in the
transaction of the effect: either all of it is there or nothing. Delivery rule 6.

    @app.post("/orders")
    @auth.needs("orders:own")
    @idempotency.keyed
    @app.input(OrderIn)
    @app.output(OrderOut, status_code=202)
    def place(json_data, idempotency_key):
        with db.transaction() as tx:
            if answer := idempotency.once(tx, auth.caller().id, idempotency_key, json_data):
                return answer.body, answer.status
            …
            idempotency.keep(tx, auth.caller().id, idempotency_key, 202, body)
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from flask import request
from pydantic import BaseModel
from sqlalchemy import JSON, Column, Float, Integer, MetaData, String, Table, bindparam, select, update
from sqlalchemy.orm import Session

from labs.services.chassis.database import insert_new
from labs.services.chassis.openapi import PARAMETERS
from labs.services.chassis.problems import Problem

HEADER = "Idempotency-Key"
KEY = re.compile(r"[!-~]{1,128}")
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": True,
    "description": "Yours for this request. Sent again with the same body it gets the same answer, and nothing happens twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
}
View = TypeVar("View", bound=Callable[..., Any])

idempotency_keys = Table(
    "idempotency_keys",
    MetaData(),
    Column("caller", String(200), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # SHA-256 of the request's body
    Column("status", Integer),  # of the answer, like the body; empty until it is kept
    Column("body", JSON),
    Column("created_at", Float, nullable=False, index=True),  # seconds since the epoch
)

_KEEP = (  # made once: to make a statement costs three times as much as to run it
    update(idempotency_keys)
    .where(idempotency_keys.c.caller == bindparam("of_caller"), idempotency_keys.c.key == bindparam("of_key"))
    .values(status=bindparam("status"), body=bindparam("body"))
)


@dataclass(frozen=True)
class Answer:
    """What the first request was answered. `body` is JSON."""

    status: int
    body: Any


def keyed(view: View) -> View:
    """Decorate a view, above its input: it gets the header as `idempotency_key`; without a usable one the answer is 400."""

    @wraps(view)
    def with_key(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER, "")
        if not KEY.fullmatch(key):
            raise Problem(
                400, f"Send the header {HEADER}: 1 to 128 visible ASCII characters, new for each new request."
            )
        return view(*args, idempotency_key=key, **kwargs)

    # APIFlask's own `doc` would wipe what the view's `doc` said
    with_key.__dict__.setdefault("_spec", {})["extensions"] = {PARAMETERS: [PARAMETER]}
    return cast(View, with_key)


def once(tx: Session, caller_id: str, key: str, request_body: Any) -> Answer | None:
    """None for a new key: go on, and `keep` the answer before the commit. Else the answer that was kept. While another
    transaction has claimed the key, this waits for its end. `caller_id` sets the keys of one caller, or of one endpoint,
    apart from those of others; `request_body` is JSON or a pydantic model. Raises Problem 422 if the key came with another
    body, 409 if its first request was committed without an answer."""
    fingerprint = _fingerprint(request_body)
    claim = {"caller": caller_id, "key": key, "fingerprint": fingerprint, "created_at": time.time()}
    if insert_new(tx, idempotency_keys, **claim):
        return None
    row = tx.execute(select(idempotency_keys).where(*_is(caller_id, key))).one()
    if row.fingerprint != fingerprint:
        raise Problem(422, f"This {HEADER} came with another body before; take a new key for a new request.")
    if row.status is None:
        raise Problem(409, f"The first request with this {HEADER} has no answer yet.", headers={"Retry-After": "1"})
    return Answer(row.status, row.body)


def keep(tx: Session, caller_id: str, key: str, status: int, body: Any) -> None:
    """The answer to whoever comes with this key again, in the transaction that has claimed it."""
    tx.execute(_KEEP, {"of_caller": caller_id, "of_key": key, "status": status, "body": body})


def _is(caller_id: str, key: str) -> tuple[Any, Any]:
    return idempotency_keys.c.caller == caller_id, idempotency_keys.c.key == key


def _fingerprint(body: Any) -> str:
    plain = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
