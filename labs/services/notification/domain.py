"""What a customer is told, by which channels, and when it is tried again. No I/O, no framework."""

from dataclasses import dataclass
from decimal import Decimal

from labs.services.notification.events import OrderNews
from labs.services.notification.templates import MISSING, TEMPLATES

EMAIL, SMS, PUSH = "email", "sms", "push"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two attempts: 0.5, 1, 2, 4, 8, 16, then always 30."""
DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}
"""Of the currencies in ISO 4217 that a shop meets, those whose minor unit is not a hundredth."""


@dataclass(frozen=True)
class Message:
    """What is said, before anybody sends it."""

    subject: str
    body: str


@dataclass(frozen=True)
class Contact:
    """How a customer can be told, and wants to be."""

    name: str
    email: str
    phone: str
    device_token: str
    channels: tuple[str, ...]

    def recipients(self) -> dict[str, str]:
        """Where to send to, by channel: those that the customer chose and gave us an address for."""
        known = {EMAIL: self.email, SMS: self.phone, PUSH: self.device_token}
        return {channel: known[channel] for channel in known if channel in self.channels and known[channel]}


def message(event_type: str, channel: str, name: str, news: OrderNews) -> Message:
    """The words for what happened to an order. Raises KeyError for an event that nobody is told of."""
    template, said = TEMPLATES[event_type], words(name, news)
    body = template.body if channel == EMAIL else template.short
    return Message(template.subject, body.format_map(said))


def words(name: str, news: OrderNews) -> dict[str, str]:
    """What templates may say, in the customer's form."""
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in news.missing)
    return {
        "name": name,
        "order_id": news.order_id,
        "reason": news.reason,
        "tracking_code": news.tracking_code,
        "total": "" if news.amount is None else money(news.amount, news.currency),
        "missing": MISSING.format(lines=lines) if lines else "",
    }


def money(amount: int, currency: str) -> str:
    """350 of EUR is "3.50 EUR"."""
    decimals = DECIMALS.get(currency, 2)
    return f"{Decimal(amount).scaleb(-decimals):.{decimals}f} {currency}"


def pause(attempts: int) -> float:
    """Seconds until the next attempt, after so many failed ones (from 1)."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 10)))
