"""`lab up --docker` on machines that cannot, and the files that an image is made of. Containers: tests/containers."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from labs.infra import compose
from labs.infra.docker import SECRETS, Containers
from labs.infra.home import PROJECT, home
from labs.infra.system import COMPOSE_FILE
from labs.infra.variables import Variables

LAB = Path(sys.executable).with_name("lab")
SERVICES_LOCK = PROJECT / "labs/services/requirements.lock"


def up(**environment: str) -> "subprocess.CompletedProcess[str]":
    """`lab up --docker outside`."""
    settings = {**os.environ, "COLUMNS": "200", **environment}
    return subprocess.run([LAB, "up", "--docker", "outside"], env=settings, capture_output=True, text=True, check=False)


def program(folder: Path, script: str) -> str:
    """A PATH with nothing on it but a `docker` that does this."""
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return str(folder)


def test_without_docker_one_command_and_the_way_without_it_are_shown(tmp_path):
    done = up(PATH=str(tmp_path))
    assert done.returncode == 1
    assert re.search(r"Docker is not installed\. Get it: \w+", done.stdout)
    assert "lab up" in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout + done.stderr


def test_an_engine_that_does_not_answer_is_named(tmp_path):
    says = "echo 'Cannot connect to the Docker daemon at unix:///here' >&2; exit 1"
    done = up(PATH=program(tmp_path, says))
    assert done.returncode == 1
    assert "No Docker engine answers: Cannot connect to the Docker daemon at unix:///here" in done.stdout
    assert "Start it: " in done.stdout


def test_a_docker_without_compose_v2_is_named(tmp_path):
    done = up(PATH=program(tmp_path, '[ "$1" = version ]'))
    assert done.returncode == 1
    assert "no Compose v2" in done.stdout


def test_passwords_are_kept_for_the_next_time_where_only_the_owner_reads_them(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    first, second = Containers(), Containers()

    kept = (home() / SECRETS).read_text()
    assert (home() / SECRETS).stat().st_mode & 0o777 == 0o600
    password = first.services["order-api"].environment["AMQP_URL"].split(":")[2].split("@")[0]
    assert f"PASSWORD_ORDER={password}\n" in kept
    names, secrets = zip(*(line.split("=", 1) for line in kept.splitlines()), strict=True)
    assert set(names) == set(re.findall(r"\$\{((?:PASSWORD|SECRET)_\w+)", COMPOSE_FILE.read_text())) - {
        "PASSWORD_EXAMPLE"
    }
    assert len(set(secrets)) == len(secrets)
    assert first.services == second.services


def test_containers_are_told_where_traces_go_if_they_are_collected_and_docker_can_have_the_port(tmp_path, monkeypatch):
    told = tmp_path / "told"
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", program(tmp_path, f'echo "$OTLP_ENDPOINT $PORT_TRACING_AGENT" > {told}'))
    Containers().up("tracing")  # by its name, which a profile does not keep out

    endpoint, port = told.read_text().split()
    assert endpoint == "http://tracing:4318"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.bind(("127.0.0.1", int(port)))
    Containers().up("gateway")
    assert told.read_text().split()[:-1] == [], "nobody collects them"


def test_containers_ask_each_other_over_the_wire_if_there_is_one(tmp_path, monkeypatch):
    told = tmp_path / "told"
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", program(tmp_path, f'echo "$WIRE_USER $WIRE_INVENTORY $WIRE_OUTSIDE" > {told}'))
    Containers().up("wire")
    assert told.read_text().split() == ["wire:8001", "wire:8002", "wire:8003"]
    Containers().up("gateway")
    assert told.read_text().split() == []


def test_two_homes_have_two_projects(tmp_path, monkeypatch):
    projects = set()
    for name in ("one", "other"):
        monkeypatch.setenv("LAB_HOME", str(tmp_path / name))
        projects |= {Containers().project, Containers().project}
    assert len(projects) == 2


def test_the_image_has_a_folder_for_every_volume_of_a_service():
    services = compose.read(COMPOSE_FILE, Variables(VHOST="shop"))
    volumes = {path for each in services.values() if each.command[:1] == ("python",) for path in each.volumes}
    dockerfile = (PROJECT / "labs/services/Dockerfile").read_text()
    [names] = re.findall(r"for name in ([a-z ]+);", dockerfile)
    assert volumes == {f"/var/lib/{name}" for name in names.split()}


def test_the_image_has_the_module_of_every_command():
    rules = (PROJECT / ".dockerignore").read_text().splitlines()
    kept = {rule[1:] for rule in rules if rule.startswith("!")} - {rule.removesuffix("/*") for rule in rules}
    services = compose.read(COMPOSE_FILE, Variables(VHOST="shop")).values()
    modules = {each.command[2] for each in services if each.command[:2] == ("python", "-m")}
    files = {f"{module.replace('.', '/')}.py" for module in modules if module.startswith("labs.")}
    assert len(files) >= 4
    assert {file for file in files if not {str(folder) for folder in Path(file).parents} & kept} == set()


def pins(lock: Path) -> dict[str, set[str]]:
    """The versions of every package in a lock."""
    found: dict[str, set[str]] = {}
    for line in lock.read_text().splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.rstrip(" \\"))
            found.setdefault(pin.name, set()).add(str(pin.specifier))
    return found


def test_a_service_runs_on_the_versions_that_were_tested():
    ours, whole = pins(SERVICES_LOCK), pins(PROJECT / "requirements.lock")
    assert {name: versions for name, versions in ours.items() if not versions <= whole.get(name, set())} == {}
    base = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {Requirement(text).name for text in base} <= ours.keys(), "run `make lock`"


@pytest.mark.parametrize("extra", ["jupyterlab", "pytest", "typer", "psutil"])
def test_a_service_carries_nothing_that_only_learners_need(extra):
    assert extra in pins(PROJECT / "requirements.lock")
    assert extra not in pins(SERVICES_LOCK)
