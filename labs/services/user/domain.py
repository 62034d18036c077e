"""The rules of users: what a role may do, how a user can be reached, how often one may fail to log in. No I/O, no framework."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_address

TOKEN_SECONDS = 900
"""How long a token is valid."""
KEY_SECONDS = TOKEN_SECONDS + 60
"""How long a key is still published after another one took over: so long its last tokens live, on the slowest clock too."""
WINDOW_SECONDS = 900
"""Failed logins older than this are forgotten."""


class Role(StrEnum):
    """What somebody is to the shop."""

    CUSTOMER = "customer"
    CLERK = "clerk"
    ADMIN = "admin"


class Channel(StrEnum):
    """How somebody wants to be told."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


_CUSTOMER = ("orders:own", "profile:own", "notifications:own")
_CLERK = (*_CUSTOMER, "orders:all", "stock:write", "catalogue:write", "notifications:all")
PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.CUSTOMER: _CUSTOMER,
    Role.CLERK: _CLERK,
    Role.ADMIN: (*_CLERK, "users:all", "keys:rotate", "settlements:run", "reports:read"),
}


def permissions(roles: Iterable[Role]) -> list[str]:
    """Everything that any of the roles permits, each once."""
    return list(dict.fromkeys(permission for role in roles for permission in PERMISSIONS[role]))


def normalised(email: str) -> str:
    """The form in which an address is kept and compared: capitals make no other address."""
    return email.lower()


def unreachable(channels: Collection[str], phone: str | None, device_token: str | None) -> str:
    """Why a user cannot be told by the channels chosen; empty if all of them can work."""
    if Channel.SMS in channels and not phone:
        return "channels: sms needs a phone"
    if Channel.PUSH in channels and not device_token:
        return "channels: push needs a device_token"
    return ""


def wait(failures: list[float], limit: int, now: float) -> float:
    """Seconds until the next attempt to log in, 0 if it may be now: `limit` failures are tolerated within WINDOW_SECONDS.
    `failures` are moments in seconds since the epoch, the newest last."""
    recent = recent_of(failures, now)
    return recent[-limit] + WINDOW_SECONDS - now if len(recent) >= limit else 0.0


def recent_of(failures: list[float], now: float) -> list[float]:
    """Those that still count."""
    return [moment for moment in failures if moment > now - WINDOW_SECONDS]


def place(address: str) -> str:
    """Who is counted as one caller: an IPv4 address, or the /64 of an IPv6 address, which one person has to choose from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
