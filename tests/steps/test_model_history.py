from datetime import UTC, date, datetime, timedelta

import pytest

from calnet_ops.adapters.ledger import sql
from calnet_ops.steps.model_history import model_history

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC).replace(tzinfo=None)
DAY = timedelta(days=1)


@pytest.fixture
def note(platform, monkeypatch):
    """Notes a move of the alias, so many days after the first."""

    def add(days, version, action="promoted", **more):
        monkeypatch.setattr(sql, "_now", lambda: NOON + days * DAY)
        columns = {"model_id": f"m{version}", "reason": "passed the gate", "threshold": 0.5}
        platform.ledger.add_promotion(
            model_version=version, action=action, simulated=False, **columns, **more
        )

    return add


def versions_on(platform, day):
    return [reign["version"] for reign in model_history(platform, date(2026, 11, day))]


def test_before_the_first_promotion_nothing_was_in_production(platform, note):
    assert model_history(platform) == []
    note(0, 1, "refused")
    assert model_history(platform) == []
    note(1, 1)
    assert versions_on(platform, 10) == []
    assert versions_on(platform, 11) == [1]


def test_a_day_has_the_version_of_that_day_through_rollbacks_and_refusals(platform, note):
    note(0, 1, actor="anna", seen_by="webhook")
    note(3, 2, actor="ben", override="the only one without a fault")
    note(4, 3, "refused", actor="ben")
    note(6, 1, actor="anna")  # a rollback
    note(6.25, 3)
    assert versions_on(platform, 9) == []
    assert versions_on(platform, 10) == versions_on(platform, 12) == [1]
    assert versions_on(platform, 13) == [1, 2]
    assert versions_on(platform, 14) == versions_on(platform, 15) == [2]
    assert versions_on(platform, 16) == [2, 1, 3]
    assert versions_on(platform, 17) == versions_on(platform, 30) == [3]
    first, second, third, last = model_history(platform)
    assert (first["since"], first["until"]) == ("2026-11-10 12:00", "2026-11-13 12:00")
    assert (first["actor"], first["seen_by"], first["previous_version"]) == ("anna", "webhook", 0)
    assert (second["override"], second["n_refused"]) == ("the only one without a fault", 1)
    assert (third["version"], third["previous_version"], third["n_refused"]) == (1, 2, 0)
    assert (last["version"], last["until"]) == (3, "")


def test_a_version_that_came_at_midnight_was_not_there_the_day_before(platform, note):
    note(0, 1)
    note(2.5, 2)
    assert versions_on(platform, 12) == [1]
    assert versions_on(platform, 13) == [2]
