"""The ways out to customers, all of one shape: hand a notification over, or say that it is refused or must come again."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from labs.services.notification.store import Notification

TIMEOUT = 5.0
"""Seconds that the other side has for an answer."""
Send = Callable[[Notification], None]
"""Returns once the other side has taken it. Raises Refused, Later."""


class Refused(Exception):
    """Never, however often it is tried; it says why."""


class Later(Exception):
    """Not now, or nobody knows: it is tried again. It says why."""


class Channel(Protocol):
    """Email, SMS or push."""

    def opened(self) -> AbstractContextManager[Send]:
        """One lane to the other side, for one thread. Opening it asks nobody yet."""
