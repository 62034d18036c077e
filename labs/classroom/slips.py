"""What a learner did that cannot work, said in a sentence: notebooks show these errors without a traceback."""

import requests


class Slip(Exception):
    """The message says what happened and what to do next."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook for errors that explain themselves."""
        return [f"{type(self).__name__}: {self}"]


class NobodyListens(Slip, requests.ConnectionError):
    """A request reached no process: the service is stopped, or was never started."""


class NoAnswer(Slip, requests.Timeout):
    """A process listens and does not answer."""
