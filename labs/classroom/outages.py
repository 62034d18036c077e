"""Takes away from a service what it stands on, as an accident would, and brings it back."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from labs.infra.system import System


@contextmanager
def database_away(system: System, service: str) -> Iterator[None]:
    """While this lasts, the folder with the SQLite file of a service, e.g. of inventory, is somewhere else, as if its disk were
    gone. A connection that is open already keeps the file; whoever opens one finds nothing."""
    here = system.places.volume(f"{service}-data")
    there = here.with_name(f"{here.name}.away")
    here.rename(there)
    try:
        yield
    finally:
        there.rename(here)


def kill_web_workers(system: System, process: str) -> list[int]:
    """kill -9 to the processes that answer for an API, e.g. inventory-api; their master starts new ones. Returns their ids."""
    workers = [child.pid for child in psutil.Process(system.pid(process)).children()]
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    return workers
