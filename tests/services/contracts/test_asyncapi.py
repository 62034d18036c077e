"""asyncapi.json, against what AsyncAPI 3.0.0 says in words: its own JSON Schema is in no package that is installed here."""

from collections.abc import Iterator
from typing import Any

import pytest

from labs.infra.contracts.keeping import kept

KEYS = {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
CHANNEL = {"address", "description", "parameters", "messages", "bindings", "x-arguments"}
OPERATION = {"action", "channel", "description", "messages", "bindings"}
MESSAGE = {"name", "contentType", "correlationId", "headers", "payload"}


@pytest.fixture
def document() -> dict[str, Any]:
    return kept()["asyncapi.json"]


def test_it_has_the_parts_of_asyncapi_3(document):
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert document.keys() == KEYS
    assert all(channel.keys() <= CHANNEL for channel in document["channels"].values())
    assert all(operation.keys() == OPERATION for operation in document["operations"].values())
    assert all(message.keys() == MESSAGE for message in document["components"]["messages"].values())
    assert {operation["action"] for operation in document["operations"].values()} == {"send", "receive"}


def test_every_reference_leads_somewhere(document):
    for reference in all_references(document):
        file, _, pointer = reference.partition("#/")
        part: Any = kept()[file] if file else document
        for name in pointer.split("/"):
            part = part[name]


def test_an_operation_has_only_messages_of_its_channel(document):
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        messages = document["channels"][channel.removeprefix("#/channels/")]["messages"]
        of_it = {f"{channel}/messages/{name}" for name in messages}
        assert {each["$ref"] for each in operation["messages"]} <= of_it


def test_channels_are_exchanges_with_the_type_as_address_and_queues_by_their_name(document):
    for name, channel in document["channels"].items():
        bound = channel["bindings"]["amqp"]
        if bound["is"] == "queue":
            assert channel["address"] == bound["queue"]["name"] == name
            assert len(channel["messages"]) == 1
        else:
            assert (channel["address"], bound["exchange"]["name"]) == ("{type}", name)
            assert set(channel["parameters"]["type"]["enum"]) == set(channel["messages"])


def test_headers_are_those_of_cloudevents_over_amqp(document):
    for message in document["components"]["messages"].values():
        assert all(name.startswith("cloudEvents:") for name in message["headers"]["properties"])
        assert "cloudEvents:specversion" in message["headers"]["required"]


def all_references(part: Any) -> Iterator[str]:
    """Every $ref in it."""
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
    for inside in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from all_references(inside)
