"""The shape of a dashboard in Grafana's JSON: rows of three panels with lines over time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
"""The datasource, by the name that provisioning/datasources gives it."""
WIDTH, HEIGHT = 8, 8
"""Of a panel, on Grafana's grid of 24."""


@dataclass(frozen=True)
class Panel:
    """Lines over time. `queries` are PromQL with the legend of each, `unit` is one of Grafana's names."""

    title: str
    queries: Mapping[str, str] = field(hash=False)
    unit: str = "none"
    description: str = ""


@dataclass(frozen=True, init=False)
class Row:
    """Panels side by side under one heading."""

    title: str
    panels: tuple[Panel, ...]

    def __init__(self, title: str, *panels: Panel) -> None:
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "panels", panels)


@dataclass(frozen=True)
class Dashboard:
    """One page. `variable` is the query for the values of `$service`, if it has that choice."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variable: str = ""

    def json(self) -> str:
        """The same text for the same content."""
        document = {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["shop"],
            "schemaVersion": 39,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": "now-30m", "to": "now"},
            "templating": {"list": [self._choice()] if self.variable else []},
            "panels": self._panels(),
        }
        return json.dumps(document, indent=1) + "\n"

    def queries(self) -> list[str]:
        """All PromQL in it."""
        return [query for row in self.rows for panel in row.panels for query in panel.queries]

    def _panels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for line, row in enumerate(self.rows):
            top = line * (HEIGHT + 1)
            place = {"x": 0, "y": top, "w": 24, "h": 1}
            found.append(
                {"id": len(found) + 1, "type": "row", "title": row.title, "collapsed": False, "gridPos": place}
            )
            for column, panel in enumerate(row.panels):
                place = {"x": column * WIDTH, "y": top + 1, "w": WIDTH, "h": HEIGHT}
                found.append({"id": len(found) + 1, "gridPos": place, **_panel(panel)})
        return found

    def _choice(self) -> dict[str, Any]:
        query = {"query": self.variable, "refId": "service"}
        how = {"includeAll": True, "multi": True, "refresh": 2, "sort": 1}
        return {"name": "service", "label": "Service", "type": "query", "datasource": PROMETHEUS, "query": query, **how}


def _panel(panel: Panel) -> dict[str, Any]:
    targets = [
        {
            "refId": letter,
            "datasource": PROMETHEUS,
            "expr": query,
            "legendFormat": legend,
            "exemplar": "_bucket" in query,
        }
        for letter, (query, legend) in zip(ascii_uppercase, panel.queries.items(), strict=False)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": PROMETHEUS,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }
