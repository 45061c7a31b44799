import time

import pytest
from structlog.testing import capture_logs

from calnet_ops.steps.ingest_pull import LOG_EVERY_S, Pace


def test_progress_is_logged_now_and_then_with_rate_and_time_left():
    now = time.monotonic()
    pace = Pace(87, 100, started=now - 20, logged=now - LOG_EVERY_S)
    with capture_logs() as lines:
        for _ in range(25):
            pace.note(2_000_000)
    (line,) = lines
    assert (line["event"], line["sector"], line["done"]) == ("pulling", 87, "1 of 100")
    pace.logged -= LOG_EVERY_S
    with capture_logs() as lines:
        pace.note(0)
    (line,) = lines
    assert line["done"] == "26 of 100"
    assert line["files_per_s"] == pytest.approx(1.3, abs=0.1)
    assert line["mb_per_s"] == pytest.approx(2.5, abs=0.1)
    assert line["left_s"] == pytest.approx(57, abs=2)
