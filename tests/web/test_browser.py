"""The pages in a real browser: looked at, and worked by keyboard."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from calnet_ops.web.app import make_app
from tests.support.browser import CHROMIUM_ARGUMENTS, chromium_path, serving
from tests.support.spoc_files import spoc_arrays, spoc_bytes
from tests.web.conftest import FIRST_TIC, VETTER, candidate, write_candidates, write_curves

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.enable_socket]

PICTURES = Path(__file__).parents[2] / "var" / "screenshots"

SHAPES = {
    # eb_type: period [d], depths, half width in phase, ellipsoidal amplitude
    "EA": (3.372, (0.31, 0.07), 0.012, 0.001),
    "EB": (0.914, (0.22, 0.11), 0.045, 0.03),
    "EW": (0.3817, (0.1, 0.085), 0.07, 0.14),
}


def eclipsing(time, eb_type, rng):
    """Flux of a binary of a type, and its period and first eclipse."""
    period, depths, width, tide = SHAPES[eb_type]
    epoch = 3660.1 + 0.37 * period
    phase = (time - epoch) / period % 1
    flux = 1 - tide * np.cos(4 * np.pi * phase)
    for middle, depth in ((0, depths[0]), (1, depths[0]), (0.5, depths[1])):
        flux -= depth * np.exp(-(((phase - middle) / width) ** 4))
    return 8e3 * flux * (1 + 1.5e-3 * rng.standard_normal(len(time))), period, epoch


@cache
def binary(eb_type):
    """Light curve of a whole sector of a binary of a type, and what is known of it."""
    arrays = spoc_arrays(18_000, (8_700, 9_600))
    flux, period, epoch = eclipsing(arrays["TIME"], eb_type, np.random.default_rng(3))
    orbit = np.arange(18_000) % 9_300 / 9_300
    arrays["PDCSAP_FLUX"] = flux
    arrays["SAP_BKG"] = 900 + 4000 * np.exp(-(((orbit - 0.93) / 0.06) ** 2))
    arrays["QUALITY"][[2000, 5000, 8000, 11000, 14000, 17000]] = 32
    depth_1, depth_2 = SHAPES[eb_type][1]
    known = {"period": period, "epoch_bjd_tdb": 2457000 + epoch, "eb_type": eb_type}
    known |= {"depth_1": depth_1, "depth_2": depth_2, "n_eclipse": int(22 / period)}
    return spoc_bytes(arrays, sector=90), known


@pytest.fixture
def sky(filled_platform):
    """Nine candidates with curves of a whole sector."""
    rows, bodies = [], {}
    for number in range(9):
        tic = FIRST_TIC + 100 + number
        bodies[tic], known = binary(list(SHAPES)[number % 3])
        rows.append(candidate(tic, 90, **known))
    ledger = filled_platform.ledger
    ledger.add_delivery(90, 1, state="listed", n_listed=500, listing_sha256="4" * 64)
    delivery = ledger.delivery(90)
    facts = {"manifest": write_curves(filled_platform, 90, bodies), "simulated": True}
    ledger.move_delivery(delivery, state="raw", facts=facts | {"n_stored": 500})
    for sector in (86, 87):  # so that only stars with curves are in the queue
        write_candidates(filled_platform, sector, [])
    write_candidates(filled_platform, 90, rows)
    return filled_platform


@pytest.fixture
def base(sky) -> Iterator[str]:
    with serving(make_app(sky, users=dict([VETTER]))) as url:
        yield url


@pytest.fixture
def page(base):
    """A page of a browser that knows the password; it must not complain on its console."""
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        context = browser.new_context(
            viewport={"width": 1400, "height": 900},
            http_credentials={"username": VETTER[0], "password": VETTER[1]},
        )
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if is_error(line) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    assert complaints == []


def is_error(line) -> bool:
    """Whether a line of the console is a complaint."""
    return str(line.type) == "error"


def shoot(page, name):
    """Save what is on the screen."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def tic_shown(page) -> int:
    """TIC number of the star whose curve is drawn."""
    return int(page.locator("#desk").get_attribute("data-tic"))


def press(page, key) -> int:
    """Press a key that leads to another star; the TIC number judged or left."""
    tic = tic_shown(page)
    page.keyboard.press(key)
    page.wait_for_selector(f"#desk:not([data-tic='{tic}'])")
    return tic


def test_the_ops_page_renews_itself(page, base, sky):
    page.goto(f"{base}/ops")
    assert page.locator("table.sectors tbody tr").count() == 5
    shoot(page, "ops")
    sky.ledger.add_delivery(91, 1, state="listed", n_listed=3, listing_sha256="5" * 64)
    page.evaluate("renew()")
    page.wait_for_selector("text=s091")
    page.emulate_media(color_scheme="dark")
    shoot(page, "ops-dark")


def test_three_candidates_are_judged_by_keyboard(page, base, sky):
    page.goto(f"{base}/vet")
    page.wait_for_selector("#desk[data-tic]")
    assert page.locator("#progress").inner_text() == "0 of 9"
    shoot(page, "vet")
    first = press(page, "1")
    assert "model: 0.970" in page.locator("#last").inner_text()
    page.keyboard.press("t")
    page.keyboard.type("n or 1?")
    page.keyboard.press("Enter")
    second = press(page, "n")
    third = press(page, "3")
    assert press(page, "z") != third
    assert tic_shown(page) == third
    press(page, "u")
    assert page.locator("#progress").inner_text().startswith("3 of 9")
    shoot(page, "vet-judged")
    rows = [
        (row.tic, row.verdict, row.eb_type, row.vetter, row.source, row.note)
        for row in sky.ledger.decisions()
    ]
    by_ada = (VETTER[0], "person")
    assert rows == [
        (first, "EB", "EA", *by_ada, ""),
        (second, "NOT_EB", "", *by_ada, "n or 1?"),
        (third, "EB", "EW", *by_ada, ""),
        (third, "WITHDRAWN", "", *by_ada, ""),
        (third, "UNSURE", "", *by_ada, ""),
    ]


def test_arrows_folds_and_help_work_by_key(page, base):
    page.goto(f"{base}/vet")
    page.wait_for_selector("#desk[data-tic]")
    start = press(page, "ArrowRight")
    assert press(page, "ArrowLeft") != start
    assert tic_shown(page) == start
    page.keyboard.press("p")
    page.wait_for_selector("text=/2 . period/")
    shoot(page, "vet-double")
    page.keyboard.press("h")
    page.wait_for_selector("text=period / 2")
    page.keyboard.press("h")
    page.keyboard.press("?")
    assert page.locator("#keymap").is_visible()
    shoot(page, "vet-keys")
    page.keyboard.press("1")  # closed keys do not judge
    page.keyboard.press("Escape")
    assert page.locator("#progress").inner_text() == "0 of 9"
    page.emulate_media(color_scheme="dark")
    shoot(page, "vet-dark")
