from concurrent.futures import ThreadPoolExecutor

import pytest

from calnet_ops.adapters.archive.throttle import Throttle


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def test_requests_are_spread_evenly(clock):
    pace = Throttle(2, clock, clock.sleep)
    assert [pace.take() for _ in range(4)] == [0, 0.5, 0.5, 0.5]


def test_time_that_passed_is_not_saved_up(clock):
    pace = Throttle(2, clock, clock.sleep)
    pace.take()
    clock.sleep(60)
    assert [pace.take() for _ in range(2)] == [0, 0.5]


def test_bytes_keep_to_the_rate(clock):
    throttle = Throttle(1000, clock, clock.sleep)
    for _ in range(50):
        throttle.take(100)
    assert clock.now - 100 == pytest.approx(4.9)


def test_no_limit_does_not_wait(clock):
    throttle = Throttle(None, clock, clock.sleep)
    assert throttle.take(1e12) == 0
    throttle.limit(10)
    throttle.take(10)
    assert throttle.take(10) == 1
    throttle.limit(None)
    assert throttle.take(1e12) == 0


def test_threads_share_the_rate():
    slept: list[float] = []
    throttle = Throttle(10, lambda: 0.0, slept.append)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(throttle.take, [1] * 20))
    assert sorted(slept) == pytest.approx([number / 10 for number in range(1, 20)])
