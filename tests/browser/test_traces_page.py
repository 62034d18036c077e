"""The collector's own page: a search and a waterfall, by keyboard, in light and dark, with names from strangers. Needs a
Chromium."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from labs.infra.tracing.app import create_app
from labs.infra.tracing.model import Log, Span, Tag
from labs.infra.tracing.store import Store
from tests.browser.test_jupyterlab import ARGUMENTS, CHROMIUM
from tests.infra.tracing import making
from tests.infra.tracing.making import OTHER, TRACE

HOSTILE = "<img src=x onerror=document.title='taken'>"
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine: the page is not looked at")


def filled() -> Store:
    """An order over three services with a failure, and a trace whose clocks disagree."""
    now = time.time_ns() // 1000 - 5_000_000

    def span(number: int, trace: str = TRACE, **given: Any) -> Span:
        return making.span(number, trace, **{"start": now + 4000 * number, **given})

    log = Log(now + 21_000, (Tag("event", "exception"), Tag("exception.message", "card declined")))
    store = Store()
    store.add([
        span(1, service="order-service", operation="POST /orders", duration=30_000, tags={"order.id": "4711"}),
        span(2, service="order-service", operation="INSERT orders", parent=1, duration=6_000),
        span(3, service="stock-service", operation=HOSTILE, parent=1, duration=12_000),
        span(5, service="outside", operation="POST /charges", parent=1, duration=9_000, tags={"error": True}, logs=(log,)),
        span(9, OTHER, service="order-service", operation="GET /orders", duration=2_000),
        span(1, OTHER, service="stock-service", operation="early", parent=9),
    ])  # fmt: skip
    return store


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(filled()), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser's page, on which nothing may go wrong unseen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme=request.param)
        wrong: list[str] = []
        opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        yield opened
        browser.close()
        assert [said for said in wrong if "400 (BAD REQUEST)" not in said] == []  # Chromium's own word about an answer


def test_a_trace_is_found_and_read_without_a_mouse(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Service").focus()
    page.keyboard.type("order")
    page.get_by_label("Tags").focus()
    page.keyboard.type("order.id=4711")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("1 trace, the latest first.")
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("order-service, outside, stock-service")
    expect(row).to_contain_text("1 failed")
    row.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"4 spans of 3 services in 30\.\d ms, 1 failed\."))
    button = page.get_by_role("button", name="Tags of outside: POST /charges")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_text("card declined")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("card declined")).to_be_hidden()


def test_what_strangers_call_their_spans_is_only_ever_text(page: Page, address: str) -> None:
    page.goto(f"{address}/trace/{TRACE}")
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert page.title() == "POST /orders · Traces"
    assert page.locator("img").count() == 0


def test_bars_lie_where_and_as_long_as_the_spans(page: Page, address: str) -> None:
    page.goto(f"{address}/trace/{TRACE}")
    expect(page.locator(".bar")).to_have_count(4)
    lane = page.locator(".lane").first.bounding_box()
    boxes = [bar.bounding_box() for bar in page.locator(".bar").all()]
    assert lane and all(boxes)
    assert boxes[0]["width"] == pytest.approx(lane["width"], rel=0.02), "the first is the whole"
    assert boxes[1]["width"] == pytest.approx(lane["width"] * 0.2, rel=0.05), "6 of 30 ms"
    assert boxes[3]["x"] - lane["x"] == pytest.approx(lane["width"] * 16 / 30, rel=0.05), "16 ms after it began"


def test_clocks_that_disagree_are_said(page: Page, address: str) -> None:
    page.goto(f"{address}/trace/{OTHER}")
    page.get_by_role("button", name="Tags of stock-service: early").click()
    expect(page.get_by_text("the clocks of order-service and stock-service disagree")).to_be_visible()


def test_what_cannot_be_searched_for_is_said(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Longer than").fill("2s")
    page.get_by_label("Shorter than").fill("1s")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("'maxDuration' should be greater than 'minDuration'")
    page.get_by_label("Shorter than").fill("")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_contain_text("No such trace.")
