"""Several HTTP worker processes of one service count together: each into files of its own, and whoever is asked adds up all of
them.

prometheus_client decides at its import whether it counts so; in a process that was forked from a warmed-up Python that is long
over, so it is decided here. What an ended process has counted goes into one file for all of them: no sum ever falls, and no
folder grows with every restart."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client itself looks for the folder."""
SUMS = ("counter", "histogram", "summary")
"""Kinds of metrics whose values outlive their process."""
ENDED = "ended"
"""Stands where other files have the id of their process."""
_folder: Path | None = None


def begin() -> None:
    """The processes that are forked from this one from now on count together. Call it before any metric is made."""
    global _folder
    _folder = Path(tempfile.mkdtemp(prefix="metrics-"))
    os.environ[VARIABLE] = str(_folder)
    values.ValueClass = values.MultiProcessValue()


def end() -> None:
    """All of them have ended: nothing is left of what they counted."""
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)


def ended(pid: int) -> None:
    """One of them has: what it counted stays counted, what it had in hand does not. To be called by their parent."""
    if not _folder:
        return
    with _turn(fcntl.LOCK_EX):
        mark_process_dead(pid, str(_folder))
        for kind in SUMS:
            last = _folder / f"{kind}_{pid}.db"
            if last.exists() and last.stat().st_size:  # killed at its birth it has nothing in it
                _add(last, _folder / f"{kind}_{ENDED}.db")
            last.unlink(missing_ok=True)


@contextmanager
def registry() -> Iterator[CollectorRegistry]:
    """What is to be shown: the metrics of this process, or of all that count together. While it is open nothing moves from one
    file to another, so nothing is counted twice or left out."""
    if not _folder:
        yield REGISTRY
        return
    together = CollectorRegistry()
    MultiProcessCollector(together, str(_folder))
    with _turn(fcntl.LOCK_SH):
        yield together


def _add(some: Path, to: Path) -> None:
    total = MmapedDict(str(to))
    for key, value, _time, _place in MmapedDict.read_all_values_from_file(str(some)):
        total.write_value(key, total.read_value(key)[0] + value, 0.0)
    total.close()


@contextmanager
def _turn(kind: int) -> Iterator[None]:
    assert _folder is not None
    with (_folder / "lock").open("a") as lock:
        fcntl.flock(lock, kind)
        yield
