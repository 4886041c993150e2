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
    from costcalc.model import Layer, Network


def analyze(network: Network, *, batch: int = 1) -> Analysis:
    """Return the cost of a network for a batch of examples.

    `batch` multiplies macs, operations and activations, but not params and buffers. Raises `UsageError` unless it is an
    integer of at least 1.
    """
    batch = checked_batch(batch)
    known: dict[int, tuple[Cost, Totals]] = {}
    times: dict[int, int] = {}
    rows = []
    new, layers = tuple.__new__, network.layers
    for layer in layers:
        name, op, inputs, outputs, cost, span, host, shared = layer
        key = id(cost)
        if key not in known:
            known[key] = cost, totals(layer, batch)
            times[key] = 0
        times[key] += 1
        taken = tuple([tensor.shape for tensor in inputs])
        line = span.line if span else None
        row = name, op.name, line, taken, outputs, known[key][1], host, "" if shared is None else layers[shared].name
        rows.append(new(Row, row))
    sums = [
        sum([count * figure for count, figure in zip(times.values(), figures, strict=True)])
        for figures in zip(*[figures for _, figures in known.values()], strict=True)
    ]
    return Analysis(
        network=network.name,
        source=network.source,
        description=network.description,
        params=network.params,
        inputs=network.inputs,
        batch=batch,
        totals=Totals(*sums),
        layers=tuple(rows),
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
