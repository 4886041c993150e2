"""The selection of points of a sweep: by a condition, by a ranking, or as a Pareto front."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from costcalc.cost import OPERATIONS
from costcalc.errors import ExpressionError, UsageError, suggest
from costcalc.lang.expression import Environment, parse, suffixed
from costcalc.lang.functions import Word, is_number, truth
from costcalc.model import METRICS
from costcalc.record import NamedTuple
from costcalc.sweep.front import front
from costcalc.sweep.lanes import EXACT, INT64, Lanes, as_lanes
from costcalc.sweep.partition import Region, alike, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.lang.expression import Expression
    from costcalc.sweep.chunks import Chunk, Task
    from costcalc.sweep.session import Array, Session

FIGURES = (*METRICS, "intensity", *OPERATIONS)
"""The metrics and operations that a sweep evaluates and that expressions can use."""
MOST = 250_000
"""The maximum number of points of a ranking without `top`."""
PIECE = 1 << 16

_SUFFIX = re.compile(r"(?<![\w.])((?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[kKMGT]|[KMGT]i))\b", re.ASCII)


class Query(NamedTuple):
    """The selection of points. `best` sorts in descending order, and the `pareto` expressions are minimized."""

    where: Expression | None = None
    best: Expression | None = None
    top: int | None = None
    pareto: tuple[Expression, ...] = ()

    def metrics(self, params: Iterable[str]) -> set[str]:
        """Return the metrics that the query requires. A param of the same name has precedence."""
        expressions = [expression for expression in (self.where, self.best, *self.pareto) if expression]
        return {name for expression in expressions for name, _ in expression.names if name in FIGURES} - set(params)


def question(where: str = "", best: str = "", top: int | None = None, pareto: Iterable[str] = ()) -> Query:
    """Parse the expressions of a query. Raises `UsageError`."""
    if top is not None and not best:
        raise UsageError("--top requires --best", help="add --best=-macs to sort by macs, fewest first")
    return Query(
        _expression("where", where) if where else None,
        _expression("best", best) if best else None,
        top,
        tuple([_expression("pareto", text) for text in pareto]),
    )


def check_names(query: Query, params: Sequence[str], words: set[str]) -> None:
    """Raise `UsageError` for a name that is not a param, a metric, or a word that is the value of a param."""
    for expression in filter(None, (query.where, query.best, *query.pareto)):
        for name, _ in expression.names:
            if name not in params and name not in FIGURES and name not in words:
                known = (*params, *FIGURES)
                raise UsageError(
                    "unknown name {} in {}",
                    name,
                    expression.text,
                    help=suggest(name, known, f"known: {', '.join(known)}"),
                )


def _expression(option: str, text: str) -> Expression:
    try:
        return parse(_SUFFIX.sub(lambda number: str(suffixed(number[1])), text))
    except ExpressionError as error:
        fault = error.fault()
        raise UsageError("{} {}: {}", option, text, fault.message, help=fault.help) from None


class _Scope(Environment):
    """The params and metrics of one or many points."""

    def other(self, name: str) -> Any:
        return Word(name)


def matching(task: Task, chunk: Chunk, points: Array, where: Expression | None) -> Array:
    """Return the positions of those valid points that satisfy a condition."""
    if where is None or not len(points):
        return points
    kept = [
        piece[evaluate(task, chunk, where, piece, truthful=True)]
        for piece in (points[start : start + PIECE] for start in range(0, len(points), PIECE))
    ]
    return np.concatenate(kept)


def evaluate(task: Task, chunk: Chunk, expression: Expression, positions: Array, *, truthful: bool = False) -> Array:
    """Evaluate an expression at valid points. The array is bool, int64, float64, or has larger ints as objects."""
    names = {name for name, _ in expression.names}
    params = [axis.name for axis in task.axes]
    figures = [name for name in names if name in chunk.figures and name not in params]

    def run(region: Region, session: Session) -> Any:
        scope: dict[str, Any] = {}
        if names.difference(figures):
            swept = dict(zip(params, region.values(chunk.columns, session), strict=True))
            scope.update(task.source.values(swept) if names.difference(figures, swept) else swept)
        own = [name for name in figures if name not in scope]
        scope.update({name: as_lanes(chunk.figures[name][region.positions()], session) for name in own})
        value = expression.run(_Scope(scope))
        if not is_number(value):
            raise ExpressionError("expected a number")
        return truth(value) if truthful else value

    found: list[tuple[Array, Any]] = []
    for outcome in outcomes(run, _regions(chunk, positions)):
        if outcome.error is not None:
            first = tuple([0] * len(outcome.region.size))
            raise UsageError("{}: {}", expression.text, outcome.error.at(first))
        value = outcome.result
        found.append((outcome.region.positions(), value.data if isinstance(value, Lanes) else _entry(value)))
    return _joined(positions, found)


def _entry(value: Any) -> Array:
    """Return a number as an array. An int beyond int64 is an object, because numpy's uint64 would become float."""
    return np.array(value, object if type(value) is int and abs(value) > INT64 else None)


def _regions(chunk: Chunk, positions: Array) -> list[Region]:
    """Return the points as regions with values of the same types."""
    shape = tuple([len(values) for values in chunk.columns])
    points = Region(shape, chunk.indices(positions), flat=True)
    regions = [points]
    for axis, values in enumerate(chunk.columns):
        groups = alike(values)
        if len(groups) > 1:
            kinds = np.zeros(len(values), np.int64)
            for number, indices in enumerate(groups):
                kinds[indices] = number
            regions = [part for region in regions for part in region.split(kinds[region.indices[axis]])]
    return regions


def _joined(positions: Array, found: list[tuple[Array, Any]]) -> Array:
    """Join the values of parts of the points, in the order of the points."""
    exact = any(values.dtype.kind == "O" for _, values in found) or (
        len({values.dtype.kind for _, values in found}) > 1
        and any(values.dtype.kind == "i" and np.abs(values).max() > EXACT for _, values in found)
    )
    made = np.empty(len(positions), object if exact else np.result_type(*[values.dtype for _, values in found]))
    for where, values in found:
        made[np.searchsorted(positions, where)] = values.tolist() if exact else values
    return made


class Kept(NamedTuple):
    """The points kept so far: their positions in the grid, their metrics, and the values to rank by."""

    positions: Array
    figures: Mapping[str, Array]
    keys: tuple[Array, ...] = ()

    def take(self, chosen: Array) -> Kept:
        """Return some of the points."""
        figures = {name: values[chosen] for name, values in self.figures.items()}
        return Kept(self.positions[chosen], figures, tuple([key[chosen] for key in self.keys]))

    def and_later(self, later: Kept) -> Kept:
        """Return these points, followed by points that are later in the grid."""
        figures = {name: _concatenated(values, later.figures[name]) for name, values in self.figures.items()}
        keys = tuple([_concatenated(*pair) for pair in zip(self.keys, later.keys, strict=True)])
        return Kept(np.concatenate([self.positions, later.positions]), figures, keys)


def kept(task: Task, chunk: Chunk, positions: Array, expressions: Iterable[Expression]) -> Kept:
    """Return points of a chunk, with the values of expressions as keys."""
    keys = tuple([evaluate(task, chunk, expression, positions) for expression in expressions])
    return Kept(positions + chunk.start, {name: values[positions] for name, values in chunk.figures.items()}, keys)


def ranked(points: Kept, most: int) -> Kept:
    """Return the `most` points with the largest last key, in descending order. Ties are in the order of the grid."""
    order = np.argsort(-rank(points.keys[-1]), kind="stable")
    return points.take(order[:most])


def undominated(points: Kept, keys: int) -> Kept:
    """Return the Pareto front, which minimizes the first `keys` keys."""
    return points.take(front(np.stack([rank(key) for key in points.keys[:keys]], axis=1)))


def rank(key: Array) -> Array:
    """Replace values by their ranks."""
    ranks: Array = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return ranks


def _concatenated(one: Array, other: Array) -> Array:
    kinds = {one.dtype.kind, other.dtype.kind}
    large = any(values.dtype.kind == "i" and len(values) and np.abs(values).max() > EXACT for values in (one, other))
    if len(kinds) > 1 and ("O" in kinds or ("f" in kinds and large)):
        one, other = one.astype(object), other.astype(object)
    return np.concatenate([one, other])
