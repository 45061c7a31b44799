"""What became of a move of the alias, written where the person who moved it looks."""

from calnet_ops.adapters.registry import Registry

MARK = "**Production:** "
"""Begins the line that heads a version's description; the line is ours, the rest is not."""

TAG = "promotion"
"""Tag of a version that says the same in a few words."""


def show_state(version: int, line: str, tag: str, registry: Registry) -> None:
    """Head the description of a version with one line, in place of the one there; set the tag.

    Parameters
    ----------
    line
        Markdown without line breaks.
    tag
        The same in a few words.
    """
    description = registry.version(version)["description"]
    line = " ".join(line.split())
    registry.describe(version, f"{MARK}{line}\n\n{without_state(description)}".rstrip())
    registry.tag(version, TAG, tag)


def without_state(description: str) -> str:
    """A description without our line."""
    if not description.startswith(MARK):
        return description
    return description.partition("\n\n")[2]
