"""Computes the figures of a network and its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.cost import OPERATIONS
from costcalc.engine import size
from costcalc.errors import ArgumentError, UsageError
from costcalc.model import IN_BYTES, PLAIN, TRAINING, Analysis, Execution, ReadAs, Row, Totals
from costcalc.number_formats import NumberFormats
from costcalc.ops.argument_types import positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.conventions.convention import ToolCount
    from costcalc.cost import Cost
    from costcalc.formula import Dim, Shapes
    from costcalc.model import Layer, Network, Tensor
    from costcalc.ops.base import Op


def analyze(
    network: Network,
    *,
    batch: int = 1,
    execution: Execution = PLAIN,
    in_bytes: bool = True,
    optimizer: str = "",
    read_as: str = "",
) -> Analysis:
    """Return the cost of a network for a batch of examples.

    `batch` multiplies macs, operations, activations and their bytes, but not params and buffers. Unless `in_bytes`, the
    figures from `weight_bytes` to `bops` are left out, which take as long as all others. With an `optimizer`, the
    figures of a step of training are added; with `read_as`, the figure by the convention of another tool. Raises
    `UsageError` for an unknown one, and unless the batch is an integer of at least 1.
    """
    batch = checked_batch(batch)
    memory = peak = None
    if in_bytes:
        from costcalc.memory.figures import layer_bytes, peak_of

        memory = layer_bytes(network, execution, batch)
        peak = peak_of(network, memory) if network.layers else None
    trained: tuple[list[Dim], ...] | None = None
    if optimizer:
        from costcalc.memory.training import train

        trained = train(network, execution, batch, optimizer)
    reading: ToolCount | None = None
    if read_as:
        from costcalc.conventions.convention import convention
        from costcalc.conventions.convention import read_as as read

        reading = read(network, convention(read_as), batch)
    known: dict[Cost, tuple[Totals, Shapes, str]] = {}
    rows = []
    before = Totals._fields.index("weight_bytes")
    new, layers, shared = tuple.__new__, network.layers, network.shared()
    for index, (name, op, inputs, _, _, cost, span, host, _) in enumerate(layers):
        if cost not in known:
            known[cost] = totals(layers[index], batch), layers[index].outputs, kind(op, inputs)
        taken = tuple([tensor.shape for tensor in inputs])
        line = span.line if span else None
        figures, shapes, form = known[cost]
        if memory is not None:
            columns = [column[index] for column in memory.columns]
            figures = new(Totals, (*figures[:before], *columns, *figures[before + len(columns) :]))
        if trained is not None:
            figures = figures._replace(**{name: each[index] for name, each in zip(TRAINING, trained, strict=True)})
        if reading is not None:
            figures = figures._replace(convention=reading.layers[index])
        first = layers[shared[index]].name if index in shared else ""
        rows.append(new(Row, (name, op.name, line, taken, shapes, figures, host, first, form)))
    summed = Totals.of([row.totals for row in rows])
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
        active_params=summed.active_params if summed.active_params != summed.params else None,
        execution=execution._replace(formats=execution.formats.over(network.formats).over(NumberFormats.default())),
        optimizer=optimizer,
        read_as=reading and ReadAs(read_as, reading.convention.version, reading.convention.kind, reading.uncounted),
        peak=peak,
        unknown=() if in_bytes else IN_BYTES,
    )


def kind(op: Op, inputs: Sequence[Tensor]) -> str:
    """Return the name of an op, with the sizes of its kernel if it has one: `conv 3×3`."""
    if not op.convolution:
        return op.name
    rank = len(inputs[0].shape) - 1
    window = op.footprint(rank) if 1 <= rank <= 3 else None
    return f"{op.name} {'×'.join([str(size) for size, _, _ in window])}" if window else op.name


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
    in_bytes = [0] * (len(IN_BYTES) - 1)  # the network decides them; intensity is no field
    further = [0] * (len(TRAINING) + 1)
    return Totals(
        1,
        cost.params.value,
        cost.buffers.value,
        macs,
        2 * macs + sum(operations),
        size(layer.outputs) * batch,
        conv_activations(layer) * batch,
        layer.op.active_params(cost.params.value),
        *in_bytes,
        *further,
        *operations,
    )


def conv_activations(layer: Layer) -> Dim:
    """Return the elements of the output of a convolution, and 0 for another layer.

    Source: Radosavovic et al. 2020, arXiv:2003.13678, section 3.
    """
    return size(layer.outputs) if layer.op.convolution else 0
