"""Standard output into a file that is moved aside when it is full, and no line is lost: order-api.log becomes order-api.1.log,
that one order-api.2.log, and so on; the oldest goes.

Several processes may write to one file, as gunicorn's two do. Each looks before a line whether the file at that path is still
the one it writes to: whoever finds it full moves it, the others follow. A line that is on its way meanwhile lands in the file
that was moved. Where no LOG_FILE is set, as in containers, somebody else rotates."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from labs.services.chassis.settings import Settings

STANDARD = (1, 2)
"""Standard output and error: what is printed, and how a process says why it died, goes the same way as its log."""


class Rotating:
    """The file `path`, moved once it has `size` bytes, and `kept` older ones. `write` and `flush` are what logging wants of a
    stream; they raise nothing."""

    def __init__(self, path: str, size: int, kept: int) -> None:
        self._path, self._size, self._kept = path, size, kept
        self._ours = 0  # the inode that is written to; none has this number
        self._torn = False

    def write(self, text: str) -> None:
        """One line. What a full disk does not take of it is lost, and not the work that it tells of."""
        line = text.encode(errors="backslashreplace")
        try:
            now = os.stat(self._path)  # noqa: PTH116  at each line; a Path takes twice as long
            good = now.st_ino == self._ours and now.st_size < self._size
        except OSError:  # moved by somebody who is about to open the next one; or deleted, which nobody shall undo
            good = bool(self._ours) and os.fstat(STANDARD[0]).st_nlink == 0
        if not good:
            with suppress(OSError):  # the line goes where the last one went
                self._change()
        if self._torn:
            line = b"\n" + line  # what is left of a torn line spoils no other
        with suppress(OSError):
            self._torn = os.write(1, line) < len(line)

    def flush(self) -> None:
        """Nothing waits here."""

    def _change(self) -> None:
        """The file at the path is full, another one than ours, or not there. Raises OSError."""
        with suppress(OSError):
            self._move()
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for number in STANDARD:
                os.dup2(file, number)
            self._ours = os.fstat(file).st_ino
        finally:
            os.close(file)

    def _move(self) -> None:
        """The lock is on the full file itself: whoever comes second finds another one at its path. Who is not let in does not
        wait, since whoever holds it may be stopped. Raises OSError."""
        full = os.open(self._path, os.O_RDONLY)
        try:
            fcntl.flock(full, fcntl.LOCK_EX | fcntl.LOCK_NB)
            now = os.fstat(full)
            if now.st_size >= self._size and os.path.samestat(now, Path(self._path).stat()):
                last = next((n for n in range(1, self._kept) if not older(self._path, n).exists()), self._kept)
                for number in range(last, 0, -1):
                    older(self._path, number - 1).replace(older(self._path, number))
        finally:
            os.close(full)


def older(path: str | Path, number: int) -> Path:
    """What the file is called after so many moves."""
    file = Path(path)
    return file.with_suffix(f".{number}{file.suffix}") if number else file


def of(settings: Settings) -> Rotating | None:
    """As these settings say; None if somebody else rotates."""
    if not settings.log_file:
        return None
    return Rotating(settings.log_file, settings.log_size, settings.log_kept)
