"""Jaeger's query API over a store: https://www.jaegertracing.io/docs/2.0/architecture/apis/"""

import re
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from labs.infra.tracing import trace
from labs.infra.tracing.parameters import DAY, Wrong, number, wanted
from labs.infra.tracing.store import Store, Trace

TRACE_ID = re.compile(r"[0-9a-fA-F]{1,32}")


def blueprint(store: Store) -> Blueprint:
    """GET below /api."""
    api = Blueprint("query", __name__, url_prefix="/api")

    @api.get("/services")
    def services() -> Response:
        found = store.services()
        return _answer(found, len(found))

    @api.get("/services/<path:service>/operations")
    def operation_names(service: str) -> Response:
        found = sorted({name for name, _ in store.operations(service)})
        return _answer(found, len(found))

    @api.get("/operations")
    def operations() -> Response:
        if not (service := request.args.get("service", "")):
            raise Wrong("parameter 'service' is required")
        found = store.operations(service, request.args.get("spanKind", ""))
        return _answer([{"name": name, "spanKind": kind} for name, kind in found], len(found))

    @api.get("/traces")
    def traces() -> Response:
        if ids := request.args.getlist("traceID"):
            found = {each: store.get(_trace_id(each)) for each in ids}
            missing = [{"msg": "trace not found", "traceID": each} for each, got in found.items() if not got]
            return _answer([_shown(got) for got in found.values() if got], errors=missing or None)
        return _answer([_shown(each) for each in store.find(wanted(request.args))])

    @api.get("/traces/<trace_id>")
    def one(trace_id: str) -> Any:
        if found := store.get(_trace_id(trace_id)):
            return _answer([_shown(found)])
        return _error(404, "trace not found")

    @api.get("/dependencies")
    def dependencies() -> Response:
        end = number(request.args, "endTs", time.time_ns() // 1_000_000)
        start = end - number(request.args, "lookback", DAY)
        calls = store.dependencies(start * 1000, end * 1000 + 999)
        links = [{"parent": p, "child": c, "callCount": count} for (p, c), count in sorted(calls.items())]
        if service := request.args.get("service", ""):
            links = [link for link in links if service in (link["parent"], link["child"])]
        return _answer(links)

    @api.errorhandler(Wrong)
    def wrong(error: Wrong) -> Any:
        return _error(400, str(error))

    return api


def _trace_id(text: str) -> str:
    if not TRACE_ID.fullmatch(text):
        raise Wrong(f"a trace id is at most 32 hex digits, not {text[:50]!r}")
    return text.lower().zfill(32)


def _shown(found: Trace) -> dict[str, Any]:
    return trace.to_json(found.id, found.spans, found.cut)


def _answer(data: Any, total: int = 0, errors: list[dict[str, Any]] | None = None) -> Response:
    return jsonify(data=data, total=total, limit=0, offset=0, errors=errors)


def _error(code: int, message: str) -> tuple[Response, int]:
    return _answer(None, errors=[{"code": code, "msg": message}]), code
