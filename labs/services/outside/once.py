"""What every gateway does with an Idempotency-Key: the same request again has one effect and the same answer, a refusal too."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from labs.services.chassis import idempotency
from labs.services.chassis.database import Database, Transaction
from labs.services.chassis.idempotency import Answer
from labs.services.chassis.problems import Problem


def answer(db: Database, endpoint: str, key: str, body: BaseModel, work: Callable[[Transaction], Answer]) -> Any:
    """What `work` answers in a transaction of its own, or answered before. Its body is JSON; with a status from 400 it is
    {"detail": …}, and raised as a Problem."""
    with db.transaction() as tx:
        said = idempotency.once(tx, endpoint, key, body)
        if said is None:
            said = work(tx)
            idempotency.keep(tx, endpoint, key, said.status, said.body)
    if said.status >= 400:
        raise Problem(said.status, said.body["detail"])
    return said.body, said.status
