"""Prometheus and Alertmanager are found where package managers put them, or fetched without root."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from labs.infra import monitors
from labs.infra.debian import can_fetch
from labs.infra.monitors import MONITORS, find_monitor, started_in
from tests.infra.test_programs import program

FETCH = """
from labs.infra.monitors import fetch_monitors, find_monitor
fetch_monitors(print)
print(find_monitor('alertmanager'))
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with none of them."""
    monkeypatch.setenv("PATH", str(tmp_path / "usr/bin"))
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.usefixtures("bare")
def test_on_a_bare_machine_none_is_found() -> None:
    assert [find_monitor(name) for name in MONITORS] == [None, None, None]


def test_what_is_on_the_path_goes_first_and_may_be_started_anywhere(bare: Path) -> None:
    for name in MONITORS:
        program(bare / "home/programs/prometheus/usr/bin" / name)
    fetched = [find_monitor(name) for name in MONITORS]
    own = program(bare / "usr/bin/promtool")
    assert [Path(found or "").parent for found in fetched] == [bare / "home/programs/prometheus/usr/bin"] * 3
    assert find_monitor("promtool") == str(own)
    assert started_in(str(own)) is None
    assert started_in(str(fetched[0])) == bare / "home/programs/prometheus"


def test_debians_name_for_alertmanager_is_known(bare: Path) -> None:
    installed = program(bare / "usr/bin/prometheus-alertmanager")
    assert find_monitor("alertmanager") == str(installed)


def test_a_fetched_alertmanager_counts_only_once_it_looks_for_its_templates_where_they_are(bare: Path) -> None:
    folder = bare / "home/programs/prometheus/usr/bin"
    program(folder / "prometheus-alertmanager").write_bytes(b"\0before/usr/share/prometheus/alertmanager/uiafter\0")
    assert find_monitor("alertmanager") is None
    monitors._make_movable(folder)
    assert find_monitor("alertmanager") == str(folder / "alertmanager")
    assert (folder / "alertmanager").read_bytes() == b"\0beforeusr//share/prometheus/alertmanager/uiafter\0"


@pytest.mark.skipif(not can_fetch(), reason="programs are fetched on Debian and Ubuntu only")
def test_two_fetches_at_once_bring_programs_that_run(tmp_path: Path) -> None:
    environment = {**os.environ, "LAB_HOME": str(tmp_path / "a home")}
    fetching = [
        subprocess.Popen([sys.executable, "-c", FETCH], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in "ab"
    ]
    said = [process.communicate(timeout=300)[0] for process in fetching]
    assert [process.returncode for process in fetching] == [0, 0]
    assert sorted("downloading" in words for words in said) == [False, True]
    alertmanager = said[0].splitlines()[-1]
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    places = [f"--config.file={config}", f"--storage.path={tmp_path / 'data'}", "--cluster.listen-address="]
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so it ends once it has read its templates
        command = [alertmanager, *places, f"--web.listen-address=127.0.0.1:{taken.getsockname()[1]}"]
        done = subprocess.run(
            command,
            cwd=tmp_path / "a home/programs/prometheus",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert "parse templates" not in done.stderr
    assert "Completed loading of configuration file" in done.stderr
