"""Runs tests with pytest: `python -m labs.services.tests.run RESULT FILE…`. What became of each test goes into RESULT as JSON:
nothing if it passed, else why it did not."""

import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
UNDERSTOOD = (0, 1, 2)
"""pytest's codes for: all passed, some failed, a file could not be read. Each is a result."""


class Report:
    """A plugin of pytest that remembers."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test was prepared, called or cleaned up after."""
        if report.when == "call" or report.failed:
            self.found[report.nodeid] = _why(report) if report.failed else ""

    def pytest_collectreport(self, report: Any) -> None:
        """A file was read."""
        if report.failed:
            self.found[report.nodeid] = _why(report)


def found(*files: str) -> dict[str, str]:
    """What became of each test in these files of this folder, by its id. Raises SystemExit if there is none."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what is installed for other purposes takes seconds to load
    import pytest

    report = Report()
    own = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(HERE), "--confcutdir", str(HERE)]
    own.append("--import-mode=importlib")
    code = pytest.main([*own, *(str(HERE / file) for file in files)], plugins=[report])
    if int(code) not in UNDERSTOOD:
        raise SystemExit(f"pytest ended with {code!r}: is there a test in {', '.join(files)}?")
    return report.found


def _why(report: Any) -> str:
    """In one line, without the name of the error if it is a broken pact."""
    crash = getattr(report.longrepr, "reprcrash", None)
    said = str(crash.message if crash else report.longrepr).strip()
    _, broken, words = said.partition("Broken: ")
    line = (words if broken else said).splitlines()
    return line[0] if crash and line else (line[-1] if line else "it failed")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(found(*sys.argv[2:])))
