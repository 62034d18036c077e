"""The guard of one system: starts its processes, restarts them by policy, and lets none of them outlive their owner.

Run as `python -m labs.infra.guard DIRECTORY` in a session of its own, so that an interrupt of a notebook's kernel does not
reach it. Orders come as JSON lines on stdin, news go to stdout. When stdin ends, however the owner ended, every process
group is ended (SIGTERM, then SIGKILL), the last command given by `finally` is run, and the guard leaves."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.infra.forks import Forks, News, open_log
from labs.infra.warm import die_with_parent

BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the 1st, 2nd … restart in a row."""
STEADY = 10.0
"""Seconds after which a process counts as running well again."""


@dataclass
class Child:
    """A process that was ordered: `order` is the start order as it came."""

    order: dict[str, Any]
    pid: int = 0
    state: str = "starting"
    restarts: int = 0
    streak: int = 0
    started_at: float = 0.0
    due: float = 0.0  # when to start again (state "waiting") or to use SIGKILL (state "stopping")
    code: int | None = None
    process: "subprocess.Popen[bytes] | None" = None


class Guard:
    """All processes of one system, by name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._children: dict[str, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._forks = Forks(directory / "logs", self._selector, News(self._forked, self._fork_ended, self._forks_lost))
        self._finally: dict[str, Any] | None = None
        self._buffer = b""
        self._ending = False

    def run(self) -> None:
        """Until stdin ends and every process has."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._end())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._drain(reader))
        self._selector.register(0, selectors.EVENT_READ, self._hear)
        self._write_state()
        while not (self._ending and all(c.state == "stopped" for c in self._children.values())):
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._reap()
            self._keep_time()
            if self._ending:
                self._stop_next()
        self._forks.close()
        if self._finally:
            with contextlib.suppress(
                subprocess.TimeoutExpired, OSError
            ):  # the broker may be gone, and its vhost with it
                self._spawn(self._finally).wait(20)
        self._tell(event="ended")

    def _drain(self, reader: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(reader, 4096)

    def _hear(self) -> None:
        received = os.read(0, 65536)
        if not received:
            self._end()
            return
        *lines, self._buffer = (self._buffer + received).split(b"\n")
        for line in lines:
            order = json.loads(line)
            getattr(self, f"_do_{order.pop('do')}")(order)

    def _end(self) -> None:
        if not self._ending:
            self._ending = True
            with contextlib.suppress(KeyError):
                self._selector.unregister(0)

    def _stop_next(self) -> None:
        """Those that nobody depends on go first: a worker can still tell the broker that it leaves."""
        left = [c for c in self._children.values() if c.state != "stopped"]
        for child in left:
            if child.order["rank"] == max(c.order["rank"] for c in left) and child.state != "stopping":
                self._do_stop({"name": child.order["name"]})
                if child.order["disposable"]:
                    self._signal(child, signal.SIGKILL)

    def _do_start(self, order: dict[str, Any]) -> None:
        child = self._children[order["name"]] = Child(order)
        self._launch(child)

    def _do_stop(self, order: dict[str, Any]) -> None:
        child = self._children.get(order["name"])
        if child is None:
            return
        if child.state in ("starting", "running"):
            child.state, child.due = "stopping", time.monotonic() + child.order["grace"]
            if child.pid:
                self._signal(child, child.order.get("signal", signal.SIGTERM))
        elif child.state == "waiting":
            child.state = "stopped"
        self._save(child, "stopping")

    def _do_finally(self, order: dict[str, Any]) -> None:
        self._finally = order

    def _launch(self, child: Child) -> None:
        child.state, child.pid, child.started_at, child.code = "starting", 0, time.monotonic(), None
        if child.order["warm"]:
            self._forks.ask(child.order)
            return
        try:
            child.process = self._spawn(child.order)
        except OSError as error:
            with open_log(child.order["log"]) as log:
                log.write(f"{child.order['argv'][0]} cannot be started: {error}\n".encode())
            self._ended(child, 127)
            return
        self._running(child, child.process.pid)

    def _spawn(self, order: dict[str, Any]) -> "subprocess.Popen[bytes]":
        with open_log(order["log"]) as log:
            return subprocess.Popen(
                order["argv"],
                env=order["env"],
                cwd=order["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def _forked(self, name: str, pid: int) -> None:
        self._running(self._children[name], pid)

    def _fork_ended(self, pid: int, code: int) -> None:
        for child in self._children.values():
            if child.pid == pid:
                self._ended(child, code)

    def _forks_lost(self, kind: str) -> None:
        """The warmed-up Python died, and on Linux its forks with it: they count as killed, the policy decides."""
        for child in self._children.values():
            if child.order["warm"] == kind and child.state in ("starting", "running", "stopping"):
                self._signal(child, signal.SIGKILL)
                self._ended(child, -signal.SIGKILL)

    def _running(self, child: Child, pid: int) -> None:
        child.pid = pid
        if child.state == "stopping":
            self._signal(child, child.order.get("signal", signal.SIGTERM))
        else:
            child.state = "running"
        self._save(child, "started")

    def _reap(self) -> None:
        for child in self._children.values():
            if child.process and child.state != "stopped" and (code := child.process.poll()) is not None:
                child.process = None
                self._ended(child, code)

    def _ended(self, child: Child, code: int) -> None:
        self._signal(child, signal.SIGKILL)  # whatever it left behind in its group
        stopping, child.code = child.state == "stopping", code
        child.pid = 0
        policy = child.order["restart"]
        again = policy in ("always", "unless-stopped") or (policy == "on-failure" and code != 0)
        if again and not stopping and not self._ending:
            steady = time.monotonic() - child.started_at > STEADY
            child.streak = 0 if steady else child.streak + 1
            child.restarts += 1
            wait = BACKOFF[min(child.streak, len(BACKOFF) - 1)]
            child.state, child.due = "waiting", time.monotonic() + wait
        else:
            child.state = "stopped"
        self._save(child, "exited")

    def _keep_time(self) -> None:
        for child in self._children.values():
            if child.due and time.monotonic() >= child.due:
                child.due = 0.0
                if child.state == "waiting":
                    self._launch(child)
                elif child.state == "stopping":
                    self._signal(child, signal.SIGKILL)

    def _pause(self) -> float | None:
        due = [c.due for c in self._children.values() if c.due]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _signal(self, child: Child, number: int) -> None:
        if child.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)

    def _save(self, child: Child, event: str) -> None:
        """Tell the owner, and whoever looks."""
        self._tell(event=event, name=child.order["name"], pid=child.pid, code=child.code, state=child.state)
        self._write_state()

    def _write_state(self) -> None:
        """state.json is for whoever looks from elsewhere, such as `lab ps`."""
        state = {
            name: {"pid": c.pid, "state": c.state, "restarts": c.restarts, "code": c.code, **c.order.get("facts", {})}
            for name, c in self._children.items()
        }
        document = json.dumps({"guard": os.getpid(), "services": state})
        temporary = self._directory / "state.json.new"
        try:
            temporary.write_text(document)
            temporary.replace(self._directory / "state.json")
        except OSError as error:  # a full disk must not take the system down
            self._tell(event="trouble", reason=f"state.json cannot be written: {error}")

    def _tell(self, **news: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # the owner is gone, and the end of stdin says the same
            os.write(1, json.dumps(news).encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    Guard(Path(sys.argv[1])).run()
