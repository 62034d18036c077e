"""Books are read from where a system keeps them, whoever started it, running or not."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from labs.classroom import books
from labs.classroom.ledger import OrderRow, Pieces, StockRow, judge
from labs.services.chassis.migrate import migrate
from labs.services.monolith.migrate import migrate_all

ORDER = {"id": "a", "status": "fulfilled", "amount": 1050, "missing": '[{"sku": "tea", "quantity": 1}]'}
LINES = '[{"sku": "tea", "quantity": 3, "amount": 350, "currency": "EUR"}]'

PARCEL = '[{"sku": "tea", "quantity": 1}, {"sku": "tea", "quantity": 1}]'


def insert(url: str, table: str, **values: object) -> None:
    """One row; columns that must have something get it."""
    with create_engine(url).begin() as store:
        columns = store.execute(text(f"PRAGMA table_info({table})")).mappings().all()
        row = {c["name"]: "" if "CHAR" in c["type"] else 0 for c in columns if c["notnull"]} | values
        names, marks = (", ".join(form.format(name) for name in row) for form in ('"{}"', ":{}"))
        store.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)


@pytest.fixture
def urls(tmp_path: Path) -> dict[str, str]:
    found = {name: f"sqlite:///{tmp_path}/{name}.db" for name in (*books.STORES, "monolith")}
    for name in books.STORES:
        migrate(name, found[name])
    migrate_all(found["monolith"])
    return found


@pytest.mark.parametrize("form", ["services", "monolith"])
def test_everything_that_happened_to_an_order_is_in_the_books(urls: dict[str, str], form: str) -> None:
    order, stock = (urls["monolith"],) * 2 if form == "monolith" else (urls["order"], urls["inventory"])
    insert(order, "orders", **ORDER, lines=LINES, position=1)
    insert(order, "outbox", position=1, event_id="e", sent_at=None)
    insert(stock, "products", sku="tea")
    insert(stock, "stock", sku="tea", available=8)
    insert(stock, "adjustments", position=1, sku="tea", quantity=10)
    insert(stock, "reservations", order_id="a", status="taken", shortages="[]")
    insert(stock, "reserved_lines", order_id="a", sku="tea", quantity=2)
    insert(urls["outside"], "charges", position=1, key="k", order_id="a", amount=1050, status="charged")
    insert(urls["outside"], "charges", position=2, key="v", order_id="b", amount=0, status="voided")
    insert(urls["outside"], "refunds", position=1, charge_key="k", amount=350)
    insert(urls["outside"], "shipments", position=1, order_id="a", shipped=PARCEL, missing="[]")
    insert(urls["outside"], "shipments", position=2, order_id="b", shipped="[]", missing="[]")
    insert(urls["outside"], "mails", position=1, order_id="a", subject="s", message_id="<m>")
    there = ("monolith", "outside") if form == "monolith" else books.STORES

    found = books.read({name: urls[name] for name in there})

    assert found.orders == (OrderRow("a", "fulfilled", 700),)
    assert found.stock == (StockRow("tea", arrived=10, held=2, available=8),)
    assert found.held == (Pieces("a", {"tea": 2}),)
    assert (found.charges, found.refunds) == ((("a", 1050),), (("a", 350),))
    assert (found.shipments, found.mails) == ((Pieces("a", {"tea": 2}),), (("a", "s", "<m>"),))
    assert found.waiting == 1
    assert judge(found).settled

    with create_engine(stock).begin() as store:
        store.execute(text("UPDATE reservations SET status = 'expired'"))
        store.execute(text("UPDATE stock SET available = 10"))
    assert judge(books.read({name: urls[name] for name in there})).wrong == {"oversold": ["a"]}


def test_a_system_says_where_its_books_are_and_the_rest_is_left_out(tmp_path: Path) -> None:
    services = {
        "order-api": {"group": "order-service", "database": "sqlite:///o"},
        "user-api": {"group": "user-service", "database": "sqlite:///u"},
        "outside": {"group": "outside", "database": "sqlite:///x"},
        "gateway": {"group": "gateway", "database": ""},
        "jupyterlab": {"group": "jupyterlab"},
    }
    (tmp_path / "state.json").write_text(json.dumps({"guard": 1, "services": services}))
    assert books.stores(tmp_path) == {"order": "sqlite:///o", "outside": "sqlite:///x"}
