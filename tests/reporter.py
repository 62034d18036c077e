"""A pytest plugin that tells tests/run.py what happens, a JSON line an event, by the pipe in $LAB_TEST_REPORT."""

import json
import os
from typing import IO, Any

import pytest


class Reporter:
    """Sends {"collected": n} once and {"test", "outcome", "seconds"} per test; an error in a fixture is a failure."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._seconds = 0.0
        self._outcome = "passed"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._send({"collected": len(session.items)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._send({"test": report.nodeid, "outcome": "failed", "seconds": 0.0})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self._seconds, self._outcome = 0.0, "passed"
        self._seconds += report.duration
        if report.failed or (report.skipped and self._outcome == "passed"):
            self._outcome = report.outcome
        if report.when == "teardown":
            self._send({"test": report.nodeid, "outcome": self._outcome, "seconds": round(self._seconds, 3)})

    def _send(self, event: dict[str, Any]) -> None:
        self._pipe.write(json.dumps(event) + "\n")
        self._pipe.flush()


def pytest_configure(config: pytest.Config) -> None:
    descriptor = int(os.environ.pop("LAB_TEST_REPORT"))
    os.set_inheritable(descriptor, False)  # or a process that a test leaves behind would keep the reader waiting
    pipe = os.fdopen(descriptor, "w")
    config.pluginmanager.register(Reporter(pipe), "lab-reporter")
    config.add_cleanup(pipe.close)
