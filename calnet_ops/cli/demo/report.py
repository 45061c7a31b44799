"""What a demonstration did, judged from the truth, and where to look at it."""

import json
from collections import Counter
from collections.abc import Iterable
from math import nan
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from calnet_ops.adapters.ledger import Promotion
from calnet_ops.cli.demo import cast
from calnet_ops.errors import MissingInput
from calnet_ops.keys import model as model_key
from calnet_ops.keys import release as release_key
from calnet_ops.keys import sector_key
from calnet_ops.steps.learned_from import learned_from

if TYPE_CHECKING:
    from calnet_ops.cli.demo.play import Play

DAGS = (
    "detect_sectors",
    "ingest_sector",
    "score_sector",
    "retrain",
    "watch_promotion",
    "publish_release",
    "audit",
)


def report(play: "Play") -> dict[str, Any]:
    """Write `scores.parquet`, `release/`, `model/` and `summary.json`, and show the table.

    Parameters
    ----------
    play
        A demonstration at its end, servers still up.
    """
    ledger = play.platform.ledger
    champion = ledger.champion()
    release = ledger.latest("release", 0)
    if champion is None or release is None:
        raise MissingInput("ledger", found="no champion or no release", expected="both")
    folder = play.installation.folder
    scores = _scores(play, champion)
    pq.write_table(scores, folder / "scores.parquet")
    version = release.facts["version"]
    play.platform.store.download(release_key(version), folder / "release")
    play.platform.store.download(model_key(champion.model_id, ""), folder / "model")
    summary = {
        "ok": True,
        "wall_s": round(play.stage.elapsed_s, 1),
        "sectors": [sector_key(sector) for sector in (*play.plan.first, *play.plan.later)],
        "new_sectors": [sector_key(sector) for sector in play.plan.later],
        **_counts(play, champion),
        "n_targets_scored": scores.num_rows,
        "model_version": champion.model_version,
        "model_id": champion.model_id,
        "threshold": champion.threshold,
        "release_version": version,
        "release_uri": release.facts["uri"],
        "simulated": champion.simulated,
        **_skill(play, champion, scores),
        "real_stars": _real_stars(play, champion, scores),
        "steps_s": {label: round(took, 1) for label, took in play.stage.times.items()},
        "dag_runs": _dag_runs(play),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=1))
    _show(play, summary)
    return summary


def _scores(play: "Play", champion: Promotion) -> pa.Table:
    tables = []
    for sector in (*play.plan.first, *play.plan.later):
        record = play.platform.ledger.latest("score", sector, champion.model_id)
        if record is not None:
            key = record.facts["targets"]
            tables.append(play.platform.store.load_table(key, ["tic", "sector", "probability"]))
    return pa.concat_tables(tables)


def _counts(play: "Play", champion: Promotion) -> dict[str, Any]:
    from calnet_ops.steps.features_version import version_to_extract

    ledger = play.platform.ledger
    sectors = (*play.plan.first, *play.plan.later)
    deliveries = [item for item in ledger.deliveries() if item.sector in sectors]
    version = version_to_extract(play.platform)
    features = [ledger.latest(f"features-{version}", sector) for sector in sectors]
    scores = [ledger.latest("score", sector, champion.model_id) for sector in sectors]
    candidates = [ledger.latest("candidates", sector, champion.model_id) for sector in sectors]
    return {
        "n_files": sum(item.n_listed for item in deliveries),
        "n_segments": sum(item.facts["n_segment"] for item in scores if item),
        "n_candidates": sum(item.facts["n_candidate"] for item in candidates if item),
        "n_quarantined": _add(item.facts.get("n_quarantined", {}) for item in deliveries),
        "n_recovered": sum(item.facts.get("n_recovered", 0) for item in deliveries),
        "n_suspect": sum(item.facts.get("n_suspect", 0) for item in deliveries),
        "n_bad": sum(item.facts.get("n_bad", 0) for item in deliveries),
        "n_skipped": _add(item.facts.get("n_skipped", {}) for item in features if item),
    }


def _add(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for item in counts:
        total.update(item)
    return dict(sorted(total.items()))


def _skill(play: "Play", champion: Promotion, scores: pa.Table) -> dict[str, Any]:
    """Recall and precision on the stars of the new simulated sector, judged from its truth."""
    from calnet_ops.science.evaluation.metrics import confusion, precision, recall

    sector = play.plan.new_simulated
    rows = cast.read_truth(play.truth / f"{sector_key(sector)}.csv")
    truth = {tic: row["is_eb"] == "True" for tic, row in rows.items()}
    chosen = [row for row in scores.to_pylist() if row["sector"] == sector]
    table = confusion(
        [truth[row["tic"]] for row in chosen],
        [row["probability"] >= champion.threshold for row in chosen],
    )
    found, pure = recall(table), precision(table)
    return {
        "recall": found.value,
        "recall_interval": [found.low, found.high],
        "precision": pure.value,
        "precision_interval": [pure.low, pure.high],
        "judged_on": f"{len(chosen)} simulated stars of {sector_key(sector)}, from their truth",
    }


def _real_stars(play: "Play", champion: Promotion, scores: pa.Table) -> list[dict[str, Any]]:
    """Each real star, how it was judged, and whether the model ever learned from it."""
    real = {*play.plan.real_first, *play.plan.real_later}
    labels = _labels(play)
    learned = learned_from(f"models:/calnet/{champion.model_version}", lambda: play.platform)
    return [
        row
        | {
            "judged": "EB" if row["probability"] >= champion.threshold else "not an EB",
            "label": labels.get(row["tic"]),
            "trained_on": learned is not None and learned(row["tic"], nan, nan),
        }
        for row in scores.to_pylist()
        if row["sector"] in real
    ]


def _labels(play: "Play") -> dict[int, str]:
    ledger, store = play.platform.ledger, play.platform.store
    label_set = ledger.latest("labels", 0)
    if label_set is None:
        return {}
    labels = store.load_table(label_set.key, ["tic", "verdict"]).to_pylist()
    return {row["tic"]: row["verdict"] for row in labels}


def _dag_runs(play: "Play") -> list[dict[str, Any]]:
    return [
        {
            "dag_id": dag_id,
            "partition_key": run["partition_key"],
            "state": run["state"],
            "seconds": run["seconds"],
        }
        for dag_id in DAGS
        for run in play.platform.scheduler.runs(dag_id)
    ]


def _show(play: "Play", summary: dict[str, Any]) -> None:
    console = play.stage.console
    done = Table(title="What was done", show_header=False, title_style="bold")
    for label, value in _done(summary):
        done.add_row(label, value)
    console.print(done)
    for row in summary["real_stars"]:
        learned = "learned from" if row["trained_on"] else "never trained on"
        console.print(
            f"  TIC {row['tic']} {sector_key(row['sector'])}: {row['judged']} "
            f"({row['probability']:.2f}), {learned}; catalogs say {row['label'] or 'nothing'}"
        )
    _show_places(console, play)


def _done(summary: dict[str, Any]) -> list[tuple[str, str]]:
    def reasons(counts: dict[str, int]) -> str:
        listed = ", ".join(f"{count} {reason}" for reason, count in counts.items())
        return f"{sum(counts.values())} ({listed})" if counts else "none"

    looks = f"{summary['n_recovered']} recovered, {summary['n_suspect']} suspect"
    return [
        ("sectors", ", ".join(summary["sectors"])),
        ("files listed", str(summary["n_files"])),
        ("quarantined", reasons(summary["n_quarantined"])),
        ("not believed at first", f"{looks}, {summary['n_bad']} bad"),
        ("skipped", reasons(summary["n_skipped"])),
        ("segments, targets scored", f"{summary['n_segments']}, {summary['n_targets_scored']}"),
        ("candidates", str(summary["n_candidates"])),
        ("model", f"version {summary['model_version']}, threshold {summary['threshold']:.2f}"),
        (
            "recall and precision",
            f"{summary['recall']:.3f} and {summary['precision']:.3f}, {summary['judged_on']}",
        ),
        ("release", summary["release_version"]),
        ("time", f"{summary['wall_s']:.0f} s"),
    ]


def _show_places(console: Console, play: "Play") -> None:
    installation, secret = play.installation, play.installation.credentials
    web = installation.url("web")
    newest = play.plan.later[-1]
    folder = installation.folder
    places = Table(title="Where to look", title_style="bold")
    for heading in ("what", "where", "login"):
        places.add_column(heading, overflow="fold")
    vetter = f"vetter / {secret.vetter_password}"
    for row in (
        ("Airflow", installation.url("airflow"), f"admin / {secret.airflow_password}"),
        ("MLflow", installation.url("mlflow"), f"keeper / {secret.mlflow_password}"),
        ("ops page", f"{web}/ops", vetter),
        ("vetting page", f"{web}/vet", vetter),
        ("Data Docs", f"{web}/docs/{sector_key(newest)}/", vetter),
        ("metrics", f"{web}/metrics", "–"),
        ("commands", f"source {folder / 'env.sh'}; calnet-ops sectors", "–"),
        ("release", str(folder / "release"), "–"),
        ("figures", str(folder / "release" / "figures"), "–"),
        ("model", str(folder / "model"), "–"),
        ("scores", str(folder / "scores.parquet"), "–"),
        ("summary", str(folder / "summary.json"), "–"),
    ):
        places.add_row(*row)
    console.print(places)
