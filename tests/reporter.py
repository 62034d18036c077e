"""A pytest plugin that tells tests/run.py what happens, a JSON line an event, by the pipe in $LAB_TEST_REPORT. Where several
processes share the tests (pytest-xdist), the one that hands them out tells it for all."""

import json
import os
from typing import IO, Any

import pytest


class Reporter:
    """Sends {"collected": n} and {"test", "outcome", "seconds", "by"} per test; an error in a fixture is a failure. `by` names
    the process that ran it."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._seconds: dict[str, float] = {}
        self._outcome: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._send({"collected": len(session.items)})

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._send({"collected": len(ids)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._send({"test": report.nodeid, "outcome": "failed", "seconds": 0.0, "by": ""})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid
        if report.when == "setup":
            self._seconds[test], self._outcome[test] = 0.0, "passed"
        self._seconds[test] += report.duration
        if report.failed or (report.skipped and self._outcome[test] == "passed"):
            self._outcome[test] = report.outcome
        if report.when == "teardown":
            outcome, seconds = self._outcome.pop(test), round(self._seconds.pop(test), 3)
            self._send({"test": test, "outcome": outcome, "seconds": seconds, "by": getattr(report, "worker_id", "")})

    def _send(self, event: dict[str, Any]) -> None:
        self._pipe.write(json.dumps(event) + "\n")
        self._pipe.flush()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    descriptor = int(os.environ.pop("LAB_TEST_REPORT"))
    os.set_inheritable(descriptor, False)  # or a process that a test leaves behind would keep the reader waiting
    pipe = os.fdopen(descriptor, "w")
    config.pluginmanager.register(Reporter(pipe), "lab-reporter")
    config.add_cleanup(pipe.close)
