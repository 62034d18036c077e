"""Publishing that knows what became of each message: persistent, mandatory, confirmed, within a time limit. Rule 2."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kombu import Connection

from labs.services.chassis.events import Event, exchange

PERSISTENT = 2


@dataclass(frozen=True)
class Outgoing:
    """A message and where it goes. `headers` win over those of the event."""

    event: Event
    exchange: str
    routing_key: str
    headers: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def told(cls, event: Event) -> "Outgoing":
        """The event on its source's own exchange, with its type as routing key, for whoever subscribed."""
        return cls(event, exchange(event.source), event.type)


class BrokerAway(Exception):
    """The broker did not take the messages in time: it is down, blocked or frozen. Nobody knows what it kept."""


class Publisher:
    """One connection with confirms. Not for several threads at once; `timeout` in seconds, for connecting and confirming."""

    def __init__(self, amqp_url: str, timeout: float) -> None:
        self._url, self._timeout = amqp_url, timeout
        self._connection: Connection | None = None

    def publish(self, messages: Sequence[Outgoing]) -> list[str]:
        """Send all, then wait for the broker's word on each: "" where it took responsibility, else why not ("unroutable",
        "refused"), in the order given. Raises BrokerAway; then any of them may or may not have arrived."""
        if not messages:
            return []
        try:
            return self._publish(messages)
        except self._errors() as error:
            self.close()
            raise BrokerAway(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Drop the connection; the next publish makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()

    def _publish(self, messages: Sequence[Outgoing]) -> list[str]:
        channel = self._channel()
        waiting: dict[int, int] = {}  # delivery tag → index
        fates = [""] * len(messages)
        index_of = {message.event.id: i for i, message in enumerate(messages)}

        def settled(tag: int, multiple: bool, fate: str) -> None:
            for done in [t for t in waiting if t == tag or (multiple and t <= tag)]:
                index = waiting.pop(done)
                fates[index] = fates[index] or fate

        def returned(_error: Exception, _exchange: str, _key: str, message: Any) -> None:
            fates[index_of[message.properties["message_id"]]] = "unroutable"

        channel.events["basic_ack"] = {lambda tag, multiple: settled(tag, multiple, "")}
        channel.events["basic_nack"] = {lambda tag, multiple: settled(tag, multiple, "refused")}
        channel.events["basic_return"] = {returned}
        for index, message in enumerate(messages):
            self._tag += 1
            waiting[self._tag] = index
            channel.basic_publish(
                _encode(channel, message), message.exchange, message.routing_key, mandatory=True, timeout=self._timeout
            )
        deadline = time.monotonic() + self._timeout
        while waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no confirm for {len(waiting)} of {len(messages)} messages in {self._timeout:g} s")
            channel.connection.drain_events(timeout=left)
        return fates

    def _channel(self) -> Any:
        if self._connection is None:
            self._connection = Connection(
                self._url,
                connect_timeout=self._timeout,
                transport_options={"read_timeout": self._timeout, "write_timeout": self._timeout},
            )
            channel = self._connection.default_channel
            channel.confirm_select()
            self._tag = 0
        return self._connection.default_channel

    def _errors(self) -> tuple[type[Exception], ...]:
        empty = Connection(self._url)
        return (*empty.connection_errors, *empty.channel_errors, OSError)


def _encode(channel: Any, message: Outgoing) -> Any:
    return channel.prepare_message(
        json.dumps(message.event.data),
        content_type="application/json",
        content_encoding="utf-8",
        headers=message.event.headers() | message.headers,
        properties={"delivery_mode": PERSISTENT, "message_id": message.event.id},
    )
