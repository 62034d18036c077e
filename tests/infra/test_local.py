"""What the file says of containers becomes what is true on this machine, and nothing else changes."""

import json
import re
import sys
from pathlib import Path

import psutil
import pytest

from labs.infra.compose import ComposeError
from labs.infra.home import PROJECT
from labs.infra.local import Places
from labs.infra.start_error import StartError
from labs.infra.system import System
from labs.infra.variables import Variables
from tests.infra import small


@pytest.fixture
def places(tmp_path: Path) -> Places:
    pot = small.entry("steady", volumes=["leaves:/var/lib/pot", "./Makefile:/etc/make:ro"], expose=["8000", "25"])
    return Places(tmp_path / "my system", small.read(pot=pot, teapot=small.entry("steady")))


def test_every_name_with_a_port_becomes_its_address_here(places: Places) -> None:
    pot, teapot = places.services["pot"], places.services["teapot"]
    here, mail, there = places.address("pot", 8000), places.address("pot", 25), places.address("teapot", 8000)

    assert len({here, mail, there}) == 3
    assert all(re.fullmatch(r"127\.0\.0\.1:2\d{4}", address) for address in (here, mail, there))
    assert places.translate(pot, "http://localhost:8000/x") == f"http://{here}/x"
    assert places.translate(pot, "0.0.0.0:8000") == here
    assert places.translate(pot, "a@teapot:8000,pot:25") == f"a@{there},{mail}"
    assert places.translate(teapot, "pot:8000 teapot:8000") == f"{here} {there}"


@pytest.mark.parametrize(
    "text", ["pot:80001", "jackpot:8000", "pot:9000", "pot", "10.0.0.0:8000", "my.pot:8000", "depot-pot:8000"]
)
def test_what_only_looks_like_a_name_with_a_port_stays(places: Places, text: str) -> None:
    assert places.translate(places.services["pot"], text) == text


def test_a_volume_becomes_a_folder_of_the_system_and_a_mounted_file_a_copy_in_it(places: Places) -> None:
    pot = places.services["pot"]
    places.configure(pot)

    assert places.translate(pot, "sqlite:////var/lib/pot/tea.db").removeprefix("sqlite:///") == str(
        places.directory / "volumes/leaves/tea.db"
    )
    assert places.translate(pot, "/var/lib/pottery") == "/var/lib/pottery"
    mounted = Path(places.translate(pot, "/etc/make"))
    assert mounted.is_relative_to(places.directory)
    assert mounted.read_text() == (PROJECT / "Makefile").read_text()


def test_names_in_a_mounted_file_become_what_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.infra.local.PROJECT", tmp_path)
    (tmp_path / "conf/rules").mkdir(parents=True)
    (tmp_path / "pot.conf").write_text("listen 0.0.0.0:8000\nask cup:8000 saucer:8000\nkeep /var/lib/pot/leaves\n")
    (tmp_path / "conf/rules/envoy.yaml").write_text(
        "{address: cup, port_value: 8000} {address: saucer, port_value: 8000}"
    )
    pot = small.entry("steady", volumes=["leaves:/var/lib/pot", "./pot.conf:/etc/pot.conf:ro", "./conf:/etc/conf:ro"])
    places = Places(tmp_path / "system", small.read(pot=pot, cup=small.entry("steady")))
    environment = places.order(places.services["pot"])
    here, cup = places.address("pot", 8000), places.address("cup", 8000)

    config = Path(places.translate(places.services["pot"], "/etc/pot.conf"))
    leaves = places.directory / "volumes/leaves/leaves"
    assert config.read_text() == f"listen {here}\nask {cup} saucer:8000\nkeep {leaves}\n"
    host, _, port = cup.rpartition(":")
    rules = Path(places.translate(places.services["pot"], "/etc/conf/rules/envoy.yaml"))
    assert rules.read_text() == f"{{address: {host}, port_value: {port}}} {{address: saucer, port_value: 8000}}"
    assert "saucer" in (tmp_path / "pot.conf").read_text(), "the project's own stays as it is"
    assert environment["facts"]["addresses"] == {"8000": here}


def test_a_program_that_is_not_python_is_that_of_this_environment_else_that_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = {"image": "kettle:1", "command": ["kettle", "--in-a-container"]}
    services = small.read(
        plain=image,
        envoy={"image": "envoy", "command": ["envoy", "-c", "x"]},
        other=image | {"x-local": {"command": ["python", "-m", "labs.infra.kettle", "--here"]}},
        nothing={"image": "teapot"},
    )
    places = Places(tmp_path / "system", services)
    kettle = tmp_path / "bin/kettle"
    kettle.parent.mkdir()
    kettle.write_text("#!/bin/sh\n")
    kettle.chmod(0o755)

    assert places.order(services["envoy"])["argv"] == [str(Path(sys.executable).with_name("envoy")), "-c", "x"]
    assert places.order(services["other"])["argv"] == [sys.executable, "-m", "labs.infra.kettle", "--here"]
    with pytest.raises(StartError, match=r"plain needs kettle, which is not here; `lab doctor`"):
        places.order(services["plain"])
    monkeypatch.setenv("PATH", str(kettle.parent))
    assert places.order(services["plain"])["argv"] == [str(kettle), "--in-a-container"]
    assert places.order(services["plain"])["warm"] is None
    with pytest.raises(ComposeError, match="nothing runs in a container only: lab up --docker nothing"):
        places.order(services["nothing"])


def test_databases_have_addresses_with_passwords_of_their_own_once_postgresql_is_asked_for() -> None:
    files, servers = Variables(VHOST="a"), Variables(VHOST="a", postgresql=True)

    assert files.get("DATABASE_ORDER") is None
    url = servers["DATABASE_ORDER"]
    assert re.fullmatch(r"postgresql\+psycopg2://order:[\w-]{24}@postgres:5432/order", url)
    assert url == servers["DATABASE_ORDER"]
    assert servers["PASSWORD_DATABASE_ORDER"] in url
    assert servers["PASSWORD_DATABASE_ORDER"] not in (servers["PASSWORD_ORDER"], servers["DATABASE_USER"])
    assert set(servers.databases()) == {"DATABASE_ORDER", "DATABASE_USER"}
    assert set(servers.secrets()) == {"PASSWORD_DATABASE_ORDER", "PASSWORD_ORDER", "PASSWORD_DATABASE_USER"}


def test_passwords_are_made_once_each_and_nothing_else_is_made_up() -> None:
    one, other = Variables(VHOST="a"), Variables(VHOST="b")

    assert one["PASSWORD_ORDER"] == one["PASSWORD_ORDER"]
    assert len({one["PASSWORD_ORDER"], one["PASSWORD_INVENTORY"], other["PASSWORD_ORDER"]}) == 3
    assert len(one["PASSWORD_ORDER"]) >= 24
    assert len(one["SECRET_KEYS"]) >= 43, "256 bits, for keys"
    assert one["SECRET_KEYS"] == one["SECRET_KEYS"] != other["SECRET_KEYS"]
    assert one.get("PORT_ORDER") is None


def test_a_process_gets_nothing_of_this_ones_environment_that_it_does_not_need(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not yours")
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    environment = places.order(places.services["pot"])["env"]

    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["PYTHONPATH"] == str(places.code)


def test_all_that_the_shop_listens_on_is_on_the_loopback(shop: System) -> None:
    guard = psutil.Process(shop.guard_pid)
    listening = {
        connection.laddr.ip: connection.laddr.port
        for process in guard.children(recursive=True)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert set(listening) == {"127.0.0.1"}


def test_no_command_line_tells_a_password(shop: System) -> None:
    passwords = list(shop.variables.secrets().values())
    words = [word for process in psutil.Process(shop.guard_pid).children(recursive=True) for word in process.cmdline()]

    assert len(passwords) >= 8
    assert not [word for word in words for password in passwords if password in word]


def test_every_service_runs_from_the_systems_own_copy_of_the_code(shop: System) -> None:
    document = json.loads((shop.directory / "state.json").read_text())

    assert {facts["group"] for facts in document["services"].values()} >= {"order-service", "outside"}
    (shop.places.code / "labs/services/order/domain.py").read_text()
    assert not shop.places.code.is_relative_to(PROJECT / "labs")
