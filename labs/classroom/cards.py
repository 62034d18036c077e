"""How the classroom speaks in a notebook: a card with a coloured edge, and the same words as plain text."""

import html
from typing import Any

from IPython.display import Markdown, display

COLOURS = {"passed": "#2e7d32", "failed": "#c62828", "open": "#757575", "note": "#1565c0", "finding": "#6a1b9a"}
SIGNS = {"passed": "✓", "failed": "✗", "open": "○", "note": "›", "finding": "="}


def card(kind: str, title: str, text: str = "", more: str = "") -> None:
    """Show a card; `more` is set in a fixed-width font (a traceback, last lines)."""
    plain = "\n".join(part for part in (f"{SIGNS[kind]} {title}", text, more) if part)
    body = f"<div style='margin-top:.25em'>{html.escape(text)}</div>" if text else ""
    if more:
        body += f"<pre style='margin:.5em 0 0;white-space:pre-wrap;font-size:.9em'>{html.escape(more)}</pre>"
    style = f"border-left:4px solid {COLOURS[kind]};padding:.4em .9em;margin:.2em 0;line-height:1.45"
    heading = f"<strong><span style='color:{COLOURS[kind]}'>{SIGNS[kind]}</span> {html.escape(title)}</strong>"
    bundle: dict[str, Any] = {"text/plain": plain, "text/html": f"<div style='{style}'>{heading}{body}</div>"}
    display(bundle, raw=True)


def diagram(mermaid: str) -> None:
    """Show a Mermaid diagram."""
    display(Markdown(f"```mermaid\n{mermaid}\n```"))
