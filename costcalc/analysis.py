"""From a network to the figures of its layers and its totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.engine import size
from costcalc.errors import ArgumentError, UsageError
from costcalc.model import OPERATIONS, Analysis, Row, Totals
from costcalc.ops.argument_types import positive

if TYPE_CHECKING:
    from costcalc.model import Cost, Layer, Network


def analyze(network: Network, *, batch: int = 1) -> Analysis:
    """What a network costs for a batch of examples.

    `batch` multiplies macs, operations and activations, never params and buffers. Raises `UsageError` where it is no
    integer of at least 1.
    """
    batch = checked_batch(batch)
    known: dict[int, tuple[Cost, Totals]] = {}
    rows = []
    sums = [0] * len(Totals._fields)
    for layer in network.layers:
        _, figures = known.get(id(layer.cost), (None, None))
        if figures is None:
            figures = totals(layer, batch)
            known[id(layer.cost)] = layer.cost, figures
        rows.append(
            Row(
                layer.name,
                layer.op.name,
                layer.span.line if layer.span else None,
                tuple([tensor.shape for tensor in layer.inputs]),
                layer.outputs,
                figures,
                layer.host,
                "" if layer.shared is None else network.layers[layer.shared].name,
            )
        )
        sums = [total + figure for total, figure in zip(sums, figures, strict=True)]
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
    """The number of examples in a batch. Raises `UsageError` where it is no integer of at least 1."""
    try:
        return positive(batch)
    except ArgumentError as error:
        raise UsageError("batch: {}", error) from None


def totals(layer: Layer, batch: int = 1) -> Totals:
    """The figures of one layer. `flops` is 2·macs and every other operation."""
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
