from datetime import timedelta

import pytest

from calnet_ops.adapters.registry import LoggedModel
from calnet_ops.steps import promote
from calnet_ops.steps.promote import follow_champion
from tests.support.memory_registry import MemoryRegistry


@pytest.fixture
def registry(platform):
    platform.__dict__["registry"] = MemoryRegistry()
    return platform.registry


def add_version(platform, model_id, verdict):
    """A trained version, judged or (verdict None) not."""
    version = platform.registry.register(LoggedModel("r", "m"), {"model_id": model_id}, "")
    facts = {"version": version, "threshold": 0.5, "simulated": True}
    platform.ledger.record("train", 0, f"models/{model_id}", model_id=model_id, facts=facts)
    if verdict:
        facts |= {"verdict": verdict, "reasons": [] if verdict == "pass" else ["recall: low"]}
        platform.ledger.record("gate", 0, f"verdict {model_id}", model_id=model_id, facts=facts)
    return version


def test_nothing_happens_while_the_alias_stands_still(platform, registry):
    assert follow_champion(platform)["action"] == "unchanged"
    registry.set_champion(add_version(platform, "good", "pass"))
    follow_champion(platform)
    again = follow_champion(platform)
    assert (again["moved"], again["action"], again["sectors"]) == (False, "unchanged", [])
    assert len(platform.ledger.promotions()) == 1


def test_a_version_that_passed_goes_into_production_for_all_sectors_newest_first(
    platform, registry
):
    for sector, features in ((3, "v1"), (62, "v2"), (61, "v1"), (61, "v2")):
        platform.ledger.record(f"features-{features}", sector, f"features {sector} {features}")
    version = add_version(platform, "good", "pass")
    registry.set_champion(version)
    record = follow_champion(platform)
    assert record["moved"]
    assert record["sectors"] == [62, 61, 3]
    champion = platform.ledger.champion()
    assert (champion.model_version, champion.model_id) == (version, "good")
    assert (champion.threshold, champion.simulated) == (0.5, True)


def test_sectors_that_a_promotion_did_not_reach_are_announced_again_but_not_at_each_poll(
    platform, registry, monkeypatch
):
    for sector in (3, 61, 62, 63):
        platform.ledger.record("features-v1", sector, f"features {sector}")
    held = {"n_listed": 1, "listing_sha256": "", "facts": {"manifest": "m"}}
    platform.ledger.add_delivery(3, 1, state="halted", **held)
    platform.ledger.add_delivery(3, 2, state="appearing", **held)
    registry.set_champion(add_version(platform, "good", "pass"))
    assert follow_champion(platform)["sectors"] == [63, 62, 61]  # killed after this
    platform.ledger.record("candidates", 62, "candidates", model_id="good")
    assert follow_champion(platform)["sectors"] == []
    monkeypatch.setattr(promote, "QUIET", timedelta(0))
    record = follow_champion(platform)
    assert (record["action"], record["moved"], record["sectors"]) == ("unchanged", False, [63, 61])
    assert follow_champion(platform)["sectors"] == []
    monkeypatch.setattr(promote, "REPEAT", timedelta(0))
    assert follow_champion(platform)["sectors"] == [63, 61]


@pytest.mark.parametrize("verdict", ["fail", None])
def test_an_alias_that_may_not_move_goes_back_and_a_person_is_told(platform, registry, verdict):
    good = add_version(platform, "good", "pass")
    registry.set_champion(good)
    follow_champion(platform)
    bad = add_version(platform, "bad", verdict)
    registry.set_champion(bad)
    record = follow_champion(platform)
    assert (record["moved"], record["action"], record["sectors"]) == (False, "refused", [])
    assert registry.champion_version() == good
    assert platform.ledger.champion().model_id == "good"
    assert registry.version(bad)["tags"]["promotion"].startswith("refused")
    assert "version 2" in platform.ledger.notices()[0]["subject"]
    assert follow_champion(platform)["action"] == "unchanged"


def test_a_person_is_told_of_every_refusal(platform, registry):
    bad = add_version(platform, "bad", "fail")
    for _ in range(2):
        registry.set_champion(bad)
        follow_champion(platform)
    assert len(platform.ledger.notices()) == 2


def test_the_first_champion_must_pass_as_well(platform, registry):
    registry.set_champion(add_version(platform, "bad", "fail"))
    follow_champion(platform)
    assert registry.champion_version() is None
    assert platform.ledger.champion() is None


def test_a_tag_written_by_hand_promotes_nothing(platform, registry):
    version = add_version(platform, "bad", "fail")
    registry.tag(version, "verdict", "pass")
    registry.set_champion(version)
    assert follow_champion(platform)["action"] == "refused"


def test_the_same_click_backwards_is_a_rollback(platform, registry):
    first, second = (add_version(platform, name, "pass") for name in ("one", "two"))
    for version in (first, second, first):
        registry.set_champion(version)
        assert follow_champion(platform)["moved"]
    assert platform.ledger.champion().model_id == "one"


def test_a_removed_alias_comes_back(platform, registry):
    version = add_version(platform, "good", "pass")
    registry.set_champion(version)
    follow_champion(platform)
    registry.clear_champion()
    assert follow_champion(platform)["action"] == "refused"
    assert registry.champion_version() == version
