"""What a test session stands on: a LAB_HOME of its own with the real one's programs, and one broker for all notebooks.

The first process of a session lays the ground (tests/run.py, or a pytest started by hand); those it starts stand on it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from labs.infra.home import home

LAID = "LAB_TEST_HOME"
SERVED = "LAB_TEST_BROKER"
SECONDS_TO_LEAVE = 30


class Ground:
    """`home` is this session's LAB_HOME; `real` is the tester's own, of which only the programs are used. One that is `apart`
    stands on no other: its process shares the tests of a session with others, and must not meet them."""

    def __init__(self, apart: bool = False) -> None:
        self._undo = ExitStack()
        self._environment = dict(os.environ)
        if apart:
            for name in (LAID, SERVED):
                os.environ.pop(name, None)
        if laid := os.environ.get(LAID):
            self.home, self.real = Path(laid), Path((Path(laid) / "programs").resolve().parent)
            return
        self.real = home()
        self.home = self._made()
        os.environ |= {
            "LAB_HOME": str(self.home),
            LAID: str(self.home),
            # Neither this person's IPython start-up files nor kernels registered elsewhere have a say in outputs.
            "IPYTHONDIR": str(self.home / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "jupyter"),
            "JUPYTER_PREFER_ENV_PATH": "1",
        }

    def serve_notebooks(self) -> None:
        """Starts what notebooks share, once for the whole session; does nothing if it is there."""
        if os.environ.get(SERVED):
            return
        # The first import on a machine writes "building the font cache" to stderr, which a strict comparison would see.
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True, capture_output=True)
        from labs.infra import shared_broker

        self._undo.enter_context(shared_broker.running(self.home))
        os.environ[SERVED] = "1"

    def close(self) -> None:
        """Ends what this process started and removes what it made."""
        try:
            self._undo.close()
        finally:
            os.environ.clear()
            os.environ.update(self._environment)
            if os.environ.get(LAID) != str(self.home):
                self._remove()

    def _remove(self) -> None:
        """A guard whose kernel has just ended may still be writing its last words in there."""
        deadline = time.monotonic() + SECONDS_TO_LEAVE
        while self.home.exists():
            try:
                shutil.rmtree(self.home)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _made(self) -> Path:
        # Short, because sockets in it have room for about 100 characters, and macOS's own temporary folders are long.
        short = "/tmp" if os.access("/tmp", os.W_OK) else None
        path = Path(tempfile.mkdtemp(prefix="lab-", dir=short)).resolve()
        programs = self.real / "programs"
        programs.mkdir(exist_ok=True)
        (path / "programs").symlink_to(programs.resolve())
        return path
