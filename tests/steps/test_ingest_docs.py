import re
from collections.abc import Iterator
from pathlib import Path

from calnet_ops import errors

PAGE = Path(__file__).parents[2] / "docs" / "ingest.md"
ROW = re.compile(
    r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \| (quarantine|skip list)[^|]* \| [^|]+ \|$", re.MULTILINE
)


def test_page_lists_every_reason_and_no_other():
    told = {name: (reason, place) for name, reason, place in ROW.findall(PAGE.read_text())}
    assert told == {
        kind.__name__: (
            kind.reason,
            "quarantine" if issubclass(kind, errors.QuarantinedFile) else "skip list",
        )
        for kind in _leaves(errors.RejectedInput)
    }


def _leaves(kind: type[errors.RejectedInput]) -> Iterator[type[errors.RejectedInput]]:
    """Classes that are raised: those without subclasses."""
    for child in kind.__subclasses__():
        yield from _leaves(child)
    if not kind.__subclasses__():
        yield kind
