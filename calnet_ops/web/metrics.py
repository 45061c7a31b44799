"""Figures for Prometheus, computed from the overview at each scrape."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from calnet_ops.platform import Platform
from calnet_ops.web.overview import STATES, Overview, SectorRow, overview

Sample = tuple[list[str], float | None]
"""Label values and value; None is left out: not known is not zero."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric as Prometheus sees it."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: str = "gauge"


SECTOR_STATE = Family(
    "calnet_sector_state", "1 for the state a sector is in, 0 for the others", ("sector", "state")
)
SECTOR_FILES = Family(
    "calnet_sector_files",
    "Files of the newest delivery: listed by the archive, expected (targets of the CDPP table, else"
    " planned ones), targets (listed two-minute targets), stored (recovered ones among them),"
    " quarantined (suspect ones among them), skipped by features",
    ("sector", "status"),
)
QUARANTINED = Family(
    "calnet_quarantined_files", "Files that are not believed", ("sector", "reason")
)
SKIPPED = Family(
    "calnet_skipped_files", "Believed files in which nothing can be scored", ("sector", "reason")
)
LATENCY = Family(
    "calnet_sector_latency_seconds",
    "Time from the first sight of a delivery to all files stored (raw), to first scores (scored)",
    ("sector", "stage"),
)
BYTES_RATE = Family(
    "calnet_ingest_bytes_per_second",
    "Rate at which one ingest task pulled and stored a sector",
    ("sector",),
)
FILES_RATE = Family(
    "calnet_ingest_files_per_second",
    "Rate at which one ingest task pulled and stored a sector",
    ("sector",),
)
TARGETS = Family("calnet_targets_scored", "Targets scored by the champion", ("sector",))
SEGMENTS = Family("calnet_segments_scored", "Segments scored by the champion", ("sector",))
CANDIDATES = Family(
    "calnet_candidates", "Targets at or above the champion's threshold", ("sector",)
)
DRIFT_WARNING = Family(
    "calnet_drift_warning",
    "1 if a sector is unlike what the champion knows, 0 if not",
    ("sector",),
)
DRIFT_EXCESS = Family(
    "calnet_drift_excess_ratio", "Largest distance of a sector over its limit", ("sector",)
)
EXPECTED = Family(
    "calnet_expected_ratio",
    "Recall and precision of the champion in a sector, expected without labels",
    ("sector", "figure"),
)
VETTING = Family("calnet_vetting_waiting", "Candidate stars that nobody has judged")
HALTED = Family("calnet_sectors_halted", "Sectors that were stopped and wait for a person")
CHAMPION = Family("calnet_champion_version", "Registry version of the champion; 0 if there is none")
CHAMPION_INFO = Family(
    "calnet_champion_info",
    "Always 1; says which model is the champion",
    ("version", "model_id", "simulated"),
)
CHAMPION_THRESHOLD = Family(
    "calnet_champion_threshold_ratio", "Probability from which a target is a candidate"
)
CHAMPION_SINCE = Family(
    "calnet_champion_since_timestamp_seconds", "When the champion went into production"
)
CHAMPION_OVERRIDE = Family(
    "calnet_champion_override", "1 if a person put the champion there against the gate, 0 if not"
)
PROMOTED = Family("calnet_promotions", "Versions put into production, ever", kind="counter")
RETRAIN_CHANGED = Family(
    "calnet_retrain_changed_labels",
    "Labels changed since the champion's label set, when it was last asked whether to train",
)
REFUSED = Family("calnet_promotions_refused", "Promotions put back, ever", kind="counter")
NOTICES = Family("calnet_notices", "Things a person was told of, ever", kind="counter")
RELEASE_ROWS = Family("calnet_release_rows", "Rows of a published release", ("version",))
RELEASE_INFO = Family(
    "calnet_release_info", "1 for the release that latest.json names, 0 for others", ("version",)
)

FAMILIES = (
    SECTOR_STATE,
    SECTOR_FILES,
    QUARANTINED,
    SKIPPED,
    LATENCY,
    BYTES_RATE,
    FILES_RATE,
    TARGETS,
    SEGMENTS,
    CANDIDATES,
    DRIFT_WARNING,
    DRIFT_EXCESS,
    EXPECTED,
    VETTING,
    HALTED,
    CHAMPION,
    CHAMPION_INFO,
    CHAMPION_THRESHOLD,
    CHAMPION_SINCE,
    CHAMPION_OVERRIDE,
    PROMOTED,
    REFUSED,
    RETRAIN_CHANGED,
    NOTICES,
    RELEASE_ROWS,
    RELEASE_INFO,
)
"""All metrics, in the order of `docs/metrics.md`."""


class OverviewCollector(Collector):
    """Asks for the overview when Prometheus asks for the metrics."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @override
    def collect(self) -> Iterator[Metric]:
        """All families with their samples."""
        shown = overview(self._platform)
        for family in FAMILIES:
            yield _metric(family, _samples(family, shown))


def exposition(platform: Platform) -> bytes:
    """Text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OverviewCollector(platform))
    return generate_latest(registry)


def document() -> str:
    """Text of `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Made by `make docs` from `calnet_ops/web/metrics.py`. Served at `/metrics`, computed at",
        "each scrape from the ledger: a restart loses nothing. What is not known has no sample.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for family in FAMILIES:
        name = f"{family.name}_total" if family.kind == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in family.labels) or "none"
        lines.append(f"| `{name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join(lines) + "\n"


def _metric(family: Family, samples: Iterable[Sample]) -> Metric:
    make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = make(family.name, family.help, labels=family.labels)
    for labels, value in samples:
        if value is not None:
            metric.add_metric(labels, value)
    return metric


def _samples(family: Family, shown: Overview) -> list[Sample]:
    if "sector" in family.labels:
        return [
            ([row.name, *labels], value)
            for row in shown.sectors
            for labels, value in _sector_samples(family, row)
        ]
    return _platform_samples(family, shown)


def _sector_samples(family: Family, row: SectorRow) -> list[Sample]:
    """Give the samples of one sector, without its label."""
    by_family: dict[Family, list[Sample]] = {
        SECTOR_STATE: [([state], float(row.state == state)) for state in STATES],
        SECTOR_FILES: [
            (["listed"], row.n_listed),
            (["targets"], row.n_published),
            (["expected"], row.n_expected),
            (["stored"], row.n_stored),
            (["recovered"], row.n_recovered),
            (["suspect"], row.n_suspect),
            (["quarantined"], sum(row.quarantined.values())),
            (["skipped"], sum(row.skipped.values())),
        ],
        QUARANTINED: [([reason], n) for reason, n in row.quarantined.items()],
        SKIPPED: [([reason], n) for reason, n in row.skipped.items()],
        LATENCY: [(["raw"], row.raw_after_s), (["scored"], row.scored_after_s)],
        BYTES_RATE: [([], row.bytes_per_s)],
        FILES_RATE: [([], row.files_per_s)],
        TARGETS: [([], row.n_target)],
        SEGMENTS: [([], row.n_segment)],
        CANDIDATES: [([], row.n_candidate)],
        DRIFT_WARNING: [([], _warning(row.drift))],
        DRIFT_EXCESS: [([], row.drift_excess)],
        EXPECTED: [(["recall"], row.expected_recall), (["precision"], row.expected_precision)],
    }
    return by_family[family]


def _warning(state: str | None) -> float | None:
    """Whether to warn; not known while there is nothing to compare with."""
    return float(state == "warn") if state in {"usual", "warn"} else None


def _seconds(at_utc: datetime) -> float:
    """Seconds since 1970."""
    return at_utc.replace(tzinfo=UTC).timestamp()


def _platform_samples(family: Family, shown: Overview) -> list[Sample]:
    champion = shown.champion
    by_family: dict[Family, list[Sample]] = {
        VETTING: [([], shown.waiting.n_candidate)],
        HALTED: [([], len(shown.waiting.halted))],
        CHAMPION: [([], champion.model_version if champion else 0)],
        CHAMPION_INFO: [
            ([str(item.model_version), item.model_id, str(item.simulated).lower()], 1)
            for item in [champion]
            if item
        ],
        CHAMPION_THRESHOLD: [([], champion.threshold if champion else None)],
        CHAMPION_SINCE: [([], _seconds(champion.at_utc) if champion else None)],
        CHAMPION_OVERRIDE: [([], float(bool(champion.override)) if champion else None)],
        PROMOTED: [([], shown.n_promoted)],
        REFUSED: [([], shown.n_refused)],
        RETRAIN_CHANGED: [([], shown.retrain.n_changed if shown.retrain else None)],
        NOTICES: [([], shown.n_notice)],
        RELEASE_ROWS: [([item.version], item.n_row) for item in shown.releases],
        RELEASE_INFO: [([item.version], float(item.current)) for item in shown.releases],
    }
    return by_family[family]
