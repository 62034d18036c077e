"""Money: what the saga asks of the payment provider, and what our own book keeps of the answers. Every request has a key made
of the order's id, so it has one effect however often it is sent."""

from datetime import UTC, datetime
from typing import Any

from labs.services.order.domain import worth_of
from labs.services.order.provider import Provider
from labs.services.order.saga import Done, Outcome
from labs.services.order.tables import Order, Payment

CHARGE, REFUND = "charge", "refund"
PAGE = 100
"""Entries of the provider's book in one answer."""


class Payments:
    """Actions of the saga. Never inside a transaction."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def charge(self, order: Order) -> Outcome:
        """Take what the order costs."""
        body = {"order_id": order.id, "amount": order.amount, "currency": order.currency, "card": order.card}
        answer = self._provider.ask("/charges", order.id, body)
        if not isinstance(answer, dict):
            return answer
        return Done(records=[(Payment, charged(order, answer.get("at")))])

    def refund(self, order: Order) -> Outcome:
        """Give all of it back. The provider voids a charge that it has not seen, so it never comes later either."""
        return self._give_back(order, f"{order.id}-all", order.amount)

    def repay(self, order: Order) -> Outcome:
        """Give back what the missing pieces cost."""
        return self._give_back(order, f"{order.id}-missing", worth_of(order.missing, order.lines))

    def entries(self, day: str, after: str | None) -> dict[str, Any]:
        """A page of the provider's own book of a day of UTC, {items, next}: the one `after` which it said this is next. Raises
        Unreachable."""
        place = {"after": after} if after else {}
        return self._provider.look("/entries", day=day, limit=str(PAGE), **place)

    def _give_back(self, order: Order, key: str, amount: int) -> Outcome:
        answer = self._provider.ask("/refunds", key, {"charge_key": order.id, "amount": amount})
        if not isinstance(answer, dict):
            return answer
        if answer["status"] == "voided":
            return Done()
        taken = charged(order, answer.get("charged_at"))
        back = charged(order, answer.get("at")) | {"key": key, "kind": REFUND, "amount": amount}
        return Done(records=[(Payment, taken), (Payment, back)])


def charged(order: Order, at: str | None) -> dict[str, Any]:
    """Our own note of the charge, which was taken `at` (RFC 3339) that moment, or now if the provider does not say. A refund
    says that there was one, also if we never heard the answer to it."""
    moment = datetime.fromisoformat(at) if at else datetime.now(UTC)
    note = {"key": order.id, "order_id": order.id, "kind": CHARGE, "amount": order.amount, "currency": order.currency}
    return note | {"day": moment.astimezone(UTC).date().isoformat()}
