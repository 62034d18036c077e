"""The inbox: which events a consumer has already dealt with, written in the transaction of the effect. Delivery rule 5."""

import time

from sqlalchemy import Column, Float, MetaData, String, Table
from sqlalchemy.orm import Session

from labs.services.chassis.database import insert_new
from labs.services.chassis.events import LONGEST_ID

inbox = Table(
    "inbox",
    MetaData(),
    Column("consumer", String(200), primary_key=True),
    Column("event_id", String(LONGEST_ID), primary_key=True),
    Column("received_at", Float, nullable=False, index=True),  # seconds since the epoch
)


def claim(session: Session, consumer: str, event_id: str) -> bool:
    """True the first time; False if this consumer's effect of this event is already committed."""
    return insert_new(session, inbox, consumer=consumer, event_id=event_id, received_at=time.time())
