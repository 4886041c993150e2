"""Sweeps for programs: every figure as an array that has the shape of the grid."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np

from costcalc.errors import UsageError, suggest
from costcalc.model import METRICS
from costcalc.spec.document import Spec, open_spec
from costcalc.sweep.axis import axis_of
from costcalc.sweep.chunks import Chunk, Task
from costcalc.sweep.recipe import Recipe
from costcalc.sweep.run import chunks
from costcalc.sweep.select import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.sweep.axis import Axis
    from costcalc.sweep.grid import Array


class Sweep:
    """The figures of every combination of some values, each an array with an axis per swept name.

    Figures are int64, or Python ints of any size as objects where one is beyond int64. Where a point is no valid
    network they are masked (`numpy.ma`); `invalid` says where, `reason(index)` why.
    """

    def __init__(self, task: Task, parts: Sequence[Chunk]) -> None:
        shape = task.sizes
        self.axes: dict[str, list[Any]] = {axis.name: axis.between(0, axis.size) for axis in task.axes}
        self._parts = parts
        self.invalid: Array = np.concatenate([part.codes for part in parts]).reshape(shape) > 0
        """Which points are no valid network."""
        self.figures: dict[str, Array] = {}
        """Each metric by name; also attributes: `sweep.macs`."""
        for name in task.metrics:
            data = np.concatenate([part.figures[name] for part in parts]).reshape(shape)
            self.figures[name] = np.ma.masked_array(data, self.invalid) if self.invalid.any() else data

    def __getattr__(self, name: str) -> Array:
        figures: dict[str, Array] = self.__dict__.get("figures", {})
        if name not in figures:
            raise AttributeError(f"a sweep has no {name}; it has {', '.join((*figures, 'axes', 'invalid'))}")
        return figures[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values along each axis."""
        return self.invalid.shape

    def reason(self, *index: int) -> str:
        """Why a point is invalid, as `analyze` says it; an empty text for a valid one."""
        place = int(np.ravel_multi_index(index, self.shape))
        for part in self._parts:
            if place < part.start + part.size:
                return part.invalid(np.array([place - part.start]))[0]
        raise IndexError(index)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every point, in the order of the grid: its values, its figures (None where invalid), and `invalid`."""
        for part in self._parts:
            positions = np.arange(part.size)
            indices = part.indices(positions)
            columns = [values[index].tolist() for values, index in zip(part.columns, indices, strict=True)]
            figures = [part.figures[name].tolist() for name in self.figures]
            for reason, values, row in zip(part.invalid(positions), zip(*columns), zip(*figures), strict=True):
                shown = [None] * len(row) if reason else row
                yield {
                    **dict(zip(self.axes, values, strict=True)),
                    **dict(zip(self.figures, shown, strict=True)),
                    "invalid": reason,
                }

    def to_dataframe(self) -> Any:
        """The rows as a pandas DataFrame. Raises `UsageError` where pandas is not installed."""
        try:
            import pandas as pd
        except ImportError:
            raise UsageError("to_dataframe needs pandas, which is not installed", help="pip install pandas") from None
        return pd.DataFrame(self.rows())

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in self.axes.items())
        return f"Sweep({sizes}; {', '.join(self.figures)}; {int(self.invalid.sum())} invalid)"


def sweep(
    spec: str | PathLike[str] | Spec,
    *,
    metrics: Sequence[str] = METRICS,
    batch: int = 1,
    inputs: Mapping[str, Sequence[int]] | None = None,
    max_layers: int | None = None,
    params: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Sweep:
    """Every combination of the values of some params of a spec.

    An axis is any iterable of numbers, words, bools or lists, or one value. A param whose name is taken by an argument
    goes into `params`. Raises `UsageError` for an unknown param or metric; a point that is no valid network is masked.

    >>> found = sweep("mobilenet_v1", alpha=[0.25, 0.5, 0.75, 1.0], resolution=range(128, 225, 32))
    >>> found.shape, int(found.macs[3, 3])
    ((4, 4), 568740352)
    """
    for name in metrics:
        if name not in FIGURES:
            raise UsageError("no metric {}", name, help=suggest(name, FIGURES))
    recipe = Recipe(spec if isinstance(spec, Spec) else open_spec(fspath(spec)), inputs, max_layers)
    task = Task(recipe, known_axes(recipe.spec, {**(params or {}), **axes}), tuple(dict.fromkeys(metrics)), batch)
    return Sweep(task, list(chunks(task)))


def known_axes(spec: Spec, values: Mapping[str, Any]) -> tuple[Axis, ...]:
    """An axis for each name. Raises `UsageError` for one that is no param of the spec, or where there is none."""
    for name in values:
        if name not in spec.params:
            help = suggest(name, spec.params, f"its params: {', '.join(spec.params)}" if spec.params else "it has no params")
            raise UsageError("{} has no param {}", spec.name, name, help=help)
    if not values:
        raise UsageError("nothing to sweep", help=f"params of {spec.name}: {', '.join(spec.params) or 'none'}")
    return tuple([axis_of(name, given) for name, given in values.items()])
