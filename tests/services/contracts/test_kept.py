"""The contracts in labs/services/contracts say what the code does, and nobody listens in vain."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from labs.infra.contracts import describing, told
from labs.infra.contracts.comparing import compare
from labs.infra.contracts.keeping import FOLDER, judge, kept

SERVICES = FOLDER.parent
NOBODY_LISTENS = {
    "stock_low": "for whoever buys the goods, who is no part of this shop yet; GET /stock-reports has the list",
    "stock_released": "for whoever watches the shelf; order-service has caused it",
    "notification_sent": "for support and figures; nothing is decided by it",
    "notification_failed": "for support and figures; GET /notifications shows it",
}
"""Events that are told all the same, and why."""


def tells() -> Iterator[tuple[str, str, ast.expr, str]]:
    """Every `.tell("type", data)` in the code of a service whose type is written there: service, type, data, place."""
    for package in told.SERVICES:
        for path in sorted((SERVICES / package).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text())):
                match call:
                    case ast.Call(func=ast.Attribute(attr="tell"), args=[ast.Constant(value=str(name)), data]):
                        yield package, name, data, f"{path.relative_to(SERVICES)}:{call.lineno}"


def test_nobody_changed_a_contract_by_accident(made):
    judgement = judge(kept(), made)
    if judgement.differences:
        pytest.fail(str(judgement), pytrace=False)


def test_every_service_that_answers_or_tells_has_a_contract():
    packages = [path for path in SERVICES.iterdir() if (path / "__init__.py").is_file() and path.name != "chassis"]
    answering = {
        f"labs.services.{p.name}.{file}" for p in packages for file in ("api", "app") if (p / f"{file}.py").is_file()
    }
    assert answering == set(describing.APIS.values())
    assert {path.name for path in packages if (path / "worker.py").is_file()} == set(told.SERVICES)


def test_nobody_listens_to_events_that_nobody_tells():
    assert [f"{each.name} listens to {each.type} of {each.source}" for each in told.in_vain()] == []


def test_it_is_known_which_events_nobody_listens_to():
    assert sorted(event.type for event in told.unheard()) == sorted(NOBODY_LISTENS)


def test_handlers_are_found_where_they_are():
    found = {(each.name, each.source, each.type) for each in told.handlers()}
    assert ("inventory-service.reserve", "order-service", "order_placed") in found
    assert len(found) == len({each.queue for each in told.handlers()})


def test_a_type_is_told_by_one_service_only():
    types = [event.type for event in told.told()]
    assert sorted(types) == sorted(set(types))


def test_what_the_code_tells_is_described_field_by_field():
    found = list(tells())
    assert found
    for package, name, data, place in found:
        models = import_module(f"labs.services.{package}.events").TOLD
        assert name in models, f"{place} tells {name}, and events.py does not know it"
        if isinstance(data, ast.Dict):
            fields = {key.value for key in data.keys if isinstance(key, ast.Constant)}
            assert fields == set(models[name].model_fields), f"{place} tells other fields of {name} than events.py"


def test_every_event_is_described_by_a_schema_with_the_attributes_of_cloudevents():
    schemas = [schema for name, schema in kept().items() if name.startswith("events/")]
    assert schemas
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
        assert {"id", "source", "specversion", "type"} <= set(schema["required"])  # CloudEvents 1.0.2, section 3
        assert schema["properties"]["type"] == {"const": schema["title"]}
        assert schema["description"]


def test_every_field_of_an_event_is_always_there():
    for event in told.told():
        missing = [name for name, field in event.model.model_fields.items() if not field.is_required()]
        assert missing == [], f"{event.type}: who reads cannot tell a field that is missing from one that is forgotten"


@pytest.mark.parametrize("service", [f"{package}-service" for package in told.SERVICES])
def test_the_monolith_keeps_the_promises_of_every_service(made, service):
    breaks = compare(made[f"openapi/{service}.json"], made["openapi/monolith.json"])
    assert [str(each) for each in breaks if not each.warning] == []


def test_the_documents_do_not_depend_on_where_they_are_made(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LEVEL", "no such level")
    monkeypatch.setenv("OTLP_ENDPOINT", "http://localhost:1")
    assert describing.api("user-service") == made["openapi/user-service.json"]
    assert str(tmp_path) not in str(made)
    assert str(Path.home()) not in str(made)
