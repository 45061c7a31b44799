from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from calnet_ops.adapters.archive import Validators
from calnet_ops.adapters.archive.headers import (
    content_range,
    read_validators,
    retry_after_s,
    strong_condition,
    unless_still,
    whole_number,
)

SENT = "Thu, 10 Sep 2026 18:09:16 GMT"
MINUTE_OLDER = "Thu, 10 Sep 2026 18:08:16 GMT"
YOUNGER = "Thu, 10 Sep 2026 18:08:17 GMT"


def answer(**headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=named)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ETag": '"a"', "Date": SENT, "Last_Modified": YOUNGER}, '"a"'),
        ({"ETag": 'W/"a"', "Date": SENT, "Last_Modified": MINUTE_OLDER}, ""),
        ({"ETag": "a"}, ""),
        ({"Date": SENT, "Last_Modified": MINUTE_OLDER}, MINUTE_OLDER),
        ({"Date": SENT, "Last_Modified": YOUNGER}, ""),
        ({"Date": SENT, "Last_Modified": "yesterday"}, ""),
        ({"Last_Modified": MINUTE_OLDER}, ""),
        ({"Date": SENT}, ""),
        ({}, ""),
    ],
)
def test_only_a_strong_tag_or_a_firm_date_names_a_version(headers, expected):
    assert strong_condition(answer(**headers)) == expected


def test_conditions_are_put_in_their_own_headers():
    assert unless_still('"a"') == {"If-None-Match": '"a"'}
    assert unless_still(SENT) == {"If-Modified-Since": SENT}
    assert unless_still("") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("2039040", 2039040),
        ("", None),
        ("-1", None),
        ("1e3", None),
        ("12, 12", None),
        ("²", None),
        ("9" * 5000, None),
    ],
)
def test_lengths_that_make_no_sense_say_nothing(text, expected):
    assert whole_number(text) == expected


def test_parts_tell_the_length_of_the_whole():
    part = answer(Content_Range="bytes 4-9/10", Content_Length="6", ETag='"a"')
    assert content_range(part) == (4, 9, 10)
    assert read_validators(part) == Validators('"a"', "", 10)
    assert content_range(answer(Content_Range="bytes 4-9/*")) is None
    assert content_range(answer(Content_Range="lines 4-9/10")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("²", 0),
        ("Thu, 01 Jan 2015 00:00:00 GMT", 0),
        ("Thu, 01 Jan 2015 00:00:00 -0000", 0),
        ("Thu, 99 Jan 2015 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text, expected):
    headers = [(b"Retry-After", text.encode())]
    assert retry_after_s(httpx.Response(429, headers=headers)) == expected


def test_retry_after_a_date_counts_from_now():
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    assert 35 < retry_after_s(answer(Retry_After=until)) <= 40
