"""The chain Filebeat, Logstash, Elasticsearch, Kibana, as far as it can be tried without running it: its parts name each other
rightly, and the fields of a real shop's lines are those that it indexes."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from labs.classroom.shop import Shop
from labs.infra.home import PROJECT
from labs.infra.logging import files
from labs.infra.system import COMPOSE_FILE, System
from tests.infra.nodes import eventually

ELK = PROJECT / "labs/infra/logging/elk"
SERVICES = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
FIELD_SETS = {
    *("@timestamp", "message", "labels", "ecs", "service", "container", "log", "process", "trace", "span", "user"),
    *("event", "http", "url", "source", "destination", "error"),
}
"""Of Elastic Common Schema, those that the shop uses."""
HOLDS = {"keyword": str, "wildcard": str, "match_only_text": str, "date_nanos": str, "long": int}


def flat(properties: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """The types of an index template's fields by their dotted names."""
    found = {}
    for name, field in properties.items():
        found |= (
            flat(field["properties"], f"{above}{name}.") if "properties" in field else {f"{above}{name}": field["type"]}
        )
    return found


def leaves(line: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in line.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


TEMPLATE = json.loads((ELK / "template.json").read_text())
FIELDS = flat(TEMPLATE["template"]["mappings"]["properties"])
SAVED = [json.loads(line) for line in (ELK / "kibana.ndjson").read_text().splitlines()]
FILEBEAT = yaml.safe_load((ELK / "filebeat.yml").read_text())
LOGSTASH = (ELK / "logstash.conf").read_text()


@pytest.fixture(scope="module")
def lines(shop: System) -> list[str]:
    """What a shop wrote that has sold, refused, and lost sight of the payment provider for a moment."""
    front = Shop(shop, through="gateway")
    front.stock("tea", 10)
    shop.restart("outside")
    done = [front.place(("tea", 1)), front.place(("tea", 50))]
    assert front.order(("tea", 0)).status_code == 422
    assert {each.status for each in front.wait(done, 60).values()} == {"fulfilled", "rejected"}
    eventually(lambda: len(front.mails(order_id=done[0])) == 3, 20, "the customer is told")
    return [
        line for name in files.processes(shop.places.logs) for line in files.lines(shop.log(name)) if line[:1] == "{"
    ]


def test_every_field_of_a_real_line_is_indexed_as_what_it_is(lines):
    seen: dict[str, Any] = {}
    for line in lines:
        seen |= dict(leaves(json.loads(line)))
    assert len(lines) > 50 and {"http.response.status_code", "event.reason", "event.start", "trace.id"} <= seen.keys()
    unknown = {name for name in seen if name not in FIELDS and not name.startswith("labels.")}
    assert unknown == set()
    wrong = {
        name: seen[name] for name in seen.keys() & FIELDS.keys() if not isinstance(seen[name], HOLDS[FIELDS[name]])
    }
    assert wrong == {}


def test_what_is_our_own_is_under_labels_and_all_else_is_of_the_common_schema(lines):
    assert {name.partition(".")[0] for name in FIELDS} == FIELD_SETS
    assert {name.partition(".")[0] for line in lines for name in json.loads(line)} <= FIELD_SETS


def test_logstash_takes_each_real_line_for_what_it_is(lines):
    (pattern,) = re.findall(r"\[message\] =~ /(.+)/ \{", LOGSTASH)
    assert [line for line in lines if not re.match(pattern, line)] == []
    renamed = set(re.findall(r'"\[([a-z.]+)\]" => "\[', LOGSTASH))
    assert renamed == {name for line in lines for name in json.loads(line) if "." in name}
    assert LOGSTASH.count("{") == LOGSTASH.count("}") + 1, "one stands in the pattern"


def test_each_part_knows_where_the_next_one_is():
    (target,) = FILEBEAT["output.logstash"]["hosts"]
    hosts = re.findall(r'"http://([\w-]+:\d+)"', LOGSTASH)
    settings = SERVICES["elk-setup"]["environment"]
    hosts += [settings[name].removeprefix("http://") for name in ("ELASTICSEARCH", "KIBANA")]
    hosts += [SERVICES["kibana"]["environment"]["ELASTICSEARCH_HOSTS"].removeprefix("http://"), target]
    for host, port in (each.split(":") for each in hosts):
        known = [str(p).rpartition(":")[2] for p in SERVICES[host].get("expose", []) + SERVICES[host].get("ports", [])]
        assert port in known, host
    assert re.search(rf"beats {{ port => {target.partition(':')[2]} }}", LOGSTASH)


def test_lines_go_where_the_template_and_the_data_view_look():
    parts = [re.search(rf'data_stream_{part} => "(\w+)"', LOGSTASH) for part in ("type", "dataset", "namespace")]
    stream = "-".join(part[1] for part in parts if part)
    (pattern,) = TEMPLATE["index_patterns"]
    (view,) = (each for each in SAVED if each["type"] == "index-pattern")
    assert pattern == view["attributes"]["title"] == "logs-shop-*"
    assert re.fullmatch(pattern.replace("*", ".+"), stream)
    assert "data_stream" in TEMPLATE


def test_saved_searches_name_fields_that_exist_and_the_data_view_that_is_imported():
    views = {each["id"] for each in SAVED if each["type"] == "index-pattern"}
    searches = [each for each in SAVED if each["type"] == "search"]
    assert len(searches) >= 1
    for search in searches:
        attributes = search["attributes"]
        source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
        asked = re.findall(r"([\w.@]+) :", source["query"]["query"])
        sorted_by = [name for name, _ in attributes["sort"]]
        assert {*attributes["columns"], *asked, *sorted_by} <= FIELDS.keys()
        assert {reference["id"] for reference in search["references"]} <= views
        assert source["indexRefName"] in {reference["name"] for reference in search["references"]}


def test_every_container_of_the_shop_has_the_tag_by_which_filebeat_knows_it():
    pattern = FILEBEAT["processors"][0]["drop_event.when.not.regexp"]["docker.attrs.tag"]
    for name, service in SERVICES.items():
        if "elk" not in service.get("profiles", []):
            options = service["logging"]["options"]
            assert re.match(pattern, options["tag"]), name
            assert {"max-size", "max-file"} <= options.keys(), "Docker rotates"


def test_the_setup_sends_files_that_are_there():
    script = (ELK / "setup.sh").read_text()
    assert [name for name in re.findall(r"@/setup/([\w.]+)", script) if not (ELK / name).exists()] == []
    assert SERVICES["elk-setup"]["entrypoint"] == ["sh", "/setup/setup.sh"]
