"""Remote procedure calls over the broker: nameko's `rpc`, on the connection of the event handlers, in the caller's story."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nameko.rpc import Rpc as NamekoRpc
from nameko.rpc import RpcConsumer as NamekoRpcConsumer
from opentelemetry.trace import SpanKind

from labs.services.chassis import logs, traces
from labs.services.chassis.consumer import Consumer
from labs.services.chassis.container import CORRELATION_ID


class RpcConsumer(NamekoRpcConsumer):
    """nameko's, which shares the connection of the process."""

    queue_consumer = Consumer()


class Rpc(NamekoRpc):
    """nameko's, with that consumer. A caller says its correlation id and traceparent in nameko's context data."""

    rpc_consumer = RpcConsumer()

    @contextmanager
    def story(self, worker: Any) -> Iterator[None]:
        """Around one call."""
        called = f"{worker.service_name}/{self.method_name}"
        seen = {"rpc.system": "nameko", "rpc.service": worker.service_name, "rpc.method": self.method_name}
        parent = str(worker.data.get(traces.HEADER, ""))
        with (
            logs.correlated(str(worker.data.get(CORRELATION_ID, ""))[:64]) as worker.data[CORRELATION_ID],
            traces.span(called, SpanKind.SERVER, seen, parent),
        ):
            yield


rpc = Rpc.decorator
