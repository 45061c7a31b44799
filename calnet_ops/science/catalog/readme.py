"""The README of a release, from its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from calnet_ops.science.catalog.diff import Difference
from calnet_ops.science.catalog.formats import FORMATS

SHOWN = 20
"""TIC numbers listed by name in the README; `calnet-ops release diff` lists them all."""

FIGURES = {
    "figures/sky.png": "Where the stars are",
    "figures/magnitudes.png": "How bright they are",
    "figures/periods.png": "Orbital periods",
    "figures/recall.png": "What the threshold keeps of stars with known labels, without those the "
    "model learned from",
}
"""Figures of a release, with what they show."""

METHOD = """\
Every target of each sector is scored by CALNet, a neural network that reads the light curve and
its periodogram (arXiv 2504.15875); the segments of a light curve are combined to one calibrated
probability a star and sector (`docs/model.md` of the project says how). Targets at or above the
model's threshold in any sector are candidates; `probability` is over all sectors scored. Period,
epoch, depths, durations and type are measured on the light curve itself; the motion of the
photocentre in eclipse, and neighbours with the same ephemeris, tell whether it is the target that
eclipses (`p_on_target`, `group_id`; candidates that are not stay in the catalog). Vetters then
judge them:
`tier` is `confirmed` where they agree that it is an eclipsing binary, `model` where they have not
spoken or do not agree; stars that they rejected are left out of the catalog and stand in
`searched.parquet` with their verdict."""

SIMULATED = """\
> **Simulated.** Something in this release comes from simulation: simulated stars (column
> `simulated`), or a model that learned from some. It is a rehearsal, not a catalog to cite."""


CHECK = """\
`sha256sum -c SHA256SUMS` checks the bytes; `calnet-ops release verify .` also reads every format
and compares them."""


def write_readme(
    release: Mapping[str, Any], difference: Difference | None, recall: str, columns: Sequence[str]
) -> str:
    """Markdown of the README.

    Parameters
    ----------
    release
        Contents of ``release.json``.
    difference
        What changed since the last release; None for the first.
    recall
        One sentence on stars with known labels.
    columns
        Rows of the table of columns, in Markdown.
    """
    counts, model = release["counts"], release["model"]
    found = (
        f"{counts['n_row']} eclipsing binaries and candidates among {counts['n_searched']} stars "
        f"that were searched in {counts['n_sector']} sectors. {recall}"
    )
    made = (
        f"Model version {model['version']} (`{model['model_id']}`), threshold "
        f"{model['threshold']:.6g}. `release.json` names every input; its lineage is "
        f"`{release['lineage']}`."
    )
    figures = (f"{said}.\n\n![{said}]({name})" for name, said in FIGURES.items())
    parts = [
        f"# {release['title']}, {release['version']}",
        SIMULATED if release["simulated"] else "",
        found,
        "## Counts\n\n" + _table(("what", "stars"), _named(counts)),
        "## What changed\n\n" + _changes(difference, release["previous"]),
        f"## How it was made\n\n{METHOD}\n\n{made}",
        f"## Files\n\n{_table(('file', 'what'), _files())}\n\n{CHECK}",
        "## Figures\n\n" + "\n\n".join(figures),
        "## Columns\n\n" + "\n".join(columns),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _named(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    words = {
        "n_row": "in the catalog",
        "n_confirmed": "of these confirmed by vetters",
        "n_model": "of these found by the model only",
        "n_ea": "type EA",
        "n_eb": "type EB",
        "n_ew": "type EW",
        "n_untyped": "without a type",
        "n_planet_host": "known planet hosts",
        "n_attributed": "attributed: whether they eclipse themselves was asked",
        "n_off_target": "of these more likely with a neighbour's eclipses (p_on_target below 0.5)",
        "n_matched": "with the eclipses of another candidate nearby (n_match above 0)",
        "n_group": "groups of such stars (group_id)",
        "n_simulated": "simulated",
        "n_candidate": "candidates before vetting",
        "n_rejected": "candidates rejected by vetters",
        "n_searched": "searched",
    }
    return [(said, str(counts[name])) for name, said in words.items()]


def _files() -> list[tuple[str, str]]:
    formats = [
        (f"`{item.file_name}`", f"the catalog as {item.name.replace('_', ' ')}")
        for item in FORMATS.values()
    ]
    return [
        *formats,
        ("`catalog.csv-metadata.json`", "units and meanings for the CSV"),
        ("`searched.parquet`", "every star that was scored, with its probability in each sector"),
        ("`release.json`", "what it was made from"),
    ]


def _changes(difference: Difference | None, previous: str) -> str:
    if difference is None:
        return "This is the first release."
    parts = [f"Since {previous}: {difference.sentence()}."]
    for name, tics in (("Added", difference.added), ("Removed", difference.removed)):
        if tics:
            more = f" and {len(tics) - SHOWN} more" if len(tics) > SHOWN else ""
            parts.append(f"{name}: TIC {', '.join(map(str, tics[:SHOWN]))}{more}.")
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
