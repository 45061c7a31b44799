from calnet_ops.adapters.archive.retry import Patience


def test_waits_have_full_jitter_keep_to_the_cap_and_honour_the_server():
    patience = Patience(first_s=1, cap_s=30)
    firsts = [patience.wait_s(1) for _ in range(200)]
    assert 0 <= min(firsts) < 0.2
    assert 0.8 < max(firsts) <= 1
    assert max(patience.wait_s(4) for _ in range(200)) > 4
    assert all(patience.wait_s(10) <= 30 for _ in range(50))
    assert patience.wait_s(1, asked_s=20) == 20
    assert patience.wait_s(1, asked_s=3600) == 30
    assert patience.wait_s(1, asked_s=float("inf")) == 30
