"""Verifies a provider against what its consumers have written down, with pact-python."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from pact import Verifier
from werkzeug.serving import make_server

os.environ["PACT_DO_NOT_TRACK"] = "true"  # else each run tells Pact's makers by way of an analytics service
HOST = "127.0.0.1"
LOOPBACK = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST, "localhost"]))
os.environ["NO_PROXY"] = LOOPBACK  # a proxy has no business there; Pact's own callbacks go to localhost
States = Mapping[str, Callable[[], None]]
"""What makes a provider's state true, by the words of the pact's `given`."""
Messages = Mapping[str, Callable[[], bytes]]
"""The message that a provider tells, as it travels, by its description in the pact."""


class Broken(AssertionError):
    """A provider does not do what a consumer needs; the message says what, in Pact's words."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of an app that answers over real HTTP, on a free port of the loopback."""
    server = make_server(HOST, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mismatches(
    provider: str, pacts: Path, *, url: str = "", states: States | None = None, messages: Messages | None = None
) -> list[str]:
    """What a provider does not keep of the pacts in a file or a folder, each thing once; empty if it keeps all. HTTP is
    asked at `url`, a message of its function in `messages`. A state that cannot be made is an error of the provider."""
    troubles: list[str] = []
    verifier = Verifier(provider, host=HOST).set_coloured_output(enabled=False).set_error_on_empty_pact()
    if url:
        verifier.add_transport(url=url)
        verifier.state_handler(_maker(states or {}, troubles))
    if messages:
        verifier.message_handler({name: _teller(tell) for name, tell in messages.items()})
    verifier.add_source(pacts)
    try:
        verifier.verify()
    except RuntimeError as error:
        troubles += sorted(set(_words(verifier.results.get("errors", [])))) or [str(error)]
    return list(dict.fromkeys(troubles))


def verify(
    provider: str, pacts: Path, *, url: str = "", states: States | None = None, messages: Messages | None = None
) -> None:
    """The same for a test: raises Broken."""
    if found := mismatches(provider, pacts, url=url, states=states, messages=messages):
        raise Broken("; ".join(found))


def _maker(states: States, troubles: list[str]) -> Callable[[str], None]:
    """Makes a state true, or says here why not: Pact itself would try it seven times, for a minute."""

    def make(state: str) -> None:
        if not state:  # which is how Pact says that there is none
            return
        if state not in states:
            troubles.append(f"nobody has said how it comes about that {state}")
            return
        try:
            states[state]()
        except Exception as error:  # noqa: BLE001  (whatever a provider's own code raises)
            troubles.append(f"it could not be made true that {state}: {type(error).__name__}: {error}")

    return make


def _teller(tell: Callable[[], bytes]) -> Callable[[], Any]:
    return lambda: {"contents": tell(), "metadata": None, "content_type": "application/json"}


def _words(found: Any) -> Iterator[str]:
    """Every sentence about a mismatch in Pact's report, however deep."""
    if isinstance(found, list):
        for each in found:
            yield from _words(each)
    elif isinstance(found, dict):
        said = found.get("mismatch")
        if isinstance(said, str):
            yield said
        elif isinstance(message := found.get("message"), str):
            yield message
        for each in found.values():
            yield from _words(each)
