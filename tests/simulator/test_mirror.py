import gzip
import re
from pathlib import Path

import httpx
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator import archive_forms as forms
from calnet_ops.simulator.mirror import Mirror, parse_range
from tests.support.mirrors import mirror_of

NAME = "tess2024353092137-s0087-0000000030275861-0284-s_lc.fits"
FAST = "tess2024353092137-s0087-0000000030275861-0284-a_fast-lc.fits"
HLSP = "hlsp_tess-spoc_tess_phot_0000000030275861-s0087_tess_v1_lc.fits"
PRODUCT = f"/tess/public/tid/s0087/0000/0000/3027/5861/{NAME}"


def _header(**cards: object) -> bytes:
    text = "".join(f"{name:8}= {value!s:>20} / a card".ljust(80) for name, value in cards.items())
    return text.encode().ljust(2880)


BODY = _header(SIMPLE="T", CAMERA=2, CCD=3, TESSMAG=9.5, RA_OBJ=84.25, DEC_OBJ=-80.5) + _header(
    CDPP0_5=41.5, CDPP1_0=34.25, CDPP2_0=28.75, RA_OBJ=84.3
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sector = tmp_path / "s087"
    sector.mkdir()
    (sector / NAME).write_bytes(BODY)
    return tmp_path


@pytest.fixture
def mirror(folder: Path):
    with mirror_of(folder) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        yield client


def test_bulk_page_links_each_sector_newest_first(folder, mirror):
    for sector in ("s001", "s1751"):
        (folder / sector).mkdir()
        (folder / sector / NAME).write_bytes(b"")
    (folder / "s002").mkdir()
    for path in (forms.PAGE_PATH, forms.PAGE_ALIAS):
        links = re.findall(r'<td><a href="([^"]*)">', mirror.get(path).text)
        assert links == [
            f"/missions/tess/download_scripts/sector/tesscurl_sector_{sector}_lc.sh"
            for sector in (1751, 87, 1)
        ]


@pytest.mark.parametrize("sector", [1, 14, 56, 91])
def test_script_has_the_bytes_of_the_real_one(shared_data, sector):
    real = gzip.decompress((shared_data / f"mast/tesscurl_sector_{sector}_lc.sh.gz").read_bytes())
    names = re.findall(rb"-o (\S+)", real)
    assert forms.script([name.decode() for name in names]) == real


def test_script_lists_every_fits_file_even_foreign_ones(folder, mirror):
    for name in (FAST, HLSP, "not in a script.fits", "notes.txt"):
        (folder / "s087" / name).write_bytes(b"")
    script = mirror.get("/missions/tess/download_scripts/sector/tesscurl_sector_87_lc.sh")
    assert re.findall(r"-o (\S+)", script.text) == sorted([NAME, FAST, HLSP])
    for name in (NAME, FAST, HLSP):
        assert mirror.get(_download(name)).status_code == 200


def test_download_redirects_to_the_public_bucket(mirror):
    answer = mirror.get(_download(NAME), follow_redirects=False)
    assert answer.status_code == 302
    assert httpx.URL(answer.headers["Location"]).path == PRODUCT
    assert mirror.get(_download(NAME)).content == BODY
    assert mirror.get(_download(NAME).replace("/?", "?")).content == BODY


def test_head_tells_the_length_without_a_body(mirror):
    answer = mirror.head(_download(NAME))
    assert answer.headers["Content-Length"] == str(len(BODY))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content == b""


@pytest.mark.parametrize(
    ("wanted", "first", "stop"), [("10-19", 10, 20), ("100-", 100, 5760), ("-80", 5680, 5760)]
)
def test_range_gives_a_part(mirror, wanted, first, stop):
    answer = mirror.get(_download(NAME), headers={"Range": f"bytes={wanted}"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{stop - 1}/5760"
    assert answer.content == BODY[first:stop]


def test_range_past_the_end_is_refused(mirror):
    answer = mirror.get(_download(NAME), headers={"Range": "bytes=5760-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */5760"


def test_range_of_another_version_gives_all_of_it(folder, mirror):
    tag = mirror.head(_download(NAME)).headers["ETag"]
    (folder / "s087" / NAME).write_bytes(BODY + b" ")
    answer = mirror.get(_download(NAME), headers={"Range": "bytes=10-", "If-Range": tag})
    assert (answer.status_code, len(answer.content)) == (200, 5761)


def test_unchanged_documents_are_not_sent_again(mirror):
    for path in (
        _download(NAME),
        "/missions/tess/download_scripts/sector/tesscurl_sector_87_lc.sh",
    ):
        headers = mirror.get(path).headers
        for condition in (
            {"If-None-Match": headers["ETag"]},
            {"If-Modified-Since": headers["Last-Modified"]},
        ):
            answer = mirror.get(path, headers=condition)
            assert (answer.status_code, answer.content) == (304, b"")
        assert mirror.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_cdpp_table_has_a_row_for_each_target(folder, mirror):
    (folder / "s087" / NAME.replace("30275861", "30275862")).write_bytes(b"<html>")
    (folder / "s087" / NAME.replace("-0284-", "-0285-")).write_bytes(b"")
    (folder / "s087" / FAST).write_bytes(b"")
    (folder / "s087" / NAME.replace("s0087-0000000030275861", "s0001-0000000030275863")).touch()
    link = re.search(r'href="([^"]*rms-cdpp.csv)"', mirror.get(forms.TCE_PATH).text)
    assert link is not None
    lines = [line for line in mirror.get(link[1]).text.splitlines() if line[0] != "#"]
    assert lines[0].startswith("ticid,tmag,rrmscdpp00p5,rrmscdpp01p0,rrmscdpp01p5,")
    assert [line.split(",")[:6] for line in lines[1:]] == [
        ["30275861", "9.5", "41.5", "34.25", "", "28.75"],
        ["30275862", "", "", "", "", ""],
    ]


def test_target_list_comes_from_the_headers(mirror):
    lines = mirror.get("/public/target_lists/2m/all_targets_S087_v1.csv").text.splitlines()
    assert [line[:1] for line in lines[:5]] == ["#"] * 5
    assert lines[5:] == ["TICID,Camera,CCD,Tmag,RA,Dec", "30275861,2,3,9.5,84.25,-80.5"]


def test_tables_that_were_written_are_served_as_they_are(folder, mirror):
    (folder / "mast").mkdir()
    name = "tess2024353000000-s0087-s0087-00900_rms-cdpp.csv"
    (folder / "mast" / name).write_bytes(b"ticid\n1\n")
    (folder / "mast" / "all_targets_S087_v1.csv").write_bytes(b"TICID\n2\n")
    assert f'href="/missions/tess/catalogs/cdpp/{name}"' in mirror.get(forms.TCE_PATH).text
    assert mirror.get(f"/missions/tess/catalogs/cdpp/{name}").content == b"ticid\n1\n"
    targets = mirror.get("/public/target_lists/2m/all_targets_S087_v1.csv")
    assert targets.content == b"TICID\n2\n"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/missions/tess/download_scripts/sector/tesscurl_sector_88_lc.sh",
        "/missions/tess/download_scripts/sector/tesscurl_sector_87_tp.sh",
        "/tess/public/tid/s0087/0000/0000/0000/0000/" + NAME,
        "/api/v0.1/Download/file/?uri=mast:TESS/product/" + NAME.replace("87-", "88-"),
        "/api/v0.1/Download/file/?uri=mast:TESS/product/../s087/" + NAME,
        "/api/v0.1/Download/file/?uri=mast:TESS/product/*.fits",
        "/api/v0.1/Download/file/",
        "/s087/" + NAME,
        "/..%2f..%2fetc/passwd",
    ],
)
def test_what_is_not_there_is_not_found(mirror, path):
    assert mirror.get(path).status_code == 404


def test_empty_file_is_served_empty(folder, mirror):
    (folder / "s087" / NAME).write_bytes(b"")
    answer = mirror.get(_download(NAME))
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("text", ["bytes=5-4", "bytes=-0", "bytes=100-200"])
def test_range_outside_is_unmet(text):
    assert parse_range(text, 100) is None


@pytest.mark.parametrize("text", ["bytes=0-1,5-9", "lines=1-2", "bytes=-", "bytes=a-b"])
def test_range_that_is_not_understood_gives_everything(text):
    assert parse_range(text, 100) == (0, 100)


def test_folder_has_to_exist(tmp_path):
    with pytest.raises(WrongConfiguration, match="no such folder"):
        Mirror(tmp_path / "absent")


def _download(name: str) -> str:
    return f"/api/v0.1/Download/file/?uri=mast:TESS/product/{name}"
