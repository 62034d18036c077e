"""What a learner sees: `lab start`, a notebook run from top to bottom in JupyterLab, Ctrl-C. Needs a Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, sync_playwright

from labs.infra.home import PROJECT, home

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 180_000  # milliseconds
EXERCISES = ("reserve", "settle", "demand")

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine: what JupyterLab shows is not looked at"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address that `lab start` prints; afterwards it is interrupted and must leave nothing."""
    command = [str(Path(sys.executable).with_name("lab")), "start", "--no-browser"]
    started = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert started.stdout is not None
    said = []
    for line in started.stdout:
        said.append(line)
        if found := re.search(r"http://\S+", line):
            break
    else:
        pytest.fail("lab start ended: " + "".join(said))
    family = psutil.Process(started.pid).children(recursive=True)
    yield found[0]
    family += psutil.Process(started.pid).children(recursive=True)
    os.kill(started.pid, signal.SIGINT)
    assert started.wait(60) == 0
    _, alive = psutil.wait_procs(family, timeout=20)
    left = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert not left, f"left running: {left}"


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser's page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_page(
            viewport={"width": 1280, "height": 12_000}
        )  # all cells at once: none is windowed away
        opened.set_default_timeout(PATIENCE)
        yield opened
        browser.close()


def run_all(page: Page, address: str, path: str) -> None:
    """Open a notebook and run it from top to bottom."""
    base, _, token = address.partition("/lab/tree/")
    page.goto(f"{base}/lab/tree/{path}?reset&{token.partition('?')[2]}")
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
    page.wait_for_function("() => document.body.innerText.includes('| Idle')")
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function("() => document.body.innerText.includes('| Idle')")


def test_lab_06_as_released_runs_from_top_to_bottom(page: Page, address: str) -> None:
    run_all(page, address, "notebooks/06_events_with_nameko.ipynb")
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    outputs = "\n".join(page.locator(".jp-OutputArea-output").all_inner_texts())
    for exercise in EXERCISES:
        assert f"{exercise}: not attempted yet" in outputs
    assert "does not hold" not in outputs
    page.wait_for_selector(".jp-RenderedMermaid svg, .jp-RenderedMermaid img")
    plot, trace = (str(figure.get_attribute("alt")) for figure in page.locator(".jp-OutputArea-output img").all())
    assert "accepted line climbs" in plot
    assert "analytics-service" in trace


def test_what_the_notebook_stored_is_in_this_home(address: str) -> None:
    assert address
    assert (home() / "progress.json").exists()
