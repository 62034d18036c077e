"""Lists in pages: nothing twice, nothing left out, whatever comes and goes meanwhile."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from labs.services.chassis.api import create_api
from labs.services.chassis.paging import PageIn, PageOut
from labs.services.chassis.settings import Settings


class NumbersOut(PageOut):
    """A page of numbers."""

    items: list[int]


def client(numbers: list[int]) -> FlaskClient:
    """Of an app that lists numbers, largest first."""
    app = create_api("probe", Settings(service="probe-service"))

    @app.get("/numbers")
    @app.input(PageIn, location="query")
    @app.output(NumbersOut)
    def look(query_data: PageIn) -> Any:
        place = query_data.place(int)
        rows = [n for n in sorted(numbers, reverse=True) if place is None or n < place[0]]
        return query_data.page(rows[: query_data.limit + 1], lambda n: (n,), lambda n: n)

    return app.test_client()


def read(asking: FlaskClient, limit: int) -> list[list[int]]:
    """All pages."""
    pages, after = [], ""
    while after is not None:
        page = asking.get("/numbers", query_string={"limit": limit, **({"after": after} if after else {})}).json
        pages.append(page["items"])
        after = page["next"]
    return pages


def test_pages_follow_each_other_to_the_end():
    assert read(client(list(range(5))), 2) == [[4, 3], [2, 1], [0]]
    assert read(client(list(range(4))), 2) == [[3, 2], [1, 0]]
    assert read(client([]), 2) == [[]]


def test_what_comes_and_goes_meanwhile_shifts_nothing():
    numbers = list(range(10, 16))
    asking = client(numbers)
    first = asking.get("/numbers?limit=2").json
    numbers += [99, 98]
    numbers.remove(14)
    assert asking.get(f"/numbers?limit=2&after={first['next']}").json["items"] == [13, 12]


def test_there_are_20_on_a_page_unless_asked_otherwise():
    asking = client(list(range(200)))
    assert len(asking.get("/numbers").json["items"]) == 20
    assert len(asking.get("/numbers?limit=100").json["items"]) == 100


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.0", "x", "", " 5", "+5", "1_0", "٣"])
def test_a_limit_that_is_none_is_refused(limit):
    answer = client([1]).get("/numbers", query_string={"limit": limit})
    assert answer.status_code == 422
    assert "limit" in answer.json["detail"]


@pytest.mark.parametrize("after", ["", "x", "!!!", "WzFd!", "WyJhIl0", "WzEsMl0", "e30", "W3RydWVd", "x" * 401, "_w"])
def test_a_cursor_that_no_page_of_this_list_has_given_is_refused(after):
    answer = client([1]).get("/numbers", query_string={"after": after})
    assert answer.status_code == 422
    assert "after" in answer.json["detail"]


def test_a_parameter_that_nobody_knows_is_refused():
    assert client([1]).get("/numbers?page=2").status_code == 422


def test_limit_and_cursor_are_described():
    described = client([1]).get("/openapi.json").json["paths"]["/numbers"]["get"]["parameters"]
    limit = next(each for each in described if each["name"] == "limit")
    assert (limit["required"], limit["schema"]["minimum"], limit["schema"]["maximum"]) == (False, 1, 100)
    assert limit["schema"]["type"] == "integer"
