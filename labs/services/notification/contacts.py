"""Whom an event is for: the read model of contacts, and the events that wait until it has their customer."""

import time

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from labs.services.chassis import logs, traces
from labs.services.chassis.database import Transaction, insert_new
from labs.services.notification import domain, store
from labs.services.notification.events import OrderNews, Profile
from labs.services.notification.store import Base, Contact, News, Notification

CONTACTS = Base.metadata.tables["contacts"]
NOBODY = "none"
"""The channel of what reached nobody."""


def learn(tx: Transaction, profile: Profile) -> None:
    """Take over what user-service tells of a user, unless something newer is known."""
    new = profile.model_dump() | {"phone": profile.phone or "", "device_token": profile.device_token or ""}
    if not insert_new(tx, CONTACTS, **new):
        older = update(Contact).where(Contact.user_id == profile.user_id, Contact.version < profile.version)
        tx.execute(older.values(**new).execution_options(synchronize_session=False))


def record(tx: Transaction, event_id: str, event_type: str, news: OrderNews) -> None:
    """An order's customer is to be told of this event: by every channel that the customer chose, as soon as it is committed.
    While the customer is unknown it waits for `address`."""
    told = News(event_id=event_id, customer_id=news.customer_id, type=event_type, data=news.model_dump())
    told.correlation_id, told.traceparent, told.created_at = logs.correlation_id(), traces.traceparent(), time.time()
    contact = tx.get(Contact, news.customer_id)
    if contact is None:
        tx.add(told)
    else:
        _notify(tx, told, contact)


def address(tx: Transaction, patience: float, limit: int = 100) -> None:
    """Write to the customers who are known by now; give up what has waited longer than `patience` seconds."""
    now_known = select(News, Contact).join(Contact, Contact.user_id == News.customer_id)
    for news, contact in tx.execute(now_known.order_by(News.created_at).limit(limit)).all():
        if _taken(tx, news):
            _notify(tx, news, contact)
    hopeless = select(News).where(News.created_at < time.time() - patience).limit(limit)
    for news in tx.scalars(hopeless).all():
        if _taken(tx, news):
            unknown = domain.Contact("", "", "", "", ())
            given_up = _notification(news, NOBODY, "", unknown)
            tx.add(given_up)
            tx.flush()
            store.fail(tx, given_up, "the customer is not known")


def waiting(session: Session) -> bool:
    """Is there anything for `address`?"""
    return session.scalar(select(News.event_id).limit(1)) is not None


def _notify(tx: Transaction, news: News, contact: Contact) -> None:
    known = domain.Contact(contact.name, contact.email, contact.phone, contact.device_token, tuple(contact.channels))
    tx.add_all(_notification(news, channel, to, known) for channel, to in known.recipients().items())


def _notification(news: News, channel: str, recipient: str, contact: domain.Contact) -> Notification:
    said = OrderNews.model_validate(news.data)
    text = domain.message(news.type, channel, contact.name, said)
    now = time.time()
    return Notification(
        id=f"{news.event_id}-{channel}",
        order_id=said.order_id,
        customer_id=news.customer_id,
        channel=channel,
        recipient=recipient,
        subject=text.subject,
        body=text.body,
        due_at=now,
        created_at=now,
        correlation_id=news.correlation_id,
        traceparent=news.traceparent,
    )


def _taken(tx: Transaction, news: News) -> bool:
    """Off the list, by us and not by another worker."""
    off = delete(News).where(News.event_id == news.event_id)
    return tx.scalar(off.returning(News.event_id).execution_options(synchronize_session=False)) is not None
