"""Logs that are moved aside while several processes write to them and somebody reads: no line is lost, doubled or torn."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from labs.infra.logging import files
from labs.infra.logging.files import Tail
from labs.services.chassis.rotation import STANDARD, Rotating, older

TALKER = r"""
import logging, os, sys, threading
from labs.services.chassis import logs
from labs.services.chassis.rotation import Rotating

name = sys.argv[1]
logs.configure(name, "INFO", Rotating(sys.argv[2], size=5_000, kept=400))
own, library = logs.get("own"), logging.getLogger("library")
if name == "forks":
    name = "child" if os.fork() == 0 else "parent"  # as gunicorn's processes, they share what was open before

def talk(thread):
    for n in range(int(sys.argv[3])):
        with logs.correlated(f"{name}-{thread}"):
            (own.info if n % 2 else library.warning)(f"{name} {thread} {n}")
            if n % 50 == 0:
                sys.stderr.write(f"print {name} {thread} {n}\n")

threads = [threading.Thread(target=talk, args=(n,)) for n in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if name == "parent": os.wait()
"""
LINES = 100
PROCESSES = ("a", "b", "child", "parent")


def talking(log: Path) -> list["subprocess.Popen[bytes]"]:
    """Three processes, one of which forks, that log into one file as hard as they can."""
    with log.open("ab") as out:
        return [
            subprocess.Popen([sys.executable, "-c", TALKER, name, str(log), str(LINES)], stdout=out, stderr=out)
            for name in ("a", "b", "forks")
        ]


def told(lines: list[str]) -> list[str]:
    return [json.loads(line)["message"] if line.startswith("{") else line for line in lines]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A log that was written so, and what somebody heard who read along."""
    log = tmp_path_factory.mktemp("logs") / "talk.log"
    tail, heard = Tail(log, watched=400), list[str]()  # here a thread may sleep through a hundred moves
    speaking = talking(log)
    over = threading.Event()

    def listen() -> None:
        while not over.wait(0.01):
            heard.extend(tail.read())
        heard.extend(tail.read())

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        codes = [process.wait(60) for process in speaking]
    finally:
        over.set()
        listener.join()
        tail.close()
        for process in speaking:
            process.kill()
    assert codes == [0, 0, 0], files.text(log)[-2000:]
    return log, heard


@contextmanager
def own_output() -> Iterator[None]:
    """What goes to standard output and error meanwhile is not pytest's."""
    kept = [os.dup(number) for number in STANDARD]
    try:
        yield
    finally:
        for number, before in zip(STANDARD, kept, strict=True):
            os.dup2(before, number)
            os.close(before)


EVERYTHING = {f"{name} {thread} {n}" for name in PROCESSES for thread in range(3) for n in range(LINES)}


def assert_all_said_once_and_in_order(lines: list[str]) -> None:
    said = Counter(told(lines))
    assert {line for line in said if not line.startswith("print")} == EVERYTHING
    assert sum(line.startswith("print") for line in said) == len(PROCESSES) * 3 * LINES // 50
    assert {line: n for line, n in said.items() if n > 1} == {}
    last: dict[str, int] = {}
    for line in told(lines):
        who, n = line.rsplit(" ", 1)
        assert int(n) > last.get(who, -1), f"{who}: {n} after {last[who]}"
        last[who] = int(n)


def test_each_line_of_several_processes_is_in_one_of_the_files_once_and_in_order(heard):
    log, _ = heard
    assert len(list(log.parent.glob("talk.*.log"))) > 20, "it was moved aside often"
    assert_all_said_once_and_in_order(files.lines(log))


def test_no_file_is_moved_before_it_is_full(heard):
    log, _ = heard
    assert min(file.stat().st_size for file in log.parent.glob("talk.*.log")) >= 5_000


def test_a_file_ends_with_the_line_that_fills_it(tmp_path):
    log = tmp_path / "it.log"
    rotating = Rotating(str(log), size=10, kept=5)
    with own_output():
        for n in range(10):
            rotating.write(f"{n:03}\n")
    assert [older(log, n).read_text().split() for n in (3, 2, 1, 0)] == [
        ["000", "001", "002"],
        ["003", "004", "005"],
        ["006", "007", "008"],
        ["009"],
    ]


def test_who_reads_along_hears_each_line_once_and_in_order(heard):
    _, lines = heard
    assert_all_said_once_and_in_order(lines)


def test_the_oldest_goes_when_there_are_enough(tmp_path):
    log = tmp_path / "it.log"
    rotating = Rotating(str(log), size=1, kept=2)
    with own_output():
        for n in range(5):
            rotating.write(f"{n}\n")
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["it.1.log", "it.2.log", "it.log"]
    assert files.lines(log) == ["2", "3", "4"]


def test_a_lock_that_somebody_holds_and_a_folder_that_is_gone_cost_no_line(tmp_path):
    log = tmp_path / "logs" / "it.log"
    log.parent.mkdir()
    rotating = Rotating(str(log), size=1, kept=2)
    with own_output():
        rotating.write("first\n")
        with log.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            rotating.write("while it is locked\n")
        assert files.lines(log) == ["first", "while it is locked"]
        log.parent.rename(tmp_path / "elsewhere")
        rotating.write("after all\n")
    assert files.lines(tmp_path / "elsewhere" / "it.log")[-1] == "after all"


def test_a_file_that_was_moved_away_gets_a_successor_and_one_that_was_deleted_does_not(tmp_path):
    log = tmp_path / "it.log"
    rotating = Rotating(str(log), size=1_000, kept=2)
    with own_output():
        rotating.write("first\n")
        log.rename(tmp_path / "elsewhere")
        rotating.write("second\n")
        assert ((tmp_path / "elsewhere").read_text(), log.read_text()) == ("first\n", "second\n")
        log.unlink()
        rotating.write("third\n")
    assert not log.exists(), "its folder can be removed"


def test_a_torn_line_spoils_no_other(tmp_path, monkeypatch):
    log, write = tmp_path / "it.log", os.write
    rotating = Rotating(str(log), size=1_000, kept=2)
    with own_output():
        monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:4]))
        rotating.write("too long for the disk\n")
        monkeypatch.setattr(os, "write", write)
        rotating.write("whole\n")
        rotating.write("again\n")
    assert files.lines(log) == ["too ", "whole", "again"]


def test_what_came_after_a_mark_is_found_when_the_file_has_been_moved(tmp_path):
    log = tmp_path / "it.log"
    before = files.mark(log)
    log.write_text("one\ntwo\n")
    mark = files.mark(log)
    for number, line in enumerate(("three", "four"), start=1):
        with log.open("a") as out:
            out.write(f"{line}\n")
        for n in range(number, 0, -1):
            older(log, n - 1).replace(older(log, n))
        log.write_text("")
    assert files.text(log, mark) == "three\nfour\n"
    assert files.text(log, before) == "one\ntwo\nthree\nfour\n"


def test_files_that_are_moved_while_they_are_opened_are_all_met(tmp_path, monkeypatch):
    log = tmp_path / "it.log"
    for number, line in ((0, "new"), (1, "old"), (2, "older")):
        older(log, number).write_text(f"{line}\n")
    path_open = Path.open

    def move_then_open(path: Path, mode: str = "r", **how: Any) -> IO[Any]:
        opened = path_open(path, mode, **how)
        if path == log and mode == "rb":
            for n in range(3, 0, -1):
                older(log, n - 1).replace(older(log, n))
            log.write_text("newest\n")
        return opened

    monkeypatch.setattr(Path, "open", move_then_open)
    assert [file.read() for file in files.opened(log)] == [b"older\n", b"old\n", b"new\n"]


def test_a_log_that_is_not_there_is_an_error_or_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such log"):
        files.text(tmp_path / "it.log")
    assert files.lines(tmp_path / "it.log") == Tail(tmp_path / "it.log").read() == []


def test_the_processes_of_a_folder_are_named_once(tmp_path):
    for name in ("order-api.log", "order-api.1.log", "user-api.2.log", "state.json"):
        (tmp_path / name).touch()
    assert files.processes(tmp_path) == ["order-api", "user-api"]
