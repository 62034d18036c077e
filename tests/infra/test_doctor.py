"""The doctor names what is missing with the one command that gets it, even where next to nothing is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from labs.infra import doctor
from labs.infra.doctor import Need, examine, render
from labs.infra.home import PROJECT
from labs.infra.programs import Postgres


def test_everything_that_is_needed_is_here() -> None:
    assert [need.name for need in examine() if need.required and not need.ok] == []


def test_it_runs_on_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "labs.infra.doctor"], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "RabbitMQ and Erlang" in done.stdout


def test_what_is_missing_stands_with_its_command() -> None:
    shown = render(
        [Need("Tea", "none", False, remedy="brew tea"), Need("Milk", "0.2 l", True), Need("Cake", "-", False, False)]
    )

    assert "Tea   MISSING  none\n" in shown
    assert "get it: brew tea" in shown
    assert shown.endswith("Missing: Tea.")


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt", "make setup   (fetches it, without root)"),
        ("brew", "brew install rabbitmq"),
        ("conda", "conda install -c conda-forge rabbitmq-server"),
    ],
)
def test_each_system_has_its_way_to_rabbitmq(manager: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_rabbitmq", lambda: None)
    monkeypatch.setattr(doctor, "package_manager", lambda: manager)
    monkeypatch.setattr(doctor, "can_fetch", lambda: manager == "apt")
    need = next(need for need in examine() if need.name == "RabbitMQ and Erlang")

    assert (need.ok, need.remedy) == (False, command)


def test_the_gateway_and_the_database_server_say_where_they_come_from_and_nobody_misses_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found() -> dict[str, Need]:
        return {need.name: need for need in examine() if need.name in ("Envoy, the gateway", "PostgreSQL (optional)")}

    assert found()["Envoy, the gateway"].found == str(Path(sys.executable).with_name("envoy"))
    assert not any(need.required for need in found().values())

    monkeypatch.setattr(doctor, "find_postgres", lambda: Postgres(Path("/opt/pg/bin"), "17.6"))
    assert found()["PostgreSQL (optional)"].found == "17.6 in /opt/pg/bin"
    monkeypatch.setattr(doctor, "find_postgres", lambda: None)
    monkeypatch.setattr(doctor, "find_program", lambda _: None)
    monkeypatch.setattr(doctor, "package_manager", lambda: "brew")
    assert {name: (need.ok, need.remedy) for name, need in found().items()} == {
        "Envoy, the gateway": (False, "make setup"),
        "PostgreSQL (optional)": (False, "brew install postgresql@17"),
    }


def test_a_folder_that_cannot_be_written_is_named_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", "/proc/no/such/place")
    need = next(need for need in examine() if need.name == "A folder to write in")

    assert not need.ok
    assert need.remedy.startswith("LAB_HOME=")


def test_packages_that_drifted_from_the_lock_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    for name in ("jupyterlab", "nameko", "kombu", "flask", "sqlalchemy"):
        (packages / f"{name}-1.0.dist-info").mkdir(parents=True)
        (packages / f"{name}-1.0.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (tmp_path / "requirements.lock").write_text(
        "kombu==1.1 \\\n    --hash=sha256:00\nflask==1.0 ; sys_platform == 'linux' \\\n"
    )
    monkeypatch.setattr(doctor, "PROJECT", tmp_path)
    need = next(need for need in examine() if need.name == "Python packages")

    assert not need.ok
    assert need.found == "without typer; not as in requirements.lock: kombu"
    assert need.remedy == "make setup"
