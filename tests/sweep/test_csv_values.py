"""The text of each value of an axis is its own, also where values are equal."""

from __future__ import annotations

import numpy as np
import pytest

from costcalc.report.sweep import csv_rows
from costcalc.sweep.partition import column
from costcalc.sweep.run import Rows


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 2, 1], ["1", "2", "1"]),
        ([0.5, 0.25, 0.5], ["0.5", "0.25", "0.5"]),
        ([0.0, -0.0, 1.5], ["0.0", "-0.0", "1.5"]),
        ([1, 1.0, 2], ["1", "1.0", "2"]),
        ([True, 1, 1.0], ["true", "1", "1.0"]),
    ],
)
def test_values_keep_their_text(values, texts):
    rows = Rows(np.arange(3), (column(values),), {"macs": np.array([7, 8, 9])}, [""] * 3)
    assert csv_rows(rows, ("macs",)) == "".join(
        f"{text},{macs},\n" for text, macs in zip(texts, (7, 8, 9), strict=True)
    )
