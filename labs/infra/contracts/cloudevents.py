"""The JSON Schema of an event: the attributes of CloudEvents 1.0 around its data."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from labs.infra.contracts.told import Told

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "minLength": 1, "description": "the same however often the event is delivered"},
    "time": {"type": "string", "format": "date-time", "description": "when it happened, UTC"},
    "datacontenttype": {"const": "application/json"},
    "correlationid": {"type": "string", "description": "of the request that it all began with"},
    "traceparent": {
        "type": "string",
        "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "description": "the span in which it happened (W3C Trace Context)",
    },
}
"""Those that are alike for all events; the last two are extensions."""
REQUIRED = ["specversion", "id", "source", "type", "time", "data"]


class _Untitled(GenerateJsonSchema):
    """pydantic gives each field its own name as a title."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  the signature is pydantic's
        return False


def schema(event: Told) -> dict[str, Any]:
    """Of the whole event, as in CloudEvents' JSON format. Fields that are not named here may come one day: who reads ignores
    them."""
    data = event.model.model_json_schema(schema_generator=_Untitled)
    definitions = data.pop("$defs", {})
    whole = {
        "$schema": DIALECT,
        "title": event.type,
        "description": data.pop("description"),
        "type": "object",
        "properties": ATTRIBUTES | {"source": {"const": event.source}, "type": {"const": event.type}, "data": data},
        "required": REQUIRED,
    }
    opened: dict[str, Any] = _opened(whole | ({"$defs": definitions} if definitions else {}))
    return opened


def _opened(part: Any) -> Any:
    """Without `additionalProperties: false`: shapes that events share with requests say it of requests."""
    if isinstance(part, dict):
        return {
            word: _opened(said) for word, said in part.items() if word != "additionalProperties" or said is not False
        }
    return [_opened(each) for each in part] if isinstance(part, list) else part
