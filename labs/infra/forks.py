"""The guard's end of the warmed-up Pythons (warm.py): asks them for forks, and hears what became of these."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

WARM = Path(__file__).with_name("warm.py")


@dataclass
class Warm:
    """A warmed-up Python: `asked` are the names whose pid it has yet to tell, in order."""

    process: "subprocess.Popen[bytes]"
    requests: IO[bytes]
    answers: IO[bytes]
    buffer: bytes = b""
    asked: list[str] = field(default_factory=list)


@dataclass
class News:
    """Whom to tell: a fork has this pid; a fork with this pid ended with this code; all of a kind were lost."""

    forked: Callable[[str, int], None]
    ended: Callable[[int, int], None]
    lost: Callable[[str], None]


class Forks:
    """One warmed-up Python for each kind, started when it is first needed."""

    def __init__(self, logs: Path, selector: selectors.BaseSelector, news: News) -> None:
        self._logs, self._selector, self._news = logs, selector, news
        self._warm: dict[str, Warm] = {}

    def ask(self, order: dict[str, Any]) -> None:
        """For a fork that becomes what a start order says."""
        kind = order["warm"]
        warm = self._warm.get(kind) or self._warm_up(kind)
        warm.asked.append(order["name"])
        request = {"argv": order["argv"][1:], **{name: order[name] for name in ("env", "cwd", "log")}}
        warm.requests.write(json.dumps(request).encode() + b"\n")
        warm.requests.flush()

    def close(self) -> None:
        """End them, and what is left of their forks."""
        for warm in self._warm.values():
            warm.requests.close()
            warm.process.wait()

    def _warm_up(self, kind: str) -> Warm:
        environment = {**os.environ, "EVENTLET_TESTS": "1", "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}
        with open_log(self._logs / f"warm-{kind}.log") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", str(WARM), kind],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=self._logs.parent,  # gunicorn remembers the folder it was imported in, and imports services from there
                start_new_session=True,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        warm = self._warm[kind] = Warm(process, process.stdin, process.stdout)
        self._selector.register(warm.answers, selectors.EVENT_READ, lambda: self._hear(kind))
        return warm

    def _hear(self, kind: str) -> None:
        warm = self._warm[kind]
        received = os.read(warm.answers.fileno(), 65536)
        if not received:
            del self._warm[kind]
            self._selector.unregister(warm.answers)
            warm.process.wait()
            self._news.lost(kind)
            return
        *lines, warm.buffer = (warm.buffer + received).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            if "pid" in answer:
                self._news.forked(warm.asked.pop(0), answer["pid"])
            elif "exit" in answer:
                self._news.ended(answer["exit"], answer["code"])


def open_log(path: str | Path) -> IO[bytes]:
    """A log to append to; where none can be written, on a full disk, what would go there is lost and the system lives."""
    try:
        return Path(path).open("ab")
    except OSError:
        return Path(os.devnull).open("ab")
