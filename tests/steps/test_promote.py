from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calnet_ops import keys
from calnet_ops.adapters.ledger import HookCall
from calnet_ops.adapters.registry import LoggedModel, Moved
from calnet_ops.lineage import canonical_json
from calnet_ops.steps import promote
from calnet_ops.steps.promote import follow_champion
from tests.support.memory_registry import MemoryRegistry

WHY = "the only model that copes with the new cadence"
JUDGED = "Gate: findings"


@pytest.fixture
def registry(platform, monkeypatch):
    monkeypatch.setenv("CALNET_MLFLOW_WEBHOOK_SECRET", "between us")
    platform.__dict__["registry"] = MemoryRegistry()
    return platform.registry


def add_version(platform, model_id, verdict):
    """A trained version, judged or (verdict None) not."""
    version = platform.registry.register(LoggedModel("r", "m"), {"model_id": model_id}, JUDGED)
    model = {"threshold": 0.5, "simulated": True, "features": "v1"}
    store = platform.store
    store.save_new(keys.model(model_id, "model.json"), canonical_json(model), "application/json")
    store.save_new(keys.model(model_id, "calnet.npz"), b"weights")
    facts = {"version": version}
    platform.ledger.record("train", 0, f"models/{model_id}", model_id=model_id, facts=facts)
    if verdict:
        judge(platform, version, model_id, verdict)
    return version


def judge(platform, version, model_id, verdict):
    """What the gate notes of a version."""
    reasons = [] if verdict == "pass" else ["recall: low"]
    facts = {"version": version, "verdict": verdict, "reasons": reasons}
    key = f"verdict {model_id} {verdict}"
    platform.ledger.record("gate", 0, key, model_id=model_id, facts=facts)


def move(platform, version):
    """Point the alias at a version and look."""
    platform.registry.set_champion(version)
    return follow_champion(platform)


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
    head, _, rest = registry.descriptions[bad].partition("\n\n")
    assert head.startswith("**Production:** **refused** on ")
    assert ("recall: low" if verdict else "never judged") in head
    assert rest == JUDGED
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


def test_old_version_actor_and_how_it_was_seen_are_kept(platform, registry):
    first, second = (add_version(platform, name, "pass") for name in ("one", "two"))
    move(platform, first)
    before = platform.ledger.promotions()[-1]
    assert (before.previous_version, before.seen_by, before.delivery) == (0, "poll", "")
    assert before.actor == "unknown: MLflow has no login and keeps no actor of an alias"
    now = platform.now()
    registry.moved = Moved("anna", second, now)
    call = HookCall("id-1", "champion", "created", second, now, now)
    platform.ledger.hook_calls.add(call)
    record = move(platform, second)
    assert (record["previous_version"], record["actor"]) == (first, "anna")
    kept = platform.ledger.promotions()[-1]
    assert (kept.previous_version, kept.previous_model_id) == (first, "one")
    assert (kept.actor, kept.seen_by, kept.delivery) == ("anna", "webhook", "id-1")
    assert kept.moved_utc == now


def test_notes_and_calls_about_another_move_are_not_taken_for_this_one(platform, registry):
    first, second = (add_version(platform, name, "pass") for name in ("one", "two"))
    registry.keepers = ["anna", "keeper"]
    early = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    move(platform, first)
    call = HookCall("early", "champion", "created", second, early, early)
    later = platform.now() + timedelta(minutes=1)
    platform.ledger.hook_calls.add(call)
    platform.ledger.hook_calls.add(replace(call, delivery="of 7", version=7, at_utc=later))
    for note in (Moved("ben", second, early), Moved("ben", 7, later)):
        registry.moved = note
        move(platform, second)
        kept = platform.ledger.promotions()[-1]
        assert (kept.actor, kept.seen_by) == ("one of: anna, keeper", "poll")
        move(platform, first)


def test_without_the_webhook_s_secret_the_actor_is_one_of_those_who_may(
    platform, registry, monkeypatch
):
    monkeypatch.delenv("CALNET_MLFLOW_WEBHOOK_SECRET")
    registry.keepers = ["keeper"]
    registry.moved = Moved("ben", 1, platform.now() + timedelta(minutes=1))
    assert move(platform, add_version(platform, "good", "pass"))["actor"] == "one of: keeper"


@pytest.mark.parametrize("verdict", ["fail", None])
def test_a_reason_overrides_the_gate_is_kept_and_holds_once(platform, registry, verdict):
    good, bad = add_version(platform, "good", "pass"), add_version(platform, "bad", verdict)
    move(platform, good)
    registry.tag(bad, "override", f"  {WHY} ")
    record = move(platform, bad)
    assert (record["action"], record["override"]) == ("promoted", WHY)
    champion = platform.ledger.champion()
    assert (champion.model_id, champion.override) == ("bad", WHY)
    assert ("never judged" if verdict is None else "gate says fail") in champion.reason
    assert "override" not in registry.version(bad)["tags"]
    assert "against the gate" in registry.descriptions[bad].partition("\n\n")[0]
    assert WHY in platform.ledger.notices()[0]["text"]
    move(platform, good)
    assert move(platform, bad)["action"] == "refused"
    assert platform.ledger.champion().model_id == "good"


@pytest.mark.parametrize("said", ["", "   ", "yes", "because"])
def test_what_is_no_reason_overrides_nothing(platform, registry, said):
    bad = add_version(platform, "bad", "fail")
    registry.tag(bad, "override", said)
    record = move(platform, bad)
    assert record["action"] == "refused"
    assert ("no reason" in record["reason"]) == bool(said.strip())


def test_the_reason_of_one_version_promotes_no_other(platform, registry):
    bad, worse = (add_version(platform, name, "fail") for name in ("bad", "worse"))
    registry.tag(bad, "override", WHY)
    assert move(platform, worse)["action"] == "refused"


def test_a_reason_that_was_not_needed_is_taken_away_unused(platform, registry):
    good = add_version(platform, "good", "pass")
    registry.tag(good, "override", WHY)
    assert move(platform, good)["override"] == ""
    assert "override" not in registry.version(good)["tags"]
    assert platform.ledger.champion().override == ""


def test_files_out_of_order_and_versions_of_no_known_origin_are_never_promoted(platform, registry):
    lost, faked, foreign = (add_version(platform, name, "pass") for name in ("a", "b", "c"))
    del platform.store.objects[keys.model("a", "calnet.npz")]
    registry.tag(faked, "model_id", "c")  # a good model's id, by hand
    registry.tags[foreign - 1].clear()
    unknown = registry.register(LoggedModel("r", "m"), {"model_id": "nobody's"}, "")
    whys = (
        (lost, "files"),
        (faked, f"a copy of version {foreign}"),
        (foreign, "model_id"),
        (unknown, "ledger"),
    )
    for version, why in whys:
        registry.tag(version, "override", WHY)
        record = move(platform, version)
        assert record["action"] == "refused"
        assert why in record["reason"]
        assert "override" not in registry.descriptions[version]
    assert platform.ledger.champion() is None


def test_a_rollback_needs_no_new_consent_of_the_gate(platform, registry):
    first, second = (add_version(platform, name, "pass") for name in ("one", "two"))
    move(platform, first)
    move(platform, second)
    judge(platform, first, "one", "fail")  # worse than the second one, of course
    record = move(platform, first)
    assert (record["action"], record["override"]) == ("promoted", "")
    assert record["reason"].startswith("rolled back to")


def test_descriptions_tell_what_is_in_production_and_since_when(platform, registry):
    first, second = (add_version(platform, name, "pass") for name in ("one", "two"))
    for version in (first, second, first):
        move(platform, version)
    told = [registry.descriptions[version] for version in (first, second)]
    assert all(text.endswith(f"\n\n{JUDGED}") for text in told)
    assert told[0].startswith("**Production:** in production since ")
    assert told[1].startswith("**Production:** was in production until ")
    assert all(text.count("Production:") == 1 for text in told)


def test_a_champion_deleted_in_mlflow_can_be_replaced(platform, registry):
    first, second = (add_version(platform, name, "pass") for name in ("one", "two"))
    move(platform, second)
    registry.tags.pop()  # the second
    assert move(platform, first)["moved"]
