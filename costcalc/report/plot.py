"""Sweeps as pictures: a line plot over one axis, a heat map with contours over two, or a scatter plot with a front."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from itertools import groupby, pairwise
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from costcalc.errors import UsageError
from costcalc.notation import written
from costcalc.record import NamedTuple
from costcalc.report.table_data import metric_title
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Numbers = Any
"""A numpy array of floats. It is nan where no point is shown."""

MOST = 1_000_000
"""The maximum number of points of a picture."""

_INK, _MUTED, _LINE, _POINT, _FRONT, _INVALID = "#1f2430", "#667085", "#e4e7ec", "#98a2b3", "#1d4ed8", "#f2d6d3"
_STYLE = {
    "font.size": 9.5,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "svg.hashsalt": "costcalc",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
}


class Ticks(NamedTuple):
    """The values along an axis of a sweep."""

    name: str
    values: Sequence[object]

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers, and strictly increasing or decreasing."""
        numbers: list[Any] = [value for value in self.values if type(value) in (int, float)]
        if len(numbers) != len(self.values):
            return False
        steps = [later - value for value, later in pairwise(numbers)]
        return all(step > 0 for step in steps) or all(step < 0 for step in steps)

    @property
    def places(self) -> list[float]:
        """The coordinates of the values: the values themselves if numeric, and 0, 1, 2, ... otherwise."""
        return [float(value) for value in self.values] if self.numeric else list(map(float, range(len(self.values))))  # type: ignore[arg-type]


class Panels(NamedTuple):
    """A line plot or heat map for each metric: arrays with the shape of the axes, and a mask of invalid points."""

    title: str
    note: str
    axes: tuple[Ticks, ...]
    figures: dict[str, Numbers]
    invalid: Numbers


class Points(NamedTuple):
    """A scatter plot of two quantities, and optionally their Pareto front, sorted by x.

    Both quantities are minimized, except those whose index (0 or 1) is in `more`.
    """

    title: str
    note: str
    names: tuple[str, str]
    x: Numbers
    y: Numbers
    front: tuple[Numbers, Numbers] | None = None
    more: tuple[int, ...] = ()


class Roofline(NamedTuple):
    """The roof of a device, from its bandwidth and the rate of each format, and points below it: FLOPs per second."""

    title: str
    note: str
    bandwidth: int
    rates: dict[str, int]
    x: Sequence[float]
    y: Sequence[float]


def draw(picture: Panels | Points | Roofline, form: str) -> bytes:
    """Draw a picture as `png` or `svg`. Raises `UsageError` if matplotlib is not installed."""
    try:
        matplotlib: Any = import_module("matplotlib")
    except ImportError:
        raise UsageError(
            "{} requires matplotlib, which is not installed", form, help="run pip install 'costcalc[plot]'"
        ) from None
    figure_module: Any = import_module("matplotlib.figure")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a matplotlibrc in the working folder could have any setting, such as to run LaTeX
        matplotlib.rcParams.update({**_STYLE, "savefig.dpi": 160})
        panels = len(picture.figures) if isinstance(picture, Panels) else 1
        flat = isinstance(picture, Panels) and len(picture.axes) == 2
        size = (1.2 + 5.6 * panels, 4.6) if flat else (7.2, 1.3 + 2.5 * panels if panels > 1 else 4.6)
        figure = figure_module.Figure(figsize=size, layout="constrained")
        plots = figure.subplots(1, panels, squeeze=False) if flat else figure.subplots(panels, 1, squeeze=False)
        if isinstance(picture, Roofline):
            _roofline(plots[0][0], picture)
        elif isinstance(picture, Points):
            _scatter(plots[0][0], picture)
        elif flat:
            for plot, name in zip(plots[0], picture.figures, strict=True):
                _heat(figure, plot, picture, name)
        else:
            for row, name in zip(plots, picture.figures, strict=True):
                _lines(row[0], picture, name)
            for row in plots[:-1]:
                row[0].tick_params(labelbottom=False)
            plots[-1][0].set_xlabel(visible(picture.axes[0].name))
        figure.suptitle(visible(picture.title), x=0.01, ha="left", fontsize=12, fontweight="bold", color=_INK)
        if picture.note:
            figure.supxlabel(visible(picture.note), x=0.01, ha="left", fontsize=8, color=_MUTED)
        stream = BytesIO()
        figure.savefig(stream, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    return stream.getvalue()


def engineering(value: float, _: object = None) -> str:
    """Format a number with an SI suffix.

    >>> engineering(568740352), engineering(1e9), engineering(0)
    ('569M', '1G', '0')
    """
    for suffix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def between(value: float, _: object = None) -> str:
    """Format a minor tick of a logarithmic axis: 2 or 5 times a power of ten, and nothing for other numbers.

    >>> between(2e7), between(5e8), between(3e7)
    ('20M', '500M', '')
    """
    lead = round(value / 10 ** floor(log10(value)), 6) if value > 0 else 0
    return engineering(value) if lead in (2, 5) else ""


def _formatted(axis: Any, ratio: float = 1) -> None:
    """Format ticks with suffixes. On a logarithmic axis, `ratio` is the largest value divided by the smallest."""
    ticker: Any = import_module("matplotlib.ticker")
    axis.set_major_formatter(ticker.FuncFormatter(engineering))
    axis.set_minor_formatter(ticker.FuncFormatter(between) if ratio < 1000 else ticker.NullFormatter())


def _label(axis: Any, ticks: Ticks, limit: int = 12) -> None:
    """Label at most `limit` values that are not numeric."""
    if not ticks.numeric:
        step = -(-len(ticks.values) // limit)
        chosen = range(0, len(ticks.values), step)
        axis.set_ticks([float(place) for place in chosen], [visible(written(ticks.values[place])) for place in chosen])


def _roofline(plot: Any, picture: Roofline) -> None:
    ridge = max(picture.rates.values()) / picture.bandwidth
    low = min([*picture.x, ridge / 10]) / 2
    high = max([*picture.x, ridge * 10]) * 2
    for name, rate in picture.rates.items():
        plot.plot([low, rate / picture.bandwidth, high], [low * picture.bandwidth, rate, rate], color=_MUTED)
        plot.annotate(name, (high, rate), textcoords="offset points", xytext=(-4, 4), ha="right", color=_MUTED)
    plot.scatter(picture.x, picture.y, s=22, color=_FRONT, alpha=0.6, linewidths=0, zorder=3)
    plot.set_xscale("log")
    plot.set_yscale("log")
    plot.set_xlabel("intensity, FLOPs per byte")
    plot.set_ylabel("FLOPs per second, at most")
    _formatted(plot.xaxis, high / low)
    _formatted(plot.yaxis, 1e9)


def _lines(plot: Any, picture: Panels, name: str) -> None:
    ticks = picture.axes[0]
    style = {"marker": "o", "markersize": 4} if len(ticks.values) <= 40 else {}
    if ticks.numeric:
        plot.plot(ticks.places, picture.figures[name], color=_FRONT, linewidth=1.8, **style)
    else:
        plot.bar(ticks.places, picture.figures[name], color=_FRONT, width=0.6)
    plot.set_ylim(bottom=0)
    plot.set_title(metric_title(name))
    _formatted(plot.yaxis)
    _label(plot.xaxis, ticks)
    low, high = sorted((ticks.places[0], ticks.places[-1]))
    margin = (high - low) * 0.05 or 0.5
    plot.set_xlim(low - margin, high + margin)
    plot.broken_barh(
        bands(ticks.places, picture.invalid),
        (0, 1),
        transform=plot.get_xaxis_transform(),
        color=_INVALID,
        linewidth=0,
        zorder=0,
    )


def bands(places: Sequence[float], chosen: Iterable[bool]) -> list[tuple[float, float]]:
    """Return the start and width of each run of chosen places, which extends halfway to the neighbouring places.

    >>> bands([1, 2, 3, 4], [True, False, True, True])
    [(0.5, 1.0), (2.5, 2.0)]
    """
    middles = [(one + other) / 2 for one, other in pairwise(places)]
    half = (places[1] - places[0]) / 2 if middles else 0.5
    edges = [places[0] - half, *middles, places[-1] + (places[-1] - middles[-1] if middles else half)]
    runs = []
    for bad, run in groupby(enumerate(chosen), lambda each: bool(each[1])):
        if bad:
            first, *rest = [index for index, _ in run]
            last = rest[-1] if rest else first
            runs.append((edges[first], edges[last + 1] - edges[first]))
    return runs


def _heat(figure: Any, plot: Any, picture: Panels, name: str) -> None:
    colors: Any = import_module("matplotlib.colors")
    down, across = picture.axes
    values = picture.figures[name]
    known = values[values == values]
    if not len(known):
        plot.set_title(f"{metric_title(name)}: no point")
        return
    low, high = float(known.min()), float(known.max())
    spread = low > 0 and high / low > 30
    norm = colors.LogNorm(low, high) if spread else colors.Normalize(low, high)
    plot.grid(False)
    plot.set_facecolor("#f4f5f7")
    if picture.invalid.any():
        shade = colors.ListedColormap([_INVALID])
        plot.pcolormesh(
            across.places, down.places, _where(picture.invalid), cmap=shade, shading="nearest", rasterized=True
        )
    mesh = plot.pcolormesh(across.places, down.places, values, norm=norm, shading="nearest", rasterized=True)
    bar = figure.colorbar(mesh, ax=plot, pad=0.02)
    bar.outline.set_visible(False)
    _formatted(bar.ax.yaxis, high / low if spread else 1)
    levels = _levels(low, high, spread)
    if min(values.shape) >= 4 and down.numeric and across.numeric and levels:
        drawn = plot.contour(across.places, down.places, values, levels=levels, colors="white", linewidths=1.0)
        effects: Any = import_module("matplotlib.patheffects")
        edge = [effects.withStroke(linewidth=2.0, foreground=f"{_INK}99")]
        drawn.set_path_effects(edge)
        for label in plot.clabel(drawn, fmt=engineering, fontsize=8):
            label.set_path_effects(edge)
            place = plot.transAxes.inverted().transform(plot.transData.transform(label.get_position()))
            if not all(0.03 < part < 0.97 for part in place):
                label.remove()  # the edge of the plot would cut it
    plot.set_title(metric_title(name))
    plot.set_xlabel(visible(across.name))
    plot.set_ylabel(visible(down.name))
    _label(plot.xaxis, across)
    _label(plot.yaxis, down)


def _where(mask: Numbers) -> Numbers:
    shown = mask.astype(float)
    shown[~mask] = float("nan")
    return shown


def _levels(low: float, high: float, spread: bool) -> list[float]:
    """Return at most nine round numbers between the smallest and the largest value."""
    ticker: Any = import_module("matplotlib.ticker")
    if not spread:
        return [level for level in ticker.MaxNLocator(8).tick_values(low, high) if low < level < high]
    decades = range(int(log10(low)) - 1, int(log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        levels = [factor * 10.0**decade for decade in decades for factor in factors]
        levels = [level for level in levels if low < level < high]
        if len(levels) <= 9:
            return levels
    return levels[:: -(-len(levels) // 9)]


def _scatter(plot: Any, picture: Points) -> None:
    many = len(picture.x) > 2000
    plot.scatter(
        picture.x, picture.y, s=5 if many else 16, color=_POINT, alpha=0.35 if many else 0.8, linewidths=0,
        rasterized=many, label=f"{len(picture.x):,} points",
    )  # fmt: skip
    if picture.front is not None:
        x, y = picture.front
        plot.step(x, y, where="pre" if 0 in picture.more else "post", color=_FRONT, linewidth=1.6, label="Pareto front")
        plot.scatter(x, y, s=18, color=_FRONT, zorder=3)
        plot.legend(frameon=False, labelcolor=_INK)
    for axis, name, values in ((plot.xaxis, picture.names[0], picture.x), (plot.yaxis, picture.names[1], picture.y)):
        axis.set_label_text(visible(metric_title(name)))
        _formatted(axis)
        numbers = [float(value) for value in (values.min(), values.max())] if len(values) else [1.0, 1.0]
        if numbers[0] > 0 and numbers[1] / numbers[0] > 30 and all(map(isfinite, numbers)):
            (plot.set_xscale if axis is plot.xaxis else plot.set_yscale)("log")
            _formatted(axis, numbers[1] / numbers[0])
