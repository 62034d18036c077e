"""nameko's container, in which whatever a worker does belongs to the story of the event or call that it works on."""

from contextlib import nullcontext
from typing import Any

from nameko.containers import ServiceContainer

from labs.services.chassis import traces

CORRELATION_ID = "correlation_id"
"""Name of the correlation id in a worker's context data; beside it is `traceparent`. nameko sends both on with the calls that
the worker makes, as headers `nameko.…`."""


class Container(ServiceContainer):
    """An entrypoint that knows the story has a context manager `story(worker_context)`."""

    def _run_worker(self, worker_ctx: Any, handle_result: Any) -> None:
        """nameko has no public place that is in the worker's own green thread and around all of its work."""
        with getattr(worker_ctx.entrypoint, "story", nullcontext)(worker_ctx):
            worker_ctx.data[traces.HEADER] = traces.traceparent()
            super()._run_worker(worker_ctx, handle_result)
