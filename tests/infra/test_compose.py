"""docker-compose.yml is read as Docker Compose reads it, and what cannot be done is said in words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from labs.infra import compose
from labs.infra.compose import ComposeError
from labs.infra.system import COMPOSE_FILE
from labs.infra.variables import Variables

HERE = {"NAME": "tea", "EMPTY": ""}


def read(tmp_path: Path, variables: dict[str, str] | None = None, **services: Any) -> dict[str, compose.Service]:
    path = tmp_path / "docker-compose.yml"
    path.write_text(yaml.safe_dump({"services": services}))
    return compose.read(path, variables or {})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$NAME", "tea"),
        ("${NAME}-pot", "tea-pot"),
        ("${NAME:-coffee}", "tea"),
        ("${EMPTY:-coffee}", "coffee"),
        ("${EMPTY-coffee}", ""),
        ("${ABSENT-coffee}", "coffee"),
        ("${ABSENT}", ""),
        ("$$NAME", "$NAME"),
        ("${NAME:?is needed}", "tea"),
        ("${EMPTY?is needed}", ""),
    ],
)
def test_variables_mean_what_they_mean_to_compose(written: str, meant: str) -> None:
    assert compose.fill(written, HERE, "cup") == meant


@pytest.mark.parametrize("written", ["${ABSENT:?put the kettle on}", "${EMPTY:?put the kettle on}"])
def test_a_needed_variable_that_is_missing_is_named_with_its_message(tmp_path: Path, written: str) -> None:
    with pytest.raises(ComposeError, match=r"cup needs the variable (ABSENT|EMPTY): put the kettle on"):
        read(tmp_path, HERE, cup={"environment": {"X": written}})


@pytest.mark.parametrize(("written", "seconds"), [("500ms", 0.5), ("10s", 10), ("1m30s", 90), ("1h", 3600)])
def test_durations_are_in_seconds(written: str, seconds: float) -> None:
    assert compose.seconds(written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", ["10", "ten seconds", "", "1s5"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ComposeError, match="is no duration; write for example"):
        compose.seconds(written)


def test_short_and_long_forms_of_one_thing_mean_the_same(tmp_path: Path) -> None:
    short = {"command": "brew --strong 'black tea'", "environment": ["SUGAR=2"], "depends_on": ["pot"]}
    long = {
        "command": ["brew", "--strong", "black tea"],
        "environment": {"SUGAR": 2},
        "depends_on": {"pot": {"condition": "service_started"}},
    }
    services = read(tmp_path, pot={}, short=short, long=long)

    for what in ("command", "environment", "depends_on", "restart", "grace"):
        assert getattr(services["short"], what) == getattr(services["long"], what)


def test_ports_for_packets_are_known_in_both_forms(tmp_path: Path) -> None:
    ports = ["6831:6831/udp", "127.0.0.1:8001:8000/tcp", {"target": 53, "protocol": "udp"}, {"target": 80}]

    assert read(tmp_path, pot={"ports": ports})["pot"].udp == {6831, 53}


def test_ports_are_those_inside_the_container(tmp_path: Path) -> None:
    ports = ["127.0.0.1:8001:8000", "9000", {"target": 53}, "6831:6831/udp"]

    assert read(tmp_path, pot={"ports": ports, "expose": ["1025"]})["pot"].ports == (8000, 9000, 53, 6831, 1025)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"depends_on": ["kettle"]}, "pot depends on kettle, which is not in docker-compose.yml"),
        ({"depends_on": {"cup": {"condition": "warm"}}}, "pot depends on cup by 'warm'; known: service_started"),
        ({"restart": "sometimes"}, "pot: restart 'sometimes' is unknown; known: no, always"),
        ({"volumes": ["tea-leaves"]}, "pot: write the volume 'tea-leaves' as name:/path"),
        ({"healthcheck": {"test": "curl -f localhost"}}, "pot: write its healthcheck as"),
        ({"stop_grace_period": "soon"}, "'soon' is no duration"),
        ({"stop_signal": "KNOCK"}, "pot: stop_signal 'KNOCK' is unknown; write for example SIGINT"),
    ],
)
def test_what_is_wrong_is_named_with_its_service(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ComposeError) as error:
        read(tmp_path, cup={}, pot=wrong)

    assert words in str(error.value)


def test_services_that_wait_for_each_other_are_named(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match=r"wait for each other: (hen → egg → hen|egg → hen → egg)"):
        read(tmp_path, egg={"depends_on": ["hen"]}, hen={"depends_on": ["egg"]})


@pytest.mark.parametrize("text", ["services: [", "- a list", "name: shop"])
def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "docker-compose.yml").write_text(text)

    with pytest.raises(ComposeError, match=r"docker-compose\.yml (is not YAML|has no `services`)"):
        compose.read(tmp_path / "docker-compose.yml", {})


def test_a_profile_keeps_a_service_out_until_it_is_named(tmp_path: Path) -> None:
    services = read(
        tmp_path, pot={}, cake={"profiles": ["birthday"], "depends_on": ["oven"]}, oven={"profiles": ["birthday"]}
    )

    assert compose.select(services) == ["pot"]
    assert compose.select(services, "cake") == ["cake", "oven"]


def test_a_profile_that_is_switched_on_brings_its_services(tmp_path: Path) -> None:
    services = read(tmp_path, pot={}, cake={"profiles": ["birthday", "wedding"]}, hat={"profiles": ["birthday"]})

    assert compose.select(services, profiles=["birthday"]) == ["cake", "hat", "pot"]
    assert compose.select(services, profiles=["wedding"]) == ["cake", "pot"]
    assert compose.select(services, "pot", profiles=["wedding"]) == ["pot"]


def test_what_is_not_required_comes_along_unless_a_profile_keeps_it_out(tmp_path: Path) -> None:
    wish = {"condition": "service_completed_successfully", "required": False}
    services = read(
        tmp_path,
        cup={"depends_on": {"sugar": wish, "spoon": {"condition": "service_started", "required": False}, "milk": wish}},
        sugar={"profiles": ["sweet"], "depends_on": ["shop"]},
        shop={"profiles": ["sweet"]},
        spoon={},
    )

    assert services["cup"].depends_on == {"sugar": "service_completed_successfully", "spoon": "service_started"}
    assert compose.select(services, "cup") == ["cup", "spoon"]
    assert compose.select(services, "cup", profiles=["sweet"]) == ["cup", "shop", "spoon", "sugar"]
    assert compose.select(services, "cup", "sugar") == ["cup", "shop", "spoon", "sugar"]


def test_it_is_well_by_what_its_health_check_probes_or_by_what_is_said_for_here(tmp_path: Path) -> None:
    probes = {"healthcheck": {"test": ["CMD", *compose.PROBE, "http://localhost:1/a", "tcp://localhost:2"]}}
    shell = {"healthcheck": {"test": ["CMD", "bash", "-c", "true"]}}
    services = read(
        tmp_path,
        HERE,
        pot=probes,
        cup={},
        far=shell,
        near=shell | {"x-local": {"health": ["http://localhost:3/$NAME"]}},
    )

    assert services["pot"].probes == ("http://localhost:1/a", "tcp://localhost:2")
    assert services["cup"].probes == ()
    assert services["near"].probes == ("http://localhost:3/tea",)
    with pytest.raises(ComposeError, match=r"far: its health check needs a container; .*\nor its x-local must have"):
        _ = services["far"].probes


def test_an_unknown_service_is_named_with_those_that_there_are() -> None:
    services = compose.read(COMPOSE_FILE, Variables(VHOST="shop"))

    with pytest.raises(
        ComposeError, match=r"There is no service 'order-servce'\. Known: .*order-service.*order-worker"
    ):
        compose.select(services, "order-servce")


def test_a_new_consumer_has_the_shape_of_a_service_of_the_shop() -> None:
    variables = Variables(VHOST="shop")
    shipped, made = compose.read(COMPOSE_FILE, variables), compose.read_consumer(COMPOSE_FILE, "loyalty", variables)

    assert set(made) == {"loyalty-migrate", "loyalty-worker"}
    for kind in ("migrate", "worker"):
        ours, theirs = made[f"loyalty-{kind}"], shipped[f"order-{kind}"]
        assert ours.command == tuple(word.replace("order", "loyalty") for word in theirs.command)
        assert (ours.restart, ours.health, ours.grace) == (theirs.restart, theirs.health, theirs.grace)
        assert ours.environment["AMQP_URL"].startswith("amqp://shop.loyalty:")


def test_a_new_program_is_one_process_of_the_same_kind() -> None:
    variables = Variables(VHOST="shop")
    shipped = compose.read(COMPOSE_FILE, variables)["order-worker"]
    made = compose.read_consumer(COMPOSE_FILE, "printing", variables, "x-program")

    assert set(made) == {"printing"}
    assert made["printing"].group == "printing-service"
    assert made["printing"].command[2:] == ("labs.services.chassis.program", "labs.services.printing.main")
    assert (made["printing"].restart, made["printing"].health) == (shipped.restart, shipped.health)
    assert made["printing"].environment["AMQP_URL"].startswith("amqp://shop.learner:")


def test_a_new_service_that_only_answers_http_is_one_process_like_the_shops_own() -> None:
    variables = Variables(VHOST="shop", OTLP_ENDPOINT="http://tracing:4318")
    shipped = compose.read(COMPOSE_FILE, variables)["order-api"]
    made = compose.read_consumer(COMPOSE_FILE, "combine", variables, "x-api")

    assert set(made) == {"combine-api"}
    ours = made["combine-api"]
    assert ours.group == "combine-service"
    assert ours.command == tuple(word.replace("order", "combine") for word in shipped.command)
    assert (ours.restart, ours.health, ours.grace) == (shipped.restart, shipped.health, shipped.grace)
    assert ours.environment["OTLP_ENDPOINT"] == "http://tracing:4318"
    assert "AMQP_URL" not in ours.environment
    assert ours.environment["DATABASE_URL"].endswith("/combine.db"), "where a worker of the same name makes its tables"
    assert ours.optional == ours.depends_on.keys() == {"combine-migrate"}, "it may have tables"


def test_what_was_changed_of_a_service_stays_changed_when_its_variables_say_something_else(tmp_path: Path) -> None:
    raw = {"command": "brew", "environment": {"WATER": "${WATER:-cold}", "LEAVES": "green"}, "restart": "always"}
    before, now = read(tmp_path, pot=raw)["pot"], read(tmp_path, {"WATER": "hot"}, pot=raw)["pot"]
    ours = replace(before, environment={**before.environment, "LEAVES": "black", "SUGAR": "none"}, restart="no")

    again = compose.rebased(ours, before, now)

    assert again.environment == {"WATER": "hot", "LEAVES": "black", "SUGAR": "none"}
    assert (again.command, again.restart) == (("brew",), "no")
    assert compose.rebased(before, before, now) == now
