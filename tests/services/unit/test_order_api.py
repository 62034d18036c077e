"""HTTP of order-service, without anybody around it."""

import base64
import json
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from labs.services.chassis.client import Unreachable
from labs.services.chassis.database import Database
from labs.services.order import prices, store
from labs.services.order.api import create_app
from labs.services.order.domain import Price, Status
from labs.services.order.settings import Settings
from tests.services.tokens import ADMINISTRATOR, CLERK, KEYS, bearer
from tests.services.unit.order_stand import order_database

LINES = {"lines": [{"sku": "tea", "quantity": 2}, {"sku": "cup", "quantity": 1}]}


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    with order_database(database_url) as db:
        with db.transaction() as tx:
            prices.keep(tx, "tea", Price(350, "EUR", 1))
            prices.keep(tx, "cup", Price(900, "EUR", 1))
            prices.keep(tx, "pin", Price(100, "USD", 1))
        yield db


@pytest.fixture
def app(db):
    nowhere = "http://127.0.0.1:1"
    settings = Settings(
        service="order-service",
        database_url=db.engine.url.render_as_string(hide_password=False),
        inventory_url=nowhere,
        payments_url=nowhere,
        carrier_url=nowhere,
        outside_key="a-key-of-the-tests",
    )
    return create_app(settings, KEYS)


@pytest.fixture
def api(app):
    return app.test_client()


def post(api, body=LINES, key="", sub="customer-1", **more):
    headers = {**bearer(sub), "Idempotency-Key": key or uuid4().hex, **more}
    return api.post("/orders", json=body, headers=headers)


def said(answer, status):
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    return answer.json["detail"]


def test_an_order_is_accepted_with_the_shops_prices(api):
    answer = post(api)
    assert answer.status_code == 202
    order = answer.json
    assert answer.headers["Location"] == f"/orders/{order['id']}"
    assert (order["status"], order["reason"], order["customer_id"]) == ("placed", "", "customer-1")
    assert order["lines"][0] == {"sku": "tea", "quantity": 2, "amount": 350, "currency": "EUR"}
    assert order["total"] == {"amount": 1600, "currency": "EUR"}
    assert "card" not in answer.text
    assert api.get(answer.headers["Location"], headers=bearer()).json == order


def test_an_order_needs_a_token_a_permission_and_a_key(api):
    assert api.post("/orders", json=LINES, headers={"Idempotency-Key": "k"}).status_code == 401
    said(api.post("/orders", json=LINES, headers={"Idempotency-Key": "k", **bearer(permissions=["profile:own"])}), 403)
    assert "Idempotency-Key" in said(api.post("/orders", json=LINES, headers=bearer()), 400)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lines": [{"sku": "tea", "quantity": 1}, {"sku": "pin", "quantity": 1}]}, "EUR and USD"),
        ({"lines": [{"sku": "cup", "quantity": 1_000_000}, {"sku": "cup", "quantity": 1_000_000}]}, "the most is"),
        ({"lines": [{"sku": "tea", "quantity": 1, "amount": 1}]}, "amount"),
        ({"card": "4111111111111111"}, "never a card's number"),
        ({"card": None}, "card"),
        ({"customer_id": "customer-2"}, "customer_id"),
    ],
)
def test_what_the_shop_does_not_sell_like_this_is_refused(api, db, change, words):
    assert words in said(post(api, LINES | change), 422)
    with db.reading() as session:
        assert store.page(session, None, None, None, 1) == []


def test_an_unknown_product_is_named(api, monkeypatch):
    monkeypatch.setattr(prices.ReadModel, "_ask", lambda *_: {})
    assert "no product 'moon'" in said(post(api, {"lines": [{"sku": "moon", "quantity": 1}]}), 422)


def test_while_inventory_is_away_known_products_are_sold_and_for_others_it_is_said_when_to_come_again(api):
    assert post(api).status_code == 202
    answer = post(api, {"lines": [{"sku": "moon", "quantity": 1}]})
    assert "inventory-service" in said(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_same_request_again_is_the_same_order_even_when_its_prices_have_changed(api, db):
    first = post(api, key="once")
    with db.transaction() as tx:
        prices.keep(tx, "tea", Price(999, "EUR", 2))
    again = post(api, key="once")
    assert (again.status_code, again.text) == (202, first.text)
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Key" in said(post(api, LINES | {"card": "card-other"}, key="once"), 422)
    assert post(api, key="once", sub="customer-2").json["id"] != first.json["id"]


@pytest.mark.parametrize("trouble", [{}, Unreachable("inventory-service", "it is away", maybe_done=False)])
def test_an_order_that_was_accepted_is_answered_again_though_nobody_could_order_like_this_now(
    api, monkeypatch, trouble
):
    first = post(api, key="once")

    def of(*_):
        if isinstance(trouble, Unreachable):
            raise trouble
        return trouble

    monkeypatch.setattr(prices.ReadModel, "of", of)
    again = post(api, key="once")
    assert (again.status_code, again.text) == (202, first.text)
    refused = post(api, key="new")
    assert refused.status_code in (422, 503)
    monkeypatch.undo()
    assert post(api, key="new").status_code == 202, "what was refused has not used up its key"


def test_20_identical_requests_at_once_are_one_order(app, db):
    answers = []

    def send():
        answers.append(post(app.test_client(), key="impatient"))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    with db.reading() as session:
        assert len(store.page(session, None, None, None, 9)) == 1


def test_somebody_elses_order_is_not_found_and_a_clerk_sees_all(api):
    location = post(api).headers["Location"]
    said(api.get(location, headers=bearer("customer-2")), 404)
    said(api.post(f"{location}/cancel", headers=bearer("customer-2")), 404)
    said(api.get(f"/orders/{uuid4()}", headers=bearer()), 404)
    said(api.get("/orders/none", headers=bearer()), 404)
    assert api.get(location, headers=bearer("clerk-1", CLERK)).status_code == 200
    assert api.get("/orders", headers=bearer("customer-2")).json["items"] == []
    assert len(api.get("/orders", headers=bearer("clerk-1", CLERK)).json["items"]) == 1


def test_orders_come_in_pages_newest_first(api, db):
    placed = [post(api).json["id"] for _ in range(5)]
    with db.transaction() as tx:
        store.settle(tx, placed[3], Status.REJECTED, "none")
    seen, after = [], ""
    while after is not None:
        page = api.get(f"/orders?limit=2{after and f'&after={after}'}", headers=bearer()).json
        seen += [order["id"] for order in page["items"]]
        after = page["next"]
    assert seen == placed[::-1]
    rejected = api.get("/orders?status=rejected", headers=bearer()).json["items"]
    assert [(order["id"], order["reason"]) for order in rejected] == [(placed[3], "none")]
    assert "status" in said(api.get("/orders?status=lost", headers=bearer()), 422)
    assert "after" in said(api.get("/orders?after=x", headers=bearer()), 422)
    for made_up in (10**30, -(10**30), 0):
        cursor = base64.urlsafe_b64encode(json.dumps([made_up]).encode()).rstrip(b"=").decode()
        assert api.get(f"/orders?after={cursor}", headers=bearer()).status_code < 500


def test_an_order_is_cancelled_until_it_has_ended(api, db):
    location = post(api).headers["Location"]
    answer = api.post(f"{location}/cancel", headers=bearer())
    assert (answer.status_code, answer.json["status"]) == (202, "undoing")
    assert api.post(f"{location}/cancel", headers=bearer()).status_code == 202
    rejected = post(api).json["id"]
    with db.transaction() as tx:
        store.settle(tx, rejected, Status.REJECTED, "none")
    assert "rejected" in said(api.post(f"/orders/{rejected}/cancel", headers=bearer()), 409)


def test_whoever_mounts_the_routes_can_carry_an_order_on_before_it_is_answered(db):
    from labs.services.chassis.api import create_api
    from labs.services.chassis.auth import Auth
    from labs.services.chassis.settings import Settings as ChassisSettings
    from labs.services.order.api import routes

    class Known:
        def of(self, skus):
            return dict.fromkeys(skus, Price(1, "EUR", 1))

    app = create_api("monolith", ChassisSettings(service="monolith"), db)
    changed = []

    def look(order_id):
        with db.reading() as session:
            assert store.get(session, order_id), "it is committed by then"
        changed.append(order_id)

    routes(app, db, Auth(KEYS), Known(), look)
    api = app.test_client()
    order_id = post(api, key="a").json["id"]
    api.post(f"/orders/{order_id}/cancel", headers=bearer())
    assert changed == [order_id, order_id]
    post(api, key="a")
    assert changed == [order_id, order_id], "nothing has changed"


def test_a_settlement_is_for_whoever_may_run_it_and_for_days_that_have_begun(api):
    admin = bearer("admin-1", ADMINISTRATOR)
    said(api.post("/settlements", json={"day": "2026-01-31"}, headers=bearer("clerk-1", CLERK)), 403)
    answer = api.post("/settlements", json={"day": "2026-01-31"}, headers=admin)
    assert (answer.status_code, answer.headers["Location"]) == (202, "/settlements/2026-01-31")
    assert api.get("/settlements/2026-01-31", headers=admin).json == answer.json
    assert answer.json["status"] == "waiting"
    assert "future" in said(api.post("/settlements", json={"day": "9999-01-01"}, headers=admin), 422)
    for wrong in (0, "today", "2026-02-30", "20260131", None):
        assert "day" in said(api.post("/settlements", json={"day": wrong}, headers=admin), 422)
    for day in ("2026-02-01", "yesterday", "%00"):
        said(api.get(f"/settlements/{day}", headers=admin), 404)


def test_the_description_is_true_of_keys_permissions_and_refusals(api):
    described = api.get("/openapi.json").json["paths"]
    place = described["/orders"]["post"]
    assert [p["name"] for p in place["parameters"] if p["in"] == "header"] == ["Idempotency-Key"]
    assert {"202", "400", "401", "403", "415", "422", "503"} <= place["responses"].keys()
    assert {"202", "401", "403", "404", "409"} <= described["/orders/{order_id}/cancel"]["post"]["responses"].keys()
    assert json.dumps(described).count('"bearer"') >= 6


def test_no_answer_of_inventory_is_not_taken_for_no_such_product(api, monkeypatch):
    def away(*_):
        raise Unreachable("inventory-service", "gone", maybe_done=False)

    monkeypatch.setattr(prices.ReadModel, "_ask", away)
    said(post(api, {"lines": [{"sku": "moon", "quantity": 1}]}), 503)
