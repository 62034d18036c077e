"""Why a service did not come up, in its own last words."""

import errno
import shutil
from pathlib import Path

from labs.infra.debian import disk_words
from labs.infra.logging import files

LINES = 12
SCANT = 256 * 1024
"""Bytes: on a disk with less room than that, a log may well be missing its last words."""


class StartError(Exception):
    """A service did not come up; the message holds its own last lines."""


def last_words(what: str, log: Path, since: files.Mark | None = None) -> str:
    """`what` happened to a service, and the end of its log; what is before the mark is about earlier starts."""
    try:
        last = files.text(log, since).splitlines()[-LINES:]
    except OSError:
        last = []
    said = "\n".join(f"  {line}" for line in last) or "  (it said nothing)"
    words = f"{what}\nIts last lines (all of them: lab logs {log.stem}):\n{said}"
    if shutil.disk_usage(log.parent).free < SCANT:
        words += f"\n{disk_words(OSError(errno.ENOSPC, ''), log.parent)}"
    return words


def meaning(code: int | None) -> str:
    """What an exit code means: a negative one is the signal that ended the process."""
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
