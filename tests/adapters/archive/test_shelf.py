import gzip
import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from calnet_ops.adapters.archive import Validators
from calnet_ops.adapters.archive.shelf import MAX_PAGES, Page, PageShelf

URL = "http://a.example/page"
PAGE = Page(b"line\nline\0", Validators('"a"', "now", 10), '"a"')


def test_page_comes_back_as_it_was(tmp_path):
    PageShelf(tmp_path / "pages").save(URL, PAGE)
    assert PageShelf(tmp_path / "pages").load(URL) == PAGE
    assert PageShelf(tmp_path / "pages").load(URL + "2") == Page()


def test_page_without_a_condition_is_not_kept(tmp_path):
    PageShelf(tmp_path).save(URL, Page(b"body"))
    assert not list(tmp_path.iterdir())


def test_page_that_may_have_been_cut_gets_no_condition():
    headers = {"ETag": '"a"'}
    assert not Page.of(b"body", httpx.Response(200, headers=headers)).condition
    headers["Content-Length"] = "4"
    assert Page.of(b"body", httpx.Response(200, headers=headers)).condition == '"a"'


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other"])
def test_damaged_page_is_as_good_as_none(tmp_path, damage):
    shelf = PageShelf(tmp_path)
    shelf.save(URL, PAGE)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(
        {
            "cut": whole[:-9],
            "flipped": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
            "empty": b"",
            "text": b"hello",
            "other": gzip.compress(b'{"validators": {"x": 1}}\n'),
        }[damage]
    )
    assert shelf.load(URL) == Page()


def test_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    shelf = PageShelf(tmp_path / "file")
    shelf.save(URL, PAGE)
    assert shelf.load(URL) == Page()
    PageShelf().save(URL, PAGE)
    assert PageShelf().load(URL) == Page()


def test_oldest_pages_make_room(tmp_path):
    for number in range(MAX_PAGES):
        file = tmp_path / f"{number}.gz"
        file.touch()
        os.utime(file, (number, number))
    PageShelf(tmp_path).save(URL, PAGE)
    assert len(list(tmp_path.iterdir())) == MAX_PAGES
    assert not (tmp_path / "0.gz").exists()
    assert PageShelf(tmp_path).load(URL) == PAGE


def test_page_is_read_anew_each_day_and_when_it_was_dropped(tmp_path):
    shelf = PageShelf(tmp_path)
    for forget in (lambda file: os.utime(file, (0, 0)), lambda _: shelf.drop(URL)):
        shelf.save(URL, PAGE)
        forget(next(tmp_path.iterdir()))
        assert shelf.load(URL) == Page()
    shelf.drop(URL)


def test_several_may_write_at_once(tmp_path):
    def save(number: int) -> Page:
        shelf = PageShelf(tmp_path)
        shelf.save(URL, Page(bytes([number]) * 10_000, Validators("x"), "x"))
        return shelf.load(URL)

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(save, range(40)))
    assert all(len(page.body) == 10_000 and len(set(page.body)) == 1 for page in pages)
    assert len(list(tmp_path.iterdir())) == 1
