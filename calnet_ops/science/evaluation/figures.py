"""Figures of a training and of what came out, as PNG."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calnet_ops.science.evaluation.metrics import Confusion, Floats, Mask, precision_recall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCH = (6.4, 4.0)
"""Width and height: two fit side by side on MLflow's page."""

DPI = 110


def training_curve(history: Mapping[str, Sequence[float]]) -> bytes:
    """Loss and other figures of each epoch, one panel for losses and one for the rest."""
    figure, (left, right) = _panels(2)
    for name, values in history.items():
        panel = left if "loss" in name else right
        panel.plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=name)
    for panel, title in ((left, "loss"), (right, "share")):
        panel.set(xlabel="epoch", ylabel=title)
        if panel.lines:
            panel.legend(fontsize="small")
    return _png(figure)


def confusion_matrix(counts: Confusion) -> bytes:
    """Counts of stars by truth and by what the model says."""
    figure, (panel,) = _panels(1)
    table = np.array(
        [
            [counts.n_true_positive, counts.n_false_negative],
            [counts.n_false_positive, counts.n_true_negative],
        ]
    )
    panel.imshow(table, cmap="Blues")
    for (row, column), count in np.ndenumerate(table):
        shade = "white" if count > table.max() / 2 else "black"
        panel.text(column, row, str(count), ha="center", va="center", color=shade)
    panel.set_xticks([0, 1], ["called EB", "not called EB"])
    panel.set_yticks([0, 1], ["EB", "other"])
    panel.set_title("test stars")
    return _png(figure)


def precision_recall_curve(is_eb: Mask, probability: Floats, threshold: float) -> bytes:
    """Precision over recall of test stars, with the threshold marked."""
    figure, (panel,) = _panels(1)
    recall, precision = precision_recall(is_eb, probability)
    panel.step(recall, precision, where="post")
    called = probability >= threshold
    if called.any() and is_eb.any():
        found = (is_eb & called).sum()
        panel.plot(
            found / is_eb.sum(), found / called.sum(), "o", label=f"threshold {threshold:.2f}"
        )
        panel.legend()
    panel.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    return _png(figure)


def _panels(count: int) -> "tuple[Figure, Sequence[Axes]]":
    # Not pyplot: it keeps figures alive and wants a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCH, dpi=DPI, layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
