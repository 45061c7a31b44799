import pytest

from calnet_ops.errors import ServiceUnavailable
from calnet_ops.steps.promote import PromotionRecord
from calnet_ops.steps.promotion_told import announce_sectors, note_run

REFUSED: PromotionRecord = {
    "moved": False, "action": "refused", "version": 3, "model_id": "m", "previous_version": 1,
    "reason": "the gate says fail", "actor": "anna", "override": "", "sectors": [],
}  # fmt: skip
PROMOTED: PromotionRecord = {
    **REFUSED, "moved": True, "action": "promoted", "reason": "passed", "sectors": [87, 3],
}  # fmt: skip


class Airflow:
    """A scheduler that notes what it is told."""

    def __init__(self):
        self.told = []
        self.broken = False

    def note_run(self, *words):
        self._hear(words)

    def emit_asset_event(self, *words):
        self._hear(words)

    def _hear(self, words):
        if self.broken:
            raise ServiceUnavailable("Airflow", found="nothing", expected="an answer")
        self.told.append(words)


@pytest.fixture
def airflow(platform):
    platform.__dict__["scheduler"] = Airflow()
    return platform.scheduler


def test_the_run_says_what_became_of_the_alias(platform, airflow):
    note_run(REFUSED, "watch_promotion", "run", platform)
    note_run({**PROMOTED, "override": "it must"}, "watch_promotion", "run", platform)
    assert airflow.told == [
        ("watch_promotion", "run", "refused: version 3, moved by anna: the gate says fail"),
        ("watch_promotion", "run",
         "promoted: version 3, moved by anna: passed, against the gate: it must"),
    ]  # fmt: skip


def test_a_look_that_found_nothing_says_nothing(platform, airflow):
    assert note_run({**REFUSED, "action": "unchanged"}, "watch_promotion", "run", platform)
    assert airflow.told == []


def test_the_catalog_follows_a_rollback_that_leaves_nothing_to_score(platform, airflow):
    note_run({**PROMOTED, "sectors": []}, "watch_promotion", "run", platform)
    assert airflow.told[1:] == [("scores_changed",)]


def test_a_command_has_its_sectors_scored_newest_first(platform, airflow):
    assert announce_sectors(PROMOTED, platform)
    assert airflow.told == [("champion", "s087"), ("champion", "s003")]
    assert announce_sectors(REFUSED, platform)
    assert len(airflow.told) == 2


@pytest.mark.parametrize("tell", [announce_sectors, lambda *w: note_run(w[0], "d", "r", w[1])])
def test_an_airflow_that_is_down_undoes_nothing(platform, airflow, tell):
    airflow.broken = True
    assert tell(PROMOTED, platform) is False
