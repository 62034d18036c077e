"""`make setup`: a bare Python becomes a working lab; the second time nothing is asked of anybody."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labs.infra import bootstrap, packages
from labs.infra.home import PROJECT, home

NOWHERE = "http://127.0.0.1:9"
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fresh clone has, in a path with spaces; the programs are those of this lab."""
    clone = tmp_path_factory.mktemp("fresh clone") / "the lab"
    clone.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "README.md"):
        shutil.copy(PROJECT / name, clone)
    shutil.copytree(PROJECT / "labs", clone / "labs", ignore=shutil.ignore_patterns("__pycache__"))
    (clone / ".lab").mkdir()
    (clone / ".lab/programs").symlink_to(home() / "programs")
    return clone


def make_setup(clone: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "setup", f"PYTHON={base_python()}"]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LAB_HOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
    }
    return subprocess.run(
        command, cwd=clone, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=900
    )


def base_python() -> str:
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")


def test_it_makes_a_lab_of_a_clone_in_a_path_with_spaces(clone: Path) -> None:
    done = make_setup(clone)

    assert done.returncode == 0, done.stdout + done.stderr
    python = clone / ".venv/bin/python"
    asked = "import labs, jupyterlab, nameko; print(labs.__path__[0])"
    shown = subprocess.run([python, "-c", asked], cwd="/", capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == str(clone / "labs")
    assert list(clone.glob(".venv/lib/python*/site-packages/matplotlib/__pycache__/*.pyc")), "nobody compiles it again"
    assert subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False).returncode == 0
    doctor = subprocess.run([python, "-m", "labs.infra.doctor"], cwd=clone, capture_output=True, text=True, check=False)
    assert "as in requirements.lock" in doctor.stdout, doctor.stdout
    assert "not as in requirements.lock" not in doctor.stdout, doctor.stdout


def test_the_second_time_has_nothing_to_do_and_needs_no_network(clone: Path) -> None:
    done = make_setup(clone, **OFFLINE)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_lock_is_installed_and_without_a_network_that_fails_plainly(clone: Path) -> None:
    lock = clone / "requirements.lock"
    lock.write_text(lock.read_text() + "\nno-such-package-in-this-lab==1.0 --hash=sha256:" + "0" * 64 + "\n")
    done = make_setup(clone, **OFFLINE)

    assert done.returncode != 0
    assert "The Python packages could not be installed" in done.stderr
    assert "What the lab needs, and what is here:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_read_only_is_said_plainly(clone: Path) -> None:
    done = make_setup(clone, LAB_HOME="/proc/no/such/place")

    assert done.returncode != 0
    assert "What the lab needs, and what is here:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_can_read_it() -> None:
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 8))


def test_an_old_python_hands_over_to_one_that_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text("#!/bin/sh\n")
    newer.chmod(0o755)
    called: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["labs/infra/bootstrap.py"])
    monkeypatch.setattr(os, "execv", lambda path, arguments: called.append((path, arguments)))
    monkeypatch.setenv("PATH", str(tmp_path))
    bootstrap.main()

    assert called == [(str(newer), [str(newer), "labs/infra/bootstrap.py"])]


def test_without_a_python_that_fits_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "brew").write_text("#!/bin/sh\n")
    (tmp_path / "brew").chmod(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert bootstrap.main() == 1
    said = capsys.readouterr().err
    assert "This is Python 3.9; the lab needs 3.11 to 3.13" in said
    assert "brew install python@3.13" in said


def test_uv_is_told_what_pip_is_told() -> None:
    pip = {"index-url": "https://index.example/simple", "extra-index-url": "file:///a  file:///b", "cert": "/ca.pem"}

    assert packages.uv_settings(pip, {"UV_INDEX": "https://mine.example"}) == {
        "UV_DEFAULT_INDEX": "https://index.example/simple",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
