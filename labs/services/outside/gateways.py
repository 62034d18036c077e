"""The customers' phones: a gateway for text messages and one for push notifications, alike but for what they call things."""

import time
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from labs.services.chassis import idempotency
from labs.services.chassis.database import Database, Transaction
from labs.services.chassis.idempotency import Answer
from labs.services.chassis.shapes import Shape
from labs.services.outside import once
from labs.services.outside.shapes import many, moment
from labs.services.outside.store import Message

Number = Annotated[str, Shape(r"\+[1-9][0-9]{6,14}", "must be a phone number such as +4930123456 (E.164)")]
Token = Annotated[str, Shape(r"[!-~]{1,300}", "must be the token of a device")]


class TextIn(BaseModel):
    """A text message."""

    model_config = ConfigDict(extra="forbid")
    to: Number
    text: Annotated[str, Shape(r"[^\0]{1,1600}", "must be 1 to 1,600 characters of text")]


class PushIn(BaseModel):
    """A push notification."""

    model_config = ConfigDict(extra="forbid")
    device_token: Token
    title: Annotated[str, Shape(r"[^\0]{1,200}", "must be 1 to 200 characters of text")]
    text: Annotated[str, Shape(r"[^\0]{1,4000}", "must be 1 to 4,000 characters of text")]


class TextOut(BaseModel):
    """A text message on a phone; `key` is the Idempotency-Key that it came with."""

    id: str
    key: str
    to: str
    text: str
    at: datetime


class PushOut(BaseModel):
    """A push notification on a device; `key` is the Idempotency-Key that it came with."""

    id: str
    key: str
    device_token: str
    title: str
    text: str
    at: datetime


class TextQuery(BaseModel):
    """On one phone, or on all."""

    model_config = ConfigDict(extra="forbid")
    to: Number | None = None


class PushQuery(BaseModel):
    """On one device, or on all."""

    model_config = ConfigDict(extra="forbid")
    device_token: Token | None = None


def text_messages(db: Database) -> APIBlueprint:
    """Under /sms; faults find it by its name."""
    sms = APIBlueprint("sms", __name__, url_prefix="/sms")

    @sms.post("/messages")
    @idempotency.keyed
    @sms.input(TextIn)
    @sms.output(TextOut, status_code=201)
    def send(idempotency_key: str, json_data: TextIn) -> Any:
        """Deliver it, once for each Idempotency-Key."""
        return _deliver(db, "sms", idempotency_key, json_data, to=json_data.to, title="")

    @sms.get("/messages")
    @sms.input(TextQuery, location="query")
    @sms.output(many(TextOut))
    def look(query_data: TextQuery) -> Any:
        """All that arrived, oldest first."""
        return _arrived(db, "sms", query_data.to)

    return sms


def push_notifications(db: Database) -> APIBlueprint:
    """Under /push; faults find it by its name."""
    push = APIBlueprint("push", __name__, url_prefix="/push")

    @push.post("/messages")
    @idempotency.keyed
    @push.input(PushIn)
    @push.output(PushOut, status_code=201)
    def send(idempotency_key: str, json_data: PushIn) -> Any:
        """Deliver it, once for each Idempotency-Key."""
        return _deliver(db, "push", idempotency_key, json_data, to=json_data.device_token, title=json_data.title)

    @push.get("/messages")
    @push.input(PushQuery, location="query")
    @push.output(many(PushOut))
    def look(query_data: PushQuery) -> Any:
        """All that arrived, oldest first."""
        return _arrived(db, "push", query_data.device_token)

    return push


def _deliver(db: Database, gateway: str, key: str, body: TextIn | PushIn, to: str, title: str) -> Any:
    def work(tx: Transaction) -> Answer:
        arrived = Message(id=str(uuid4()), gateway=gateway, key=key, to=to, title=title, text=body.text, at=time.time())
        tx.add(arrived)
        return Answer(201, _shown(arrived))

    return once.answer(db, gateway, key, body, work)


def _arrived(db: Database, gateway: str, to: str | None) -> list[dict[str, Any]]:
    query = select(Message).where(Message.gateway == gateway)
    if to is not None:
        query = query.where(Message.to == to)
    with db.reading() as session:
        return [_shown(message) for message in session.scalars(query.order_by(Message.position))]


def _shown(message: Message) -> dict[str, Any]:
    """With the receiver under both its names; each gateway's description shows its own."""
    names = {"to": message.to, "device_token": message.to, "title": message.title, "text": message.text}
    return {"id": message.id, "key": message.key, "at": moment(message.at)} | names
