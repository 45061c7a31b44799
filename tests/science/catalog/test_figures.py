"""Figures: the same catalog, the same bytes; no catalog is too small."""

import numpy as np
import pytest

from calnet_ops.science.catalog import figures
from calnet_ops.science.catalog.schema import from_rows


@pytest.mark.parametrize("draw", [figures.draw_sky, figures.draw_magnitudes, figures.draw_periods])
def test_figure_of_a_catalog_depends_on_nothing_else(draw, make, facts):
    table = from_rows([make(1), make(2, period=None, ra=None, tmag=None, eb_type=None)], facts)
    first = draw(table)
    assert first.startswith(b"\x89PNG")
    assert first == draw(table)
    assert first != draw(table.slice(0, 0))


def test_figure_of_recall_needs_no_known_star():
    assert figures.draw_recall(np.empty(0), np.empty(0), 0.5).startswith(b"\x89PNG")
