"""The totals of a network of `Lanes`: sums of products, simplified before arrays for the whole grid are created.

A term such as `C_out·H_out·W_out·K_h·K_w·C_in` depends on few axes. Its factors are multiplied separately for each
axis, then terms that differ in one axis only are added along that axis. The result is a few products of small arrays,
and only these are evaluated for each point.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from costcalc.cost import OPERATIONS
from costcalc.model import IN_BYTES, PLAIN
from costcalc.record import NamedTuple
from costcalc.sweep.lanes import EXACT, INT64, Lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from costcalc.model import Execution, Network
    from costcalc.sweep.session import Array

SLAB = 1 << 15
"""The number of points evaluated at once, so that they fit into the processor's cache."""
SMALL = 4096
"""The maximum size of arrays that are compared to share equal ones."""

Groups: TypeAlias = dict[tuple[int, ...], Lanes]
"""The product of the factors of each shape in a term. Factors that depend on different axes have different shapes."""


class Term(NamedTuple):
    """A product of an int and arrays."""

    times: int
    groups: Groups

    def key(self, without: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return a key that is equal for terms with the same arrays, optionally without those of one shape."""
        return tuple(sorted([id(grid) for shape, grid in self.groups.items() if shape != without]))


Sum: TypeAlias = list[Term]


class Sums:
    """Collects the costs of layers in one build."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[Lanes, Lanes]] = {}
        self.equal: dict[object, Lanes] = {}
        self.products: dict[tuple[int, int], Lanes] = {}

    def term(self, factors: Iterable[Any]) -> Term:
        """Return the product of factors. Equal products are the same object."""
        times = 1
        shapes: dict[tuple[int, ...], list[Lanes]] = {}
        for factor in factors:
            if isinstance(factor, Lanes):
                shapes.setdefault(factor.data.shape, []).append(self.shared(factor))
            else:
                times *= factor
        return Term(times, {shape: self.product(grids) for shape, grids in shapes.items()})

    def product(self, grids: list[Lanes]) -> Lanes:
        """Return the product of `Lanes` of one shape."""
        first, *others = sorted(grids, key=id)
        for other in others:
            key = id(first), id(other)
            if key not in self.products:
                self.products[key] = self.shared(first * other)
            first = self.products[key]
        return first

    def shared(self, grid: Lanes) -> Lanes:
        """Return the first `Lanes` that are equal to these."""
        if id(grid) not in self.seen:
            data = grid.data
            small = data.size <= SMALL and data.dtype.kind == "i"
            found = self.equal.setdefault((data.shape, data.tobytes()), grid) if small else grid
            self.seen[id(grid)] = grid, found  # keeps the object alive, so that its id stays unique
        return self.seen[id(grid)][1]


def totals(network: Network, metrics: Iterable[str], batch: int, execution: Execution = PLAIN) -> dict[str, Sum]:
    """Return the totals of a network by metric."""
    metrics = list(metrics)
    sums = Sums()
    wanted = {metric: _PARTS[metric] for metric in metrics if metric in _PARTS}
    needed = {quantity for parts in wanted.values() for quantity in parts}
    shapes = {layer.cost: layer.outputs for layer in network.layers}
    times = Counter(layer.cost for layer in network.layers)
    terms: dict[str, Sum] = {quantity: [] for quantity in needed}
    for cost in shapes:
        for quantity in needed:
            for factors in getattr(cost, quantity).terms:
                times_, groups = sums.term(value for _, value in factors)
                terms[quantity].append(Term(times_ * times[cost], groups))
    found = {
        metric: simplified(
            Term(term.times * weight * (batch if metric in _BATCHED else 1), term.groups)
            for quantity, weight in parts.items()
            for term in terms[quantity]
        )
        for metric, parts in wanted.items()
    }
    if "layers" in metrics:
        found["layers"] = [Term(len(network.layers), {})]
    if "activations" in metrics:
        found["activations"] = simplified(
            Term(term.times * times[cost] * batch, term.groups)
            for cost, outputs in shapes.items()
            for term in map(sums.term, outputs)
        )
    if any(metric in BYTES for metric in metrics):
        from costcalc.sweep.memory import totals_in_bytes

        found |= {name: [_term(total)] for name, total in totals_in_bytes(network, metrics, batch, execution).items()}
    return found


def _term(total: Any) -> Term:
    return Term(1, {total.data.shape: total}) if isinstance(total, Lanes) else Term(total, {})


def ratio(one: Array, other: Array) -> Array:
    """Return the quotients of two figures, rounded once: 0 where the second is 0, and -1 where it is -1."""
    exact = any(values.dtype.kind == "O" or np.abs(values).max(initial=0) > EXACT for values in (one, other))
    if exact:
        one, other = one.astype(object), other.astype(object)
    quotients = np.where(other < 0, -1.0, 0.0)
    np.divide(one, other, out=quotients, where=other > 0, casting="unsafe")
    return quotients


BYTES = ("conv_activations", "active_params", *IN_BYTES)
"""The metrics whose totals are computed as numbers of the whole grid."""

_PARTS = {
    "params": {"params": 1},
    "buffers": {"buffers": 1},
    "macs": {"macs": 1},
    "flops": {"macs": 2, **dict.fromkeys(OPERATIONS, 1)},
    **{name: {name: 1} for name in OPERATIONS},
}
_BATCHED = frozenset(("macs", "flops", *OPERATIONS))


def simplified(terms: Iterable[Term]) -> Sum:
    """Return an equal sum with fewer terms, by adding terms along one axis at a time."""
    unlike: dict[tuple[int, ...], Term] = {}
    for term in terms:
        key = term.key()
        unlike[key] = Term(unlike[key].times + term.times if key in unlike else term.times, term.groups)
    found = list(unlike.values())
    while True:
        shapes = {shape for term in found for shape in term.groups}
        left = {shape: len({term.key(shape) for term in found}) for shape in shapes}
        along = min(left, key=lambda shape: (left[shape], shape), default=None)
        if along is None or left[along] == len(found):
            return found
        alike: dict[tuple[int, ...], Sum] = {}
        for term in found:
            alike.setdefault(term.key(along), []).append(term)
        found = [_added(terms, along) for terms in alike.values()]


def _added(terms: Sum, along: tuple[int, ...]) -> Term:
    if len(terms) == 1:
        return terms[0]
    total: Any = sum(term.groups[along] * term.times if along in term.groups else term.times for term in terms)
    rest = {shape: grid for shape, grid in terms[0].groups.items() if shape != along}
    return Term(1, {**rest, along: total})


class Figures:
    """The values of one metric at all points of a box: int64, or ints as objects if a value does not fit."""

    def __init__(self, size: int) -> None:
        self.data: Array = np.zeros(size, np.int64)

    def put(self, where: Any, values: Array) -> None:
        """Write values into the array at some positions."""
        if values.dtype.kind == "O":
            if max(values.flat) <= INT64:
                values = values.astype(np.int64)
            elif self.data.dtype.kind != "O":
                self.data = self.data.astype(object)
        self.data[where] = values


def carry_out(total: Sum, shape: tuple[int, ...]) -> Iterator[Array]:
    """Yield the sum at all points of a region of some shape, in row-major order, in several arrays."""
    bounds = [_bound(term.times, (grid.bound for grid in term.groups.values())) for term in total]
    plain = sum(bounds) <= INT64 and all(map(_in_int64, total))
    for slab in _slabs(shape):
        points = tuple([piece.stop - piece.start for piece in slab])
        terms = [(term.times, [_cut(grid.data, slab) for grid in term.groups.values()]) for term in total]
        if not plain:
            bounds = [_bound(times, (int(np.abs(array).max()) for array in arrays)) for times, arrays in terms]
            if sum(bounds) > INT64:
                yield _exact_sum(terms, points).reshape(-1)
                continue
            # In this slab, terms other than 0 have no factor beyond int64. In other slabs they may have one.
            nonzero = [term for term, bound in zip(terms, bounds, strict=True) if bound]
            terms = [(times, [array.astype(np.int64) for array in arrays]) for times, arrays in nonzero]
        yield _sum(terms, points).reshape(-1)


def _bound(times: int, largest: Iterable[float]) -> float:
    """Return an upper bound of the absolute value of a term."""
    bound: float = _product(largest, abs(times))
    return bound


def _in_int64(term: Term) -> bool:
    return abs(term.times) <= INT64 and all(grid.data.dtype.kind != "O" for grid in term.groups.values())


def _exact_sum(terms: Sequence[tuple[int, list[Array]]], points: tuple[int, ...]) -> Array:
    """Return the sum as Python ints."""
    total: Array = np.zeros((1,) * len(points), object)
    for times, arrays in terms:
        total = total + _product([array.astype(object) for array in arrays], times)
    return np.broadcast_to(total, points)


def _sum(terms: Sequence[tuple[int, list[Array]]], points: tuple[int, ...]) -> Array:
    result = np.zeros(points, np.int64)
    term = np.empty(points, np.int64)
    for times, arrays in terms:
        if not arrays:
            result += times
            continue
        smallest = min(range(len(arrays)), key=lambda place: arrays[place].size)
        arrays[smallest] = arrays[smallest] * np.int64(times)
        if len(arrays) == 1:
            result += arrays[0]
            continue
        np.multiply(arrays[0], arrays[1], out=term)
        for array in arrays[2:]:
            np.multiply(term, array, out=term)
        np.add(result, term, out=result)
    return result


def _product(values: Iterable[Any], start: Any) -> Any:
    for value in values:
        start = start * value
    return start


def _cut(data: Array, slab: tuple[slice, ...]) -> Array:
    return data[tuple([piece if size > 1 else slice(None) for piece, size in zip(slab, data.shape, strict=True)])]


def _slabs(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Divide a shape along its first axes into slabs of at most about `SLAB` points."""
    if not shape:
        yield ()
        return
    rest = 1
    for size in shape[1:]:
        rest *= size
    step = max(1, SLAB // rest)
    inner = list(_slabs(shape[1:])) if rest > SLAB else [tuple([slice(0, size) for size in shape[1:]])]
    for start in range(0, shape[0], step):
        for others in inner:
            yield (slice(start, min(start + step, shape[0])), *others)
