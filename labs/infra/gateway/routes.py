"""Who answers for each capability of the shop, the monolith or the services, seen and changed while requests come in. The
gateway itself says which capabilities there are; what is changed here lasts until it is started again."""

import requests

from labs.infra import directories, docker
from labs.infra.gateway import RouteError

GATEWAY, ADMIN_PORT = "gateway", 9901
SIDES = ("monolith", "services")
_PREFIX, _SUFFIX = "gateway.", ".monolith"


class Routes:
    """The routes of the gateway whose admin interface is at `admin` (host:port)."""

    def __init__(self, admin: str) -> None:
        self._admin = admin
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between us and our own gateway

    def show(self) -> dict[str, int]:
        """Per cent of the requests for each capability that go to the services; the rest go to the monolith. Raises
        RouteError."""
        entries = self._ask("GET", "/runtime?format=json").json()["entries"]
        keys = {name: entry["final_value"] for name, entry in sorted(entries.items()) if name.startswith(_PREFIX)}
        return {n.removeprefix(_PREFIX).removesuffix(_SUFFIX): 100 - int(value) for n, value in keys.items()}

    def move(self, capability: str, to: str, percent: int = 100) -> None:
        """From now on so many per cent of the requests for `capability` go to the monolith or to the services, whichever `to`
        says, and the rest to the other side. Raises RouteError."""
        if to not in SIDES:
            raise RouteError(f"Requests go to the monolith or to the services, not to {to!r}.")
        if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
            raise RouteError(f"A percentage is a whole number from 0 to 100, not {percent!r}.")
        if capability not in (known := self.show()):
            raise RouteError(f"There is no capability {capability!r}. Known: {', '.join(known)}.")
        share = percent if to == "monolith" else 100 - percent
        self._ask("POST", f"/runtime_modify?{_PREFIX}{capability}{_SUFFIX}={share}")

    def _ask(self, method: str, path: str) -> requests.Response:
        try:
            answer = self._session.request(method, f"http://{self._admin}{path}", timeout=5)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise RouteError(f"The gateway's admin interface at {self._admin} does not answer: {error}") from None
        return answer


def find(system: str = "") -> Routes:
    """The routes of the newest system that runs a gateway, as processes or else in containers; `system` is the start of its
    name in `lab ps`. Raises RouteError."""
    living = sorted(directories.running(), key=lambda directory: directory.stat().st_mtime, reverse=True)
    for directory in (d for d in living if d.name.startswith(system)):
        facts = directories.state(directory)["services"].get(GATEWAY)
        if facts and facts["pid"]:
            return Routes(facts["addresses"][str(ADMIN_PORT)])
    containers = None if system else docker.running()
    if containers and (admin := containers.address(GATEWAY, ADMIN_PORT)):
        return Routes(admin)
    raise RouteError(f"No gateway runs{f' in a system {system!r}' if system else ''}; `lab up` starts one.")
