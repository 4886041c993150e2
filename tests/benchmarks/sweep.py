"""A grid of a million networks, beside the same totals written by hand in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .measure import Figure, pairs, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

ALPHA = [number / 1000 for number in range(250, 1250)]
RESOLUTION = range(32, 1032)
BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
"""Width and stride of each depthwise separable block of MobileNet: Howard et al. 2017, table 1."""


def by_hand() -> tuple[Any, Any]:
    """Multiply-adds and parameters of MobileNet over both axes: 28 products of a column and a row, summed."""
    import numpy as np

    alpha = np.array(ALPHA)[:, None]
    size = -(-np.array(RESOLUTION)[None, :] // 2)
    width = np.trunc(alpha * 32).astype(np.int64)
    macs = 27 * width * (size * size)
    params = 27 * width + 2 * width
    for out, stride in BLOCKS:
        size = -(-size // stride)
        wide = np.trunc(alpha * out).astype(np.int64)
        macs = macs + 9 * width * (size * size)
        macs = macs + width * wide * (size * size)
        params = params + 11 * width + width * wide + 2 * wide
        width = wide
    return macs + 1000 * width, params + 1000 * width + 1000


def swept(*metrics: str) -> Any:
    """The same from the spec, read anew."""
    import costcalc.sweep

    return costcalc.sweep("mobilenet_v1", metrics=metrics, alpha=ALPHA, resolution=RESOLUTION)


def million_networks() -> Iterator[Figure]:
    """MACs and params beside numpy, and all figures beside these two."""
    from costcalc.model import METRICS

    macs, params = by_hand()
    found = swept("macs", "params")
    assert (found.macs == macs).all()
    assert (found.params == params).all()
    what = "a million MobileNets, MACs and params, to the same by hand in numpy"
    yield from ratio(what, lambda: swept("macs", "params"), by_hand, 10, times=7)
    measured, own, _ = pairs(lambda: swept(*METRICS), lambda: swept("macs", "params"), times=7)
    yield Figure("  all figures, to MACs and params", measured, "times", 5)
    yield Figure("  all figures", own * 1000, "ms")


def written_rows() -> Iterator[Figure]:
    """Rows of a sweep as CSV, beside numpy's own writer of text with the same columns."""
    from io import StringIO

    import numpy as np

    from costcalc.report.sweep import csv_rows
    from costcalc.sweep.partition import column
    from costcalc.sweep.run import Rows

    count = 1 << 15
    places = np.arange(count)
    alpha, resolution = (
        column([0.25 + n // 1000 / 1000 for n in range(count)]),
        column([32 + n % 1000 for n in range(count)]),
    )
    figures = {"macs": 10**8 + 12_345 * places, "params": 10**6 + 7 * places}
    rows = Rows(places, (alpha, resolution), figures, [""] * count)
    table = np.stack([alpha.astype(float), resolution.astype(float), *figures.values()], 1)
    yield from ratio(
        f"{count:,} rows as CSV, to numpy.savetxt",
        lambda: csv_rows(rows, tuple(figures)),
        lambda: np.savetxt(StringIO(), table, delimiter=",", fmt=["%g", "%d", "%d", "%d"]),
        1,
        times=7,
    )


def main() -> None:
    """Print the figures."""
    for figure in million_networks():
        print(f"{figure.what:<70} {figure.value:>8.2f} {figure.unit}")


if __name__ == "__main__":
    main()
