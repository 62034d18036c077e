"""The inbox: which events a consumer has already dealt with, written in the transaction of the effect. Delivery rule 5."""

import time

from sqlalchemy import Column, Float, MetaData, String, Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

inbox = Table(
    "inbox",
    MetaData(),
    Column("consumer", String(200), primary_key=True),
    Column("event_id", String(36), primary_key=True),
    Column("received_at", Float, nullable=False),  # seconds since the epoch
)


def claim(session: Session, consumer: str, event_id: str) -> bool:
    """True the first time; False if this consumer's effect of this event is already committed."""
    try:
        with session.begin_nested():
            session.execute(insert(inbox).values(consumer=consumer, event_id=event_id, received_at=time.time()))
    except IntegrityError:
        return False
    return True
