"""How the classroom speaks in a notebook: a card with a coloured edge, and the same words as plain text."""

import html
import re
from collections.abc import Sequence
from typing import Any

from IPython.display import Markdown, display

COLOURS = {"passed": "#2e7d32", "failed": "#c62828", "open": "#757575", "note": "#1565c0", "finding": "#6a1b9a"}
SIGNS = {"passed": "✓", "failed": "✗", "open": "○", "note": "›", "finding": "="}


def card(kind: str, title: str, text: str = "", more: str = "") -> None:
    """Show a card; `more` is set in a fixed-width font (a traceback, last lines)."""
    plain = "\n".join(part for part in (f"{SIGNS[kind]} {title}", text, more) if part)
    body = f"<div style='margin-top:.25em'>{_prose(text)}</div>" if text else ""
    if more:
        body += f"<pre style='margin:.5em 0 0;white-space:pre-wrap;font-size:.9em'>{html.escape(more)}</pre>"
    heading = f"<strong>{_sign(kind)} {_prose(title)}</strong>"
    bundle: dict[str, Any] = {"text/plain": plain, "text/html": f"<div style='{_style(kind)}'>{heading}{body}</div>"}
    display(bundle, raw=True)


def measured(name: str, value: float, bound: str, holds: bool) -> None:
    """Show a finding. The value differs from run to run: it is marked, and comparing two runs leaves it out."""
    kind = "finding" if holds else "failed"
    verdict = "holds" if holds else "does not hold here"
    text = f"<div style='{_style(kind)}'>{_sign(kind)} {html.escape(name)}: {marked(value)} ({bound}: {verdict})</div>"
    display({"text/plain": f"{SIGNS[kind]} {name} ({bound}: {verdict})", "text/html": text}, raw=True)


def table(rows: Sequence[tuple[str, float, str, bool]]) -> None:
    """Show findings as a table."""
    head = "".join(f"<th style='text-align:left'>{h}</th>" for h in ("finding", "measured here", "bound", ""))
    body = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name)}</td><td>{marked(value)}</td><td>{bound}</td>"
        f"<td>{'holds' if holds else 'does not hold'}</td></tr>"
        for name, value, bound, holds in rows
    )
    plain = "\n".join(f"{name} ({bound}: {'holds' if holds else 'does not hold'})" for name, _, bound, holds in rows)
    display({"text/plain": plain, "text/html": f"<table><tr>{head}</tr>{body}</table>"}, raw=True)


def diagram(mermaid: str) -> None:
    """Show a Mermaid diagram."""
    display(Markdown(f"```mermaid\n{mermaid}\n```"))


def _prose(text: str) -> str:
    """As HTML; what stands between backticks is code, as in a Markdown cell."""
    return re.sub("`([^`\n]+)`", r"<code>\1</code>", html.escape(text))


def _style(kind: str) -> str:
    return f"border-left:4px solid {COLOURS[kind]};padding:.4em .9em;margin:.2em 0;line-height:1.45"


def _sign(kind: str) -> str:
    return f"<span style='color:{COLOURS[kind]}'>{SIGNS[kind]}</span>"


def marked(value: float) -> str:
    """A number that differs from run to run, so that comparing two runs leaves it out; a count is compared."""
    if not isinstance(value, float):
        return f"<data>{value}</data>"
    return (
        f"<data class='measured'>{value:,.0f}</data>"
        if abs(value) >= 1000
        else f"<data class='measured'>{value:.3g}</data>"
    )
