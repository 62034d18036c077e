"""The settings of a service process, read once from the environment; nothing else in a service reads it."""

from functools import cache
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings

from labs.services.chassis.crash import known


class Settings(BaseSettings):
    """Environment variables carry the field names in capitals: SERVICE, DATABASE_URL, AMQP_URL, BIND, …"""

    service: str = Field(description="own name, e.g. order-service")
    database_url: str = Field(default="", description="SQLAlchemy URL of the service's own database")
    amqp_url: str = Field(default="", description="amqp://user:password@host:port/vhost")
    bind: str = Field(default="127.0.0.1:8000", description="host:port that HTTP listens on, health included")
    jwks_url: str = Field(default="", description="where user-service shows the public keys of its tokens")
    web_concurrency: int = Field(default=1, ge=1, le=64, description="worker processes that answer HTTP together")
    request_timeout: float = Field(
        default=10.0, gt=0, description="seconds that a request may take that names no deadline"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_file: str = Field(default="", description="file that standard output goes to, to be rotated; empty: not by us")
    log_size: int = Field(default=10_000_000, gt=0, description="bytes after which it is moved aside")
    log_kept: int = Field(default=4, ge=1, description="so many older files stay")
    broker_timeout: float = Field(default=5.0, gt=0, description="seconds to wait for the broker's confirm")
    relay_interval: float = Field(default=0.05, gt=0, description="seconds between two looks into the outbox")
    metrics: bool = Field(default=True, description="whether each request is measured")
    otlp_endpoint: str = Field(default="", description="base URL of a collector for OTLP over HTTP; empty: no export")
    otlp_timeout: float = Field(default=2.0, gt=0, description="seconds that the collector has for a batch of spans")
    trace_ratio: float = Field(default=1.0, ge=0, le=1, description="share of the traces begun here that are recorded")
    keep_sent: float = Field(default=3600.0, gt=0, description="seconds that a told event stays in the outbox")
    keep_received: float = Field(default=7 * 86400.0, gt=0, description="seconds that an event's id stays in the inbox")
    keep_answers: float = Field(default=86400.0, gt=0, description="seconds that an Idempotency-Key is remembered")
    crash: Annotated[str, AfterValidator(known)] = Field(default="", description="where to die: point@n")

    def address(self) -> tuple[str, int]:
        """`bind` as (host, port)."""
        host, _, port = self.bind.rpartition(":")
        return host, int(port)


S = TypeVar("S", bound=Settings)


@cache
def load(kind: type[S]) -> S:
    """The settings of this process. Raises SystemExit that names each missing or wrong variable."""
    try:
        return kind()  # type: ignore[call-arg]  # the environment has them
    except ValidationError as error:
        wrong = "\n".join(f"  {str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SystemExit(f"Settings are wrong; set these environment variables:\n{wrong}") from None
