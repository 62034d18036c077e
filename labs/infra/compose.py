"""Reads docker-compose.yml: the part of the Compose specification that the system uses, and a clear word about the rest."""

import re
import shlex
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as Loader  # the same ten times as fast, where PyYAML was built with libyaml
except ImportError:
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
RESTARTS = ("no", "always", "on-failure", "unless-stopped")
PROBE = ("python", "-m", "labs.services.chassis.probe")
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<bare>\w+)|\{(?P<name>\w+)(?:(?P<op>:?[-?])(?P<word>[^}]*))?\})")


class ComposeError(Exception):
    """The file asks for what cannot be done; the message says where and what instead."""


@dataclass(frozen=True)
class Service:
    """One service of the file, variables filled in. `ports` are those inside its container, `udp` those of them that take
    packets; `volumes` maps the path inside to a named volume or a host path; `optional` are those in `depends_on` that may be
    missing; `health` is the command of the
    health check without CMD; times are in seconds. `local` is its x-local: `command` and `health` (URLs to probe) instead of
    those for a container, `disposable` for what may be killed at the end, `time_lapse` by which the times in the files that it
    mounts are divided."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: tuple[int, ...]
    volumes: Mapping[str, str]
    depends_on: Mapping[str, str]
    health: tuple[str, ...]
    restart: str
    profiles: tuple[str, ...]
    grace: float
    optional: frozenset[str] = frozenset()
    stop_signal: int = signal.SIGTERM
    udp: frozenset[int] = frozenset()
    local: Mapping[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The service in the field's sense that this process belongs to, e.g. order-service; its own name if none."""
        return self.environment.get("SERVICE", self.name)

    @property
    def time_lapse(self) -> float:
        """By how much the times in the files that it mounts are divided where no container is."""
        return float(self.local.get("time_lapse", 1))

    @property
    def probes(self) -> tuple[str, ...]:
        """The URLs that say whether it is well where no container is. Raises ComposeError for a check of another kind."""
        if "health" in self.local:
            return tuple(self.local["health"])
        if self.health and self.health[:3] != PROBE:
            raise ComposeError(
                f"{self.name}: its health check needs a container; without Docker it must be `{' '.join(PROBE)} URL…`,\n"
                "or its x-local must have `health: [URL…]`."
            )
        return self.health[3:]


def read(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """The services of the file by name. Raises ComposeError for what is missing, wrong, or not supported."""
    described = {name: _service(name, raw, variables) for name, raw in _document(path)["services"].items()}
    services = {name: _without(service, service.optional - described.keys()) for name, service in described.items()}
    for service in services.values():
        for other, condition in service.depends_on.items():
            if other not in services:
                raise ComposeError(f"{service.name} depends on {other}, which is not in {path.name}")
            if condition not in CONDITIONS:
                raise ComposeError(
                    f"{service.name} depends on {other} by {condition!r}; known: {', '.join(CONDITIONS)}"
                )
    try:
        TopologicalSorter({name: service.depends_on for name, service in services.items()}).prepare()
    except CycleError as error:
        raise ComposeError(f"These wait for each other: {' → '.join(reversed(error.args[1]))}") from None
    return services


def select(services: Mapping[str, Service], *names: str, profiles: Collection[str] = ()) -> list[str]:
    """The services that these names or groups mean, with all they depend on, in the order of the file; no names: all
    without a profile or with one of `profiles`. What is optional to another one comes along unless a profile keeps it out.
    Raises ComposeError."""
    on = {n for n, s in services.items() if not s.profiles or set(s.profiles) & set(profiles)}
    chosen: set[str] = set()
    for name in names or on:
        members = [n for n, s in services.items() if name in (n, s.group)]
        if not members:
            known = sorted({s.group for s in services.values()} | set(services))
            raise ComposeError(f"There is no service {name!r}. Known: {', '.join(known)}.")
        chosen.update(members)
    while (
        more := {d for n in chosen for d in services[n].depends_on if d in on or d not in services[n].optional} - chosen
    ):
        chosen |= more
    return [name for name in services if name in chosen]


def rebased(ours: Service, before: Service, now: Service) -> Service:
    """A service as the file says it `now`, with what `ours` has been changed in since the file said `before`."""
    changed = {f.name: getattr(ours, f.name) for f in fields(ours) if getattr(ours, f.name) != getattr(before, f.name)}
    if "environment" in changed:
        own = {k: v for k, v in ours.environment.items() if before.environment.get(k) != v}
        changed["environment"] = {**now.environment, **own}
    return replace(now, **changed)


def read_consumer(path: Path, name: str, variables: Mapping[str, str], shape: str = "x-consumer") -> dict[str, Service]:
    """The services that a new consumer called `name` is made of: x-consumer, x-program or x-api of the file, where it is
    called example."""
    text = yaml.safe_dump(_document(path)[shape])
    renamed = yaml.load(text.replace("example", name).replace("EXAMPLE", name.upper()), Loader)
    return {key: _service(key, raw, variables) for key, raw in renamed.items()}


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(), Loader)
    except yaml.YAMLError as error:
        raise ComposeError(f"{path.name} is not YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("services"), dict):
        raise ComposeError(f"{path.name} has no `services`")
    return document


def fill(text: str, variables: Mapping[str, str], where: str) -> str:
    """Compose's variables: $X, ${X}, ${X:-default}, ${X-default}, ${X:?message}, ${X?message}, and $$ for a dollar."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name, op, word = match["bare"] or match["name"], match["op"] or "", match["word"] or ""
        found = variables.get(name)
        if found is None or (op.startswith(":") and not found):
            if op.endswith("?"):
                raise ComposeError(f"{where} needs the variable {name}: {word}")
            return word if op.endswith("-") else ""
        return found

    return _VARIABLE.sub(value, text)


def seconds(text: str) -> float:
    """Compose's durations: 500ms, 10s, 1m30s."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001}
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|m|s)", text)
    if "".join(n + u for n, u in parts) != text or not parts:
        raise ComposeError(f"{text!r} is no duration; write for example 500ms, 10s or 1m30s")
    return sum(float(n) * units[u] for n, u in parts)


def _service(name: str, raw: Mapping[str, Any], variables: Mapping[str, str]) -> Service:
    def filled(value: Any) -> str:
        return fill(str(value), variables, name)

    def words(value: Any) -> tuple[str, ...]:
        parts = shlex.split(value) if isinstance(value, str) else value or []
        return tuple(filled(part) for part in parts)

    environment = raw.get("environment") or {}
    if isinstance(environment, list):
        environment = dict(str(pair).partition("=")[::2] for pair in environment)
    depends = raw.get("depends_on") or {}
    if isinstance(depends, list):
        depends = {other: {"condition": "service_started"} for other in depends}
    restart = str(raw.get("restart", "no"))
    if restart.partition(":")[0] not in RESTARTS:
        raise ComposeError(f"{name}: restart {restart!r} is unknown; known: {', '.join(RESTARTS)}")
    return Service(
        name=name,
        command=words(raw.get("command")),
        environment={key: filled(value) for key, value in environment.items()},
        ports=tuple(_target(port)[0] for port in [*raw.get("ports", []), *raw.get("expose", [])]),
        udp=frozenset(n for n, protocol in map(_target, raw.get("ports", [])) if protocol == "udp"),
        volumes=dict(_volume(name, filled(volume)) for volume in raw.get("volumes", [])),
        depends_on={other: how.get("condition", "service_started") for other, how in depends.items()},
        optional=frozenset(other for other, how in depends.items() if not how.get("required", True)),
        stop_signal=_signal(name, str(raw.get("stop_signal", "SIGTERM"))),
        health=_health(name, raw.get("healthcheck"), filled),
        restart=restart.partition(":")[0],
        profiles=tuple(raw.get("profiles", ())),
        grace=seconds(str(raw.get("stop_grace_period", "10s"))),
        local=_local(raw.get("x-local") or {}, words),
    )


def _local(raw: Mapping[str, Any], words: Callable[[Any], tuple[str, ...]]) -> Mapping[str, Any]:
    return {key: words(value) if key in ("command", "health") else value for key, value in raw.items()}


def _signal(name: str, text: str) -> int:
    try:
        return signal.Signals[text].value
    except KeyError:
        raise ComposeError(f"{name}: stop_signal {text!r} is unknown; write for example SIGINT") from None


def _without(service: Service, absent: frozenset[str]) -> Service:
    return replace(service, depends_on={n: how for n, how in service.depends_on.items() if n not in absent})


def _target(port: Any) -> tuple[int, str]:
    """The port inside the container and its protocol: the end of "127.0.0.1:8001:8000/tcp", or of the long form."""
    if isinstance(port, dict):
        return int(port["target"]), str(port.get("protocol", "tcp"))
    number, _, protocol = str(port).rpartition(":")[2].partition("/")
    return int(number), protocol or "tcp"


def _volume(name: str, volume: str) -> tuple[str, str]:
    source, _, rest = volume.partition(":")
    if not rest.startswith("/"):
        raise ComposeError(f"{name}: write the volume {volume!r} as name:/path or ./file:/path")
    return rest.partition(":")[0], source


def _health(name: str, check: Mapping[str, Any] | None, filled: Any) -> tuple[str, ...]:
    if not check or check.get("disable"):
        return ()
    test = check["test"]
    if isinstance(test, list) and test[0] == "CMD":
        return tuple(filled(word) for word in test[1:])
    raise ComposeError(f"{name}: write its healthcheck as [CMD, …]; shell forms do not run everywhere")
