"""The common nameko way: an HTTP gateway calls an orders service by RPC, which commits and then dispatches an event.

`python -m benchmarks.yardsticks.common_way gateway|orders|listener`, with AMQP_URL, DATABASE and BIND in the environment. It
does not promise much: an event is lost when the process dies between commit and dispatch, and when its handler raises.
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402  everything below must see the patched standard library
import os  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from nameko.cli.run import run  # noqa: E402
from nameko.events import EventDispatcher, event_handler  # noqa: E402
from nameko.extensions import DependencyProvider  # noqa: E402
from nameko.rpc import RpcProxy, rpc  # noqa: E402
from nameko.web.handlers import http  # noqa: E402
from sqlalchemy import JSON, create_engine, event  # noqa: E402
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker  # noqa: E402


class Base(DeclarativeBase):
    """The one table."""


class Order(Base):
    """An order with its lines."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class DatabaseSession(DependencyProvider):
    """A session for each call."""

    def setup(self) -> None:
        """SQLite, as the shop has it."""
        engine = create_engine(f"sqlite:///{os.environ['DATABASE']}", connect_args={"timeout": 5})
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
        Base.metadata.create_all(engine)
        self.sessions = sessionmaker(engine)

    def get_dependency(self, _worker_ctx: Any) -> Session:
        """nameko calls it for each call."""
        return self.sessions()


class Gateway:
    """HTTP in front."""

    name = "gateway"
    orders = RpcProxy("orders")

    @http("POST", "/orders")
    def place(self, request):  # type: ignore[no-untyped-def]
        """Ask orders, wait, answer."""
        order = self.orders.create(json.loads(request.get_data(as_text=True))["lines"])
        return 202, json.dumps(order)


class Orders:
    """Behind it."""

    name = "orders"
    db = DatabaseSession()
    dispatch = EventDispatcher()

    @rpc
    def create(self, lines):  # type: ignore[no-untyped-def]
        """Commit, then tell."""
        order = Order(lines=lines)
        self.db.add(order)
        self.db.commit()
        told = {"id": order.id, "lines": order.lines}
        self.db.close()
        self.dispatch("order_created", told)
        return told


class Listener:
    """Somebody who hears the event."""

    name = "listener"

    @event_handler("orders", "order_created")
    def hear(self, _payload):  # type: ignore[no-untyped-def]
        """Nothing to do."""


if __name__ == "__main__":
    service = {"gateway": Gateway, "orders": Orders, "listener": Listener}[sys.argv[1]]
    run([service], {"AMQP_URI": os.environ["AMQP_URL"], "WEB_SERVER_ADDRESS": os.environ.get("BIND", "127.0.0.1:0")})
