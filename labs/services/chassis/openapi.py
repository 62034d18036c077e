"""What every service's OpenAPI description says beyond its own views: how to prove who one is, and every way to be refused."""

from http import HTTPStatus
from typing import Any

from apiflask import APIFlask

from labs.services.chassis import deadline, problems

Operation = dict[str, Any]
SCHEME = "bearer"
SECURITY_SCHEMES = {SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
PARAMETERS = "x-parameters"
"""An extension that a decorator gives a view: parameters that it reads itself, as OpenAPI parameter objects."""
DESCRIPTION = f"""Errors are problem details (RFC 9457). The header {deadline.HEADER} (seconds since the epoch) says how long
the caller waits: later the request is refused with 504 before anything is done."""
CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "RFC 6750, section 3"}}


def install(app: APIFlask) -> None:
    """The description at /openapi.json is true of what this package adds to the views."""
    app.config["AUTO_SERVERS"] = False  # else the first caller's Host header would be in everybody's description
    app.config["VALIDATION_ERROR_SCHEMA"] = app.config["HTTP_ERROR_SCHEMA"] = problems.SCHEMA
    app.config["SECURITY_SCHEMES"] = SECURITY_SCHEMES
    app.description = DESCRIPTION.replace("\n", " ")

    @app.spec_processor
    def describe(spec: dict[str, Any] | str) -> dict[str, Any] | str:
        assert isinstance(spec, dict)  # a text only if asked for as YAML
        spec["components"].setdefault("schemas", {}).setdefault("HTTPError", problems.SCHEMA)
        for operation in (operation for path in spec["paths"].values() for operation in path.values()):
            operation["parameters"] += operation.pop(PARAMETERS, [])
            for status in _refusals(operation):
                operation["responses"].setdefault(str(status.value), {"description": status.phrase})
            for status, answer in operation["responses"].items():
                if status >= "400":
                    _as_problem(status, answer)
        return spec


def _refusals(operation: Operation) -> list[HTTPStatus]:
    """What may keep the view from being reached."""
    found = [HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT]
    if body := operation.get("requestBody"):
        body["required"] = True
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    if security := operation.get("security"):
        found.append(HTTPStatus.UNAUTHORIZED)
        if any(alternative.get(SCHEME) for alternative in security):
            found.append(HTTPStatus.FORBIDDEN)
    return found


def _as_problem(status: str, answer: dict[str, Any]) -> None:
    contents = list(answer.get("content", {}).values())
    answer["content"] = {
        problems.MEDIA_TYPE: contents[0] if contents else {"schema": {"$ref": "#/components/schemas/HTTPError"}}
    }
    if status in ("401", "403"):
        answer["headers"] = {**answer.get("headers", {}), **CHALLENGE}
