"""JSON log lines in Elastic Common Schema on stdout, each with the correlation id of the request or event it belongs to."""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ecs_logging
import structlog

from labs.services.chassis import redaction, traces
from labs.services.chassis.rotation import Rotating

if TYPE_CHECKING:
    from collections.abc import Iterator

CORRELATION_HEADER = "X-Correlation-ID"
ECS_VERSION = "8.11.0"
ECS = {"event_id": "event.id", "reason": "event.reason", "user_id": "user.id", "dependency": "service.target.name"}
"""Fields for which Elastic Common Schema has a name. A field with a dot in it is called as the schema calls it already."""
Fields = MutableMapping[str, Any]
_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


class Lossy:
    """Standard output, where a line that a full disk does not take is lost, and not the work that it tells of."""

    def write(self, text: str) -> None:
        """One line."""
        with suppress(OSError):
            sys.stdout.write(text)

    def flush(self) -> None:
        """What has not been written yet."""
        with suppress(OSError):
            sys.stdout.flush()


class Formatter(ecs_logging.StdlibFormatter):
    """For the lines of libraries, which know no better than to log what they got."""

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        """The fields of one line."""
        fields: dict[str, Any] = redaction.texts(super().format_to_ecs(record))
        fields["ecs.version"] = ECS_VERSION
        fields["@timestamp"] = _moment(datetime.fromtimestamp(record.created, UTC))
        return fields | {name.removesuffix(".id"): {"id": value} for name, value in traces.ids().items()}


def configure(service: str, level: str = "INFO", into: Rotating | None = None) -> None:
    """Log as `service` from now on, to standard output or `into` a file that rotates; libraries that use the standard logging
    module go the same way."""
    out = into or Lossy()
    logging.basicConfig(stream=out, level=level, format="%(message)s", force=True)
    logging.getLogger().handlers[0].setFormatter(Formatter(extra={"service": {"name": service}}))
    for chatty in ("amqp", "kombu", "mail.log", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[_render(service)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(out),  # type: ignore[arg-type]  # all it does is write, once a line
    )


def get(name: str) -> Any:
    """A structlog logger: `log.info("stock reserved", order_id=…)`; fields beyond ECS land under `labels`. A field that is dear
    to make may be a function: it is called only if the line is written, and gives a text without secrets."""
    return structlog.get_logger(**{"log.logger": name})


@contextmanager
def correlated(correlation_id: str | None = None) -> "Iterator[str]":
    """Everything logged and told inside carries this id; without one a new id is made."""
    token = _correlation_id.set(correlation_id or uuid4().hex)
    try:
        yield _correlation_id.get()
    finally:
        _correlation_id.reset(token)


def correlation_id() -> str:
    """The id of the request or event being handled; empty outside of one."""
    return _correlation_id.get()


def _render(service: str) -> Any:
    """A line: every field in its place, those of ECS by its names, the correlation id and all others under `labels`; nothing
    secret. ecs_logging's own renderer walks through every line twice, at the price of a fifth of it."""

    def render(_logger: Any, method: str, given: Fields) -> str:
        line: dict[str, Any] = {
            "@timestamp": _moment(datetime.now(UTC)),
            "log.level": method,
            "message": str(given.pop("event")),
            "ecs.version": ECS_VERSION,
            "service": {"name": service},
        }
        labels: dict[str, str] = {}
        failed = _explained(given.pop("exc_info", None))
        for name, value in {**given, **traces.ids(), **failed}.items():
            plain = value if isinstance(value, int) else str(value)
            shown = value() if callable(value) else redaction.field(name, plain)
            if place := ECS.get(name) or ("." in name and name):
                _put(line, place, shown)
            else:
                labels[name] = str(shown)
        if current := _correlation_id.get():
            labels["correlation_id"] = current
        if labels:
            line["labels"] = labels
        return json.dumps(line, separators=(",", ":"))

    return render


def _put(line: dict[str, Any], place: str, value: Any) -> None:
    """A dotted name stands for objects in objects."""
    *above, last = _parts(place)
    for name in above:
        line = line.setdefault(name, {})
    line[last] = value


@cache
def _parts(place: str) -> tuple[str, ...]:
    return tuple(place.split("."))


def _explained(given: Any) -> dict[str, str]:
    """ECS has three fields for an exception, the same that the standard library's lines get."""
    error = sys.exc_info()[1] if given is True else given
    if not isinstance(error, BaseException):
        return {}
    trace = "".join(traceback.format_exception(error))
    return {"error.type": type(error).__name__, "error.message": str(error), "error.stack_trace": trace}


def _moment(when: datetime) -> str:
    """To the microsecond: what one process does after another within a millisecond stays in order."""
    return f"{when.isoformat(timespec='microseconds')[:-6]}Z"
