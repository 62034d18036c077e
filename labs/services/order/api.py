"""HTTP of order-service: place an order, ask what became of it, think again; settle a day with the payment provider."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from apiflask import APIFlask

from labs.services.chassis import idempotency, metrics, traces
from labs.services.chassis.api import Routes, create_api
from labs.services.chassis.auth import Auth, Caller, Keys, RemoteKeys
from labs.services.chassis.client import Client, Unreachable
from labs.services.chassis.database import Database
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import load
from labs.services.order import ownership, prices, settlement, store
from labs.services.order.domain import CannotBeSold, Priced, priced
from labs.services.order.prices import Prices, ReadModel
from labs.services.order.settings import Settings
from labs.services.order.shapes import DAY, OrderIn, OrderOut, OrdersOut, OrdersQuery, SettlementIn, SettlementOut

PLACED = metrics.counter("orders_placed_total", "Orders accepted")


def create_app(settings: Settings | None = None, keys: Keys | None = None) -> APIFlask:
    """The app that gunicorn serves. `keys` verify tokens; without them they come from user-service."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("order-service", settings, db)
    inventory = Client(settings.inventory_url, "inventory-service", prices.TIMEOUT)
    routes(app, db, Auth(keys or RemoteKeys(settings.jwks_url)), ReadModel(db, inventory))
    return app


def routes(
    app: Routes,
    db: Database,
    auth: Auth,
    shop: Prices,
    changed: Callable[[str], None] = lambda _order_id: None,
) -> None:
    """All that order-service answers. The monolith mounts the same with prices of its own, and `changed` that carries an order
    on before its request is answered; here the worker does it."""

    @app.post("/orders")
    @auth.needs("orders:own")
    @idempotency.keyed
    @app.input(OrderIn)
    @app.output(OrderOut, status_code=202)
    def place(idempotency_key: str, json_data: OrderIn) -> Any:
        """Accepted once the order and its event are committed together; nobody else is asked, unless a product is new here."""
        caller = auth.caller().id
        try:
            wanted: Priced | Exception = _priced(json_data, shop)
        except (Problem, Unreachable) as trouble:  # none for an order that was accepted when all was well
            wanted = trouble
        with db.transaction() as tx:
            if answer := idempotency.once(tx, caller, idempotency_key, json_data):
                return answer.body, answer.status, {"Location": f"/orders/{answer.body['id']}"}
            if isinstance(wanted, Exception):
                raise wanted
            order = store.place(tx, caller, wanted, json_data.card)
            body = _order(order)
            idempotency.keep(tx, caller, idempotency_key, 202, body)
        PLACED.inc()
        traces.note("order.id", order.id)
        changed(order.id)
        return body, 202, {"Location": f"/orders/{order.id}"}

    @app.get("/orders/<uuid:order_id>")
    @auth.needs("orders:own", "orders:all")
    @app.output(OrderOut)
    def look(order_id: UUID) -> Any:
        """What became of an order?"""
        with db.reading() as session:
            order = store.get(session, str(order_id))
        return _order(_visible(order, order_id, auth.caller()))

    @app.get("/orders")
    @auth.needs("orders:own", "orders:all")
    @app.input(OrdersQuery, location="query")
    @app.output(OrdersOut)
    def look_at_all(query_data: OrdersQuery) -> Any:
        """The caller's own orders, or all for whoever may see them; newest first."""
        whose = ownership.whose(auth.caller())
        (before,) = query_data.place(int) or (None,)
        with db.reading() as session:
            found = store.page(session, whose, query_data.status, before, query_data.limit + 1)
        return query_data.page(found, lambda order: (order.position,), _order)

    @app.post("/orders/<uuid:order_id>/cancel")
    @auth.needs("orders:own", "orders:all")
    @app.output(OrderOut, status_code=202)
    @app.doc(responses={409: "Too late"})
    def cancel(order_id: UUID) -> Any:
        """The order will be cancelled, and what was paid is paid back; or it is too late: it has ended, or is being shipped."""
        with db.transaction() as tx:
            order = _visible(store.locked(tx, str(order_id)), order_id, auth.caller())
            if not store.cancel(order):
                shipping = " and being shipped" if order.step else ""
                raise Problem(409, f"Order {order_id} is {order.status}{shipping}: it is too late to cancel it.")
        changed(order.id)
        return _order(order), 202

    @app.post("/settlements")
    @auth.needs("settlements:run")
    @app.input(SettlementIn)
    @app.output(SettlementOut, status_code=202)
    def settle(json_data: SettlementIn) -> Any:
        """Compare our own book of a day with the payment provider's, in the background."""
        if json_data.day > datetime.now(UTC).date():
            raise Problem(422, "day: must not be in the future")
        with db.transaction() as tx:
            asked = settlement.ask(tx, json_data.day.isoformat())
        return _settlement(asked), 202, {"Location": f"/settlements/{asked.day}"}

    @app.get("/settlements/<day>")
    @auth.needs("settlements:run")
    @app.output(SettlementOut)
    def look_at_settlement(day: str) -> Any:
        """What did it find?"""
        with db.reading() as session:
            found = settlement.find(session, day) if DAY.fullmatch(day) else None
        if found is None:
            raise Problem(404, f"nobody has asked for a settlement of {day!r}")
        return _settlement(found)


def _priced(wanted: OrderIn, shop: Prices) -> Priced:
    lines = [(line.sku, line.quantity) for line in wanted.lines]
    try:
        return priced(lines, shop.of(sku for sku, _ in lines))
    except CannotBeSold as error:
        raise Problem(422, f"lines: {error}") from None


def _visible(order: store.Order | None, order_id: UUID, caller: Caller) -> store.Order:
    """Somebody else's order is none: who asks is not told that it exists. Raises Problem 404."""
    if order is None or not ownership.may_see(caller, order):
        raise Problem(404, f"no order '{order_id}'")
    return order


def _order(order: store.Order) -> dict[str, Any]:
    names = ("id", "status", "reason", "customer_id", "lines", "tracking_code", "missing")
    said = {name: getattr(order, name) for name in names}
    total = {"amount": order.amount, "currency": order.currency}
    return said | {"total": total, "created_at": _moment(order.created_at)}


def _settlement(found: Any) -> dict[str, Any]:
    said = {name: getattr(found, name) for name in ("status", "compared", "different", "differences")}
    times = {"asked_at": _moment(found.asked_at), "done_at": found.done_at and _moment(found.done_at)}
    return said | times | {"day": date.fromisoformat(found.day)}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
