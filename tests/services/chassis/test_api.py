"""The HTTP side that every service shares: correlation ids, deadlines, crashes, health, logs, and what is said of all that."""

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import structlog
from flask import abort
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import IntegrityError, OperationalError

from labs.services.chassis import deadline, logs, redaction
from labs.services.chassis.api import create_api
from labs.services.chassis.auth import Auth
from labs.services.chassis.client import Client
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import Settings, load
from tests.services.chassis.other import Answer, Other
from tests.services.tokens import KEYS, bearer, token


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
    assert told["http"]["response"]["status_code"] == 500 and told["labels"]["correlation_id"] == "c-1"


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


class LoginIn(BaseModel):
    """Something with a secret in it."""

    model_config = ConfigDict(extra="forbid")
    email: str
    password: str


class TokenOut(BaseModel):
    """Something else with one."""

    access_token: str
    refresh_token: str
    expires_in: int


def writing(other: str = "") -> FlaskClient:
    """Of an app with a view that takes and gives secrets, one for the few, one that asks `other`, and one that takes time."""
    app = create_api("probe", Settings(service="probe-service", request_timeout=3))
    auth, asking = Auth(KEYS), Client(other, "other-service", timeout=0.5)

    @app.post("/tokens")
    @app.input(LoginIn)
    @app.output(TokenOut, status_code=201)
    def log_in(json_data: LoginIn) -> Any:
        return {"access_token": token(json_data.email), "refresh_token": "opensesame", "expires_in": 900}

    @app.delete("/things/<thing_id>")
    @auth.needs("stock:write")
    def remove(thing_id: str) -> Any:
        return {"removed": thing_id}

    @app.get("/asking")
    def ask() -> Any:
        return {"status": asking.get("/").status_code}

    @app.get("/patience")
    def patience() -> Any:
        return {"seconds": deadline.remaining()}

    @app.get("/failing/<how>")
    def fail(how: str) -> Any:
        raise {"locked": OperationalError, "wrong": IntegrityError}[how](
            "INSERT", {"password": "hunter2"}, Exception(how)
        )

    return app.test_client()


def test_a_write_is_logged_with_what_came_in_and_went_out_and_no_secret(capsys):
    answer = writing().post("/tokens", json={"email": "clerk@shop.example", "password": "hunter2"})
    assert answer.status_code == 201
    out = capsys.readouterr().out
    assert not [secret for secret in ("hunter2", "opensesame", answer.json["access_token"]) if secret in out]
    (told,) = (json.loads(line) for line in out.splitlines())
    assert (told["message"], told["log.level"], told["url"]["path"]) == ("POST /tokens", "info", "/tokens")
    assert 0 < told["event"]["duration"] < 5e9, "nanoseconds"
    asked, answered = told["http"]["request"], told["http"]["response"]
    assert (asked["method"], answered["status_code"]) == ("POST", 201)
    assert json.loads(asked["body"]["content"]) == {"email": "clerk@shop.example", "password": "***"}
    assert json.loads(answered["body"]["content"]) == {
        "access_token": "***",
        "refresh_token": "***",
        "expires_in": 900,
    }


def test_a_refused_write_is_logged_with_the_reason(capsys):
    writing().post("/tokens", data='{"password": "hunter2"', content_type="application/json")
    out = capsys.readouterr().out
    assert "hunter2" not in out
    http = json.loads(out)["http"]
    assert http["request"]["body"]["content"] == "22 bytes that are not JSON"
    assert "is not JSON" in json.loads(http["response"]["body"]["content"])["detail"]


def test_what_a_query_says_is_logged_without_its_secrets(capsys):
    writing().get("/patience?sku=tea&sku=cup&token=hunter2")
    told = json.loads(capsys.readouterr().out)
    assert told["url"]["query"] == "sku=tea&sku=cup&token=***"
    assert "body" not in told["http"]["request"]


def test_what_is_not_written_costs_no_search_for_secrets(monkeypatch, capsys):
    looked: list[str] = []
    monkeypatch.setattr(redaction, "body", lambda *_: looked.append("body") or "")
    for level, wanted in (("WARNING", []), ("INFO", ["body", "body"])):
        app = writing()
        logs.configure("probe-service", level)
        app.post("/tokens", json={"email": "clerk@shop.example", "password": "hunter2"})
        assert looked == wanted
    assert capsys.readouterr().out.count("POST /tokens") == 1


def test_a_write_too_large_to_read_is_logged_all_the_same(capsys):
    answer = writing().post("/tokens", data=b"x" * 1_000_001, content_type="application/json")
    assert answer.status_code == 413
    assert logged(capsys)[0]["http"]["response"]["status_code"] == 413


def test_a_request_whose_deadline_has_passed_is_refused_before_anything_is_done():
    answer = writing().delete("/things/1", headers={"X-Deadline": str(time.time() - 0.01)})
    assert (answer.status_code, answer.content_type) == (504, "application/problem+json")
    assert "nothing was done" in answer.json["detail"]
    assert answer.headers["X-Correlation-ID"]


def test_a_view_knows_how_long_its_caller_waits():
    said = writing().get("/patience", headers={"X-Deadline": str(time.time() + 2)}).json["seconds"]
    assert 1 < said <= 2


@pytest.mark.parametrize("headers", [{}, {"X-Deadline": ""}, {"X-Deadline": "1e15"}, {"X-Deadline": "inf"}])
def test_nobody_waits_longer_than_the_settings_say(headers):
    said = writing().get("/patience", headers=headers).json["seconds"]
    assert 2 < said <= 3


def test_a_deadline_does_not_outlive_its_request():
    writing().get("/patience", headers={"X-Deadline": str(time.time() + 2)})
    assert deadline.remaining() == float("inf")


@pytest.mark.parametrize("text", ["soon", "nan", "2026-11-23T00:00:00Z", "1;2"])
def test_a_deadline_that_is_no_number_is_refused(text):
    answer = writing().get("/patience", headers={"X-Deadline": text})
    assert answer.status_code == 400
    assert "X-Deadline" in answer.json["detail"]


def test_a_dependency_that_is_down_is_a_problem_for_another_time(capsys):
    with closing(Other(lambda _: Answer(500))) as other:
        answer = writing(other.url).get("/asking")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "other-service does not answer" in answer.json["detail"]
    assert any(line["message"] == "a dependency did not answer" for line in logged(capsys))


def test_a_database_that_is_away_is_a_problem_for_another_time():
    answer = writing().get("/failing/locked")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "Try again" in answer.json["detail"]


def test_a_statement_that_the_database_refuses_is_a_crash():
    answer = writing().get("/failing/wrong")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text


def test_every_way_to_be_refused_is_described():
    described = writing().get("/openapi.json").json
    promised = {
        path: operation["responses"]
        for path, operations in described["paths"].items()
        for operation in operations.values()
    }
    assert promised["/tokens"].keys() == {"201", "400", "413", "415", "422", "503", "504"}
    assert promised["/things/{thing_id}"].keys() == {"200", "400", "401", "403", "404", "503", "504"}
    assert promised["/patience"].keys() == {"200", "400", "503", "504"}
    for answers in promised.values():
        assert {tuple(a["content"]) for s, a in answers.items() if s >= "400"} == {("application/problem+json",)}
        assert {s for s, a in answers.items() if "WWW-Authenticate" in a.get("headers", {})} == answers.keys() & {
            "401",
            "403",
        }
    assert described["openapi"].startswith("3.1.")
    assert "servers" not in described
    assert "X-Deadline" in described["info"]["description"]


def test_the_bodies_of_refusals_are_what_is_described():
    asking = writing()
    described = asking.get("/openapi.json").json
    schema = {"$ref": "#/components/schemas/HTTPError", "components": described["components"]}
    answers = [
        asking.post("/tokens", json={}),
        asking.post("/tokens", data="x", content_type="text/plain"),
        asking.post("/tokens", data="{", content_type="application/json"),
        asking.delete("/things/1"),
        asking.delete("/things/1", headers=bearer()),
        asking.get("/patience", headers={"X-Deadline": "0"}),
    ]
    assert [answer.status_code for answer in answers] == [422, 415, 400, 401, 403, 504]
    for answer in answers:
        Draft202012Validator(schema).validate(answer.json)


def test_metrics_count_the_requests():
    asking = writing()
    asking.get("/patience")
    assert 'http_route="/patience"' in asking.get("/metrics").text
