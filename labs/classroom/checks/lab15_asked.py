"""How the checks of lab 15 buy something, and count what reaches the payment provider because of it."""

import time

import requests

from labs.classroom import programs, rushing
from labs.classroom.lab import Lab
from labs.classroom.load import Report, Request, closed_loop
from labs.classroom.slips import NoAnswer
from labs.classroom.verdicts import Verdict, wrong
from labs.infra.logging import files

AT_ONCE = 4
"""Customers at the same time where the order does not matter."""
LONG = 6.0
"""Seconds for as many customers as a check sends; they take one."""
HEADER = "X-Deadline"
NEVER = 1000
"""A fault that strikes every so many requests strikes nobody here, and counts them."""


class Asked:
    """One service of the chain, asked by customers. Errors in its log from before do not count."""

    def __init__(self, lab: Lab, service: str) -> None:
        self.lab, self.service = lab, service
        self._processes = ("checkout-api", "till-api")
        self._since = {process: files.mark(lab.system.log(process)) for process in self._processes}

    def buy(self, card: str = "card-ok", **headers: str) -> requests.Response:
        """A purchase, whatever the answer; one that does not come within the shop's own patience counts as 503."""
        try:
            return self.lab.shop.post(self.service, "/charges", rushing.purchase(card), headers=headers)
        except NoAnswer:
            silent = requests.Response()
            silent.status_code = requests.codes.unavailable
            return silent

    def timed(self, **headers: str) -> tuple[requests.Response, float]:
        """The same, and the seconds it took."""
        began = time.monotonic()
        answer = self.buy(**headers)
        return answer, time.monotonic() - began

    def together(self, customers: int, at_once: int) -> Report:
        """So many purchases, so many of them at the same time."""
        url = self.lab.shop.url(self.service, "/charges")
        wanted = [Request("POST", url, rushing.purchase()) for _ in range(customers)]
        return closed_loop(wanted, at_once, LONG, LONG)

    def said(self, answer: requests.Response) -> str:
        """The reason in an answer, as far as it gives one."""
        try:
            return str(answer.json()["detail"])
        except (ValueError, KeyError, TypeError):
            return answer.reason or "it does not say why"

    def raised(self, answer: requests.Response) -> Verdict | None:
        """Whether the learner's code broke off, and how: the till is asked by checkout, so a 503 of the one may be a crash of
        the other."""
        if answer.status_code < requests.codes.server_error:
            return None
        for process, since in self._since.items():
            if error := programs.raised(self.lab.system, process, since):
                message = (
                    f"A customer wanted to buy, and your code broke off: {error}. The log of {process} has all of it."
                )
                return wrong("raises", message)
        return None


def fine(asked: Asked, customers: int) -> Report:
    """So many purchases while all is well."""
    return asked.together(customers, AT_ONCE)


def declined(asked: Asked) -> tuple[requests.Response, int]:
    """What a customer with a declined card is told, and how often payments was asked for it."""
    with asked.lab.faults.on("payments_500", nth=NEVER) as counter:
        answer = asked.buy("card-declined")
    return answer, counter.met


def failing_by_turns(asked: Asked, customers: int) -> tuple[list[requests.Response], int]:
    """One customer after the other, while every second request to payments is answered with 500: what they are told, and how
    many requests came."""
    with asked.lab.faults.on("payments_500", nth=2) as trouble:
        answers = [asked.buy() for _ in range(customers)]
    return answers, trouble.met


def failing(asked: Asked, customers: int) -> tuple[requests.Response, int]:
    """One customer after the other, while every request fails: what the last is told, and how many requests came."""
    with asked.lab.faults.on("payments_500") as trouble:
        answers = [asked.buy() for _ in range(customers)]
    return answers[-1], trouble.met
