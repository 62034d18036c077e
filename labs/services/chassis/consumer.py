"""nameko's consumer, which comes back within a second of the broker, says so when the broker refuses its queues, and leaves
only when everything that it was given is settled."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from amqp.exceptions import AccessRefused, NotAllowed, NotFound, PreconditionFailed
from nameko.events import EventHandler
from nameko.messaging import QueueConsumer

from labs.services.chassis import logs, topology

log = logs.get(__name__)


class CannotRun(Exception):
    """The service cannot run like this, however often it is started; the message says why."""


class Consumer(QueueConsumer):
    """One connection for all event handlers of a worker process."""

    away = False

    def __init__(self) -> None:
        super().__init__()
        self._unsettled: set[Any] = set()

    def handle_message(self, provider: Any, body: Any, message: Any) -> None:
        """Hand it to the provider."""
        self._unsettled.add(message)
        super().handle_message(provider, body, message)

    def ack_message(self, message: Any) -> None:
        """It is dealt with; where the connection is lost the broker delivers it again, and the inbox knows it."""
        with suppress(OSError):  # nameko expects amqp's own errors only
            super().ack_message(message)
        self._unsettled.discard(message)

    def requeue_message(self, message: Any) -> None:
        """It is not; the broker delivers it again, as it does when the connection is lost."""
        with suppress(OSError):
            super().requeue_message(message)
        self._unsettled.discard(message)

    def on_iteration(self) -> None:
        """nameko's own leaves with its last handler, and what that still works on is delivered again."""
        self._cancel_consumers_if_requested()
        if not self._consumers and not self._unsettled:
            self.should_stop = True

    def consume(self, limit: Any = None, timeout: Any = None, safety_interval: float = 0.1, **kwargs: Any) -> Any:
        """As kombu's, but a request to stop is heard within a tenth of a second."""
        return super().consume(limit, timeout, safety_interval, **kwargs)

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        """kombu's own waits 2, 4, 6, 8 … s between attempts."""
        self.container.config["resources"].consuming.clear()
        with self.connection as connection:
            patience = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1}
            try:
                connection.ensure_connection(self.on_connection_error, None, **patience)
            except (AccessRefused, NotAllowed) as error:
                raise self._refused(f"the broker does not let it in: {error}") from error
            yield connection

    def _refused(self, why: str) -> CannotRun:
        self.container.config["resources"].refused = True
        return CannotRun(why)

    def on_connection_error(self, exc: Exception, _interval: float) -> None:
        """Said once, not at every attempt."""
        if not self.away:
            self.away = True
            log.warning("broker is away, consumers wait", reason=str(exc))

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Any:
        """After every (re)connection: declare first, then consume."""
        queues = [provider.queue for provider in self._providers if isinstance(provider, EventHandler)]
        try:
            topology.declare(self.container.service_name, queues, channel)
            consumers = super().get_consumers(consumer_cls, channel)
        except (AccessRefused, NotFound, PreconditionFailed) as error:
            raise self._refused(f"the broker refuses its queues: {error}") from error
        for provider, consumer in self._consumers.items():
            if isinstance(provider, EventHandler):
                consumer.on_decode_error = provider.handle_garbage
        return consumers

    def on_consume_ready(self, connection: Any, channel: Any, consumers: Any, **kwargs: Any) -> None:
        """Every handler listens now."""
        super().on_consume_ready(connection, channel, consumers, **kwargs)
        self.away = False
        self.container.config["resources"].consuming.set()
