"""Pictures of sweeps, read as SVG whose text is text."""

from __future__ import annotations

import re

import pytest

from costcalc.report import plot
from costcalc.report.plot import Panels, Points, Ticks, draw

np = pytest.importorskip("numpy")
pytest.importorskip("matplotlib")


@pytest.fixture
def svg(monkeypatch):
    monkeypatch.setitem(plot._STYLE, "svg.fonttype", "none")
    return lambda picture: draw(picture, "svg").decode()


def texts(image):
    return re.findall(r"<text[^>]*>([^<]*)</text>", image)


def test_a_colour_bar_over_two_powers_of_ten_has_figures_with_suffixes(svg):
    alpha, size = Ticks("alpha", [0.25, 0.5, 0.75, 1.0]), Ticks("size", [128, 160, 192, 224])
    figures = {"macs": np.outer([1e7, 5e7, 2e8, 5e8], [1.0, 1.2, 1.4, 1.7])}
    found = texts(svg(Panels("net", "", (alpha, size), figures, np.zeros((4, 4), bool))))
    assert {"20M", "50M", "100M", "200M", "500M"} <= set(found)
    assert not [text for text in found if "$" in text or "times" in text]


def test_logarithmic_axes_have_figures_with_suffixes(svg):
    x = np.geomspace(2e6, 8e7, 30)
    found = texts(svg(Points("net", "", ("params", "macs"), x, x * 100)))
    assert {"10M", "20M", "1G"} <= set(found)
    assert not [text for text in found if "$" in text]
    found = texts(svg(Points("net", "", ("params", "macs"), x, x**2)))  # too many powers of ten to divide
    assert "10T" in found
    assert "20T" not in found


@pytest.mark.parametrize("count", [20, 100])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("worst", ["some", "all"])
def test_invalid_points_are_in_sight(svg, count, order, worst):
    """Their values stand on the axis, and what stands there is red, as the note says."""
    values = [float(number) for number in range(1, count + 1)][::order]
    invalid = np.array([value <= count / 2 or worst == "all" for value in values])
    figures = np.where(invalid, np.nan, 7e6)
    image = svg(Panels("net", "", (Ticks("alpha", values),), {"macs": figures}, invalid))
    assert image.count("fill: #f2d6d3") >= 1
    ticks = [float(text) for text in texts(image) if re.fullmatch(r"[\d.]+", text)]
    assert [tick for tick in ticks if 0.1 < tick / count < 0.4]
    assert [tick for tick in ticks if 0.7 < tick / count < 1]


def test_words_have_bands_too(svg):
    ticks = Ticks("act", ["relu", "gelu", "tanh"])
    image = svg(Panels("net", "", (ticks,), {"macs": np.array([1.0, np.nan, 2.0])}, np.array([False, True, False])))
    assert "fill: #f2d6d3" in image
    assert {"relu", "gelu", "tanh"} <= set(texts(image))


def test_one_value(svg):
    assert svg(Panels("net", "", (Ticks("a", [3]),), {"macs": np.array([5.0])}, np.array([False])))
    assert plot.bands([3], [True]) == [(2.5, 1.0)]
    assert plot.bands([4, 2, 1], [True, True, False]) == [(5.0, -3.5)]
