"""What the headers of an answer say; numbers and dates that make no sense say nothing."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from calnet_ops.adapters.archive import Validators

FIRM_AFTER_S = 60.0
"""A file may change twice within the second that Last-Modified tells; after a minute the date
stands for one version only (RFC 9110, section 8.8.2.2)."""

STRONG_ETAG = re.compile(r'"[!#-~]{1,256}"')
"""Printable ASCII between quotes (RFC 9110, section 8.8.3, without its obsolete part); real ones
have 34 characters."""

CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})", re.ASCII)


def read_validators(answer: httpx.Response) -> Validators:
    """What an answer says of the version it carries, all of it or a part."""
    part = content_range(answer)
    n_bytes = part[2] if part else whole_number(answer.headers.get("Content-Length", ""))
    headers = answer.headers
    return Validators(headers.get("ETag", ""), headers.get("Last-Modified", ""), n_bytes)


def strong_condition(answer: httpx.Response) -> str:
    """ETag or date that stands for exactly these bytes; empty if there is none.

    An ETag is taken if it is strong, a date only if there is no ETag at all and the file had not
    changed for a minute when it was sent.
    """
    etag = answer.headers.get("ETag", "")
    if etag:
        return etag if is_strong(etag) else ""
    return firm_date(answer)


def firm_date(answer: httpx.Response) -> str:
    """Last-Modified, if the file had not changed for a minute when it was sent; else empty."""
    sent, changed = (_date(answer.headers.get(name, "")) for name in ("Date", "Last-Modified"))
    if sent is None or changed is None or (sent - changed).total_seconds() < FIRM_AFTER_S:
        return ""
    return str(answer.headers["Last-Modified"])


def is_framed(answer: httpx.Response) -> bool:
    """Whether the end of the body is marked; else a lost connection looks like it."""
    return "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers


def is_strong(etag: str) -> bool:
    """Whether an ETag promises the same bytes, not only the same meaning, and can be sent back."""
    return STRONG_ETAG.fullmatch(etag) is not None


def unless_still(condition: str) -> dict[str, str]:
    """Headers that ask for a body only if it is no longer what a strong condition names."""
    if not condition:
        return {}
    return {"If-None-Match" if is_strong(condition) else "If-Modified-Since": condition}


def content_range(answer: httpx.Response) -> tuple[int, int, int] | None:
    """First and last byte of a part, and the length of the whole."""
    match = CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def retry_after_s(answer: httpx.Response) -> float:
    """Seconds that a server asks to wait, given as a number or as a date; 0 if it does not."""
    text = answer.headers.get("Retry-After", "")
    until = _date(text)
    if until is not None:
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    return float(whole_number(text) or 0)


def whole_number(text: str) -> int | None:
    """A length or a number of seconds."""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
