"""A notebook's system lives through an interrupt of its kernel and ends with the kernel, however that ends."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from labs.infra import shared_broker
from tests.faults.storm import LONG
from tests.infra.nodes import eventually
from tests.labs.processes import belonging_to, left_over

Home = Callable[..., Path]
LAB = "from labs.classroom import Lab; lab = Lab('00_start_here'); "
UP = f"{LAB}lab.up('order-service', 'outside')"
"""A broker, and a process of each kind."""
SELLING = f"{LAB}lab.up('user-service', 'order-service', 'inventory-service', 'outside')"
"""All that an order needs."""
ENDS = (
    [*product(["private", "shared"], ["restart", "shutdown", "shutdown now", "kill -9"])]
    if LONG
    else [("private", "kill -9"), ("shared", "restart")]
)
"""How a kernel ends, beside which broker."""
ORDER = "lab.shop.stock('tea', 9); o = lab.shop.place(('tea', 1)); print('order', lab.shop.wait([o], 30)[o].status)"


class Kernel:
    """A real kernel, spoken to as a front end does."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(60)

    def run(self, code: str) -> str:
        """What a cell printed; its error fails the test."""
        said: list[str] = []
        hook = lambda message: said.append(str(message["content"].get("text", "")))  # noqa: E731
        reply = self.client.execute_interactive(code, timeout=120, output_hook=hook)
        content = reply["content"]
        assert content["status"] == "ok", "\n".join(content.get("traceback", []))
        return "".join(said)

    def system(self) -> list[psutil.Process]:
        guard = psutil.Process(int(self.run("print(lab.system.guard_pid)").split()[-1]))
        return [guard, *guard.children(recursive=True)]

    def close(self) -> None:
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)


@contextmanager
def kernel() -> Iterator[Kernel]:
    started = Kernel()
    try:
        yield started
    finally:
        started.close()


@pytest.fixture
def place(request: pytest.FixtureRequest, home: Home) -> Iterator[tuple[Path, set[psutil.Process]]]:
    """A LAB_HOME, and what belongs to its shared broker if it has one; a test says which by `indirect` parameters."""
    here = home()
    if request.param == "private":
        yield here, set()
        return
    with shared_broker.running(here):
        yield here, belonging_to(here)


def interrupted_while_it_computes(kernel: Kernel) -> None:
    kernel.client.execute("import time\nprint('computing', flush=True)\ntime.sleep(600)")
    while kernel.client.get_iopub_msg(timeout=30)["content"].get("text") != "computing\n":
        pass
    kernel.manager.interrupt_kernel()
    assert kernel.client.get_shell_msg(timeout=30)["content"]["ename"] == "KeyboardInterrupt"


@pytest.mark.parametrize("place", ["private", "shared"] if LONG else ["shared"], indirect=True)
def test_an_interrupt_leaves_the_system_alone(place: tuple[Path, set[psutil.Process]]) -> None:
    with kernel() as notebook:
        notebook.run(SELLING)
        before = notebook.system()
        interrupted_while_it_computes(notebook)

        assert all(process.is_running() for process in before)
        assert "order fulfilled" in notebook.run(ORDER)
    assert left_over(*place) == []


@pytest.mark.parametrize(("place", "end"), ENDS, indirect=["place"])
def test_nothing_outlives_its_kernel(place: tuple[Path, set[psutil.Process]], end: str) -> None:
    with kernel() as notebook:
        notebook.run(UP)
        family = notebook.system()
        names = {process.name() for process in family}
        if end == "restart":
            notebook.manager.restart_kernel()
        elif end == "kill -9":
            os.kill(notebook.manager.provisioner.pid, 9)  # type: ignore[union-attr]  # a local provisioner
        else:
            notebook.manager.shutdown_kernel(now=end.endswith("now"))
        eventually(lambda: not any(process.is_running() for process in family), 40, "every process has ended")
    assert left_over(*place) == []
    if not place[1]:
        assert {"epmd", "beam.smp"} <= names, "the broker was its own"


def test_a_second_lab_in_one_kernel_ends_the_first(home: Home) -> None:
    home()
    with kernel() as notebook:
        notebook.run(f"{LAB}lab.up('outside')")
        first = notebook.system()
        notebook.run("lab = Lab('00_start_here')")

        assert not any(process.is_running() for process in first)


def notebook_file(folder: Path, *cells: str) -> Path:
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    written.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "lab.ipynb"
    nbformat.write(written, path)
    return path


@pytest.mark.parametrize(
    ("runner", "outcome"),
    [("nbval", "failure"), ("papermill", "success")]
    + ([("nbval", "success"), ("papermill", "failure")] if LONG else []),
)
def test_nothing_outlives_a_run_by_nbval_or_papermill(home: Home, tmp_path: Path, runner: str, outcome: str) -> None:
    here = home()
    last = "1 / 0" if outcome == "failure" else "seen = 'all of it'"
    path = notebook_file(tmp_path, SELLING, f"{ORDER}\nassert lab.shop.status(o) == 'fulfilled'", last)
    commands = {
        "nbval": ["pytest", "-p", "no:cacheprovider", "-p", "no:pytest_nameko", "--nbval-lax", "--nbval-current-env"],
        "papermill": ["papermill", "--no-progress-bar", "-k", "python3"],
    }
    end = [str(path)] if runner == "nbval" else [str(path), str(tmp_path / "out.ipynb")]
    done = subprocess.run(
        [sys.executable, "-m", *commands[runner], *end],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (outcome == "success"), said
    assert ("ZeroDivisionError" in said) == (outcome == "failure"), said
    assert left_over(here, set()) == []
    assert list((here / "systems").glob("00*/logs/rabbitmq.log")), "a broker of its own did run"
