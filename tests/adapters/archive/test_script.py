import gzip
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calnet_ops.adapters.archive.script import parse_script
from calnet_ops.errors import ArchiveUnavailable
from tests.support.spoc_files import spoc_name

NAME = spoc_name()
URL = f"https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{NAME}"
LINE = f"curl -C - -L -o {NAME} {URL}\n"


@pytest.mark.parametrize(("sector", "n_file"), [(1, 15889), (14, 19970), (56, 12996), (91, 12993)])
def test_real_scripts_parse_fully(shared_data, sector, n_file):
    body = gzip.decompress((shared_data / f"mast/tesscurl_sector_{sector}_lc.sh.gz").read_bytes())
    files = parse_script("script", body)
    assert len(files) == n_file
    assert len(body) == 10 + 197 * n_file
    assert len({file.file_name for file in files}) == n_file


def test_real_script_of_other_products_parses(shared_data):
    body = gzip.decompress((shared_data / "mast/tesscurl_sector_1_dv.sh.gz").read_bytes())
    assert len(parse_script("script", body)) == 40


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Scheduled maintenance</body></html>\n",
        b"#!/bin/sh\n",
        b"#!/bin/shutdown\n" + LINE.encode(),
        b"#!/bin/sh\n" + LINE.encode()[:-1],
        b"#!/bin/sh\n" + LINE.encode() + LINE.encode()[:90] + b"\n",
        b"#!/bin/sh\n\n" + LINE.encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, 'other.fits', 1)}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, '../../etc/passwd')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, '/etc/passwd')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, '-o.fits')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, 'a;reboot.fits')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, '$(reboot).fits')}".encode(),
        f"#!/bin/sh\n{LINE.replace(NAME, 'a' * 5000)}".encode(),
        b"#!/bin/sh\n" + LINE.replace(NAME, "a\x1b.fits").encode(),
        b"#!/bin/sh\n" + LINE.replace(NAME, "a\0.fits").encode(),
        b"#!/bin/sh\n" + LINE.replace(NAME, "é.fits").encode(),
        b"#!/bin/sh\r\n" + LINE.replace("\n", "\r\n").encode(),
        f"#!/bin/sh\n{LINE.replace('mast.stsci.edu', '[::')}".encode(),
        f"#!/bin/sh\n{LINE.replace('https:', 'file:')}".encode(),
        f"#!/bin/sh\n{LINE.replace('/api/v0.1/Download', '/api/v0.1/Delete')}".encode(),
        f"#!/bin/sh\n{LINE}rm -rf / {NAME} {URL}\n".encode(),
    ],
)
def test_script_that_is_wrong_anywhere_is_not_believed(body):
    with pytest.raises(ArchiveUnavailable) as caught:
        parse_script("script", body)
    assert len(str(caught.value)) < 700


def test_absurd_script_is_refused_in_little_memory():
    body = b"#!/bin/sh\n" + b"\n" * 10_000_000
    tracemalloc.start()
    with pytest.raises(ArchiveUnavailable):
        parse_script("script", body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


@given(st.data())
@settings(max_examples=200)
def test_mutated_script_ends_in_files_or_a_named_error(data):
    body = bytearray(b"#!/bin/sh\n" + 3 * LINE.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        stop = data.draw(st.integers(start, min(len(body), start + 20)))
        body[start:stop] = data.draw(st.binary(max_size=20))
    with suppress(ArchiveUnavailable):
        files = parse_script("script", bytes(body))
        assert all("/" not in file.file_name and file.file_name.isprintable() for file in files)
        assert all(file.url.startswith("http") and file.url.isprintable() for file in files)


def test_line_that_stands_twice_is_one_file():
    assert len(parse_script("script", f"#!/bin/sh\n{LINE}{LINE}".encode())) == 1


def test_file_with_two_addresses_makes_a_script_unbelievable():
    other = LINE.replace("mast:TESS/product/", "mast:TESS/other/")
    with pytest.raises(ArchiveUnavailable, match=r"line 3: .*another address"):
        parse_script("script", f"#!/bin/sh\n{LINE}{other}".encode())
