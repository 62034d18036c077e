"""The HTTP side that every service shares: correlation ids, crashes, health."""

import json
import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from flask import abort
from flask.testing import FlaskClient

from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import Settings, load


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """An app configures the logging of its process, which here is pytest's."""
    handlers = logging.getLogger().handlers
    yield
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()


def client(db: Database | None = None) -> FlaskClient:
    """Of an app with views that go wrong in every way."""
    app = create_api("probe", Settings(service="probe-service"), db)

    @app.get("/crash")
    def crash() -> None:
        raise KeyError("secret detail")

    @app.get("/refuse")
    def refuse() -> None:
        raise Problem(409, "it is taken", owner="somebody")

    @app.get("/limit")
    def limit() -> None:
        abort(503, "come again")

    return app.test_client()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_crash_is_a_problem_that_tells_nothing_and_a_log_line_that_tells_all(capsys):
    answer = client().get("/crash", headers={"X-Correlation-ID": "c-1"})
    assert answer.status_code == 500 and answer.content_type == "application/problem+json"
    assert answer.json["title"] == "Internal Server Error" and "secret" not in answer.text
    assert answer.headers["X-Correlation-ID"] == "c-1"
    failed, told = logged(capsys)
    assert (failed["message"], failed["labels"]["correlation_id"]) == ("request failed", "c-1")
    assert failed["error"]["type"] == "KeyError" and "secret detail" in failed["error"]["stack_trace"]
    assert told["message"] == "GET /crash"
    assert told["labels"]["status"] == "500" and told["labels"]["correlation_id"] == "c-1"


@pytest.mark.parametrize("theirs", ["", "x" * 65, "two words", "naïve", '{"a":1}'])
def test_a_correlation_id_that_is_missing_or_strange_is_replaced(theirs, capsys):
    answer = client().get("/health/live", headers={"X-Correlation-ID": theirs})
    own = answer.headers["X-Correlation-ID"]
    assert own != theirs and len(own) == 32
    assert capsys.readouterr().out == ""


def test_two_requests_have_two_correlation_ids():
    asking = client()
    first, second = (asking.get("/health/live").headers["X-Correlation-ID"] for _ in range(2))
    assert first != second


def test_a_problem_may_carry_more_than_words():
    answer = client().get("/refuse")
    assert answer.json == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "it is taken",
        "owner": "somebody",
    }


def test_http_errors_are_problems_and_keep_their_headers():
    assert client().get("/nowhere").json["status"] == 404
    answer = client().post("/crash")
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
    assert client().get("/limit").json["detail"] == "come again"


def test_health_of_a_service_whose_database_is_well(tmp_path):
    url = f"sqlite:///{tmp_path}/order.db"
    migrate("order", url)
    asking = client(Database(url))
    assert [asking.get(f"/health/{q}").status_code for q in ("live", "ready", "started")] == [200, 200, 200]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(os.urandom(8192)), "file is not a database"),
        (lambda path: path.mkdir(), "unable to open database file"),
        (lambda path: path.touch(), "no such table"),
    ],
    ids=["garbage", "a folder", "not migrated"],
)
def test_a_database_that_cannot_be_read_makes_it_unready_with_the_reason_and_not_dead(tmp_path, spoil, words):
    path = tmp_path / "order.db"
    spoil(path)
    asking = client(Database(f"sqlite:///{path}"))
    ready = asking.get("/health/ready")
    assert ready.status_code == 503 and ready.json["status"] == "fail"
    assert words in ready.json["checks"]["database"]
    assert asking.get("/health/live").status_code == 200


def test_a_database_that_comes_back_makes_it_ready_again(tmp_path):
    path = tmp_path / "order.db"
    path.mkdir()
    asking = client(Database(f"sqlite:///{path}"))
    assert asking.get("/health/ready").status_code == 503
    path.rmdir()
    migrate("order", f"sqlite:///{path}")
    assert asking.get("/health/ready").status_code == 200


def test_settings_are_read_once_and_what_is_wrong_is_named(monkeypatch):
    class Odd(Settings):
        smtp_server: str

    for name, value in {"SERVICE": "probe-service", "RELAY_INTERVAL": "-1", "LOG_LEVEL": "LOUD"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as said:
        load(Odd)
    words = str(said.value)
    assert all(name in words for name in ("SMTP_SERVER", "RELAY_INTERVAL", "LOG_LEVEL")), words
    assert "SERVICE:" not in words
    for name, value in {"SMTP_SERVER": "inbox:1025", "RELAY_INTERVAL": "1", "LOG_LEVEL": "INFO"}.items():
        monkeypatch.setenv(name, value)
    settings = load(Odd)
    monkeypatch.setenv("SMTP_SERVER", "elsewhere:25")
    assert load(Odd) is settings and settings.smtp_server == "inbox:1025"
    assert Settings(service="x", bind="0.0.0.0:80").address() == ("0.0.0.0", 80)
