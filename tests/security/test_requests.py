"""Requests that no browser would send: bodies that are no JSON or too much of it, headers that want to be more than headers,
paths that want to be elsewhere. Nothing breaks, nothing is believed, and the answer is in order."""

import gzip
import json
from itertools import product
from uuid import uuid4

import pytest
import requests
from apiflask import APIFlask

from labs.services.chassis.problems import LARGEST_BODY, MEDIA_TYPE
from tests.security.apps import SERVICES, app_of, everything
from tests.security.raw import spoken

DOORS = ("user-service", "order-service", "inventory-service", "notification-service", "outside", "monolith", "gateway")
ID = str(uuid4())
PLACES = {
    "user_id": ID,
    "order_id": ID,
    "import_id": ID,
    "report_id": ID,
    "sku": "tea",
    "day": "2026-01-01",
    "name": "sms_slow",
}
BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", {}),
    "half": (b'{"lines": [', {}),
    "two": (b"{}{}", {}),
    "a comma too much": (b"{,}", {}),
    "a comment": (b"{} // please", {}),
    "single quotes": (b"{'lines': []}", {}),
    "a list": (b"[]", {}),
    "a text": (b'"text"', {}),
    "a number": (b"1", {}),
    "null": (b"null", {}),
    "not a number": (b'{"quantity": NaN, "amount": Infinity}', {}),
    "a number of 5,000 digits": (b'{"quantity": ' + b"9" * 5_000 + b"}", {}),
    "a very small number": (b'{"quantity": 1e-999999999}', {}),
    "900 objects in each other": (b'{"lines":' * 900 + b"1" + b"}" * 900, {}),
    "100,000 lists in each other": (b"[" * 100_000, {}),
    "100,000 fields": (json.dumps({str(number): number for number in range(100_000)}).encode()[:LARGEST_BODY], {}),
    "the same field 1,000 times": (b"{" + b",".join([b'"lines": []'] * 1_000) + b"}", {}),
    "__proto__": (b'{"__proto__": {"admin": true}, "constructor": {"prototype": {}}}', {}),
    "half a character": (b'{"name": "\\ud800", "lines": "\\udfff"}', {}),
    "a zero byte": (b'{"name": "\\u0000"}', {}),
    "a real zero byte": (b'{"name": "\x00"}', {}),
    "Latin-1": ('{"name": "Käufer"}'.encode("latin-1"), {}),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), {}),
    "UTF-7 by its own word": (b"+AHsAfQ-", {"Content-Type": "application/json; charset=utf-7"}),
    "an unknown alphabet": (b"{}", {"Content-Type": "application/json; charset=klingon"}),
    "packed": (gzip.compress(b"{}"), {"Content-Encoding": "gzip"}),
    "a form": (b"lines=1", {"Content-Type": "application/x-www-form-urlencoded"}),
    "parts": (b"--x\r\n\r\n--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
    "XML with an entity": (
        b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
        {"Content-Type": "text/xml"},
    ),
    "more than is taken": (b'"' + b"x" * LARGEST_BODY + b'"', {}),
}


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """(name, app) of each service, in this process."""
    with app_of(request.param, tmp_path_factory.mktemp(request.param)) as app:
        yield request.param, app


def endpoints(app: APIFlask) -> list[tuple[str, str]]:
    """(method, path) of what takes a body."""
    described = app.test_client().get("/openapi.json").json["paths"].items()
    every = [(method, path, operation) for path, operations in described for method, operation in operations.items()]
    return [(method, path.format_map(PLACES)) for method, path, operation in every if "requestBody" in operation]


def test_a_body_that_is_none_is_refused_in_words_by_every_endpoint_that_takes_one(service):
    name, app = service
    for (method, path), (kind, (body, headers)) in product(endpoints(app), BODIES.items()):
        sent = everything(name) | {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"} | headers
        answer = app.test_client().open(path, method=method, data=body, headers=sent)
        said = f"{method} {path} with {kind}: {answer.status} {answer.text}"
        assert (400 <= answer.status_code < 500, answer.content_type) == (True, MEDIA_TYPE), said
        assert answer.json["detail"], said


# --- headers ----------------------------------------------------------------------------------------------------------

HEADERS = [
    "SCRIPT_NAME: /users",
    "PATH_INFO: /metrics",
    "Script-Name: /users",
    "X-Forwarded-Prefix: /users",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-For: 1.2.3.4, evil",
    "Forwarded: for=1.2.3.4;host=evil.example",
    "X-Original-URL: /metrics",
    "X-Rewrite-URL: /metrics",
    "X-Envoy-Original-Path: /metrics",
    "X-Envoy-Decorator-Operation: x",
    "X-Envoy-Max-Retries: 100",
    "X-Envoy-Upstream-Rq-Timeout-Ms: 1",
    "X-HTTP-Method-Override: DELETE",
    "Host: evil.example",
    "Content-Length: 4\r\nContent-Length: 5",
    "Content-Length: +4",
    "Content-Length: 0x4",
    "Content-Length: 99999999999999999999999999",
    "Content-Length: -1",
    "Transfer-Encoding: chunked\r\nContent-Length: 4",
    "Transfer-Encoding: x, chunked",
    "Transfer-Encoding : chunked",
    "Expect: everything",
    "Connection: close, Authorization",
    "Connection: Upgrade\r\nUpgrade: websocket",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    " folded: x",
    "no colon",
    "X-A: a\x00b",
    b"X-A: a\rSet-Cookie: stolen=1",
    b"X-A: \xff\xfe",
    "X-Big: " + "x" * 10_000,
    "X-Huge: " + "x" * 200_000,
    "\r\n".join(f"X-{number}: x" for number in range(200)),
    "X-Correlation-ID: ../../etc/passwd",
    "X-Correlation-ID: " + "x" * 500,
    "X-Correlation-ID: a\r\nX-Correlation-ID: b",
    "traceparent: 00-zz-zz-zz",
    "traceparent: " + "0" * 500,
    "tracestate: " + "a=b," * 500,
    "baggage: user=admin",
    "X-Deadline: nan",
    "X-Deadline: -inf",
    "X-Deadline: 1",
    "X-Deadline: 99999999999999999999",
    "X-Deadline: 1_0",
    "X-Deadline: ١٢٣",
    "Accept: application/x-nothing",
    "Accept-Encoding: bomb",
    "Range: bytes=0-1000000",
    "If-None-Match: *",
    "Cookie: " + "a=b; " * 100,
]


LINES = [
    "GET http://evil.example/users HTTP/1.1",
    "GET //evil.example/users HTTP/1.1",
    "GET /%0d%0aSet-Cookie:%20stolen=1 HTTP/1.1",
    "GET /orders/%0d%0aSet-Cookie:%20stolen=1 HTTP/1.1",
    "GET /users?after=%0d%0aSet-Cookie:%20stolen=1 HTTP/1.1",
    "GET /users?limit=%00&after=%ff%fe HTTP/1.1",
    "GET /products/%00 HTTP/1.1",
    "GET /products/%ff%fe HTTP/1.1",
    "GET /products/%ED%A0%80 HTTP/1.1",
    "GET /products?search=%ED%A0%80%00%ff HTTP/1.1",
    "GET /products?search=" + "%25" * 1_000 + " HTTP/1.1",
    "GET /products?" + "&".join(f"a{number}=b" for number in range(500)) + " HTTP/1.1",
    "GET /prices?" + "&".join(["sku=a"] * 600) + " HTTP/1.1",
    "GET /mails?to=%0d%0aRCPT%20TO HTTP/1.1",
    "GET /" + "a" * 10_000 + " HTTP/1.1",
    "GET /" + "a/" * 2_000 + " HTTP/1.1",
    "GET /users HTTP/9.9",
    "GET /users HTTP/0.9",
    "GET /users",
    "GET  /users  HTTP/1.1",
    "get /users HTTP/1.1",
    "BREW /users HTTP/1.1",
    "TRACE /users HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "PROPFIND / HTTP/1.1",
    "PRI * HTTP/2.0",
    "\x16\x03\x01\x02\x00\x01\x00",
    "EHLO evil.example",
    "*1\r\n$4\r\nINFO",
]
QUESTIONS = {
    "inventory-service": "/stock",
    "order-service": "/orders",
    "notification-service": "/notifications",
    "outside": "/faults",
}
"""A path of each service; of the others it is that of the published keys."""


@pytest.mark.parametrize("door", DOORS)
def test_no_header_breaks_anything_or_leads_elsewhere(attacked, door):
    address, line = attacked.where.address(door), f"GET {QUESTIONS.get(door, '/.well-known/jwks.json')} HTTP/1.1"
    usual = spoken(address, line)
    for header in HEADERS:
        body = b"0\r\n\r\n" if "Content-Length" in str(header) or "Transfer-Encoding" in str(header) else b""
        answer = spoken(address, line, header, body=body)
        refused = 400 <= answer.status < 500 or answer.status in (0, 501)
        too_late = answer.status == 504 and "Deadline" in str(header)
        as_usual = (answer.status, sorted(answer.body)) == (usual.status, sorted(usual.body))
        assert refused or too_late or as_usual, (header, answer)
        assert not {"set-cookie", "location", "access-control-allow-origin"} & answer.headers.keys(), header
        if door != "gateway":  # which passes on what it was given
            assert answer.headers.get("x-correlation-id", "") not in ("../../etc/passwd", "x" * 500)


@pytest.mark.parametrize("door", DOORS)
def test_no_path_or_method_breaks_anything(attacked, door):
    for line in LINES:
        answer = spoken(attacked.where.address(door), line)
        assert answer.status < 500 or answer.status in (501, 505), (line, answer)
        assert "set-cookie" not in answer.headers and "stolen" not in str(answer.headers), line


@pytest.mark.parametrize("door", DOORS)
def test_no_other_origin_is_let_in_by_a_browser(attacked, door):
    for path in ("/users", "/orders", "/products", "/nowhere", "/payments/book"):
        origin = {"Origin": "http://evil.example"}
        asked = requests.get(attacked.url(door, path), headers=origin, timeout=10)
        wants = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        before = requests.options(attacked.url(door, path), headers=origin | wants, timeout=10)
        for answer in (asked, before):
            assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "path", ["/users", "/products", "/nowhere", "/payments/book", "/openapi.json", "/health/ready"]
)
def test_no_answer_is_taken_for_a_page(attacked, door, path):
    """A browser that is shown a customer's text must not look for tags in it."""
    answer = requests.get(attacked.url(door, path), timeout=10)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] in ("application/json", MEDIA_TYPE)
