"""The model card: what a stranger has to know before using a model, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calnet_ops.science.candidates.calibration import Calibration
from calnet_ops.science.evaluation.evidence import Performance
from calnet_ops.science.evaluation.metrics import Rate

SPLIT = """\
Stars are put on their side by a salted hash of the cell of the sky (0.5 degrees) that they are in:
70% train, 15% validation, 15% test. Stars near the border of two sides are left out, so that no
star of one side lies within three TESS pixels of one of another. The rule never changes: no star
changes sides when labels are added, and models of different years are compared on stars none has
seen."""

FEW = 30
"""Test stars of a type below which its recall says little: the 95% interval of 27 out of 30 goes
from 0.74 to 0.97."""

NETWORKS: Mapping[str, str] = {
    "calnet": "the published network (arXiv:2504.15875), 8,737,163 weights",
    "port": "the later PyTorch form, 8,833,018 weights",
}

LOADING = """\
```python
import mlflow  # and keras, tensorflow; nothing of calnet-ops is needed
model = mlflow.keras.load_model("models:/calnet@champion")  # or models:/calnet/<version>
probability = model.predict([flux, power])[:, 0]  # (n, 4000, 1) and (n, 1000, 1)
```"""

SIGNED = """\
The files of the store are signed. After a download of `models/{model_id}/`:

```sh
python -m model_signing verify key models/{model_id} --ignore_unsigned_files \\
  --signature models/{model_id}/{signature} --public_key public-key.pem
```"""

REFERENCES = """\
- Network: Wang et al. 2025, arXiv:2504.15875. Attention: Woo et al. 2018, arXiv:1807.06521.
- Calibration: Platt 1999, in Advances in Large Margin Classifiers.
- Light curves: TESS, NASA; Ricker et al. 2015, doi:10.1117/1.JATIS.1.1.014003.
- Form of this card: Mitchell et al. 2019, arXiv:1810.03993."""


@dataclass(frozen=True)
class CardData:
    """Which stars a model was made with or judged on."""

    dataset_id: str
    label_set: str
    counts: Mapping[str, Mapping[str, int]]
    """Stars by side and verdict."""
    sources: Mapping[str, int]
    """Stars by where their labels come from."""


@dataclass(frozen=True)
class Card:
    """All that the card tells."""

    model_id: str
    network: str
    features: str
    threshold: float
    least_recall: float
    calibration: Calibration
    taint: str
    """Empty if there is none."""
    params: Mapping[str, Any]
    origin: Mapping[str, str]
    """Of a network from elsewhere; empty if it was trained here."""
    code_version: str
    data: CardData | None
    performance: Performance | None
    counts: Sequence[Mapping[str, Any]] = ()
    """Three ways of counting side by side, as an evaluation keeps them."""
    figures: Sequence[str] = ()
    """Names of figures in the run."""
    signature: str = ""
    """File name of the signature; empty if nobody signed."""


def write_card(card: Card) -> str:
    """The card as Markdown."""
    sections = {
        "Data": _data(card),
        "Split": SPLIT if card.data else "There were no labelled stars to split.",
        "Network": _network(card),
        "Figures": _figures(card),
        "Probability and threshold": _threshold(card),
        "Limits": _bullets(_limits(card)),
        "Load it": LOADING,
        "Check it": _signed(card),
        "Licence": "MIT, as calnet-ops. Of networks from elsewhere: ask their authors.",
        "References": REFERENCES,
    }
    head = [
        f"# Model card: CALNet `{card.model_id}`",
        "",
        "Says whether the light curve of a star, one TESS sector, is that of an eclipsing binary.",
    ]
    if card.taint:
        head += ["", f"> **Taint: {card.taint}.** Everything made with this model carries it."]
    parts = [f"## {title}\n{text}" for title, text in sections.items()]
    return "\n\n".join(["\n".join(head), *parts]) + "\n"


def _data(card: Card) -> str:
    lines = []
    if card.origin:
        lines.append("**Which stars the network has learned from is not known.** Judged on:\n")
    if card.data is None:
        return "\n".join([*lines, "No labelled stars: nothing has been measured."])
    counts = card.data.counts
    verdicts = sorted({name for by_verdict in counts.values() for name in by_verdict})
    rows = [
        [side, *(f"{by_verdict.get(name, 0):,}" for name in verdicts)]
        for side, by_verdict in counts.items()
    ]
    sources = ", ".join(f"{name} ({n:,})" for name, n in sorted(card.data.sources.items()))
    told = (
        f"Data set `{card.data.dataset_id}`, label set `{card.data.label_set}`, "
        f"features {card.features}. Stars by side and verdict:\n"
    )
    return "\n".join(
        [
            *lines,
            told,
            _table(["side", *verdicts], rows),
            f"\nSources of the labels, stars each: {sources}.",
        ]
    )


def _network(card: Card) -> str:
    told = NETWORKS.get(card.network, f"the network `{card.network}`")
    made = f"Output 0 is P(EB). Made by calnet-ops {card.code_version}."
    lines = [f"{told[0].upper()}{told[1:]}. {made}"]
    if card.origin:
        lines += ["\nFrom a file:\n", _table(["", ""], [[k, v] for k, v in card.origin.items()])]
    if card.params:
        lines += ["\nRecipe:\n", _table(["", ""], [[k, f"{v}"] for k, v in card.params.items()])]
    return "\n".join(lines)


def _figures(card: Card) -> str:
    performance = card.performance
    if performance is None:
        return "**Not measured.** The gate counts a check that was not made as failed."
    rates = {
        "recall": performance.recall,
        "precision": performance.precision,
        "specificity": performance.specificity,
        **{f"recall of {name}": rate for name, rate in performance.recall_by_type.items()},
    }
    rows = [[name, *_rate(rate)] for name, rate in rates.items()]
    lines = [
        "On test stars, each once, with 95% intervals:\n",
        _table(["", "value", "95% interval", "stars"], rows),
        f"\nAverage precision {performance.average_precision:.3f}.",
    ]
    if card.counts:
        counted = [
            [one["name"], f"{one['recall']['value']:.3f}", f"{one['precision']['value']:.3f}",
             one["label"]]
            for one in card.counts
        ]  # fmt: skip
        lines += [
            "\nThree ways of counting; only the last one says how good the model is:\n",
            _table(["", "recall", "precision", "counts"], counted),
        ]
    if card.figures:
        lines.append(f"\nDrawn in the MLflow run: {', '.join(sorted(card.figures))}.")
    return "\n".join(lines)


def _threshold(card: Card) -> str:
    fit = card.calibration
    if not fit.n_star:
        return (
            f"A star is a candidate from {card.threshold:.4f} on, as the published code asks. "
            "Probabilities are as the network gives them: nobody has calibrated them."
        )
    return (
        f"A star is a candidate from {card.threshold:.4f} on: the highest threshold that keeps a "
        f"recall of {card.least_recall:g} of the validation stars. Calibrated on {fit.n_star:,} of "
        f"them: logit(p) = {fit.slope:.3f} x mean logit {fit.intercept:+.3f}. Probabilities hold "
        f"for a mix with {fit.eb_share:.0%} binaries; where binaries are rare, as in a sector, "
        "the same probability is worth less."
    )


def _limits(card: Card) -> list[str]:
    limits = []
    if "simulated" in card.taint:
        limits.append(
            "Stars of a simulation have a part in it. How it does on real stars is not told by "
            "the figures above, and is likely worse."
        )
    if card.origin:
        limits.append(
            "Nobody here knows what the network has learned from. Test stars may be among it, so "
            "that the figures are too good."
        )
    if card.performance is None:
        limits.append("It has not been measured on stars of known truth.")
    else:
        rare = [n for n, rate in card.performance.recall_by_type.items() if rate.n < FEW]
        if rare:
            limits.append(
                f"Few test stars are of type {', '.join(rare)}: their recall is not well known."
            )
    return [
        *limits,
        "It sees the shape of one sector: periods above half a sector show as one eclipse or none.",
        "Transits of planets and shallow eclipses look alike. A candidate is no confirmed binary.",
        "An eclipse may come from a neighbour within three pixels (21 arcsec each).",
        "Made for SPOC light curves of two minutes; other products are not what it has learned.",
    ]


def _signed(card: Card) -> str:
    if not card.signature:
        return "**Nobody signed it:** no signing key was set when it was registered."
    return SIGNED.format(model_id=card.model_id, signature=card.signature)


def _rate(rate: Rate) -> list[str]:
    return [f"{rate.value:.3f}", f"{rate.low:.3f} to {rate.high:.3f}", f"{rate.n:,}"]


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(names), ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in cells)


def _cell(text: str) -> str:
    """Text that cannot leave its cell: names of files come from outside."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
