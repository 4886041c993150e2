"""The bytes of a network of `Lanes`: the rules of `costcalc.memory`, and the arena planned for many points at once."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from costcalc.analysis import conv_activations
from costcalc.memory.arena import high_water, planned, slots
from costcalc.memory.figures import bops, own_bytes, read_bytes
from costcalc.memory.schedule import alive, number_formats, schedule, traffic
from costcalc.sweep.lanes import INT64, Lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.memory.arena import ArenaSlot
    from costcalc.model import Execution, Network
    from costcalc.sweep.session import Array

SLAB = 1 << 14
"""The number of points planned at once."""
FEW = 8
"""The number of points of an order from which on they are planned together."""


def totals_in_bytes(network: Network, metrics: Iterable[str], batch: int, execution: Execution) -> dict[str, Any]:
    """Return the totals of those metrics that need the tensors of a network, as numbers or `Lanes`."""
    metrics = set(metrics)
    formats = number_formats(network, execution)
    steps = schedule(network, execution, batch)
    found: dict[str, Any] = {}
    if "conv_activations" in metrics:
        found["conv_activations"] = sum([conv_activations(layer) * batch for layer in network.layers])
    if "active_params" in metrics:
        found["active_params"] = sum([layer.op.active_params(layer.cost.params.value) for layer in network.layers])
    if "weight_bytes" in metrics:
        found["weight_bytes"] = sum([own_bytes(layer.cost, layer.formats.over(formats)) for layer in network.layers])
    if "peak_bytes" in metrics:
        found["peak_bytes"] = reduce(_larger, alive(steps)) if network.layers else 0
    if "arena_bytes" in metrics:
        found["arena_bytes"] = _arena(slots(steps), steps.length) if network.layers else 0
    if "traffic_bytes" in metrics:
        moved = traffic(network, steps, lambda _, layer: read_bytes(layer, formats, None, batch), batch)
        found["traffic_bytes"] = sum(moved)
    if "bops" in metrics:
        found["bops"] = sum([batch * bops(layer, layer.formats.over(formats)) for layer in network.layers])
    return found


def _larger(one: Any, other: Any) -> Any:
    test = other > one
    return test.choose(other, one) if isinstance(test, Lanes) else other if test else one


def _arena(slots: Sequence[ArenaSlot], steps: int) -> Any:
    """Return the bytes of the arena at all points."""
    every: list[Any] = [slot.size for slot in slots]
    lanes = [size for size in every if isinstance(size, Lanes)]
    if not lanes:
        return max(high_water(slots, planned(slots, steps), steps))
    shape = np.broadcast_shapes(*[size.data.shape for size in lanes])
    bounds = [size.bound if isinstance(size, Lanes) else size for size in every]
    exact = sum(bounds) <= INT64 and all(size.data.dtype.kind != "O" for size in lanes)
    kind = np.int64 if exact else object
    sizes = [getattr(size, "data", size) for size in every]
    columns = [np.broadcast_to(np.asarray(size, kind), shape).reshape(-1) for size in sizes]
    slabs = [np.stack([column[at : at + SLAB] for column in columns]) for at in range(0, columns[0].size, SLAB)]
    data = np.concatenate([_planned_together(slots, slab, steps) for slab in slabs]).reshape(shape)
    return Lanes(data, max(data.flat), lanes[0].session)


def _planned_together(slots: Sequence[ArenaSlot], sizes: Array, steps: int) -> Array:
    """Return the bytes of the arena at some points. `sizes` has a row for each slot and a column for each point.

    Points at which the slots have the same order are planned together.
    """
    count, points = sizes.shape
    order = count - 1 - np.argsort(-sizes[::-1], axis=0, kind="stable")
    orders, group = np.unique(order, axis=1, return_inverse=True)
    result = np.zeros(points, sizes.dtype)
    members = np.split(np.argsort(group.reshape(-1), kind="stable"), np.cumsum(np.bincount(group.reshape(-1)))[:-1])
    for column, where in enumerate(members):
        if len(where) >= FEW:
            result[where] = _planned_in_order(slots, sizes[:, where], orders[:, column].tolist())
            continue
        for point in where.tolist():
            own = [slot._replace(size=int(size)) for slot, size in zip(slots, sizes[:, point], strict=True)]
            result[point] = max(high_water(own, planned(own, steps), steps))
    return result


def _planned_in_order(slots: Sequence[ArenaSlot], sizes: Array, order: Sequence[int]) -> Array:
    """Return the bytes of the arena at points with the same order of slots: each in its first gap."""
    offsets = np.zeros_like(sizes)
    placed: list[int] = []
    for place in order:
        first, last, _, _ = slots[place]
        near = [other for other in placed if slots[other].first <= last and first <= slots[other].last]
        starts = offsets[near]
        sorting = np.argsort(starts, axis=0, kind="stable")
        starts = np.take_along_axis(starts, sorting, axis=0)
        ends = starts + np.take_along_axis(sizes[near], sorting, axis=0)
        offset, found = np.zeros_like(sizes[0]), np.zeros(sizes.shape[1], bool)
        for start, end in zip(starts, ends, strict=True):
            found |= start - offset >= sizes[place]
            offset = np.where(found, offset, np.maximum(offset, end))
        offsets[place] = offset
        placed.append(place)
    result: Array = (offsets + sizes).max(axis=0)
    return result
