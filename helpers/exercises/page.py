"""Text for the page: one look for what predictions and exercises say."""

import html
import re

import ipywidgets as widgets

CODE_STYLE = "font-size: 16px"


def escape(text: str) -> str:
    """Return text so that a page shows it as it is."""
    # quotation marks may stay: the text stands between tags, not within one
    return html.escape(text, quote=False)


def prose(text: str) -> str:
    """Return text for a page: escaped, what stands between backticks in the type of code."""
    return re.sub(r"`([^`]+)`", rf'<code style="{CODE_STYLE}">\1</code>', escape(text))


def line(text: str) -> str:
    """Return a paragraph that holds HTML, in the size that a hall can read."""
    # role="status": a screen reader says what changes
    return f'<p role="status" style="font-size: 18px; line-height: 1.4">{text}</p>'


def reply(verdict: str, text: str) -> widgets.HTML:
    """Return a widget that says a verdict, and more about it in HTML."""
    return widgets.HTML(line(f"<b>{verdict}</b> {text}"))
