"""Requests made up from what a service says of itself, right ones and wrong ones: does any of them break it?"""

import html
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.configuration import set_hypothesis_home_dir
from schemathesis import APIOperation, Case, GenerationMode, openapi

from labs.infra.home import home

BROKEN = 500
"""A status from here on says: my fault."""
SHOWN = 300
"""Characters of a request that are shown."""


@dataclass
class Fuzzed:
    """What became of the requests: answers by status, and each request that was answered with 5xx, as text."""

    statuses: Counter[int] = field(default_factory=Counter)
    broke: list[str] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many requests there were."""
        return sum(self.statuses.values())

    @property
    def smallest(self) -> str:
        """The shortest request that broke it; empty if none did."""
        return min(self.broke, key=len, default="")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """A notebook shows what it found; how often, and by which request, differs with the versions of the libraries."""
        words = "No request broke it." if not self.broke else "Some requests were answered with 5xx. The shortest:"
        shown = f"<pre><data class='measured'>{html.escape(self.smallest)}</data></pre>" if self.broke else ""
        return {"text/plain": words, "text/html": f"<div>{words}{shown}</div>"}


def fuzz(description: Mapping[str, Any], url: str, examples: int = 20, only: str = "") -> Fuzzed:
    """Ask each operation of an OpenAPI `description` so often with requests that are right and with requests that are wrong, at
    the service at `url`; `only` is how the ones that are meant begin, such as `POST /stock`. The same requests at every run."""
    set_hypothesis_home_dir(home() / "hypothesis")  # else it keeps its tables beside the notebook
    found = Fuzzed()
    schema: Any = openapi.from_dict(dict(description))
    with requests.Session() as session:
        session.trust_env = False  # a proxy has no business on the loopback
        for each in schema.get_all_operations():
            operation = each.ok()
            if operation.label.startswith(only):
                for mode in GenerationMode:
                    _ask(operation, mode, examples, url, session, found)
    return found


def _ask(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    examples: int,
    url: str,
    session: requests.Session,
    found: Fuzzed,
) -> None:
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        return  # nothing in it can be wrong: any text does for a path

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Case[Any]) -> None:
        status = case.call(base_url=url, session=session).status_code
        found.statuses[status] += 1
        if status >= BROKEN:
            found.broke.append(_text(case))

    each()


def _text(case: Case[Any]) -> str:
    body = "" if case.body.__class__.__name__ == "NotSet" else f" {json.dumps(case.body, default=repr)}"
    return f"{case.method} {case.formatted_path}{body}"[:SHOWN]
