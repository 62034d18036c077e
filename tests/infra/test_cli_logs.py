"""`lab logs` shows lines as people read them, tells one order's story, and answers questions; errors are words."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.infra.home import PROJECT
from tests.infra.nodes import eventually

LAB = str(Path(sys.executable).with_name("lab"))
ORDER = "433d4537-729a-42f3-9cd1-356c564fb223"
Lab = Callable[..., "subprocess.CompletedProcess[str]"]


def line(message: str, at: str, correlation: str, **more: object) -> str:
    labels = {"correlation_id": correlation, **more.pop("labels", {})}  # type: ignore[dict-item]
    told = {"@timestamp": f"2026-11-27T17:42:{at}Z", "log.level": "info", "message": message, "ecs.version": "1.6.0"}
    return json.dumps({**told, "service": {"name": "any"}, "labels": labels, **more}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The logs of a system that has ended."""
    logs = tmp_path / "systems" / "shop-1" / "logs"
    logs.mkdir(parents=True)
    http = {"response": {"status_code": 202}}
    asked = line("POST /orders", "10.5", "c-1", labels={"order_id": ORDER}, http=http, event={"duration": 400_000_000})
    (logs / "order-api.log").write_text(line("GET /orders", "09.0", "c-2") + asked)
    failed = {"type": "KeyError", "message": "'tea'", "stack_trace": "Traceback …\nKeyError: 'tea'"}
    (logs / "inventory-worker.1.log").write_text(line("handling order_placed", "10.3", "c-1", error=failed))
    (logs / "inventory-worker.log").write_text(line("handling another", "10.4", "c-3"))
    (logs / "rabbitmq.log").write_text("a broker's own [words]\n")
    return logs


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "LAB_HOME": str(folder.parents[2]), "COLUMNS": "300", "TERM": "dumb", "TZ": "UTC"}


@pytest.fixture
def lab(environment: dict[str, str]) -> Lab:
    return lambda *words: subprocess.run(
        [LAB, "logs", *words], env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT
    )


def test_lines_are_shown_with_time_level_message_and_what_matters(lab):
    shown = lab("order-service", "rabbitmq").stdout.splitlines()
    assert shown == [
        "order-api │ 17:42:09.000 info    GET /orders",
        f"order-api │ 17:42:10.500 info    POST /orders  status=202  ms=400.0  order_id={ORDER}",
        "rabbitmq  │ a broker's own [words]",
    ]


def test_older_files_come_first_and_an_error_shows_where(lab):
    shown = lab("inventory-service").stdout.splitlines()
    assert [words.partition("│ ")[2].strip() for words in shown] == [
        "17:42:10.300 info    handling order_placed  error=KeyError: 'tea'",
        "Traceback …",
        "KeyError: 'tea'",
        "17:42:10.400 info    handling another",
    ]


def test_an_orders_story_goes_through_all_services_in_the_order_in_which_it_happened(lab):
    for words in (("--order", ORDER), ("--correlation", "c-1")):
        told = [each for each in lab(*words).stdout.splitlines() if "info" in each]
        assert [each.split("info    ")[1].split("  ")[0] for each in told] == [
            "POST /orders",
            "handling order_placed",
        ]
        assert "17:42:10.100" in told[0], "when the request came in"


def test_a_story_goes_on_while_somebody_follows(environment, folder):
    following = subprocess.Popen(
        [LAB, "logs", "--order", ORDER, "--follow"],
        env=environment, stdout=(folder.parent / "said").open("w"), cwd=PROJECT,
    )  # fmt: skip
    said = folder.parent / "said"
    try:
        eventually(lambda: "POST /orders" in said.read_text(), 60, "what is there is told")
        with (folder / "inventory-worker.log").open("a") as log:
            log.write(line("told stock_reserved", "11.0", "c-1") + line("told something else", "11.1", "c-9"))
        eventually(lambda: "told stock_reserved" in said.read_text(), 60, "what comes is told")
    finally:
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 0
    assert "something else" not in said.read_text()
    assert said.read_text().count("POST /orders") == 1


def test_a_question_in_sql_is_answered(lab):
    asked = "SELECT process, count(*) AS lines FROM logs GROUP BY ALL ORDER BY ALL"
    rows = [row.split() for row in lab("--sql", asked).stdout.splitlines()]
    assert rows == [["process", "lines"], ["inventory-worker", "2"], ["order-api", "2"]]
    assert lab("--sql", "SELECT line FROM other").stdout.split("\n")[1].strip() == "a broker's own [words]"
    assert lab("--sql", "SELECT 1 WHERE false").stdout == "No rows.\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--order", "4711"), 1, "No line of shop-1 names the order '4711'."),
        (("--correlation", "nobody's"), 1, 'No line of shop-1 has the correlation id "nobody\'s".'),
        (("--order", ORDER, "--correlation", "c-1"), 2, "one of them, not both: --order and --correlation"),
        (("order-service", "--order", ORDER), 2, "one of them, not both: --order and names of services"),
        (("--sql", "SELECT 1", "--follow"), 2, "leave --follow away"),
        (("--sql", "SELECT servce FROM logs"), 1, 'Referenced column "servce" not found'),
        (("--order", ORDER, "--system", "another"), 1, "There is no system 'another'."),
        (("teapot",), 1, "shop-1 has no log of teapot; it has: inventory-worker, order-api, rabbitmq."),
    ],
)
def test_what_cannot_be_shown_is_said_in_words(lab, words, code, said):
    done = lab(*words)
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (code, False)
    assert said in done.stdout + done.stderr
