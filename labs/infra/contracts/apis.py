"""What a change of an OpenAPI description breaks, for those who call it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from labs.infra.contracts.breaks import Break, Way
from labs.infra.contracts.schemas import Comparison
from labs.infra.contracts.variants import at

Part = Mapping[str, Any]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
PARAMETER = re.compile(r"\{(.+?)\}")


def compare_apis(old: Part, new: Part) -> list[Break]:
    """Operation by operation; a new one breaks nobody. Paths are the same if they differ in the names of their parameters
    only."""
    after = {_shape(path): (path, item) for path, item in new.get("paths", {}).items()}
    service = f"{title} · " if (title := old.get("info", {}).get("title")) else ""
    found: list[Break] = []
    for path, item in sorted(old.get("paths", {}).items()):
        new_path, new_item = after.get(_shape(path), (path, {}))
        for method in (each for each in METHODS if each in item):
            name = f"{service}{method.upper()} {path}"
            if method not in new_item:
                found.append(Break(name, "removed", f"callers of {name}"))
                continue
            before = _Operation(old, path, item, item[method])
            found += _compared(before, _Operation(new, new_path, new_item, new_item[method]), name)
    return found


class _Operation:
    """One of a document, with what its path and the whole document add to it; references to its parts are followed."""

    def __init__(self, document: Part, path: str, item: Part, own: Part) -> None:
        self.document = document
        parameters = [self._found(each) for each in [*item.get("parameters", ()), *own.get("parameters", ())]]
        places = PARAMETER.findall(path)
        self.parameters = {_key(each, places): each for each in parameters}
        self.body = self._found(own.get("requestBody", {}))
        self.answers = {status: self._found(answer) for status, answer in own.get("responses", {}).items()}
        security = own.get("security", document.get("security", []))
        self.security = [{name: frozenset(scopes) for name, scopes in each.items()} for each in security] or [{}]

    def headers(self, status: str) -> dict[str, Part]:
        """Of an answer; their names know no capitals."""
        return {name.lower(): self._found(each) for name, each in self.answers[status].get("headers", {}).items()}

    def _found(self, part: Part) -> Part:
        while "$ref" in part:
            part = at(self.document, part["$ref"])
        return part


def _compared(old: _Operation, new: _Operation, name: str) -> Iterator[Break]:
    who = f"callers of {name}"
    sent = Comparison(old.document, new.document, Way.SENT, who)
    read = Comparison(old.document, new.document, Way.READ, who)
    yield from _parameters(old, new, name, sent, who)
    yield from _body(old, new, f"{name} · body", sent, who)
    yield from _answers(old, new, name, read, who)
    for allowed in old.security:
        if not any(_asks_no_more(now, allowed) for now in new.security):
            yield Break(f"{name} · security", f"{_words(allowed)} is not enough any more", who)


def _parameters(old: _Operation, new: _Operation, name: str, sent: Comparison, who: str) -> Iterator[Break]:
    for key in sorted(old.parameters.keys() | new.parameters.keys()):
        before, now = old.parameters.get(key), new.parameters.get(key)
        named = now or before or {}
        place = f"{name} · {named['in']} {named['name']}"
        if now is None:
            yield Break(place, "removed", who)
        elif now.get("required") and not (before and before.get("required")):
            yield Break(place, "is required now", who)
        if before and now:
            yield from sent.breaks(before.get("schema", True), now.get("schema", True), place)


def _body(old: _Operation, new: _Operation, place: str, sent: Comparison, who: str) -> Iterator[Break]:
    if new.body.get("required") and not old.body.get("required"):
        yield Break(place, "is required now", who)
    before, now = old.body.get("content", {}), new.body.get("content", {})
    for kind in sorted(before):
        if kind not in now:
            yield Break(place, f"is not taken as {kind} any more", who)
        else:
            yield from sent.breaks(before[kind].get("schema", True), now[kind].get("schema", True), place)


def _answers(old: _Operation, new: _Operation, name: str, read: Comparison, who: str) -> Iterator[Break]:
    """Callers must understand any error by the class of its status; a success they know one by one."""
    for status in sorted(new.answers.keys() - old.answers.keys()):
        if _is_success(status):
            yield Break(f"{name} · {status}", "a new kind of success", who, warning=True)
    for status in sorted(old.answers):
        place = f"{name} · {status}"
        if status not in new.answers:
            if _is_success(status):
                yield Break(place, "is not answered any more", who)
            continue
        for header in sorted(old.headers(status).keys() - new.headers(status).keys()):
            yield Break(f"{place} · header {header}", "removed", who)
        before, now = (each.answers[status].get("content", {}) for each in (old, new))
        for kind in sorted(before):
            if kind not in now:
                yield Break(place, f"does not come as {kind} any more", who)
            else:
                yield from read.breaks(before[kind].get("schema", True), now[kind].get("schema", True), place)


def _asks_no_more(now: Mapping[str, frozenset[str]], before: Mapping[str, frozenset[str]]) -> bool:
    return all(scheme in before and scopes <= before[scheme] for scheme, scopes in now.items())


def _words(allowed: Mapping[str, frozenset[str]]) -> str:
    if not allowed:
        return "no token"
    return " and ".join(f"{scheme} with {', '.join(sorted(scopes)) or 'any'}" for scheme, scopes in allowed.items())


def _is_success(status: str) -> bool:
    return status[0] in "23" or status == "default"


def _shape(path: str) -> str:
    return PARAMETER.sub("{}", path)


def _key(parameter: Part, places: list[str]) -> tuple[str, str]:
    """What callers know a parameter by: its name; in the path, its place; of a header, without capitals."""
    where, name = parameter["in"], parameter["name"]
    if where == "path":
        return where, str(places.index(name))
    return where, name.lower() if where == "header" else name
