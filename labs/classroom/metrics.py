"""What Prometheus knows of a running system, and what rings: asked in PromQL, answered in numbers, tables and series."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import requests

from labs.classroom.slips import Slip
from labs.infra.prometheus.time_lapse import lapsed_query
from labs.infra.system import PROMETHEUS

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it ships no types

TIMEOUT = 10.0
STEPS = 240
"""Points of a series at most: more than a picture can show."""
Sample = tuple[dict[str, str], Any]
"""Labels, and what belongs to them."""


class Monitored(Protocol):
    """A shop whose Prometheus runs: as processes, in containers."""

    def address(self, name: str) -> str:
        """host:port of a service."""

    def time_lapse(self, name: str) -> float:
        """By how much the times in the files that a service reads are divided."""


class Monitor:
    """Of one system whose Prometheus runs. Windows in PromQL are in the system's own time: where an hour passes in a minute,
    `[5m]` looks back five seconds. Raises Slip for a wrong query, and where nobody answers."""

    def __init__(self, where: Monitored) -> None:
        self._where = where

    @property
    def lapse(self) -> float:
        """How many times as fast time passes in Prometheus' rules."""
        return self._where.time_lapse(PROMETHEUS)

    def value(self, promql: str) -> float:
        """The one number that a query gives now; not a number (NaN) if there is none. Raises Slip where there are several."""
        found = self._instant(promql)
        if len(found) > 1:
            raise Slip(f"{promql} gives {len(found)} series, not one number; sum(…) adds them up, table(…) shows them.")
        return float(found[0][1][1]) if found else float("nan")

    def table(self, promql: str) -> "DataFrame":
        """What a query gives now: a row for each series, its labels and its value."""
        return _table([(_shown(labels), float(sample[1])) for labels, sample in self._instant(promql)], "value")

    def series(self, promql: str, seconds: float = 60) -> "DataFrame":
        """What a query gave during the last `seconds`: a column for each series, by the labels that tell them apart; a row for
        each moment, in seconds before now."""
        from pandas import DataFrame

        now, step = time.time(), max(1.0, seconds / STEPS)
        asked = {"query": self._own_time(promql), "start": now - seconds, "end": now, "step": step}
        found = self._ask("query_range", **asked)["result"]
        names = _names([each["metric"] for each in found])
        columns = {
            name: {round(float(at) - now, 1): float(value) for at, value in each["values"]}
            for name, each in zip(names, found, strict=True)
        }
        frame = DataFrame(columns).sort_index().sort_index(axis="columns")
        frame.index.name = "seconds before now"
        return frame

    # --- alerts -------------------------------------------------------------------------------------------------------

    def alerts(self) -> "DataFrame":
        """The alerts that Prometheus sees now: their names, whether they are pending or firing, their labels."""
        return _table([(_shown(each["labels"]), each["state"]) for each in self._ask("alerts")["alerts"]], "state")

    def pages(self, alert: str = "", status: str = "") -> list[dict[str, Any]]:
        """What the pager of whoever is on call shows, oldest first; `alert` or `status` (firing, resolved) narrow it."""
        wanted = {name: value for name, value in (("alert", alert), ("status", status)) if value}
        return list(self._get("outside", "/pager", wanted).json())

    def rings(self, alert: str, within: float = 30) -> dict[str, Any]:
        """The page, as soon as the pager rings for this alert. Raises Slip if it does not within so many seconds."""
        for page in self._looks(alert, "firing", within):
            return page
        states = {each["state"] for each in self._ask("alerts")["alerts"] if each["labels"]["alertname"] == alert}
        raise Slip(
            f"{alert} did not ring within {within:g} s. Prometheus says: {', '.join(states) or self._known(alert)}."
        )

    def is_quiet(self, alert: str, within: float = 30) -> dict[str, Any]:
        """The page, as soon as the alert that has rung is resolved. Raises Slip if it is not within so many seconds."""
        for page in self._looks(alert, "resolved", within):
            if not self.pages(alert, "firing"):
                return page
        firing = bool(self.pages(alert, "firing"))
        raise Slip(f"{alert} {'still rings' if firing else 'has never rung'} after {within:g} s.")

    def reload(self) -> None:
        """Prometheus reads its configuration and its rules anew. Raises Slip with what is wrong in them."""
        answer = self._request("POST", PROMETHEUS, "/-/reload", {})
        if not answer.ok:
            raise Slip(f"Prometheus does not take its rules: {answer.text.strip()}")

    # --- how ----------------------------------------------------------------------------------------------------------

    def _looks(self, alert: str, status: str, within: float) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + within
        while True:
            yield from reversed(self.pages(alert, status))
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)

    def _known(self, alert: str) -> str:
        rules = [rule["name"] for group in self._ask("rules")["groups"] for rule in group["rules"]]
        return "inactive, its condition does not hold" if alert in rules else "it has no rule of this name"

    def _own_time(self, promql: str) -> str:
        return lapsed_query(promql, self.lapse)

    def _instant(self, promql: str) -> list[Sample]:
        found = self._ask("query", query=self._own_time(promql))
        if found["resultType"] != "vector":
            return [({}, found["result"])]
        return sorted(((each["metric"], each["value"]) for each in found["result"]), key=lambda sample: str(sample[0]))

    def _ask(self, what: str, **asked: Any) -> Any:
        answer = self._get(PROMETHEUS, f"/api/v1/{what}", asked).json()
        if answer["status"] != "success":
            raise Slip(f"Prometheus does not understand that: {answer['error']}")
        return answer["data"]

    def _get(self, service: str, path: str, asked: Mapping[str, Any]) -> requests.Response:
        return self._request("GET", service, path, asked)

    def _request(self, method: str, service: str, path: str, asked: Mapping[str, Any]) -> requests.Response:
        with requests.Session() as http:
            http.trust_env = False
            try:
                return http.request(
                    method, f"http://{self._where.address(service)}{path}", params=dict(asked), timeout=TIMEOUT
                )
            except requests.RequestException:
                raise Slip(f'{service} does not answer. Start it with `lab.up("{service}")`.') from None


def _table(rows: list[Sample], what: str) -> "DataFrame":
    """A row for each, a column for each label that any of them has, empty where one has it not, and `what` last."""
    from pandas import DataFrame

    names = sorted({name for labels, _ in rows for name in labels})
    filled = [{**{name: labels.get(name, "") for name in names}, what: value} for labels, value in rows]
    return DataFrame(filled, columns=[*names, what])


def _shown(labels: Mapping[str, str]) -> dict[str, str]:
    return {("name" if name == "__name__" else name): value for name, value in labels.items()}


def _names(metrics: list[dict[str, str]]) -> list[str]:
    """What tells each series from the others: the values of the labels in which they differ."""
    every = sorted({name for metric in metrics for name in metric})
    telling = [name for name in every if len({metric.get(name, "") for metric in metrics}) > 1]
    return [
        " ".join(filter(None, (m.get(name, "") for name in telling))) or m.get("__name__", "value") for m in metrics
    ]
