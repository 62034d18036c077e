"""What nobody thought of: requests made from what each service says of itself, right ones and wrong ones. Nothing breaks, every
answer is one that the description has, and whoever is nobody gets nowhere.

Twelve requests of each kind to each endpoint, the same at every run; FUZZ_EXAMPLES=500 looks deeper."""

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection

import tests.unhurried  # noqa: F401  no clock
from labs.classroom.people import ADMINISTRATOR
from labs.services.chassis.shapes import EMAIL
from tests.security.apps import SERVICES, app_of, everything

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CONFIG: dict[str, Any] = {
    "checks": {
        # A schema cannot say all: whose cursor it is, that sms needs a phone, that 1.0 is no integer here.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "402", "403", "404", "409", "422", "429"]},
        "ignored_auth": {"enabled": False},  # it would take our token for an invalid one; see below
    }
}
EASY_EMAIL = "^[A-Za-z0-9.+_-]{1,64}@[a-z0-9]{1,60}(\\.[a-z]{2,6})?$"
BREAKS = "PUT /faults/{name}"
"""What it switches on breaks other requests, as it should."""
MADE_FIRST = {
    "user": [("POST", "/users", {"name": "A", "email": "a@example.org", "password": "correct horse"}, "user_id")],
    "inventory": [
        ("PUT", "/products/tea", {"name": "Tea", "price": {"amount": 350, "currency": "EUR"}}, ""),
        ("POST", "/price-imports", {"prices": [{"sku": "tea", "amount": 1, "currency": "EUR"}]}, "import_id"),
        ("POST", "/stock-reports", None, "report_id"),
    ],
    "order": [
        ("POST", "/orders", {"lines": [{"sku": "tea", "quantity": 1}]}, "order_id"),
        ("POST", "/settlements", {"day": "2026-01-01"}, ""),
    ],
}
THERE = {"sku": "tea", "day": "2026-01-01", "name": "payments_slow"}
"""Things that are there whatever was made first."""


class Service:
    """One that is asked in this process, and what is known to be in it, by the names of its path parameters."""

    def __init__(self, name: str, app: APIFlask) -> None:
        self.headers, self.there = everything(name), dict(THERE)
        client = app.test_client()
        for method, path, body, parameter in MADE_FIRST.get(name, []):
            headers = self.headers | {"Idempotency-Key": uuid4().hex}
            answer = client.open(path, method=method, json=body, headers=headers)
            assert answer.status_code < 300, answer.text
            if parameter:
                self.there[parameter] = answer.json["id"]
        self.schema = _schema(client.get("/openapi.json").text)
        self.schema.app = app

    def operations(self) -> Iterator[APIOperation]:
        """All but one."""
        for found in self.schema.get_all_operations():
            if found.ok().label != BREAKS:
                yield found.ok()


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each."""
    with app_of(request.param, tmp_path_factory.mktemp(request.param)) as app:
        yield Service(request.param, app)


def test_no_request_breaks_it_and_every_answer_is_in_its_description(service):
    def ask(case: Case) -> None:
        repeated = any(isinstance(value, list) for value in (case.query or {}).values())  # of which the first counts
        excluded = [negative_data_rejection] if _found(case, service.there) or repeated else []
        case.call_and_validate(headers=service.headers, excluded_checks=excluded)

    asked = [_fuzz(operation, mode, ask) for operation in service.operations() for mode in GenerationMode]
    assert sum(asked) > len(asked)


def test_who_has_no_token_gets_401_where_one_is_needed_whatever_the_request(service):
    def ask(case: Case) -> None:
        _found(case, service.there)
        case.headers.pop("Authorization", None)
        answer = case.call()
        assert answer.status_code == 401, f"{case.operation.label}: {answer.status_code} {answer.text}"
        case.validate_response(answer, excluded_checks=[negative_data_rejection])

    guarded = [each for each in service.operations() if each.definition.raw.get("security")]
    for operation in guarded:
        _fuzz(operation, GenerationMode.POSITIVE, ask, 5)


def test_a_running_monolith_which_answers_all_of_it_is_not_broken_either(attacked):
    """Over a real network, behind a real server, with a real database; its payments are carried out within the request."""
    headers = attacked.people.headers(ADMINISTRATOR)
    schema = _schema(attacked.get("monolith", "/openapi.json").text)

    def ask(case: Case) -> None:
        case.call_and_validate(attacked.url("monolith"), headers=headers, checks=[not_a_server_error])

    asked = [_fuzz(found.ok(), GenerationMode.POSITIVE, ask, 4) for found in schema.get_all_operations()]
    assert len(asked) > 25
    assert attacked.get("monolith", "/health/ready").json()["status"] == "pass"


def _schema(described: str) -> BaseSchema:
    """From the text at /openapi.json; but with an easier pattern for addresses, of which one takes a second to find."""
    spec = json.loads(described.replace(json.dumps(f"^{EMAIL.pattern}$"), json.dumps(EASY_EMAIL)))
    return schemathesis.openapi.from_dict(spec, config=SchemathesisConfig.from_dict(CONFIG))


def _fuzz(operation: APIOperation, mode: GenerationMode, ask: Any, examples: int = EXAMPLES) -> int:
    """How often `ask` was called with a request to this endpoint, right or wrong as `mode` says."""
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
        return 0  # nothing in it can be wrong
    asked = 0

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Case) -> None:
        nonlocal asked
        asked += 1
        ask(case)

    each()
    return asked


def _found(case: Case, there: dict[str, str]) -> bool:
    """Make it a request about what is there, or it would meet nothing but 404; but half of the wrong ones stay as they are,
    since it may be the path that is wrong. Returns whether it is one now."""
    known = {name: there[name] for name in case.path_parameters or {} if name in there}
    wrong = case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE
    if not known or (wrong and len(str(case.body)) % 2):
        return False
    case.path_parameters.update(known)
    return True
