"""The views over log files: every line is in one of them, with types; an order's story is in the order in which it happened."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.infra.logging import BadQuestion, NoLogs
from labs.infra.logging.asking import Logs

ORDER = "433d4537-729a-42f3-9cd1-356c564fb223"
NOT_ECS = [
    "2026-11-27 17:42:20.418001+00:00 [info] <0.223.0> a broker's own words",
    "Traceback (most recent call last):",
    '  File "worker.py", line 1, in <module>',
    "{not json",
    "[1, 2]",
    '"text"',
    "17",
    '{"message": "no time"}',
    '{"@timestamp": "yesterday", "message": "no time either"}',
    "\\x01\\x02 tab\tand \x01 and \x02 and ünïcode, \"quotes\", 'more', and a \\",
]


def line(service: str, message: str, at: str, correlation: str = "", **more: object) -> str:
    """As the chassis writes it; `at` are seconds and a fraction."""
    labels = dict(more.pop("labels", {}))  # type: ignore[call-overload]
    if correlation:
        labels["correlation_id"] = correlation
    told = {"@timestamp": f"2026-11-27T17:42:{at}Z", "log.level": "info", "message": message, "ecs.version": "1.6.0"}
    return json.dumps({**told, "service": {"name": service}, "labels": labels, **more})


def placed(order: str, correlation: str, at: str, nanoseconds: int) -> str:
    body = json.dumps({"created_at": "…", "id": order, "lines": [{"id": "not this one"}]})
    http = {"request": {"method": "POST"}, "response": {"status_code": 202, "body": {"content": body}}}
    more = {"http": http, "url": {"path": "/orders"}, "event": {"duration": nanoseconds}}
    return line("order-service", "POST /orders", at, correlation, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shop's logs: an order, its neighbour, what programs say. One was moved aside, one is empty."""
    logs = tmp_path / "shop-1" / "logs"
    logs.mkdir(parents=True)
    data = {"data": json.dumps({"order_id": ORDER, "lines": []})}
    told = {"labels": data, "event": {"id": "e-1", "start": "2026-11-27T17:42:10.050000+00:00"}}
    said = {
        "order-api.1": [placed(ORDER, "c-1", "10.100000", 90_000_000)],
        "order-api": [
            placed("another", "c-2", "10.200000", 1_000_000),
            line("order-service", f"GET /orders/{ORDER}", "12.500000", "c-3", url={"path": f"/orders/{ORDER}"}),
        ],
        "order-worker": [
            line("order-service", "told order_placed", "10.400000", "c-1", **told),
            line("order-service", "handling user_registered", "10.500000", "c-4"),
            line("order-service", "saga charge", "11.000000", "c-1", labels={"order_id": ORDER, "attempt": "1"}),
        ],
        "inventory-worker": [line("inventory-service", "handling order_placed", "10.300000", "c-1", labels=data)],
        "gateway": [line("gateway", "POST /orders 202", "10.005000", "c-1", labels={"traceparent": "00-aa-bb-01"})],
        "notification-worker": [],
        "rabbitmq": NOT_ECS,
    }
    for name, lines in said.items():
        (logs / f"{name}.log").write_text("".join(f"{each}\n" for each in lines))
    return logs


@pytest.fixture
def asked(folder: Path) -> Iterator[Logs]:
    with Logs(folder) as logs:
        yield logs


def test_every_line_is_in_one_of_the_two_views(asked, folder):
    lines = sum(len(file.read_text().split("\n")) - 1 for file in folder.glob("*.log"))
    ((ecs,), (other,)) = (asked.rows(f"SELECT count(*) AS n FROM {view}")[0].values() for view in ("logs", "other"))
    assert (ecs, other) == (lines - len(NOT_ECS), len(NOT_ECS))


def test_what_is_not_ecs_is_kept_as_it_is(asked):
    assert sorted(row["line"] for row in asked.rows("SELECT * FROM other WHERE process = 'rabbitmq'")) == sorted(
        NOT_ECS
    )


def test_the_story_of_an_order_is_told_in_the_order_in_which_it_happened(asked):
    story = asked.rows("SELECT process, message FROM story(?)", [ORDER])
    assert [(row["process"], row["message"]) for row in story] == [
        ("gateway", "POST /orders 202"),
        ("order-api", "POST /orders"),
        ("order-worker", "told order_placed"),  # written after the next one, by who happened to be slower
        ("inventory-worker", "handling order_placed"),
        ("order-worker", "saga charge"),
        ("order-api", f"GET /orders/{ORDER}"),
    ]


def test_columns_have_types(asked):
    (row,) = asked.rows("SELECT * FROM logs WHERE message = 'POST /orders' AND order_id = ?", [ORDER])
    assert (row["status"], row["method"], row["path"], row["seconds"]) == (202, "POST", "/orders", 0.09)
    assert (row["time"].isoformat(), row["began"].isoformat()) == (
        "2026-11-27T17:42:10.100000",
        "2026-11-27T17:42:10.010000",
    )
    (row,) = asked.rows("SELECT * FROM logs WHERE process = 'gateway'")
    assert (row["trace_id"], row["span_id"]) == ("aa", "bb")
    (row,) = asked.rows("SELECT event_id, labels->>'data' AS data FROM logs WHERE message LIKE 'told %'")
    assert (row["event_id"], json.loads(row["data"])["order_id"]) == ("e-1", ORDER)
    assert list(asked.table("SELECT service, count(*) AS n FROM logs GROUP BY ALL ORDER BY ALL")["n"]) == [1, 1, 6]


def test_a_file_that_is_moved_aside_while_it_is_asked_is_still_the_same(asked, folder):
    (folder / "order-api.1.log").rename(folder / "order-api.2.log")
    (folder / "order-api.log").rename(folder / "order-api.1.log")
    (folder / "order-api.log").write_text(line("order-service", "too new", "59.000000"))
    assert asked.rows("SELECT count(*) AS n FROM logs WHERE process = 'order-api'") == [{"n": 3}]


def test_a_wrong_question_is_answered_in_words(asked):
    with pytest.raises(BadQuestion, match='Referenced column "servce" not found'):
        asked.rows("SELECT servce FROM logs")


def test_where_nothing_was_said_there_is_nothing_to_ask(tmp_path):
    (tmp_path / "shop-2" / "logs").mkdir(parents=True)
    with pytest.raises(NoLogs, match=r"shop-2 has no logs"):
        Logs(tmp_path / "shop-2" / "logs")
    assert list((tmp_path / "shop-2" / "logs").iterdir()) == []


def test_nothing_is_left_behind(folder):
    before = sorted(folder.iterdir())
    with Logs(folder):
        assert len(list(folder.iterdir())) == len(before) + 1
    assert sorted(folder.iterdir()) == before
