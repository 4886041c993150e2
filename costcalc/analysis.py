"""Computes the figures of a network and its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.cost import OPERATIONS
from costcalc.engine import size
from costcalc.errors import ArgumentError, UsageError
from costcalc.model import Analysis, Row, Totals
from costcalc.ops.argument_types import positive

if TYPE_CHECKING:
    from costcalc.cost import Cost
    from costcalc.formula import Dim, Shapes
    from costcalc.model import Layer, Network


def analyze(network: Network, *, batch: int = 1) -> Analysis:
    """Return the cost of a network for a batch of examples.

    `batch` multiplies macs, operations and activations, but not params and buffers. Raises `UsageError` unless it is an
    integer of at least 1.
    """
    batch = checked_batch(batch)
    known: dict[Cost, tuple[Totals, Shapes]] = {}
    times: dict[Cost, int] = {}
    unused: dict[Cost, Dim] = {}
    """The parameters of experts that a token does not use."""
    rows = []
    new, layers, shared = tuple.__new__, network.layers, network.shared()
    for index, (name, op, inputs, _, _, cost, span, host) in enumerate(layers):
        if cost not in known:
            known[cost] = totals(layers[index], batch), layers[index].outputs
            params = cost.params.value
            if (active := op.active_params(params)) != params:
                unused[cost] = params - active
            times[cost] = 0
        times[cost] += 1
        taken = tuple([tensor.shape for tensor in inputs])
        line = span.line if span else None
        figures, shapes = known[cost]
        first = layers[shared[index]].name if index in shared else ""
        rows.append(new(Row, (name, op.name, line, taken, shapes, figures, host, first)))
    sums = [
        sum([count * figure for count, figure in zip(times.values(), figures, strict=True)])
        for figures in zip(*[figures for figures, _ in known.values()], strict=True)
    ]
    summed = Totals(*sums)
    idle = sum([count * unused[cost] for cost, count in times.items() if cost in unused])
    return Analysis(
        network=network.name,
        source=network.source,
        description=network.description,
        params=network.params,
        inputs=network.inputs,
        batch=batch,
        totals=summed,
        layers=tuple(rows),
        partial=bool(network.uncounted),
        uncounted=network.uncounted,
        active_params=summed.params - idle if idle else None,
    )


def checked_batch(batch: int) -> int:
    """Return the batch as an int. Raises `UsageError` unless it is an integer of at least 1."""
    try:
        return positive(batch)
    except ArgumentError as error:
        raise UsageError("batch: {}", error) from None


def totals(layer: Layer, batch: int = 1) -> Totals:
    """Return the figures of a layer. `flops` is 2·macs plus all other operations."""
    cost = layer.cost
    macs = cost.macs.value * batch
    operations = [getattr(cost, name).value * batch for name in OPERATIONS]
    return Totals(
        1,
        cost.params.value,
        cost.buffers.value,
        macs,
        2 * macs + sum(operations),
        size(layer.outputs) * batch,
        *operations,
    )
