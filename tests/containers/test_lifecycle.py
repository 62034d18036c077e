"""Containers end when asked, come back when killed, and keep their data. Each test leaves the whole shop up."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labs.infra.docker import Containers
from labs.infra.start_error import StartError
from tests.infra.nodes import eventually

OURS = [
    "user-api",
    "user-worker",
    "order-api",
    "order-worker",
    "inventory-api",
    "inventory-worker",
    "notification-api",
    "notification-worker",
    "outside",
]
KILL = """if True:
    import os, pathlib, signal
    children = pathlib.Path("/proc/1/task/1/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
"""


@pytest.fixture
def whole(containers):
    """The shop, of which a test may break what it likes."""
    yield containers
    containers.up()


def test_the_description_is_valid_and_says_nothing_doubtful(containers):
    done = containers.compose("config", "--quiet", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_second_build_changes_nothing_and_takes_no_time(containers):
    assert containers.compose("build", "order-api", capture_output=True).returncode == 0
    began = time.monotonic()
    done = containers.compose("build", "order-api", capture_output=True)
    assert len(re.findall(r"CACHED|Using cache", done.stdout + done.stderr)) >= 8
    assert time.monotonic() - began < 10


def test_services_that_are_asked_to_end_do_so_at_once_and_with_good_grace(whole):
    for name in OURS:
        began = time.monotonic()
        whole.compose("stop", name)
        assert time.monotonic() - began < 5, name
    assert {name: whole.state()[name] for name in OURS} == dict.fromkeys(OURS, "done")


@pytest.mark.parametrize("name", ["order-api", "inventory-worker"])
def test_a_service_that_is_killed_comes_back_by_policy_at_the_same_address(whole, shop, name):
    before = whole.output("port", "order-api", "8000")
    starts = started(whole, name)
    assert whole.compose("exec", "-T", name, "python", "-c", KILL, capture_output=True).returncode in (0, 137)

    eventually(lambda: started(whole, name) > starts, 30, f"{name} is started again")
    assert whole.output("port", "order-api", "8000") == before
    eventually(lambda: shop_answers(shop), 30, "the shop takes orders again")
    shop.stock("killed", 1)
    order = shop.place(("killed", 1))
    assert shop.wait([order], within=30)[order].status == "fulfilled"


def test_what_was_accepted_is_delivered_after_all_containers_were_removed_and_made_again(whole, shop):
    shop.stock("kept", 5)
    whole.compose("stop", "inventory-worker")
    order = shop.place(("kept", 2))
    whole.down()
    assert whole.state() == {}

    whole.up()
    assert shop.wait([order], within=30)[order].status == "fulfilled"
    assert shop.available("kept") == 3
    assert len(shop.wait_for_mails(3, order_id=order)) == 3


def test_a_service_that_does_not_come_up_says_why(containers, tmp_path, monkeypatch):
    assert containers.state()
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    Containers().up("user-worker")
    Containers().down()
    (tmp_path / "docker.env").unlink()  # and with it the passwords that the broker remembers
    forgetful = Containers()
    try:
        with pytest.raises(
            StartError, match=r"(?s)broker-setup did not come up.*does not take the password of 'admin'"
        ):
            forgetful.up("user-worker")
    finally:
        forgetful.down(volumes=True)


def test_lab_up_docker_shows_the_addresses_and_ctrl_c_removes_the_containers_and_keeps_the_data(containers, tmp_path):
    assert containers.state()
    lab = Path(sys.executable).with_name("lab")
    environment = {**os.environ} | {"LAB_HOME": str(tmp_path), "COLUMNS": "120"}
    said = tmp_path / "said"
    with said.open("w") as out:
        up = subprocess.Popen([lab, "up", "--docker", "outside"], env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: "address" in said.read_text() or up.poll() is not None, 60, "the addresses are shown")
        assert re.search(r"outside +running +127\.0\.0\.1:\d+", said.read_text()), said.read_text()
        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 0
        assert (tmp_path / "docker.env").stat().st_mode & 0o777 == 0o600
        assert listed("container", environment) == []
        assert any(name.endswith("_outside-data") for name in listed("volume", environment))
    finally:
        if up.poll() is None:
            up.kill()
        done = subprocess.run([lab, "reset"], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert listed("volume", environment) == []


def started(containers: Containers, name: str) -> int:
    """How often Docker has restarted it."""
    [container] = containers.output("ps", "--all", "--quiet", name).split()
    asked = ["docker", "inspect", "--format", "{{.RestartCount}}", container]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def shop_answers(shop) -> bool:
    """Whether order-service is ready."""
    try:
        return shop.get("order-service", "/health/ready").ok
    except OSError:
        return False


def listed(kind: str, environment: dict[str, str]) -> list[str]:
    """Names of the containers or volumes that belong to the home of this environment."""
    code = "from labs.infra.docker import Containers; print(Containers().project)"
    project = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip()
    everything = ["--all"] if kind == "container" else []
    asked = ["docker", kind, "ls", *everything, "--filter", f"label=com.docker.compose.project={project}"]
    found = subprocess.check_output([*asked, "--format", "{{.Names}}" if everything else "{{.Name}}"], text=True)
    return found.split()
