"""Pages that are one HTML file with everything in it: served, kept as artifacts, passed on."""

from base64 import b64encode
from collections.abc import Iterable
from html import escape

STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
img { max-width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .15rem .8rem .15rem 0; text-align: left }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } .warn { color: #a4261b }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page, its title as heading.

    Parameters
    ----------
    title
        Plain text.
    parts
        HTML.
    """
    lines = [
        "<!doctype html>",
        f'<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{STYLE}</style>",
        f"<h1>{escape(title)}</h1>",
        *parts,
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def picture(png: bytes, alt: str) -> str:
    """An image inside the page: MLflow's viewer of artifacts loads nothing beside it."""
    source = f"data:image/png;base64,{b64encode(png).decode()}"
    return f'<p><img src="{source}" alt="{escape(alt)}"></p>'
