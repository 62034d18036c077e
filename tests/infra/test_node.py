"""One private broker: comes up anywhere, keeps what it promised, and leaves nothing behind however it ends."""

import os
import signal
import stat
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from labs.infra.rabbitmq.recipe import without_spaces
from labs.infra.rabbitmq.slim import needed
from tests.infra.nodes import ADMIN, PASSWORD, Node, eventually, free_ports, gone, kill, run_module, running, start


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running(tmp_path_factory.mktemp("a place with spaces") / "my node") as node:
        yield node


def test_it_answers_in_a_path_with_spaces(node: Node) -> None:
    assert node.ask("overview").status_code == 200


def test_only_this_machine_reaches_any_of_its_ports(node: Node) -> None:
    listening = {
        (c.laddr.ip, c.laddr.port) for p in node.family() for c in p.net_connections("inet") if c.status == "LISTEN"
    }

    assert {port for _, port in listening} == set(vars(node.ports).values())
    assert all(ip_address(address).is_loopback for address, _ in listening)


def test_no_command_line_tells_a_password(node: Node) -> None:
    assert not [p for p in node.family() if any(PASSWORD in word for word in p.cmdline())]


def test_its_cookie_is_its_own_and_secret(node: Node) -> None:
    cookie = node.directory / ".erlang.cookie"

    assert stat.S_IMODE(cookie.stat().st_mode) & 0o077 == 0
    assert len(cookie.read_text()) >= 20


def test_it_takes_less_than_200_megabytes(node: Node) -> None:
    assert sum(process.memory_info().rss for process in node.family()) < 200e6


def test_queues_without_durability_are_refused_where_the_version_can(node: Node) -> None:
    version = tuple(int(part) for part in node.ask("overview").json()["rabbitmq_version"].split(".")[:2])
    settings = (node.directory / "rabbitmq.conf").read_text()

    assert ("transient_nonexcl_queues = false" in settings) == (version >= (3, 13))


def test_a_stopped_node_says_so_with_0_and_leaves_no_process(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        family = node.family()
        node.process.send_signal(signal.SIGTERM)

        assert node.process.wait(30) == 0
        eventually(lambda: gone(family), 5, "every process has ended")


def test_a_signal_to_the_whole_group_stops_it_just_as_cleanly(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        family = node.family()
        for process in family[:1] + [p for p in family[1:] if os.getpgid(p.pid) == os.getpgid(family[0].pid)]:
            process.send_signal(signal.SIGTERM)

        assert node.process.wait(30) == 0
        eventually(lambda: gone(family), 5, "every process has ended")


def test_a_broker_killed_comes_up_again_with_its_queue_and_message(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        family = node.family()
        with node.connect() as connection:
            queue = connection.SimpleQueue("kept", queue_args={"x-queue-type": "quorum"})
            queue.put("still here")
            eventually(lambda: queue.qsize() == 1, 10, "the message is in its queue")
        # RabbitMQ 3.10 notes which quorum queues it has within 3 s of their declaration; a kill before that loses them.
        eventually(lambda: _written_down(node, b"2F_KEPT"), 10, "the queue is in the node's register")
        node.beam().kill()

        assert node.process.wait(10) == 1
        eventually(lambda: gone(family), 5, "every process has ended")
        assert "ended by itself (killed by signal 9)" in node.log.read_text()

        again = start(node.directory, node.ports)
        try:
            eventually(again.ready, 60, "the broker speaks AMQP again")
            with again.connect() as connection:
                queue = connection.SimpleQueue("kept", queue_args={"x-queue-type": "quorum"})
                assert queue.get(timeout=20).payload == "still here"
        finally:
            kill(again)


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child that its parent died; the guard does elsewhere"
)
def test_nothing_outlives_a_node_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        family = node.family()
        node.process.kill()

        eventually(lambda: gone(family), 5, "every process has ended")


def test_nothing_outlives_a_node_that_is_stopped_while_it_boots(tmp_path: Path) -> None:
    node = start(tmp_path / "node")
    try:
        eventually(lambda: any(p.name().startswith("beam") for p in node.family()), 20, "the broker is being started")
        family = node.family()
        node.process.send_signal(signal.SIGTERM)

        assert node.process.wait(40) == 0
        eventually(lambda: gone(family), 5, "every process has ended")
    finally:
        kill(node)


def test_a_boot_that_fails_ends_with_its_own_last_words(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "data").write_text("a file where the database belongs")
    node = start(tmp_path / "node")

    assert node.process.wait(60) == 1
    assert "data" in node.log.read_text()
    assert node.log.read_text().rstrip().endswith("its last words are above.")


def test_a_port_in_use_is_named(tmp_path: Path, node: Node) -> None:
    other = start(tmp_path / "node", type(node.ports)(node.ports.amqp, *list(vars(free_ports()).values())[1:]))

    assert other.process.wait(20) == 1
    assert f"Port {node.ports.amqp} (amqp) on 127.0.0.1 is taken" in other.log.read_text()


def test_without_credentials_it_says_what_it_needs(tmp_path: Path) -> None:
    ports = [f"--{name}-port={port}" for name, port in vars(free_ports()).items()]
    done = run_module(
        "labs.infra.rabbitmq.node",
        f"--directory={tmp_path}",
        *ports,
        RABBITMQ_DEFAULT_USER=ADMIN,
        RABBITMQ_DEFAULT_PASS="",
    )

    assert done.returncode == 1
    assert "RABBITMQ_DEFAULT_PASS is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_with_spaces_has_one_name_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    place = tmp_path / "two words"
    place.mkdir()
    alias = without_spaces(place)

    assert " " not in str(alias)
    assert alias.samefile(place)
    assert without_spaces(place) == alias
    assert stat.S_IMODE(alias.parent.stat().st_mode) == 0o700
    assert without_spaces(Path("/plain/place")) == Path("/plain/place")


def test_a_plugin_brings_all_that_it_needs_in_turn() -> None:
    needs = {"management": {"web", "kernel"}, "web": {"cowboy"}, "cowboy": set(), "shovel": {"amqp"}}

    assert needed({"management"}, needs) == {"management", "web", "cowboy"}


def _written_down(node: Node, queue: bytes) -> bool:
    return any(queue[:6] in register.read_bytes() for register in node.directory.rglob("names.dets"))
