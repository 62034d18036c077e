"""What services of the shop need of each other: written down by the consumers' own code, kept by the providers' own code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.classroom.proving.pacts import Broken, mismatches, verify
from labs.infra.contracts import told
from tests.services.contracts.pacts import hearing
from tests.services.contracts.pacts.keeping import AGAIN, FOLDER, HTTP, MESSAGES, kept, write
from tests.services.contracts.pacts.telling import ANSWERING, TELLING


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pacts as consumers write them now. A consumer that cannot live on its own example fails here."""
    folder = tmp_path_factory.mktemp("pacts")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What each service tells, made once for each."""
    made: dict[str, Any] = {}

    def tells(provider: str) -> Any:
        if provider not in made:
            made[provider] = TELLING[provider](f"sqlite:///{tmp_path_factory.mktemp(provider)}/its.db")
        return made[provider]

    yield tells


def of(folder: Path, kind: str, provider: str) -> list[Path]:
    """The pacts with a provider; two names may end alike, so the document says whose it is."""
    documents = kept(folder)
    return [
        folder / name
        for name, pact in documents.items()
        if name.startswith(kind) and pact["provider"]["name"] == provider
    ]


def test_consumers_need_what_is_kept(written):
    assert kept(written) == kept(FOLDER), f"what a consumer needs has changed; look at it, then: {AGAIN}"


def test_every_handler_of_every_service_has_a_pact():
    has = {(each.consumer, each.provider, each.type) for each in hearing.EVERY}
    assert has == {(each.service, each.source, each.type) for each in told.handlers()}


@pytest.mark.parametrize("provider", ANSWERING)
def test_a_provider_answers_as_its_consumers_need(provider, written, tmp_path):
    pacts = of(written, HTTP, provider)
    assert pacts
    with ANSWERING[provider](f"sqlite:///{tmp_path}/its.db") as (url, states):
        for pact in pacts:
            verify(provider, pact, url=url, states=states)


@pytest.mark.parametrize("provider", TELLING)
def test_a_provider_tells_as_its_consumers_need(provider, written, messages):
    pacts = of(written, MESSAGES, provider)
    assert pacts
    for pact in pacts:
        verify(provider, pact, messages=messages(provider))


def test_an_event_without_a_field_that_somebody_reads_is_found(written, messages):
    [pact] = [path for path in of(written, MESSAGES, "order-service") if path.name.startswith("notification-service")]
    without = {**messages("order-service"), "order_fulfilled": lambda: b'{"order_id": "o-1", "customer_id": "u-1"}'}
    assert any("tracking_code" in words for words in mismatches("order-service", pact, messages=without))


def test_an_answer_that_is_not_as_needed_is_found(written, tmp_path):
    """The world outside has no such path as the inventory has."""
    [pact] = of(written, HTTP, "inventory-service")
    with ANSWERING["user-service"](f"sqlite:///{tmp_path}/its.db") as (url, _):
        nothing = {"tea and cup are in the catalogue": lambda: None, "there is no unicorn": lambda: None}
        with pytest.raises(Broken, match="404"):
            verify("inventory-service", pact, url=url, states=nothing)


def test_a_state_that_nobody_makes_or_that_fails_is_an_error(written, tmp_path):
    def crooked() -> None:
        raise ValueError("no tea today")

    [pact] = of(written, HTTP, "inventory-service")
    with ANSWERING["inventory-service"](f"sqlite:///{tmp_path}/its.db") as (url, _), pytest.raises(Broken) as broken:
        verify("inventory-service", pact, url=url, states={"tea and cup are in the catalogue": crooked})
    assert "nobody has said how it comes about that there is no unicorn" in str(broken.value)
    assert "tea and cup are in the catalogue: ValueError: no tea today" in str(broken.value)
