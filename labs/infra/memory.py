"""How much memory processes take, with what they share counted once where the system says how much that is."""

import psutil


def group_memory(pid: int) -> int:
    """Bytes of a process and all below it: PSS on Linux (shared pages divided among those who share them), else USS, RSS."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_memory(member) for member in family)


def _memory(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", 0) or full.uss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
