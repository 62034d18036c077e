"""Unpacks Debian and Ubuntu packages into a folder of ours: no root, nothing installed, started or changed on the
system. Which packages belong together, where they come from and whether they are genuine is apt's business, with this
machine's own sources, proxies and keys. Only the standard library: it runs before anything is installed."""

import errno
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]

# Settings of this machine that must not act on a private run: hooks (as an ordinary user they fail) and its own places.
_NOT_OURS = re.compile(
    r"^(APT::Update::|APT::Sandbox|APT::Periodic|DPkg::|Dir|Acquire::Languages|Acquire::IndexTargets)"
)
_PLACES = """
Dir::State "{work}/state";
Dir::State::lists "lists/";
Dir::State::status "{work}/state/status";
Dir::Cache "{work}/cache";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""
_NETWORK = ("resolv", "connect", "timed out", "timeout", "unreachable", "no address", "failed to fetch")


class FetchError(Exception):
    """A program could not be fetched; the message says what happened and what to do next."""


def can_fetch() -> bool:
    """Whether this is a Debian or Ubuntu (or a child of theirs)."""
    return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "apt-config", "dpkg-deb", "dpkg-query"))


def fetch_debian(
    packages: Sequence[str], into: Path, progress: Progress, family: str = "", without: tuple[str, ...] = ()
) -> None:
    """Unpacks `packages` under the folder `into`, with those of their dependencies that start with `family` and the
    libraries that this system lacks, but for those that start with one of `without`. `into` appears whole or not at all;
    if it is there already nothing is done. Two at once take turns. Raises FetchError."""
    if not can_fetch():
        raise FetchError(
            "Programs can be fetched without root on Debian and Ubuntu only, and this system has no apt.\n"
            "`lab doctor` names the command that installs them here."
        )
    work = f".fetch-{into.name}-"
    with _said_plainly(into.parent), _alone(into):
        if into.exists():
            return
        for stale in into.parent.glob(f"{work}*"):  # of a run that was killed: whoever works holds the lock
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=work, dir=into.parent, ignore_cleanup_errors=True) as folder:
            whole = _unpacked(packages, Path(folder), progress, family, without)
            whole.replace(into)


def libraries(root: Path) -> list[str]:
    """The folders of an unpacked tree in which its programs find their libraries."""
    return [str(folder) for usr in ("usr/lib", "lib") for folder in root.glob(f"{usr}/*-linux-gnu*")]


@contextmanager
def _said_plainly(place: Path) -> Iterator[None]:
    """Turns what the disk refuses into a FetchError in words."""
    try:
        yield
    except OSError as error:
        raise FetchError(disk_words(error, place)) from error


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """One fetch of the same at a time; a second one waits, then finds what the first has brought."""
    into.parent.mkdir(parents=True, exist_ok=True)
    with into.with_name(f".{into.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def disk_words(error: OSError, place: Path) -> str:
    """What a full, read-only or foreign disk means to a person, and the way on."""
    elsewhere = "or choose another place: LAB_HOME=/some/folder make lab"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {place} cannot take what belongs there (about 200 MB).\nMake room, {elsewhere}"
    if error.errno == errno.EROFS:
        return f"The disk is read-only: nothing can be written to {place}.\nMount it writable, {elsewhere}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"You may not write to {place}.\nGive yourself the right to, {elsewhere}"
    return f"{place} cannot be used: {error.strerror or error}.\nMend that, {elsewhere}"


def _unpacked(packages: Sequence[str], work: Path, progress: Progress, family: str, without: tuple[str, ...]) -> Path:
    """Runs apt in `work`, returns the folder in it that holds the unpacked tree."""
    progress("reading the package lists of this system's archive")
    apt = _Apt(work)
    apt.update()
    wanted = _closure(packages, family, apt.depends, without)
    if absent := set(packages) - wanted:
        raise FetchError(apt.plain(f"E: the archive of this system has no {', '.join(sorted(absent))}"))
    uris = apt.run("apt-get", "-qq", "--print-uris", "download", *wanted).splitlines()
    megabytes = sum(int(line.rsplit(" ", 2)[1]) for line in uris if line.startswith("'")) / 1e6
    progress(f"downloading {len(wanted)} packages, {megabytes:.0f} MB")
    apt.run("apt-get", "-q", "download", *wanted)
    progress("unpacking")
    for package in sorted((work / "debs").glob("*.deb")):
        apt.run("dpkg-deb", "-x", str(package), str(work / "tree"))
    return work / "tree"


class _Apt:
    """Apt with this machine's sources and keys, and with lists, cache and state of its own in `work`."""

    def __init__(self, work: Path) -> None:
        self._work = work
        for part in ("state/lists/partial", "cache/archives/partial", "debs", "tree"):
            (work / part).mkdir(parents=True)
        (work / "state/status").touch()
        config = work / "apt.conf"
        system = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
        kept = [line for line in system.splitlines() if not _NOT_OURS.match(line)]
        config.write_text("\n".join(kept) + _PLACES.format(work=work))
        self._environment = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(config)}
        self._environment.pop("LANGUAGE", None)
        self._complaints = ""

    def update(self) -> None:
        """Reads the lists. A source of this machine may fail without harm to the packages we need: asking for those
        decides, and then the complaint is told."""
        done = self._done("apt-get", "-q", "update")
        self._complaints = done.stdout + done.stderr

    def depends(self, names: set[str]) -> dict[str, list[list[str]]]:
        """What each of `names` that exists depends on: a list of alternatives for each dependency."""
        found: dict[str, list[list[str]]] = {}
        for paragraph in self._done("apt-cache", "--no-all-versions", "show", *names).stdout.split("\n\n"):
            fields = dict(re.findall(r"^(Package|Depends|Pre-Depends): (.*)$", paragraph, re.MULTILINE))
            if "Package" in fields:
                every = [fields[kind] for kind in ("Depends", "Pre-Depends") if kind in fields]
                alternatives = [one.split("|") for one in ",".join(every).split(",") if one.strip()]
                found[fields["Package"]] = [[re.split(r"[\s:(]", n.strip())[0] for n in one] for one in alternatives]
        return found

    def run(self, *command: str) -> str:
        """What it prints. Raises FetchError."""
        done = self._done(*command)
        if done.returncode:
            raise FetchError(self.plain(done.stdout + done.stderr))
        return done.stdout

    def plain(self, said: str) -> str:
        """Apt's complaint in words: the disk, the network, or apt's own last lines."""
        lines = (self._complaints + "\n" + said).splitlines()
        told = "\n".join(lines).lower()
        if "no space left" in told:
            return disk_words(OSError(errno.ENOSPC, ""), self._work.parent)
        if "read-only file system" in told:
            return disk_words(OSError(errno.EROFS, ""), self._work.parent)
        complaints = [line for line in lines if line[:2] in ("E:", "W:")] or lines
        last = "\n".join(f"  {line}" for line in complaints[-3:])
        if any(word in told for word in _NETWORK):
            return (
                f"The package archive of this system cannot be reached; the first set-up needs the network:\n{last}\n"
                "Check the connection (and the proxy, if you need one), then do the same again."
            )
        return f"apt could not fetch the packages:\n{last}\nSee that `apt-get update` works, then do the same again."

    def _done(self, *command: str) -> "subprocess.CompletedProcess[str]":
        folder = self._work / "debs"
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=self._environment, cwd=folder, timeout=900
        )


def _closure(
    packages: Sequence[str],
    family: str,
    depends: Callable[[set[str]], dict[str, list[list[str]]]],
    without: tuple[str, ...] = (),
) -> set[str]:
    """`packages` and, from what they need in turn, the family's own and the libraries that are not installed here, but for
    those that start with one of `without`. Of alternatives the first that exists is taken."""
    here = _installed()
    known: dict[str, list[list[str]]] = {}
    wanted: set[str] = set()
    needs = [[name] for name in packages]
    while needs:
        known |= depends({name for need in needs for name in need} - known.keys())
        chosen = {next((name for name in need if name in known), "") for need in needs} - {""} - wanted
        wanted |= chosen
        every = [need for name in chosen for need in known[name] if not need[0].startswith(without)]
        needs = [need for need in every if _matters(need, family, here)]
    return wanted


def _matters(need: list[str], family: str, here: set[str]) -> bool:
    if family and need[0].startswith(family):
        return True
    return need[0].startswith("lib") and not here.intersection(need)


def _installed() -> set[str]:
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"], capture_output=True, text=True, check=False
    ).stdout
    return {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
