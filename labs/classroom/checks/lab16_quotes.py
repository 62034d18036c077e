"""A quote of the learner's quotes-service: what it says, and what it asked inventory-service for."""

from dataclasses import dataclass, field
from uuid import uuid4

from labs.classroom.lab import Lab
from labs.classroom.round_trips import Question
from labs.classroom.verdicts import Verdict, wrong

ASKED = "inventory-api"
SERVER_ERROR = 500
PRICE = 350
SHOWN = 3
"""Questions that a story tells in full."""


@dataclass
class Quote:
    """An answer: its status, the prices by SKU, the products without one; and the questions that were asked for it."""

    status: int
    prices: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def asked_for(self, sku: str) -> bool:
        """Whether a question was about this product."""
        return any(sku in question.skus for question in self.questions)


def offered(lab: Lab, number: int, price: int = PRICE) -> list[str]:
    """So many products that nobody has asked for yet, in the catalogue."""
    mark = uuid4().hex[:6]
    skus = [f"p-{mark}-{n}" for n in range(number)]
    for sku in skus:
        lab.shop.offer(sku, price)
    return skus


def quoted(lab: Lab, way: str, *skus: str) -> Quote:
    """Ask the learner's service for a quote."""
    with lab.asked(ASKED) as questions:
        answer = lab.shop.get("quotes-service", "/quotes", params={"way": way, "sku": list(skus)})
    if not answer.ok:
        return Quote(answer.status_code, questions=questions)
    said = answer.json()
    return Quote(answer.status_code, said["prices"], said["unknown"], questions)


def failing(quote: Quote) -> Verdict | None:
    """A verdict if the quote is an error."""
    if quote.status < SERVER_ERROR:
        return None
    return wrong("raises", f"A quote was answered with {quote.status}. `lab logs quotes-api` in a terminal says why.")


def asks(quote: Quote, ending: str) -> tuple[str, ...]:
    """The smallest history: the first questions, how many more, and what came of it."""
    lines = ["customer->>quotes-service: GET /quotes"]
    for question in quote.questions[:SHOWN]:
        what = f"{question.path}, {len(question.skus)} products" if question.query else question.path
        lines.append(f"quotes-service->>inventory-service: GET {what}")
    if (more := len(quote.questions) - SHOWN) > 0:
        lines.append(f"Note over quotes-service,inventory-service: and {more} more, one after the other or at once")
    return (*lines, f"Note over quotes-service: {ending}")
