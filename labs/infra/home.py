"""Where this project lies and where it keeps what it makes at run time; nothing else decides about paths."""

import hashlib
import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """The folder for programs, systems and progress: $LAB_HOME, else .lab in the project, else (read-only project) the
    user's state folder. It is made, readable by its owner alone."""
    if chosen := os.environ.get("LAB_HOME"):
        return _made(Path(chosen).expanduser().resolve())
    if os.access(PROJECT, os.W_OK):
        return _made(PROJECT / ".lab")
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return _made(state / "microservices-lab" / hashlib.sha256(str(PROJECT).encode()).hexdigest()[:8])


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
