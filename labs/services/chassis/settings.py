"""The settings of a service process, read once from the environment; nothing else in a service reads it."""

from functools import cache
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Environment variables carry the field names in capitals: SERVICE, DATABASE_URL, AMQP_URL, BIND, LOG_LEVEL."""

    service: str = Field(description="own name, e.g. order-service")
    database_url: str = Field(default="", description="SQLAlchemy URL of the service's own database")
    amqp_url: str = Field(default="", description="amqp://user:password@host:port/vhost")
    bind: str = Field(default="127.0.0.1:8000", description="host:port that HTTP listens on, health included")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    broker_timeout: float = Field(default=5.0, gt=0, description="seconds to wait for the broker's confirm")
    relay_interval: float = Field(default=0.05, gt=0, description="seconds between two looks into the outbox")

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
