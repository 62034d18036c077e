"""Publishing that knows what became of each message: persistent, mandatory, confirmed, within a time limit. Rule 2."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import amqp
from amqp.exceptions import ChannelError
from kombu import Connection

from labs.services.chassis import crash, traces
from labs.services.chassis.events import Event, exchange

PERSISTENT = 2
REFUSED = "refused"
"""The fate of a message that the broker says it has not kept: a queue is full, or has no leader at the moment."""
CONNECTION_ERRORS = (*amqp.Connection.connection_errors, OSError)


@dataclass(frozen=True)
class Outgoing:
    """A message and where it goes."""

    exchange: str
    routing_key: str
    message_id: str
    headers: dict[str, Any]
    body: bytes
    content_type: str = "application/json"
    content_encoding: str = "utf-8"

    @classmethod
    def told(cls, event: Event, traceparent: str = "") -> "Outgoing":
        """The event on its source's own exchange, with its type as routing key, for whoever subscribed. Raises TypeError for
        data that is not JSON."""
        headers = event.headers() | ({traces.HEADER: traceparent} if traceparent else {})
        return cls(exchange(event.source), event.type, event.id, headers, json.dumps(event.data).encode())

    @classmethod
    def passed_on(cls, message: Any, exchange: str, routing_key: str, headers: dict[str, Any]) -> "Outgoing":
        """A message as it came, kombu's, whatever it holds. What the broker and our own consumers noted on it (`x-…`) makes
        way for `headers`: by RabbitMQ's notes a queue that it passes a second time would drop it."""
        theirs = {k: v for k, v in message.headers.items() if not k.startswith("x-")}
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
        message_id = message.properties.get("message_id") or str(uuid4())
        kind = (message.content_type or "application/octet-stream", message.content_encoding or "binary")
        return cls(exchange, routing_key, message_id, theirs | headers, body, *kind)


class BrokerAway(Exception):
    """The broker did not take the messages in time: it is down, blocked or frozen. Nobody knows what it kept."""


class Publisher:
    """One connection with confirms; threads take turns. `timeout` in seconds, for connecting and for confirming."""

    def __init__(self, amqp_url: str, timeout: float) -> None:
        self._url, self._timeout = amqp_url, timeout
        self._turn = threading.Lock()
        self._connection: Any = None
        self._channel: Any = None
        self._published = 0

    def publish(self, messages: Sequence[Outgoing]) -> list[str]:
        """Send all, then wait for the broker's word on each: "" where it took responsibility, else why not ("unroutable",
        "refused", or what it said when it closed the channel), in the order given. Raises BrokerAway; then any of them may
        or may not have arrived."""
        if not messages:
            return []
        with self._turn:
            try:
                self._open()
            except (*CONNECTION_ERRORS, ChannelError) as error:
                self._drop()
                raise BrokerAway(f"{type(error).__name__}: {error}") from error
            batch = _Batch(messages, self._published + 1)
            try:
                self._send(batch, messages)
            except ChannelError as error:  # no such exchange, or no right to publish there
                self._drop()
                batch.refuse_rest(f"{type(error).__name__}: {error}")
            except CONNECTION_ERRORS as error:
                self._drop()
                raise BrokerAway(f"{type(error).__name__}: {error}") from error
            # A channel that met a quorum queue without a leader refuses for ever (RabbitMQ 3.10).
            if REFUSED in batch.fates:
                self._drop()
            return batch.fates

    def depth(self, queue: str) -> int:
        """How many messages wait in a queue. Raises BrokerAway, also where there is no such queue."""
        with self._turn:
            try:
                self._open()
                return int(self._channel.queue_declare(queue, passive=True).message_count)
            except (*CONNECTION_ERRORS, ChannelError) as error:
                self._drop()
                raise BrokerAway(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Drop the connection; the next publish makes a new one."""
        with self._turn:
            self._drop()

    def _send(self, batch: "_Batch", messages: Sequence[Outgoing]) -> None:
        self._channel.events["basic_ack"] = {lambda tag, multiple: batch.settle(tag, multiple, "")}
        self._channel.events["basic_nack"] = {lambda tag, multiple: batch.settle(tag, multiple, REFUSED)}
        self._channel.events["basic_return"] = {batch.return_}
        self._published += len(messages)
        crash.point("before_publish")
        for message in messages:
            self._channel.basic_publish(_encode(message), message.exchange, message.routing_key, mandatory=True)
        crash.point("before_confirm")
        deadline = time.monotonic() + self._timeout
        while batch.waiting:
            try:
                self._connection.drain_events(timeout=max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                unknown = f"no confirm for {len(batch.waiting)} of {len(messages)} messages in {self._timeout:g} s"
                raise TimeoutError(unknown) from None

    def _open(self) -> None:
        if self._channel is None:
            connection = Connection(self._url, connect_timeout=self._timeout)
            self._connection = connection.transport.establish_connection()
            self._connection.sock.settimeout(self._timeout)  # for every read and write that names no other
            self._channel = self._connection.channel()
            self._channel.confirm_select()
            self._published = 0

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()


class _Batch:
    """Messages on their way over one channel, the first with delivery tag `first_tag`, and what became of each."""

    def __init__(self, messages: Sequence[Outgoing], first_tag: int) -> None:
        self.fates = [""] * len(messages)
        self.waiting = {first_tag + index: index for index in range(len(messages))}
        self._sent = [(m.message_id, m.exchange, m.routing_key) for m in messages]

    def settle(self, tag: int, multiple: bool, fate: str) -> None:
        for done in [t for t in self.waiting if t == tag or (multiple and t <= tag)]:
            index = self.waiting.pop(done)
            self.fates[index] = self.fates[index] or fate

    def return_(self, _error: Exception, exchange: str, routing_key: str, message: amqp.Message) -> None:
        """Comes before the broker's ack of it; those that are alike share it."""
        gone = (message.properties["message_id"], exchange, routing_key)
        self.fates = ["unroutable" if sent == gone else fate for sent, fate in zip(self._sent, self.fates, strict=True)]

    def refuse_rest(self, reason: str) -> None:
        for index in self.waiting.values():
            self.fates[index] = reason


def _encode(message: Outgoing) -> amqp.Message:
    return amqp.Message(
        message.body,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        application_headers=message.headers,
        delivery_mode=PERSISTENT,
        message_id=message.message_id,
    )
