"""What goes wrong is told with its trace and without anybody's secrets, by our own lines and by those of libraries."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from labs.services.chassis import logs, traces
from labs.services.chassis.settings import Settings
from tests.services.tokens import token


@pytest.fixture(autouse=True)
def logging_to_stdout() -> Iterator[None]:
    handlers = logging.getLogger().handlers
    logs.configure("probe-service")
    traces.configure(Settings(service="probe-service"))
    yield
    logging.getLogger().handlers = handlers
    structlog.reset_defaults()


def line(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def test_a_field_that_is_a_secret_is_hidden_and_others_are_searched(capsys):
    sent = token()
    logs.get("probe").info("logged in", password="hunter2", header=f"Bearer {sent}", user="u-1")
    assert line(capsys)["labels"] == {"password": "***", "header": "Bearer ***", "user": "u-1"}


def test_an_exception_is_told_without_the_token_in_it(capsys):
    sent = token()
    try:
        raise ValueError(f"cannot read {sent}")
    except ValueError:
        logs.get("probe").exception("it failed")
    told = line(capsys)
    error = told["error"]
    assert "labels" not in told
    assert error["message"] == "cannot read ***"
    assert "cannot read ***" in error["stack_trace"]
    assert sent not in json.dumps(error)


def test_a_library_knows_no_better_and_is_searched_too(capsys):
    sent = token()
    try:
        raise ValueError(f"cannot read {sent}")
    except ValueError:
        logging.getLogger("library").exception("got %s", sent)
    told = line(capsys)
    assert told["message"] == told["log"]["original"] == "got ***"
    assert sent not in json.dumps(told)


def test_lines_of_both_kinds_name_the_span_that_they_belong_to(capsys):
    with traces.span("outer") as span:
        logs.get("probe").info("ours")
        logging.getLogger("library").warning("theirs")
    ids = span.get_span_context()
    for told in map(json.loads, capsys.readouterr().out.splitlines()):
        assert told["trace"]["id"] == f"{ids.trace_id:032x}"
        assert told["span"]["id"] == f"{ids.span_id:016x}"
    logs.get("probe").info("outside")
    assert "trace" not in line(capsys)


def test_what_ecs_has_a_name_for_is_called_so_and_all_else_is_a_label(capsys):
    known = {"event_id": "e-1", "reason": "away", "user_id": "u-1", "dependency": "payments", "attempt": 2}
    logs.get("probe").warning("asking again", **known, **{"url.path": "/charges", "http.response.status_code": 503})
    told = line(capsys)
    assert told["event"] == {"id": "e-1", "reason": "away"}
    assert (told["user"]["id"], told["url"]["path"], told["http"]["response"]["status_code"]) == (
        "u-1",
        "/charges",
        503,
    )
    assert told["service"] == {"name": "probe-service", "target": {"name": "payments"}}
    assert told["labels"] == {"attempt": "2"}


def test_what_is_no_text_is_searched_as_the_text_that_it_becomes(capsys):
    sent = token()
    logs.get("probe").info("got", things=[sent], whole={"a": sent}, **{"url.query": f"t={sent}"})
    out = capsys.readouterr().out
    assert sent not in out and out.count("***") == 3


def test_a_field_that_is_a_function_is_asked_only_if_the_line_is_written(capsys):
    asked: list[str] = []

    def dear() -> str:
        asked.append("asked")
        return "shown"

    logs.get("probe").debug("below the level", data=dear)
    assert (asked, capsys.readouterr().out) == ([], "")
    logs.get("probe").info("written", data=dear)
    assert (asked, line(capsys)["labels"]) == (["asked"], {"data": "shown"})


def test_lines_of_one_millisecond_keep_their_order(capsys):
    for n in range(50):
        logs.get("probe").info("quick", n=n)
        logging.getLogger("library").warning("quick too")
    told = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    moments = [each["@timestamp"] for each in told]
    assert all(len(moment) == len("2026-11-27T17:42:10.123456Z") for moment in moments)
    assert moments == sorted(moments) and len(set(moments)) > 90
