"""What only the monolith does: everything before its answer, in one process, from one database."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import create_engine, text

from labs.classroom import books
from labs.classroom.ledger import judge
from labs.classroom.people import ADMINISTRATOR
from tests.infra.nodes import eventually
from tests.services.answers import assert_problem


def test_an_order_has_ended_and_its_customer_is_told_when_the_request_is_answered(shop):
    sku, email = f"tea-{uuid4().hex[:12]}", f"{uuid4().hex[:12]}@example.org"
    shop.stock(sku, 5)
    order = shop.place((sku, 2), email=email)
    assert shop.status(order) == "fulfilled"
    assert {mail["order_id"] for mail in shop.mails(to=email)} == {order}


def test_the_report_counts_every_order_and_is_not_for_customers(shop):
    sku, email = f"tea-{uuid4().hex[:12]}", f"{uuid4().hex[:12]}@example.org"
    shop.stock(sku, 3)
    for quantity in (1, 2, 9):
        shop.place((sku, quantity), email=email)
    sales = shop.get("monolith", "/reports/sales", ADMINISTRATOR).json()
    assert {"sku": sku, "ordered": 12, "fulfilled": 3, "revenue": 1050} in sales["products"]
    assert_problem(shop.get("monolith", "/reports/sales", email), 403, "")


def test_its_books_are_in_order(shop, monolith):
    shop.stock("tea", 1)
    shop.place(("tea", 1))
    url = monolith.database_url("monolith")
    ledger = judge(books.read({"order": url, "inventory": url, "outside": monolith.database_url("outside")}))
    assert ledger.accepted
    assert ledger.wrong == {}
    assert ledger.under_way == []


def test_it_settles_by_itself_a_day_that_nobody_settled_when_it_was_over(shop, monolith):
    shop.stock("tea", 1)
    shop.place(("tea", 1))
    store = create_engine(monolith.database_url("monolith"))
    with store.begin() as orders:
        orders.execute(text("UPDATE orders SET created_at = created_at - 3 * 86400 WHERE position = 1"))
    store.dispose()
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()

    def settled() -> bool:
        answer = shop.get("monolith", f"/settlements/{day}", ADMINISTRATOR)
        return answer.status_code == 200 and answer.json()["status"] == "done"

    eventually(settled, 30, f"the settlement of {day} is done")


def test_no_broker_was_started_for_it(monolith):
    assert monolith.broker is None
    assert not monolith.pid("rabbitmq")
