"""Who stands in for the world: the sky, the people who label, promote and vet."""

import csv
import sys
from pathlib import Path
from typing import Any

from calnet_ops.cli.demo.plan import Plan
from calnet_ops.errors import PromotionRefused
from calnet_ops.keys import sector_key
from calnet_ops.platform import Platform

FIRST_TIC = 900_000_000_000
"""Simulated stars are numbered from here: no real star has so large a TIC number."""

STARS_APART = 1_000_000
"""Between the first stars of two sectors, so that no star is in both."""

VETTER = "demonstration"


def sky_commands(
    plan: Plan, archive: Path, backstage: Path, truth: Path
) -> dict[str, tuple[str, ...]]:
    """Commands that simulate the sectors of a plan, by sector; later sectors hold bad files too."""
    size = ("--seed", str(plan.seed), "--workers", "1", *(["--compact"] if plan.compact else []))
    commands = {}
    for sectors, folder, n_star, more in (
        (plan.labelled, archive, plan.stars_to_learn, ()),
        ((plan.new_simulated,), backstage, plan.stars_to_find, ("--damaged",)),
    ):
        for sector in sectors:
            key = sector_key(sector)
            commands[key] = (
                *(sys.executable, "-m", "calnet_ops.cli", "archive", "simulate", str(folder)),
                *("--sector", str(sector), "--stars", str(n_star), *size, *more),
                *("--first-tic", str(FIRST_TIC + sector * STARS_APART)),
                *("--truth", str(truth / f"{key}.csv")),
            )
    return commands


def set_up_real(plan: Plan, archive: Path, backstage: Path) -> None:
    """Link the real sectors into the archive, those that come later aside."""
    for real, folder in ((plan.real_first, archive), (plan.real_later, backstage)):
        for sector, path in real.items():
            (folder / sector_key(sector)).symlink_to(path)


def load_labels(platform: Platform, plan: Plan, truth: Path) -> None:
    """Load the labels of the first sectors, freeze them, and tell Airflow."""
    from calnet_ops.steps import freeze
    from calnet_ops.steps.freeze import read_labels

    for sector in plan.labelled:
        freeze.load_labels(read_labels(truth / f"{sector_key(sector)}.csv"), platform)
    if plan.labels is not None:
        freeze.load_labels(read_labels(plan.labels), platform)
    freeze.freeze_labels(platform)
    platform.scheduler.emit_asset_event("label_set")


def promote(platform: Platform) -> None:
    """Do what a person does in the MLflow UI: give the newest version the alias `champion`.

    Raises
    ------
    PromotionRefused
        If the gate has refused the model: a person would not promote it either.
    """
    newest = max(platform.registry.versions(), key=lambda item: item["version"])
    judged = platform.ledger.latest("gate", 0, newest["tags"]["model_id"])
    if judged is None or judged.facts["verdict"] != "pass":
        raise PromotionRefused(
            f"model version {newest['version']}",
            found="; ".join(judged.facts["reasons"]) if judged else "no verdict",
            expected="a model that passes the gate",
            cure="Let it learn from more stars: --learn 400",
        )
    platform.registry.set_champion(newest["version"])


def vet(platform: Platform, plan: Plan, truth: Path) -> None:
    """Decide on each candidate whose nature is known; others wait for a person."""
    known = {
        tic: row
        for sector in (*plan.labelled, plan.new_simulated)
        for tic, row in read_truth(truth / f"{sector_key(sector)}.csv").items()
    }
    champion = platform.ledger.champion()
    if champion is None:
        return
    for sector in (*plan.first, *plan.later):
        record = platform.ledger.latest("candidates", sector, champion.model_id)
        if record is None:
            continue
        tics = platform.store.load_table(record.key, ["tic"])["tic"].to_pylist()
        platform.ledger.add_decisions(
            [_decision(tic, sector, known[tic]) for tic in tics if tic in known]
        )


def read_truth(file: Path) -> dict[int, dict[str, str]]:
    """Rows of a truth file by TIC; damaged copies of a star are left out."""
    with file.open() as lines:
        return {int(row["tic"]): row for row in csv.DictReader(lines) if not row["damage"]}


def _decision(tic: int, sector: int, star: dict[str, str]) -> dict[str, Any]:
    is_eb = star["is_eb"] == "True"
    return {
        "tic": tic,
        "sector": sector,
        "verdict": "EB" if is_eb else "NOT_EB",
        "eb_type": star["kind"] if is_eb and star["kind"] in {"EA", "EB", "EW"} else "",
        "vetter": VETTER,
        "source": "simulated",
        "simulated": True,
        "note": f"decided from the simulation's truth: {star['kind']}",
    }
