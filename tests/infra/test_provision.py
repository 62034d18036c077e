"""What a system's vhost allows: nameko works within it, and no service reaches into another's."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import amqp
import kombu
import pytest
import requests

from labs.infra.rabbitmq.rights import rights
from tests.infra.nodes import ADMIN, PASSWORD, Node, eventually, free_ports, run_module, running

SERVICES = {"order": "o-secret", "inventory": "i-secret", "audit": "a-secret"}
LEARNER = "l-secret"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running(tmp_path_factory.mktemp("broker") / "node") as node:
        yield node


@pytest.fixture
def vhost(node: Node, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name[:30]
    assert provision(node, name).returncode == 0
    yield name
    assert provision(node, name, "--remove").returncode == 0


def provision(node: Node, vhost: str, *arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "RABBITMQ_API": node.api,
        "RABBITMQ_DEFAULT_USER": ADMIN,
        "RABBITMQ_DEFAULT_PASS": PASSWORD,
        "VHOST": vhost,
        "SERVICES": ",".join(SERVICES),
        "PASSWORD_LEARNER": LEARNER,
        **{f"PASSWORD_{name.upper()}": password for name, password in SERVICES.items()},
    }
    return run_module("labs.infra.rabbitmq.provision", *arguments, **{**environment, **changed})


def as_service(node: Node, vhost: str, service: str) -> kombu.Connection:
    return node.connect(f"{vhost}.{service}", SERVICES[service], vhost)


@pytest.mark.parametrize(
    ("name", "configure", "write", "read"),
    [
        ("order-service.events", True, True, True),
        ("evt-inventory-service-stock_reserved--order-service.on_reserved", True, True, True),
        ("evt-inventory-service-stock_reserved--order-service.on_reserved.retry", True, True, True),
        ("order-service.dead", True, True, True),
        ("rpc-order-service", True, True, True),
        ("rpc.reply-order-service-7d0c", True, True, True),
        ("nameko-rpc", True, True, True),
        ("inventory-service.events", False, False, True),
        ("evt-order-service-order_placed--inventory-service.reserve", False, False, False),
        ("evt-order-service-order_placed--pre-order-service.reserve", False, False, False),
        ("rpc-inventory-service", False, False, False),
        ("rpc.reply-inventory-service-7d0c", False, False, False),
        ("pre-order-service.events", False, False, True),
        ("order-servicexevents", False, False, False),
        ("anything", False, False, False),
    ],
)
def test_the_order_service_may_touch_what_carries_its_name(name: str, configure: bool, write: bool, read: bool) -> None:
    order = rights("order")

    assert (
        bool(re.search(order.configure, name)),
        bool(re.search(order.write, name)),
        bool(re.search(order.read, name)),
    ) == (configure, write, read)


def test_exchanges_of_events_are_there_before_any_service(node: Node, vhost: str) -> None:
    found = {e["name"]: e for e in node.ask(f"exchanges/{vhost}").json()}

    for service in SERVICES:
        exchange = found[f"{service}-service.events"]
        assert (exchange["type"], exchange["durable"], exchange["auto_delete"]) == ("topic", True, False)


def test_a_service_listens_to_another_and_cannot_speak_for_it(node: Node, vhost: str) -> None:
    queue = "evt-order-service-order_placed--inventory-service.reserve"
    with as_service(node, vhost, "inventory") as inventory:
        bound = kombu.Queue(queue, kombu.Exchange("order-service.events", "topic", no_declare=True), "order_placed")
        bound(inventory.channel()).declare()

        with pytest.raises(amqp.AccessRefused), inventory.channel() as channel:
            forged = kombu.Producer(channel)
            forged.publish({}, exchange="order-service.events", routing_key="order_placed")
            channel.queue_declare(queue, passive=True)  # the refusal of a publish comes with the next answer


def test_a_service_cannot_read_anothers_queue(node: Node, vhost: str) -> None:
    with as_service(node, vhost, "inventory") as inventory:
        kombu.Queue("inventory-service.private", durable=True)(inventory.channel()).declare()

    with as_service(node, vhost, "order") as order, pytest.raises(amqp.AccessRefused):
        order.channel().basic_get("inventory-service.private")


def test_a_service_has_no_business_in_another_vhost(node: Node, vhost: str) -> None:
    with (
        pytest.raises((amqp.AccessRefused, amqp.NotAllowed)),
        node.connect(f"{vhost}.order", SERVICES["order"], "/") as c,
    ):
        c.channel()


def test_the_learner_may_do_everything_here_and_nothing_elsewhere(node: Node, vhost: str) -> None:
    with node.connect(f"{vhost}.learner", LEARNER, vhost) as learner:
        kombu.Queue("mine", durable=True)(learner.channel()).declare()
        learner.channel().queue_bind("mine", "order-service.events", "#")
    queues = requests.get(f"{node.api}/api/queues/{vhost}", auth=(f"{vhost}.learner", LEARNER), timeout=10)

    assert [queue["name"] for queue in queues.json()] == ["mine"]
    with (
        pytest.raises((amqp.AccessRefused, amqp.NotAllowed)),
        node.connect(f"{vhost}.learner", LEARNER, "/") as elsewhere,
    ):
        elsewhere.channel()


NAMEKO_SERVICES = """
import eventlet; eventlet.monkey_patch()
import sys
from nameko.cli.run import run
from nameko.events import EventDispatcher, event_handler
from nameko.rpc import RpcProxy, rpc

class Inventory:
    name = "inventory-service"
    dispatch = EventDispatcher()
    @rpc
    def reserve(self, sku):
        self.dispatch("stock_reserved", {"sku": sku})
        return f"reserved {sku}"

class Order:
    name = "order-service"
    inventory = RpcProxy("inventory-service")
    @rpc
    def place(self, sku):
        return self.inventory.reserve(sku)
    @event_handler("inventory-service", "stock_reserved")
    def on_reserved(self, event):
        print("heard", event["sku"], flush=True)

url, which = sys.argv[1:]
run([globals()[which]], {"AMQP_URI": url, "DECLARE_EVENT_EXCHANGES": False, "serializer": "json"})
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning:nameko")  # eventlet announces its own end
def test_nameko_calls_and_events_work_within_these_rights(node: Node, vhost: str, tmp_path: Path) -> None:
    from nameko.standalone.rpc import ClusterRpcProxy

    (tmp_path / "shop.py").write_text(NAMEKO_SERVICES)
    log = tmp_path / "log"
    processes = []
    with log.open("w") as output:
        for which in ("inventory", "order"):
            url = f"amqp://{vhost}.{which}:{SERVICES[which]}@127.0.0.1:{node.ports.amqp}/{vhost}"
            command = [sys.executable, str(tmp_path / "shop.py"), url, which.title()]
            processes.append(
                subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "EVENTLET_TESTS": "1"})
            )
    try:
        queues = {"rpc-order-service", "rpc-inventory-service"}
        eventually(
            lambda: queues <= {q["name"] for q in node.ask(f"queues/{vhost}").json() if q.get("consumers")},
            20,
            f"both services consume: {log.read_text()}",
        )
        url = f"amqp://{vhost}.learner:{LEARNER}@127.0.0.1:{node.ports.amqp}/{vhost}"
        with ClusterRpcProxy({"AMQP_URI": url}, timeout=10) as shop:
            assert shop["order-service"].place("book") == "reserved book"
        eventually(lambda: "heard book" in log.read_text(), 10, "order-service heard the event")
        assert "ACCESS_REFUSED" not in log.read_text()
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_doing_it_twice_changes_nothing(node: Node, vhost: str) -> None:
    def state() -> list[object]:
        users = [u for u in node.ask("users").json() if u["name"].startswith(vhost)]
        return [
            sorted((u["name"], str(u["tags"])) for u in users),
            sorted(map(str, node.ask(f"vhosts/{vhost}/permissions").json())),
            sorted(e["name"] for e in node.ask(f"exchanges/{vhost}").json()),
        ]

    before = state()

    assert provision(node, vhost).returncode == 0
    assert state() == before


def test_removing_leaves_nothing_of_it_and_everything_of_others(node: Node) -> None:
    for name in ("first", "first.second"):
        assert provision(node, name).returncode == 0

    assert provision(node, "first", "--remove").returncode == 0
    assert {v["name"] for v in node.ask("vhosts").json()} == {"/", "first.second"}
    assert {u["name"] for u in node.ask("users").json()} == {
        ADMIN, *(f"first.second.{name}" for name in [*SERVICES, "learner"])
    }  # fmt: skip
    assert provision(node, "first", "--remove").returncode == 0, "removing twice is no error"
    assert provision(node, "first.second", "--remove").returncode == 0


def test_a_wrong_password_is_said_plainly(node: Node) -> None:
    done = provision(node, "v", RABBITMQ_DEFAULT_PASS="wrong")

    assert done.returncode == 1
    assert "does not take the password of 'admin'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_that_is_away_is_said_plainly_within_the_deadline(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from labs.infra.rabbitmq.provision import main

    for name, value in {
        "RABBITMQ_API": f"http://127.0.0.1:{free_ports().http}", "RABBITMQ_DEFAULT_USER": ADMIN, "VHOST": "v",
        "RABBITMQ_DEFAULT_PASS": PASSWORD, "SERVICES": "order", "PASSWORD_ORDER": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    assert main([], seconds=0.5) == 1
    assert "did not answer within 0.5 s (connection refused)" in capsys.readouterr().err


def test_a_forgotten_password_is_named(node: Node) -> None:
    done = provision(node, "v", PASSWORD_INVENTORY="")

    assert done.returncode == 1
    assert "PASSWORD_INVENTORY is not set" in done.stderr
