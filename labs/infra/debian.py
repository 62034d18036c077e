"""Unpacks Debian and Ubuntu packages into a folder of ours: no root, nothing installed, started or changed on the system.
Which packages belong together, where they come from and whether they are genuine is apt's business, with this machine's
own sources, proxies and keys. Only the standard library: it runs before anything is installed."""

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


def fetch_debian(packages: Sequence[str], into: Path, progress: Progress, family: str = "") -> None:
    """Unpacks `packages` under the folder `into`, with those of their dependencies that start with `family` and the
    libraries that this system lacks. `into` appears whole or not at all; if it is there already nothing is done. Two at
    once take turns. Raises FetchError."""
    if not can_fetch():
        raise FetchError(
            "Programs can be fetched without root on Debian and Ubuntu only, and this system has no apt.\n"
            "`lab doctor` names the command that installs them here."
        )
    with _said_plainly(into.parent), _alone(into.parent):
        if into.exists():
            return
        for stale in into.parent.glob(".fetch-*"):  # of a run that was killed: whoever works holds the lock
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=into.parent, ignore_cleanup_errors=True) as folder:
            whole = _unpacked(packages, Path(folder), progress, family)
            whole.replace(into)


@contextmanager
def _said_plainly(place: Path) -> Iterator[None]:
    """Turns what the disk refuses into a FetchError in words."""
    try:
        yield
    except OSError as error:
        raise FetchError(disk_words(error, place)) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One fetch at a time; a second one waits, then finds what the first has brought."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
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
    return f"{place} cannot be used: {error.strerror or error}."


def _unpacked(packages: Sequence[str], work: Path, progress: Progress, family: str) -> Path:
    """Runs apt in `work`, returns the folder in it that holds the unpacked tree."""
    for part in ("state/lists/partial", "cache/archives/partial", "debs", "tree"):
        (work / part).mkdir(parents=True)
    (work / "state/status").touch()
    config = work / "apt.conf"
    environment = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(config), "DEBIAN_FRONTEND": "noninteractive"}
    environment.pop("LANGUAGE", None)
    system = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True, env=os.environ).stdout
    kept = [line for line in system.splitlines() if not _NOT_OURS.match(line)]
    config.write_text("\n".join(kept) + _PLACES.format(work=work))

    def apt(*command: str) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=work / "debs", timeout=900
        )
        if done.returncode:
            raise FetchError(_plain(done.stdout + done.stderr, updated, work))
        return done.stdout + (done.stderr if "update" in command else "")

    updated = ""
    progress("reading the package lists of this system's archive")
    # Some source of this machine may fail without harm to the packages we need: then asking for those decides.
    try:
        updated = apt("apt-get", "-q", "update")
    except FetchError as error:
        updated = str(error)
    solution = {
        line.split()[1] for line in apt("apt-get", "-s", "install", *packages).splitlines() if line.startswith("Inst ")
    }
    wanted = _closure(packages, _dependencies(apt("apt-cache", "--no-all-versions", "show", *solution)), family)
    uris = apt("apt-get", "-qq", "--print-uris", "download", *wanted).splitlines()
    megabytes = sum(int(line.rsplit(" ", 2)[1]) for line in uris if line.startswith("'")) / 1e6
    progress(f"downloading {len(wanted)} packages, {megabytes:.0f} MB")
    apt("apt-get", "-q", "download", *wanted)
    progress("unpacking")
    for package in sorted((work / "debs").glob("*.deb")):
        apt("dpkg-deb", "-x", str(package), str(work / "tree"))
    return work / "tree"


def _dependencies(shown: str) -> dict[str, set[str]]:
    """What each package of `apt-cache show` depends on, alternatives included."""
    found: dict[str, set[str]] = {}
    for paragraph in shown.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Depends|Pre-Depends): (.*)$", paragraph, re.MULTILINE))
        if "Package" in fields:
            every = ",".join((fields.get("Depends", ""), fields.get("Pre-Depends", "")))
            found[fields["Package"]] = set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", every))
    return found


def _closure(packages: Sequence[str], depends: dict[str, set[str]], family: str) -> list[str]:
    """`packages` and, from what they need in turn, the family's own and the libraries that are not installed here."""
    here = _installed()
    wanted: list[str] = []
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in wanted or name not in depends:
            continue
        wanted.append(name)
        waiting += [
            need
            for need in depends[name]
            if (family and need.startswith(family)) or (need.startswith("lib") and need not in here)
        ]
    return sorted(wanted)


def _installed() -> set[str]:
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"], capture_output=True, text=True, check=False
    ).stdout
    return {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}


def _plain(said: str, updated: str, work: Path) -> str:
    """Apt's complaint in words: the disk, the network, or apt's own last lines."""
    told = (updated + said).lower()
    if "no space left" in told:
        return disk_words(OSError(errno.ENOSPC, ""), work.parent)
    if "read-only file system" in told:
        return disk_words(OSError(errno.EROFS, ""), work.parent)
    complaints = [
        line for line in (updated + "\n" + said).splitlines() if line[:2] in ("E:", "W:")
    ] or said.splitlines()
    lines = "\n".join(f"  {line}" for line in complaints[-3:])
    if any(word in told for word in _NETWORK):
        return (
            f"The package archive of this system cannot be reached; the first set-up needs the network:\n{lines}\n"
            "Check the connection (and the proxy, if you need one), then do the same again."
        )
    return (
        f"apt could not fetch the packages:\n{lines}\nCheck that `apt-get update` works here, then do the same again."
    )
