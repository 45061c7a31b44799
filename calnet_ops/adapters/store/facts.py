"""What is known about an object, in the words that S3 allows for it."""

from collections.abc import Mapping
from urllib.parse import quote_plus, unquote_plus

MAX_BYTES = 2048
"""Of all names and values together (S3's limit on user-defined metadata)."""

READABLE = '"/:;='
"""Left as they are beside letters, digits and ``_.-~``; the rest, which some servers change on its
way through a header, is written as in a URL."""


def to_metadata(facts: Mapping[str, str]) -> dict[str, str]:
    """User-defined metadata that hold some facts; an empty fact is left out.

    Raises
    ------
    ValueError
        If they are longer than `MAX_BYTES`: whoever writes long texts has to shorten them.

    Examples
    --------
    >>> to_metadata({"etag": '"1f-2a"', "evidence": "Größe, n = 1", "source": ""})
    {'etag': '"1f-2a"', 'evidence': 'Gr%C3%B6%C3%9Fe%2C+n+=+1'}
    """
    metadata = {name: quote_plus(value, READABLE) for name, value in facts.items() if value}
    n_byte = sum(len(name) + len(value) for name, value in metadata.items())
    if n_byte > MAX_BYTES:
        message = f"{n_byte} bytes of facts, expected at most {MAX_BYTES}: {', '.join(metadata)}"
        raise ValueError(message)
    return metadata


def from_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Facts that some metadata hold.

    Examples
    --------
    >>> from_metadata(to_metadata({"evidence": "100% of Größe + 1"}))
    {'evidence': '100% of Größe + 1'}
    """
    return {name.lower(): unquote_plus(value) for name, value in metadata.items()}
