import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from calnet_ops.errors import WorkUnderWay
from calnet_ops.steps.one_at_a_time import one_at_a_time

SHORT = timedelta(seconds=0.3)


def test_the_second_is_refused_and_told_who_is_first(platform):
    with one_at_a_time("training", platform, "ada"):
        with (
            pytest.raises(WorkUnderWay, match="ada, since"),
            one_at_a_time("training", platform, "ben"),
        ):
            pass
        with one_at_a_time("promotion", platform, "ben"):
            pass
    with one_at_a_time("training", platform, "ben"):
        pass


def test_work_that_fails_is_free_again(platform):
    with pytest.raises(ZeroDivisionError), one_at_a_time("training", platform):
        _ = 1 / 0
    with one_at_a_time("training", platform):
        pass


def test_of_many_one_does_it(platform):
    def work(_):
        try:
            with one_at_a_time("training", platform):
                time.sleep(0.5)
        except WorkUnderWay:
            return 0
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) == 1


def test_long_work_keeps_its_lease(platform):
    with one_at_a_time("training", platform, "ada", SHORT):
        time.sleep(2 * SHORT.total_seconds())
        with pytest.raises(WorkUnderWay), one_at_a_time("training", platform, "ben", SHORT):
            pass


def test_what_a_killed_process_held_is_free_in_time_and_at_once_for_its_next_try(platform):
    platform.ledger.leases.take("training", "retrain run 1", platform.now(), timedelta(hours=1))
    with one_at_a_time("training", platform, "retrain run 1"):
        pass
    platform.ledger.leases.take("training", "killed", platform.now(), SHORT)
    time.sleep(SHORT.total_seconds())
    with one_at_a_time("training", platform, "ben"):
        pass
