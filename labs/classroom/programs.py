"""The part of a lab that deals with programs of a learner's own (labs/services/chassis/program.py): what they print, what they
raise, and how they are killed."""

import contextlib
import dataclasses
import os
import signal
from collections.abc import Callable, Collection
from itertools import dropwhile
from typing import Any

from labs.classroom import cards, queues, watching
from labs.infra.logging import files
from labs.infra.logging.files import Mark
from labs.infra.start_error import StartError
from labs.infra.system import System
from labs.services.chassis.probe import probe

BACK_WITHIN = 15.0
"""Seconds that a process has to be back after it was killed; it takes half a second."""
DEAD_WITHIN = 4.0
"""Seconds that a process has to die where it is to die; it takes a tenth of one."""


class Programs:
    """What Lab has of it."""

    system: System

    def printed(self, program: str, word: str) -> list[str]:
        """What a program has printed after this word, line by line, since it was first started."""
        return printed(self.system, program, word)

    def another(self, program: str, name: str, **settings: Any) -> None:
        """Start a program or an API of a learner's own once more, as a service of its own called `name`, with settings of its
        own."""
        twin(self.system, program, name)
        self.system.configure(f"{name}-service", **settings)
        self.system.restart(f"{name}-service")
        cards.card("note", f"{name}-service runs: the same program as {program}-service")

    def kill(self, service: str) -> None:
        """`kill -9` of a program; returns when it is back and ready, for the system starts again what has died."""
        killed(self.system, service.removesuffix("-service"))
        cards.card("note", f"{service} was killed with -9, and has been started again")


def printed(system: System, program: str, word: str, since: Mark | None = None) -> list[str]:
    """What a program has printed after `word`, line by line."""
    with contextlib.suppress(FileNotFoundError):
        lines = files.text(system.log(program), since).splitlines()
        return [line.removeprefix(word).strip() for line in lines if line.startswith(f"{word} ")]
    return []


def raised(system: System, program: str, since: Mark) -> str:
    """The error that ended a program since then, the last one; empty if none did."""
    lines = files.text(system.log(program), since).splitlines()
    traces = [number for number, line in enumerate(lines) if line.startswith("Traceback ")]
    if not traces:
        return ""
    return next(dropwhile(lambda line: line.startswith(" "), lines[traces[-1] + 1 :]), "an error that it did not name")


def twin(system: System, program: str, name: str) -> None:
    """Make the same program, or API, known under another name, unless it is: a process, a log and settings of its own."""
    if system.knows(name):
        return
    is_api = f"{program}-api" in system.services
    (system.add_api if is_api else system.add_program)(name)
    made, like = (f"{name}-api", f"{program}-api") if is_api else (name, program)
    system.services[made] = dataclasses.replace(system.services[made], command=system.services[like].command)


def fresh(system: System, program: str) -> None:
    """Start a program anew with an empty database, and nothing in the queue that is called as its service."""
    system.stop(program)
    queues.delete(system, f"{program}-service")
    for file in system.places.volume(f"{program}-data").glob(f"{program}.db*"):
        file.unlink()
    begun(system, program)


def begun(system: System, *programs: str) -> None:
    """Start these; one that ends at once is no error here, and `raised` says why it did."""
    with contextlib.suppress(StartError):
        system.start(*programs)


def killed(system: System, program: str) -> None:
    """SIGKILL, and wait until its next life is ready. Raises StartError if there is none."""
    before = watching.until(lambda: system.pid(program), BACK_WITHIN)
    if not before:  # and 0 would mean this process and all of its group
        raise StartError(f"{program} does not run, so it cannot be killed; its log says why: lab.logs({program!r}).")
    os.kill(before, signal.SIGKILL)
    back = watching.until(
        lambda: system.pid(program) not in (0, before) and not _complaint(system, program), BACK_WITHIN
    )
    if not back:
        raise StartError(f"{program} was killed and did not come back within {BACK_WITHIN:g} s.")


def dies(system: System, programs: Collection[str], where: str, work: Callable[[], None]) -> list[str]:
    """Start these programs so that each dies at `where` (point@n), give them `work`, and when they are dead start them as they
    were. Returns those that never came to that point."""
    usual = {name: system.services[name] for name in programs}
    system.stop(*programs)
    try:
        for name, service in usual.items():
            deadly = {**service.environment, "CRASH": where}
            system.services[name] = dataclasses.replace(service, environment=deadly, restart="no")
        begun(system, *programs)  # what an earlier life left behind may lead it there at once
        work()
        watching.until(lambda: not _alive(system, programs), DEAD_WITHIN)
        survivors = _alive(system, programs)
        system.stop(*survivors)
    finally:
        system.services.update(usual)
    begun(system, *programs)
    return survivors


def _alive(system: System, programs: Collection[str]) -> list[str]:
    return [name for name in programs if system.state(name) not in ("", "stopped")]


def _complaint(system: System, program: str) -> str:
    return probe(f"http://{system.address(program, 8000)}/health/started")
