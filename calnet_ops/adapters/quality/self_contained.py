"""Data Docs that show without the internet.

As Great Expectations writes them, pages load their styles and scripts from half a dozen public
servers, and the index is empty without the scripts. An archive's pages should not depend on that,
nor tell strangers who reads them.
"""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Protocol

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_FOREIGN = re.compile(r"<link\b[^>]*https?://[^>]*>")

STYLE = """<style>
:root { color-scheme: light dark; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem;
  padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.2rem; }
td, th { border: 1px solid #8886; padding: .25rem .6rem; text-align: left; vertical-align: top; }
h5, h6 { margin: 1.2rem 0 .3rem; font-size: 1rem; }
nav, footer, button, img { display: none !important; }
.alert { border-left: 4px solid #8886; padding: .2rem .8rem; }
.text-success, .met { color: #1f7a3f; } .text-danger, .missed { color: #b3261e; }
.fa-check-circle::before { content: "met"; } .fa-times::before { content: "missed"; }
.fa-exclamation-triangle::before { content: "error"; }
i.fas { font-style: normal; font-weight: 600; }
</style>
"""
"""In each page: pages are served in a sandbox, where a browser sends no login along for a file
beside them."""


class Judged(Protocol):
    """What the index says of an expectation."""

    @property
    def met(self) -> bool:
        """Whether the data complies."""

    @property
    def n_row(self) -> int:
        """Rows judged."""

    @property
    def n_unexpected(self) -> int:
        """Rows that do not comply."""

    @property
    def words(self) -> tuple[str, str, str]:
        """Name, severity and reason."""


def make_self_contained(folder: Path, outcomes: Sequence[Judged]) -> None:
    """Give all pages one style of our own, and write an index that needs no script.

    Parameters
    ----------
    folder
        Data Docs, as Great Expectations wrote them.
    outcomes
        What the index shows.
    """
    (folder / "index.html").unlink(missing_ok=True)
    pages = sorted(folder.rglob("*.html"))
    for page in pages:
        text = _FOREIGN.sub("", _SCRIPT.sub("", page.read_text()))
        page.write_text(text.replace("</head>", f"{STYLE}</head>", 1))
    links = [page.relative_to(folder).as_posix() for page in pages]
    (folder / "index.html").write_text(_index(outcomes, links))


def _index(outcomes: Sequence[Judged], links: Sequence[str]) -> str:
    rows = "\n".join(_row(outcome) for outcome in outcomes)
    details = "\n".join(f'<li><a href="{escape(x)}">{escape(_title(x))}</a></li>' for x in links)
    n_met = sum(outcome.met for outcome in outcomes)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>
{STYLE}</head><body>
<h1>Data Docs</h1>
<p>{n_met} of {len(outcomes)} expectations are met.</p>
<table><tr><th>expectation</th><th>if missed</th><th>result</th><th>rows that do not comply</th>
<th>why it is expected</th></tr>
{rows}
</table>
<h5>Details</h5>
<ul>
{details}
</ul>
</body></html>
"""


def _row(outcome: Judged) -> str:
    result = "met" if outcome.met else "missed"
    name, severity, reason = map(escape, outcome.words)
    return (
        f'<tr><td>{name}</td><td>{severity}</td><td class="{result}">{result}</td>'
        f"<td>{outcome.n_unexpected} of {outcome.n_row}</td><td>{reason}</td></tr>"
    )


def _title(link: str) -> str:
    parts = link.split("/")
    kind = "results" if parts[0] == "validations" else "expectations"
    return f"{kind}: {parts[1].removesuffix('.html')}"
