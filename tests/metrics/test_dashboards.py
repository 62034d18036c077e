"""Grafana's dashboards: in step with the code that they are made of, and every query asks for something that there is."""

import json
import re

import pytest
import requests
import yaml

from labs.classroom.watching import until
from labs.infra.grafana.dashboards import DASHBOARDS, FOLDER, files
from labs.infra.home import PROJECT

QUERIES = sorted({query for dashboard in DASHBOARDS for query in dashboard.queries()})
WORDS = {"by", "on", "and", "or", "unless", "ignoring", "group_left", "offset", "bool"}
ENDINGS = ("", "_total", "_bucket", "_count", "_sum")


def metrics_in(promql: str) -> set[str]:
    """The names of metrics in a query: identifiers that are neither functions, nor labels, nor words of the language."""
    bare = re.sub(r"\b(by|on|ignoring|group_left|without) *\([^)]*\)|\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", promql)
    return set(re.findall(r"\b[a-z_][\w:]*\b(?! *\()", bare)) - WORDS


@pytest.mark.parametrize(
    ("promql", "names"),
    [
        ('sum by (job) (rate(a_total{x="b"}[5m])) / c:d:rate5m * 60', {"a_total", "c:d:rate5m"}),
        ("topk(10, a_b) == 0", {"a_b"}),
        ("histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m])))", {"h_bucket"}),
    ],
)
def test_metrics_are_told_from_the_rest_of_a_query(promql, names):
    assert metrics_in(promql) == names


def test_the_kept_dashboards_are_in_step_with_their_code():
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert kept == files(), "run: python -m labs.infra.grafana.dashboards"


def test_the_dashboards_ask_datasources_that_are_provisioned():
    provisioned = yaml.safe_load((PROJECT / "labs/infra/grafana/provisioning/datasources/datasources.yml").read_text())
    known = {source["uid"]: source["type"] for source in provisioned["datasources"]}
    for text in files().values():
        for panel in json.loads(text)["panels"]:
            for source in [panel.get("datasource"), *(target["datasource"] for target in panel.get("targets", []))]:
                assert source is None or known[source["uid"]] == source["type"]
    assert known == {"prometheus": "prometheus", "jaeger": "jaeger"}


def test_no_two_panels_lie_on_each_other():
    for text in files().values():
        taken = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in json.loads(text)["panels"]]
        assert len(taken) == len(set(taken))
        assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in json.loads(text)["panels"])


@pytest.fixture(scope="module")
def known(watched, shop, monitor) -> set[str]:
    """The names of all that is scraped or recorded from a shop in which an order was placed."""
    shop.stock("dashboard-tea", 2)
    order = shop.place(("dashboard-tea", 1))
    assert shop.wait([order], within=60)[order].status == "fulfilled"
    requests.get(f"http://{watched.address('gateway')}/products", timeout=10)
    names: set[str] = set()

    def all_there() -> bool:
        families = monitor._ask("metadata").keys() | set(monitor._ask("label/__name__/values"))
        names.update(family + ending for family in families for ending in ENDINGS)
        return all(metrics_in(query) <= names for query in QUERIES)

    until(all_there, 30)  # the rules are evaluated in their turn; what is still missing then, a test will say
    return names


@pytest.mark.parametrize("query", QUERIES)
def test_a_panel_asks_for_what_there_is(known, monitor, query):
    names = metrics_in(query)
    assert names
    assert names <= known
    monitor.table(query.replace("$service", ".*"))  # Prometheus understands it, or this raises
