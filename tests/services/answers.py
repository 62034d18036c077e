"""What an answer of the shop must be."""

import requests


def assert_problem(answer: requests.Response, status: int, said: str) -> None:
    """An RFC 9457 problem with this status, whose detail says this."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert said in problem["detail"]
