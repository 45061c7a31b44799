import pytest

from calnet_ops.adapters.archive.retry import Again, Patience, insist
from calnet_ops.errors import ArchiveUnavailable


def test_waits_have_full_jitter_keep_to_the_cap_and_honour_the_server():
    patience = Patience(first_s=1, cap_s=30)
    firsts = [patience.wait_s(1) for _ in range(200)]
    assert 0 <= min(firsts) < 0.2
    assert 0.8 < max(firsts) <= 1
    assert max(patience.wait_s(4) for _ in range(200)) > 4
    assert all(patience.wait_s(10) <= 30 for _ in range(50))
    assert patience.wait_s(1, asked_s=20) == 20


def test_server_that_asks_for_a_long_wait_is_not_asked_again():
    n_try = []

    def action(number: int) -> None:
        n_try.append(number)
        raise Again(ArchiveUnavailable("a", found="429", expected="200"), asked_s=61)

    with pytest.raises(ArchiveUnavailable) as caught:
        insist(action, "a", Patience())
    assert (n_try, caught.value.retry_after_s) == ([1], 61)
