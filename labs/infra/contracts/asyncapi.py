"""AsyncAPI 3.0 of the shop: which service sends which events to which exchange, and which queue each handler reads."""

from collections.abc import Sequence
from typing import Any

from labs.infra.contracts.cloudevents import ATTRIBUTES, REQUIRED
from labs.infra.contracts.told import Handler, Told
from labs.services.chassis import topology
from labs.services.chassis.events import PREFIX, exchange

Part = dict[str, Any]
JSON_SCHEMA = "application/schema+json;version=draft-2020-12"
BINDING = {"bindingVersion": "0.3.0"}
DESCRIPTION = """Every service tells its events on its own topic exchange, with the event's type as routing key, in
CloudEvents' binary mode: attributes are headers, the body is the event's data. Each handler has a durable queue of its own, and
gets an event at least once."""


def document(events: Sequence[Told], handlers: Sequence[Handler]) -> Part:
    """The whole of it. The schemas of the events are the files beside it."""
    sources = sorted({event.source for event in events})
    by_source = {source: [event for event in events if event.source == source] for source in sources}
    channels = {exchange(source): _exchange(source, by_source[source]) for source in sources}
    operations = {f"{source}.tells": _send(source, by_source[source]) for source in sources}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Events of the shop", "version": "1.0.0", "description": DESCRIPTION.replace("\n", " ")},
        "defaultContentType": "application/json",
        "channels": channels | {handler.queue: _queue(handler) for handler in handlers},
        "operations": operations | {handler.name: _receive(handler) for handler in handlers},
        "components": {"messages": {event.type: _message(event) for event in events}},
    }


def _exchange(source: str, events: Sequence[Told]) -> Part:
    types = [event.type for event in events]
    exchanged = {"name": exchange(source), "type": "topic", "durable": True, "autoDelete": False}
    return {
        "address": "{type}",
        "description": f"The exchange of {source}'s events; the address is the routing key.",
        "parameters": {"type": {"enum": types, "description": "the type of the event"}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchanged, **BINDING}},
    }


def _queue(handler: Handler) -> Part:
    queue = {"name": handler.queue, "durable": True, "exclusive": False, "autoDelete": False}
    return {
        "address": handler.queue,
        "description": f"Bound to {exchange(handler.source)} with {handler.type}; read by {handler.name}.",
        "messages": {handler.type: {"$ref": f"#/components/messages/{handler.type}"}},
        "bindings": {"amqp": {"is": "queue", "queue": queue, **BINDING}},
        "x-arguments": topology.handler_arguments(handler.service),
    }


def _send(source: str, events: Sequence[Told]) -> Part:
    channel = exchange(source)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "description": f"What {source} tells: persistent, mandatory, confirmed by the broker.",
        "messages": [{"$ref": f"#/channels/{channel}/messages/{event.type}"} for event in events],
        "bindings": {"amqp": {"deliveryMode": 2, **BINDING}},
    }


def _receive(handler: Handler) -> Part:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{handler.queue}"},
        "description": handler.meaning,
        "messages": [{"$ref": f"#/channels/{handler.queue}/messages/{handler.type}"}],
        "bindings": {"amqp": {"ack": True, **BINDING}},
    }


def _message(event: Told) -> Part:
    attributes = ATTRIBUTES | {"source": {"const": event.source}, "type": {"const": event.type}}
    own = {
        name: said for name, said in attributes.items() if name != "datacontenttype"
    }  # AMQP's own content-type has it
    headers = {
        "type": "object",
        "properties": {PREFIX + name: said for name, said in own.items()},
        "required": [PREFIX + name for name in REQUIRED if name in own],
    }
    return {
        "name": event.type,
        "contentType": "application/json",
        "correlationId": {"location": f"$message.header#/{PREFIX}correlationid"},
        "headers": headers,
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"events/{event.type}.json#/properties/data"}},
    }
