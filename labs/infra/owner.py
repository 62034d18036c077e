"""The owner's end of a guard: sends orders, keeps the news, and waits for them."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.infra.home import PROJECT


@dataclass
class News:
    """The last that was heard of a process: state is starting, running, waiting (for its restart), stopping or stopped."""

    state: str = ""
    pid: int = 0
    code: int | None = None
    starts: int = 0
    exits: int = 0


class GuardLost(Exception):
    """The guard is gone, and its processes with it."""

    def __init__(self) -> None:
        super().__init__(
            "The guard of this system is gone, and with it every process that it looked after.\n"
            "Start the system again: in a notebook run it from the top, in a shell `lab up`."
        )


class Owner:
    """Starts a guard for the system in `directory` and talks to it; the guard shares the `lock` on the directory. When this
    process ends, the guard ends the system."""

    def __init__(self, directory: Path, lock: int) -> None:
        self._heard = threading.Condition()
        self._news: dict[str, News] = {}
        self._writing = threading.Lock()
        with (directory / "logs" / "guard.log").open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "labs.infra.guard", str(directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=PROJECT,
                start_new_session=True,
                pass_fds=[lock],
            )
        self.pid = self._guard.pid
        threading.Thread(target=self._listen, daemon=True, name=f"guard-{self.pid}").start()

    def order(self, order: dict[str, Any]) -> None:
        """Send one order, such as {"do": "stop", "name": …}. Raises GuardLost."""
        line = json.dumps(order).encode() + b"\n"
        try:
            with self._writing:
                assert self._guard.stdin is not None
                self._guard.stdin.write(line)
                self._guard.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise GuardLost from None

    def start(self, order: dict[str, Any]) -> None:
        """A start order; from now on `news` is about this start."""
        with self._heard:
            self._news[order["name"]] = News("starting")
        self.order(order)

    def news(self, name: str) -> News:
        """What was heard last; an empty state if it was never started."""
        with self._heard:
            return self._news.get(name, News())

    def wait(self, name: str, wanted: Callable[[News], bool], timeout: float) -> bool:
        """True as soon as the news of a process satisfy `wanted`; False after `timeout` seconds, or without a guard."""
        deadline = time.monotonic() + timeout
        with self._heard:
            while not wanted(self._news.get(name, News())):
                left = deadline - time.monotonic()
                if left <= 0 or (self._guard.poll() is not None):
                    return False
                self._heard.wait(min(left, 0.5))
        return True

    def close(self, timeout: float = 90.0) -> None:
        """End the system: every process is asked, then made to; returns when the guard has left. `timeout` is longer than
        all grace periods one after the other."""
        with self._writing:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
        try:
            self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()

    @property
    def alive(self) -> bool:
        """Whether the guard still runs."""
        return self._guard.poll() is None

    def _listen(self) -> None:
        assert self._guard.stdout is not None
        for line in self._guard.stdout:
            heard = json.loads(line)
            if "name" in heard and "state" in heard:
                with self._heard:
                    news = self._news.setdefault(heard["name"], News())
                    news.state, news.pid, news.code = heard["state"], heard["pid"], heard["code"]
                    news.starts += heard["event"] == "started"
                    news.exits += heard["event"] == "exited"
                    self._heard.notify_all()
        with self._heard:
            for news in self._news.values():
                news.state, news.pid = "stopped", 0
            self._heard.notify_all()
