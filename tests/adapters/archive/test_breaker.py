from concurrent.futures import ThreadPoolExecutor

import pytest

from calnet_ops.adapters.archive.breaker import N_FAILURE, Breaker
from calnet_ops.errors import ArchiveUnavailable, LeftAlone


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def broken(clock):
    """A breaker that has just had enough of host ``a``."""
    breaker = Breaker(clock)
    for number in range(N_FAILURE):
        breaker.ask("a")
        breaker.count("a", f"/{number}", failed=True)
    return breaker


def test_host_that_keeps_failing_is_left_alone(broken, clock):
    with pytest.raises(ArchiveUnavailable, match="10 addresses that failed"):
        broken.ask("a")
    clock.now = 29
    with pytest.raises(ArchiveUnavailable, match="another 1 s"):
        broken.ask("a")
    broken.ask("b")


def test_a_success_forgets_failures():
    breaker = Breaker()
    for number in range(5 * N_FAILURE):
        breaker.count("a", f"/{number}", failed=number % N_FAILURE > 0)
        breaker.ask("a")


def test_a_few_addresses_that_never_answer_are_no_host_that_is_down():
    breaker = Breaker()
    for number in range(20 * N_FAILURE):
        breaker.count("a", f"/{number % (N_FAILURE - 1)}", failed=True)
        breaker.ask("a")


def test_trial_is_let_through_and_its_success_opens_the_gate(broken):
    broken.ask("a", on_trial=True)
    with pytest.raises(LeftAlone):
        broken.ask("a")
    broken.count("a", "/x", failed=False)
    broken.ask("a")


def test_host_that_asks_for_a_rest_gets_it_up_to_an_hour(clock):
    breaker = Breaker(clock)
    breaker.leave("a", 100)
    breaker.count("a", "/x", failed=False)  # of a request that was on its way
    clock.now = 40
    for on_trial in (False, True):
        with pytest.raises(LeftAlone, match="another 60 s") as caught:
            breaker.ask("a", on_trial=on_trial)
        assert caught.value.retry_after_s == 60
    breaker.leave("a", float("inf"))
    clock.now = 3639
    with pytest.raises(LeftAlone):
        breaker.ask("a")
    clock.now = 3641
    breaker.ask("a")


def test_one_trial_is_let_through_and_success_opens_the_gate(broken, clock):
    clock.now = 30
    broken.ask("a")
    with pytest.raises(ArchiveUnavailable):
        broken.ask("a")
    broken.count("a", "/0", failed=False)
    broken.ask("a")
    broken.ask("a")


def test_failed_and_lost_trials_double_the_wait_up_to_the_cap(broken, clock):
    waits = []
    for number in range(8):
        before = clock.now
        while True:
            try:
                broken.ask("a")
            except ArchiveUnavailable:
                clock.now += 1
            else:
                break
        waits.append(clock.now - before)
        if number % 2:
            broken.count("a", "/0", failed=True)
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_only_one_of_many_threads_tries(broken, clock):
    clock.now = 30

    def passes(_number: int) -> bool:
        try:
            broken.ask("a")
        except ArchiveUnavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(passes, range(64))) == 1
