"""What a lab remembers: predictions, exercises and findings, in the learner's progress file, where a later lab finds them, and,
for instructors and CI, in a results file of each run."""

import json
import os
import time
from pathlib import Path
from typing import Any

from labs.infra.home import home


class Records:
    """The records of one run of one lab. `$LAB_RESULTS` names the folder for the results file; without it there is none."""

    def __init__(self, lab: str, scale: str) -> None:
        self.lab, self._started = lab, time.monotonic()
        self.results: dict[str, Any] = {"lab": lab, "scale": scale, "findings": [], "exercises": {}, "predictions": {}}

    def exercise(self, name: str, status: str) -> None:
        """passed, failed or not attempted."""
        self.results["exercises"][name] = status
        self._remember("exercises", name, status)

    def prediction(self, key: str, value: Any, measured: Any = None) -> None:
        """What was predicted, and once it is known what was measured."""
        self.results["predictions"][key] = {"predicted": value, "measured": measured}
        self._remember("predictions", key, {"predicted": value, "measured": measured})

    def finding(self, name: str, value: Any, bound: str, holds: bool) -> None:
        """A claim of the text, measured here."""
        findings = [f for f in self.results["findings"] if f["name"] != name]
        self.results["findings"] = [*findings, {"name": name, "value": value, "bound": bound, "holds": holds}]
        self._remember("findings", name, value)

    def earlier(self, lab: str) -> dict[str, Any]:
        """What another lab measured last on this machine, by the names of its findings; empty if it was not run."""
        try:
            progress = json.loads((home() / "progress.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return dict(progress.get(lab, {}).get("findings", {}))

    def _remember(self, kind: str, key: str, value: Any) -> None:
        path = home() / "progress.json"
        try:
            progress = json.loads(path.read_text())
        except FileNotFoundError:
            progress = {}
        except ValueError:
            path.replace(path.with_suffix(".damaged"))
            progress = {}
        progress.setdefault(self.lab, {}).setdefault(kind, {})[key] = value
        _replace(path, progress)
        self._write_results()

    def _write_results(self) -> None:
        if folder := os.environ.get("LAB_RESULTS"):
            self.results["seconds"] = round(time.monotonic() - self._started, 2)
            Path(folder).mkdir(parents=True, exist_ok=True)
            _replace(Path(folder) / f"{self.lab}.json", self.results)


def _replace(path: Path, document: Any) -> None:
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(document, indent=2, default=str) + "\n")
    new.replace(path)
