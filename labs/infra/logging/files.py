"""The log files of a system: NAME.log for each process and, older, NAME.1.log, NAME.2.log …, as the processes themselves move
them aside (labs/services/chassis/rotation.py), maybe at this very moment."""

import os
import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_NAME = re.compile(r"(?P<process>[^.]+)(\.(?P<number>\d+))?\.log")


@dataclass(frozen=True)
class Mark:
    """A place in a log that stays the same when files are moved: which file, and how many bytes of it."""

    inode: int = 0
    size: int = 0


def processes(folder: Path) -> list[str]:
    """The names of the processes that have a log there, sorted."""
    return sorted({match["process"] for file in folder.glob("*.log") if (match := _NAME.fullmatch(file.name))})


def opened(log: Path) -> list[IO[bytes]]:
    """The files that the log at this path consists of, oldest first, open to be read; close them.

    The newest is opened first: a file that is moved meanwhile is met again under its next name, and none is missed."""
    found: dict[int, IO[bytes]] = {}
    for path in (log, *_older(log)):
        try:
            file = path.open("rb")
        except FileNotFoundError:  # not yet, or not any more
            continue
        if found.setdefault(_inode(file), file) is not file:
            file.close()
    return list(reversed(found.values()))


def link(log: Path, folder: Path) -> list[Path]:
    """Second names in `folder` for the files that a log consists of, NAME.0.log for the newest: they stay when the first names
    move on. Raises OSError where the file system has no hard links."""
    links: dict[int, Path] = {}
    for number, path in enumerate((log, *_older(log))):
        name = folder / f"{log.stem}.{number}.log"
        try:
            name.hardlink_to(path)
        except FileNotFoundError:
            continue
        if links.setdefault(name.stat().st_ino, name) is not name:
            name.unlink()
    return list(links.values())


def text(log: Path, since: Mark | None = None) -> str:
    """All that the log says, its older files first, or what came after the mark. Raises FileNotFoundError."""
    with ExitStack() as stack:
        files = opened(log)
        for file in files:
            stack.callback(file.close)
        if not files:
            raise FileNotFoundError(2, "no such log", str(log))
        inodes = [_inode(file) for file in files]
        if since and since.inode in inodes:
            files = files[inodes.index(since.inode) :]
            files[0].seek(since.size)
        said = [file.read() for file in reversed(files)]  # see Tail
        return b"".join(reversed(said)).decode(errors="replace")


def lines(log: Path) -> list[str]:
    """The same line by line; none if there is no log yet."""
    try:
        return text(log).splitlines()
    except FileNotFoundError:
        return []


def mark(log: Path) -> Mark:
    """Where the log ends now."""
    try:
        now = log.stat()
    except FileNotFoundError:
        return Mark()
    return Mark(now.st_ino, now.st_size)


class Tail:
    """Reads a log as it grows, across its files; `close` it.

    A process that looked at a file just before it was moved still writes a line to it. So the last `watched` files stay open,
    and the newest is read first: who has written to that one has written its line to the other before."""

    def __init__(self, log: Path, watched: int = 4) -> None:
        self._log, self._watched = log, watched
        self._parts: list[_Part] = []

    def read(self) -> list[str]:
        """The whole lines that have come since the last time; at first all that there are."""
        if not self._parts or not self._is_at_path(self._parts[-1]):
            self._find()
        said = [part.read() for part in reversed(self._parts)]
        for part in self._parts[: -self._watched]:
            part.file.close()
        self._parts = self._parts[-self._watched :]
        return [line for lines in reversed(said) for line in lines]

    def close(self) -> None:
        """Give the files back."""
        for part in self._parts:
            part.file.close()
        self._parts = []

    def _find(self) -> None:
        """Those that are newer than the newest that is known."""
        files = opened(self._log)
        inodes = [_inode(file) for file in files]
        newest = _inode(self._parts[-1].file) if self._parts else 0
        known = inodes.index(newest) + 1 if newest in inodes else 0
        for file in files[:known]:
            file.close()
        self._parts += [_Part(file) for file in files[known:]]

    def _is_at_path(self, part: "_Part") -> bool:
        try:
            return self._log.stat().st_ino == _inode(part.file)
        except FileNotFoundError:
            return True  # the next one is not there yet


@dataclass
class _Part:
    """One of a log's files, and what was read of a line that is not whole yet."""

    file: IO[bytes]
    rest: bytes = b""

    def read(self) -> list[str]:
        *whole, self.rest = (self.rest + self.file.read()).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


def _older(log: Path) -> list[Path]:
    """Newest first."""
    numbers = [
        int(match["number"])
        for file in log.parent.glob(f"{log.stem}.*{log.suffix}")
        if (match := _NAME.fullmatch(file.name)) and match["number"]
    ]
    return [log.with_suffix(f".{number}{log.suffix}") for number in range(1, max(numbers, default=0) + 2)]


def _inode(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_ino
