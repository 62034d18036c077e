"""Ctrl-C and SIGTERM at moments that can bear them: between starting a process and knowing it, they wait."""

import signal
from types import FrameType


class Interrupts:
    """Once installed, both signals raise KeyboardInterrupt; while held, the first `release` afterwards does."""

    def __init__(self) -> None:
        self._held = False
        self._waiting = False

    def install(self) -> None:
        """For the main thread of a program."""
        signal.signal(signal.SIGINT, self._arrived)
        signal.signal(signal.SIGTERM, self._arrived)

    def hold(self) -> None:
        """From here on they wait."""
        self._held = True

    def release(self) -> None:
        """No longer. Raises KeyboardInterrupt if one came meanwhile; call it where that is dealt with."""
        self._held = False
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt

    def _arrived(self, _: int, __: FrameType | None) -> None:
        if not self._held:
            raise KeyboardInterrupt
        self._waiting = True


INTERRUPTS = Interrupts()
