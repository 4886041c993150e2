"""The Python API of sweeps: each metric as an array with one dimension per axis."""

from __future__ import annotations

from importlib import import_module
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np

from costcalc.analysis import checked_batch
from costcalc.errors import Source, UsageError, suggest
from costcalc.lang.loader import open_spec
from costcalc.lang.spec import Spec
from costcalc.model import COUNTS, PLAIN, Execution
from costcalc.sweep.axis import axis_of, check_params
from costcalc.sweep.chunks import Chunk, Task
from costcalc.sweep.partition import column
from costcalc.sweep.recipe import Recipe
from costcalc.sweep.run import chunks
from costcalc.sweep.select import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.sweep.session import Array


class Sweep:
    """The metrics of all combinations of param values, each an array with one dimension per axis.

    Arrays are int64, or Python ints as objects if a value is beyond int64; `intensity` is float64. Invalid points are
    masked (`numpy.ma`): `invalid` is the mask, and `reason(index)` returns the error of a point.
    """

    def __init__(self, task: Task, parts: Sequence[Chunk]) -> None:
        shape = task.sizes
        self.axes: dict[str, list[Any]] = {axis.name: axis.between(0, axis.size) for axis in task.axes}
        self._parts = parts
        self.invalid: Array = np.concatenate([part.codes for part in parts]).reshape(shape) > 0
        """The mask of invalid points."""
        self.figures: dict[str, Array] = {}
        """The metrics by name. They are also attributes: `sweep.macs`."""
        for name in task.metrics:
            data = np.concatenate([part.figures[name] for part in parts]).reshape(shape)
            self.figures[name] = np.ma.masked_array(data, self.invalid) if self.invalid.any() else data

    def __getattr__(self, name: str) -> Array:
        figures: dict[str, Array] = self.__dict__.get("figures", {})
        if name not in figures:
            known = ", ".join((*figures, "axes", "invalid"))
            raise AttributeError(f"unknown attribute {name} of a sweep; known: {known}")
        return figures[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        shape: tuple[int, ...] = self.invalid.shape
        return shape

    def reason(self, *index: int) -> str:
        """Return the error of an invalid point, as `analyze` reports it. It is empty for a valid point."""
        place = int(np.ravel_multi_index(index, self.shape))
        for part in self._parts:
            if place < part.start + part.size:
                return part.invalid(np.array([place - part.start]))[0]
        raise IndexError(index)

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame with a row per point: its values, metrics and error.

        Raises `UsageError` if pandas is not installed.
        """
        try:
            pandas: Any = import_module("pandas")
        except ImportError:
            raise UsageError(
                "to_dataframe requires pandas, which is not installed", help="run pip install pandas"
            ) from None
        places = np.unravel_index(np.arange(self.invalid.size), self.shape)
        columns: dict[str, Any] = {
            name: column(values)[place].tolist()
            for (name, values), place in zip(self.axes.items(), places, strict=True)
        }
        for name, data in self.figures.items():
            columns[name] = data.reshape(-1).tolist() if self.invalid.any() else data.reshape(-1)
        columns["invalid"] = [text for part in self._parts for text in part.invalid(np.arange(part.size))]
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in self.axes.items())
        return f"Sweep({sizes}; {', '.join(self.figures)}; {int(self.invalid.sum())} invalid)"


def sweep(
    spec: str | PathLike[str] | Source | Spec,
    /,
    *,
    metrics: Sequence[str] = COUNTS,
    batch: int = 1,
    execution: Execution = PLAIN,
    inputs: Mapping[str, Sequence[int]] | None = None,
    max_layers: int | None = None,
    params: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Sweep:
    """Evaluate a spec for all combinations of param values. The spec is a path, a bundled name, or a `Source` of text.

    Each keyword argument is a param, with an iterable of numbers, words, bools or lists, or one value. A param with the
    name of another argument is given in `params`. Invalid points are masked.

    Raises `UsageError` for an unknown param or metric, and for a batch below 1.

    >>> found = sweep("mobilenet_v1", alpha=[0.25, 0.5, 0.75, 1.0], resolution=range(128, 225, 32))
    >>> found.shape, int(found.macs[3, 3])
    ((4, 4), 568740352)
    """
    for name in metrics:
        if name not in FIGURES:
            raise UsageError("unknown metric {}", name, help=suggest(name, FIGURES))
    if not isinstance(spec, Spec):
        spec = open_spec(spec if isinstance(spec, Source) else fspath(spec))
    batch = checked_batch(batch)
    recipe = Recipe(spec, inputs, max_layers)
    values = {**(params or {}), **axes}
    check_params(recipe.spec, values)
    task = Task(
        recipe, tuple([axis_of(*pair) for pair in values.items()]), tuple(dict.fromkeys(metrics)), batch, execution
    )
    return Sweep(task, list(chunks(task)))
