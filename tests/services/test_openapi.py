"""What /openapi.json says is OpenAPI 3.1 through and through; tests/security/test_fuzz.py holds it to what really happens."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SERVICES = ("user-service", "order-service", "inventory-service", "notification-service", "outside")
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(params=SERVICES)
def described(request, shop) -> dict[str, Any]:
    """The description that a service gives of itself."""
    answer = shop.get(request.param, "/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_it_is_openapi_3_1_with_all_that_3_1_asks_for(described):
    assert re.fullmatch(r"3\.1\.\d+", described["openapi"])
    assert {"title", "version"} <= described["info"].keys()
    assert described["paths"]
    for path, operations in described["paths"].items():
        assert path.startswith("/")
        assert operations.keys() <= METHODS
        for operation in operations.values():
            assert operation["responses"]
            assert all(answer["description"] for answer in operation["responses"].values())
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


def test_every_schema_is_one_and_every_reference_leads_somewhere(described):
    for schema in described.get("components", {}).get("schemas", {}).values():
        Draft202012Validator.check_schema(schema)
    registry = Registry().with_resource("", Resource(described, DRAFT202012))
    for reference in references(described):
        registry.resolver().lookup(reference)


def test_errors_are_described_as_the_problems_that_they_are(described):
    answers = [
        (status, answer)
        for operations in described["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
    ]
    assert {tuple(answer["content"]) for status, answer in answers if status >= "400"} <= {
        ("application/problem+json",)
    }


def references(part: Any) -> list[str]:
    """Every $ref in it."""
    if isinstance(part, list):
        return [found for each in part for found in references(each)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [found for each in part.values() for found in references(each)]
