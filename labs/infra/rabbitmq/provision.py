"""Prepares a broker for one system, or with --remove forgets it: a vhost, a user for each service with only its own
rights, and the exchanges of events, so that a consumer may start before its producer. Doing it twice changes
nothing."""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import requests

from labs.infra.rabbitmq.rights import EVERYTHING, Rights, events_exchange, rights

LEARNER = "learner"


class ProvisionError(Exception):
    """The broker could not be prepared; the message says why and what to do next."""


@dataclass(frozen=True)
class Plan:
    """What to prepare: where, for whom, and every user's password by service name."""

    api: str
    administrator: str
    password: str
    vhost: str
    services: Sequence[str]
    passwords: Mapping[str, str]

    @classmethod
    def read(cls, environment: Mapping[str, str], remove: bool = False) -> "Plan":
        """From environment variables as docker-compose.yml sets them. Raises ProvisionError for one that is
        missing."""

        def needed(name: str) -> str:
            if not environment.get(name):
                raise ProvisionError(f"{name} is not set; docker-compose.yml says what broker-setup needs.")
            return environment[name]

        services = [] if remove else [name.strip() for name in needed("SERVICES").split(",") if name.strip()]
        passwords = {name: needed(_variable(name)) for name in services}
        if learner := environment.get(_variable(LEARNER)):
            passwords[LEARNER] = learner
        return cls(
            api=needed("RABBITMQ_API").rstrip("/"),
            administrator=needed("RABBITMQ_DEFAULT_USER"),
            password=needed("RABBITMQ_DEFAULT_PASS"),
            vhost=needed("VHOST"),
            services=services,
            passwords=passwords,
        )


class Management:
    """The broker's management HTTP API, as one administrator."""

    def __init__(self, plan: Plan) -> None:
        self._api = plan.api
        self._session = requests.Session()
        self._session.auth = (plan.administrator, plan.password)
        self._session.trust_env = False  # no proxy between us and our own broker
        self._who = plan.administrator

    def wait(self, seconds: float) -> None:
        """Until it answers. Raises ProvisionError when it does not in time, or does not know us."""
        deadline = time.monotonic() + seconds
        said = ""
        while time.monotonic() < deadline:
            try:
                answer = self._session.get(f"{self._api}/api/whoami", timeout=5)
            except requests.RequestException as error:
                said = _reason(error)
            else:
                if answer.status_code == 401:
                    raise ProvisionError(
                        f"The broker at {self._api} does not take the password of {self._who!r}.\n"
                        "It keeps the password of its first start: give that one, or start it in an empty directory."
                    )
                if answer.ok:
                    return
                said = f"HTTP {answer.status_code}"
            time.sleep(0.05)
        raise ProvisionError(
            f"The broker's management API at {self._api} did not answer within {seconds:g} s ({said}).\n"
            "See the broker's log: `lab logs rabbitmq`."
        )

    def call(self, method: str, *path: str, body: Mapping[str, Any] | None = None, absent_ok: bool = False) -> Any:
        """One request; `path` are the parts, unquoted. Returns what the answer holds, None for nothing or absent."""
        url = "/".join((self._api, "api", *(quote(part, safe="") for part in path)))
        try:
            answer = self._session.request(method, url, json=body, timeout=30)
        except requests.RequestException as error:
            raise ProvisionError(f"The broker went away while it was being prepared: {_reason(error)}.") from error
        if answer.status_code == 404 and absent_ok:
            return None
        if not answer.ok:
            raise ProvisionError(f"The broker refused {method} {url}: HTTP {answer.status_code}, {answer.text.strip()}")
        return answer.json() if answer.content else None


def prepare(plan: Plan, api: Management) -> None:
    """The vhost, its users with their rights, the exchanges of events."""
    api.call("PUT", "vhosts", plan.vhost, body={})
    everybody: dict[str, Rights] = {name: rights(name) for name in plan.services}
    if LEARNER in plan.passwords:
        everybody[LEARNER] = EVERYTHING
    # An administrator too needs rights in a vhost to declare something there.
    api.call("PUT", "permissions", plan.vhost, plan.administrator, body=asdict(EVERYTHING))
    for name, allowed in everybody.items():
        # The learner's user may look at its own vhost in the management pages too; a service has no business there.
        tags = "management" if name == LEARNER else ""
        user = f"{plan.vhost}.{name}"
        api.call("PUT", "users", user, body={"password": plan.passwords[name], "tags": tags})
        api.call("PUT", "permissions", plan.vhost, user, body=asdict(allowed))
    for name in plan.services:
        topic = {"type": "topic", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
        api.call("PUT", "exchanges", plan.vhost, events_exchange(name), body=topic)


def remove(plan: Plan, api: Management) -> None:
    """Whoever was made for the vhost, then the vhost with everything in it."""
    permissions = api.call("GET", "vhosts", plan.vhost, "permissions", absent_ok=True) or []
    for user in {entry["user"] for entry in permissions}:
        if user.startswith(f"{plan.vhost}."):
            api.call("DELETE", "users", user, absent_ok=True)
    api.call("DELETE", "vhosts", plan.vhost, absent_ok=True)


def main(arguments: Sequence[str] | None = None, seconds: float = 60) -> int:
    """Returns 0, or 1 with words on stderr."""
    parser = argparse.ArgumentParser(prog="labs.infra.rabbitmq.provision", description=__doc__)
    parser.add_argument("--remove", action="store_true", help="delete the vhost and its users")
    chosen = parser.parse_args(arguments)
    try:
        plan = Plan.read(os.environ, chosen.remove)
        api = Management(plan)
        api.wait(seconds)
        (remove if chosen.remove else prepare)(plan, api)
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _variable(service: str) -> str:
    return f"PASSWORD_{service.upper().replace('-', '_')}"


def _reason(error: requests.RequestException) -> str:
    return {"ConnectionError": "connection refused", "ConnectTimeout": "no answer"}.get(
        type(error).__name__, str(error)
    )


if __name__ == "__main__":
    sys.exit(main())
