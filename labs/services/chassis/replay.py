"""Tells again what a service has told, for a consumer that was not there or has lost its copy:
`python -m labs.services.chassis.replay TYPE…`. An event keeps its id, so whoever has dealt with it suppresses it. It goes back
as far as the outbox does (KEEP_SENT): an outbox is no archive."""

import sys
from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import CursorResult, update

from labs.services.chassis.database import Database
from labs.services.chassis.outbox import outbox
from labs.services.chassis.settings import Settings, load


def replay(db: Database, types: Collection[str]) -> int:
    """Mark what was told of these types as not yet told; the relay publishes it, oldest first. Returns how many events."""
    told = update(outbox).where(outbox.c.type.in_(types), outbox.c.sent_at.is_not(None))
    with db.transaction() as tx:
        done = tx.execute(told.values(sent_at=None, due_at=0.0, attempts=0))
    return cast("CursorResult[Any]", done).rowcount


if __name__ == "__main__":
    replay(Database(load(Settings).database_url), sys.argv[1:])
