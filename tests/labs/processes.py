"""Finds the processes that a run left behind: those of this user that carry its LAB_HOME in environment, command line
or working directory."""

import os
import time
from pathlib import Path

import psutil


def belonging_to(home: Path) -> set[psutil.Process]:
    """Every living process of this user in whose environment, command line or working directory `home` occurs."""
    mark, me = str(home), os.getuid()
    found = set()
    for process in psutil.process_iter():
        try:
            if process.uids().real != me or process.status() == psutil.STATUS_ZOMBIE:
                continue
        except psutil.NoSuchProcess:
            continue
        if any(mark in text for text in _texts(process)):
            found.add(process)
    return found


def left_over(home: Path, before: set[psutil.Process], seconds: float = 20) -> list[str]:
    """What belongs to `home` and is still there after `seconds`, beyond `before` and what those processes started since
    (a broker starts helpers when it likes). What the caller itself started does count."""
    own_line = {psutil.Process(), *psutil.Process().parents()}
    deadline = time.monotonic() + seconds
    while True:
        left = [each for each in belonging_to(home) - before if not (before - own_line) & _parents(each)]
        if not left or time.monotonic() > deadline:
            return [_described(process) for process in left]
        psutil.wait_procs(left, timeout=0.2)


def _texts(process: psutil.Process) -> list[str]:
    texts: list[str] = []
    for look in (lambda: process.environ().values(), process.cmdline, lambda: [process.cwd()]):
        try:
            texts += look()
        except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
            continue  # another user's in disguise, or just ended: what the other two say decides
    return texts


def _parents(process: psutil.Process) -> set[psutil.Process]:
    try:
        return set(process.parents())
    except psutil.NoSuchProcess:
        return set()


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())}"
    except psutil.NoSuchProcess:
        return f"{process.pid} (ended while this was written)"
