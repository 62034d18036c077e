"""Finds the programs that watch, Prometheus with its promtool, and Alertmanager: on PATH, else in home()/programs, else fetched
there. Only the standard library, as programs.py."""

import os
import shutil
from pathlib import Path

from labs.infra.debian import FetchError, Progress, fetch_debian
from labs.infra.home import home

MONITORS = ("prometheus", "promtool", "alertmanager")
_PACKAGES = ("prometheus", "prometheus-alertmanager")
_DEBIANS_NAME = "prometheus-alertmanager"
"""Of Alertmanager's program, which everybody else calls alertmanager."""
_TEMPLATES, _RELATIVE = b"/usr/share/prometheus/alertmanager", b"usr//share/prometheus/alertmanager"
"""Debian's Alertmanager reads its templates there and nowhere else. In what was fetched they are at the same path below its
root, so the program that is made of it looks there from the folder that it is started in. Both are of the same length."""


def find_monitor(name: str) -> str | None:
    """The path of one of MONITORS: on `PATH`, else what was fetched."""
    names = [name, _DEBIANS_NAME] if name == "alertmanager" else [name]
    return next(filter(None, map(shutil.which, names)), None) or shutil.which(name, path=str(_folder() / "usr/bin"))


def fetch_monitors(progress: Progress) -> None:
    """Gets those that are not there yet into home()/programs, without what only their web pages need. Safe to interrupt and to
    run twice at once. Raises FetchError."""
    folder = _folder()
    fetch_debian(_PACKAGES, folder, progress, without=("libjs-",))
    _make_movable(folder / "usr/bin")
    if missing := [name for name in MONITORS if not find_monitor(name)]:
        words = f"What was fetched into {folder} has no {', '.join(missing)} in it."
        raise FetchError(f"{words} Remove that folder and do the same again.")


def started_in(program: str) -> Path | None:
    """The folder in which a fetched program must be started; None: any."""
    return _folder() if Path(program).is_relative_to(_folder()) else None


def _make_movable(folder: Path) -> None:
    original, movable = folder / _DEBIANS_NAME, folder / "alertmanager"
    if original.exists() and not movable.exists():
        half = folder / f".alertmanager.{os.getpid()}"
        half.write_bytes(original.read_bytes().replace(_TEMPLATES, _RELATIVE))
        half.chmod(0o755)
        half.replace(movable)


def _folder() -> Path:
    return home() / "programs" / "prometheus"
