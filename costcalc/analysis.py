"""Computes the figures of a network and its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.cost import OPERATIONS
from costcalc.engine import size
from costcalc.errors import ArgumentError, UsageError
from costcalc.memory.figures import Bytes, layer_bytes
from costcalc.memory.schedule import alive_at, number_formats
from costcalc.model import PLAIN, AliveTensor, Analysis, Execution, Peak, Row, Totals
from costcalc.ops.argument_types import positive

if TYPE_CHECKING:
    from costcalc.cost import Cost
    from costcalc.formula import Dim, Shapes
    from costcalc.memory.schedule import Buffer
    from costcalc.model import Layer, Network


def analyze(network: Network, *, batch: int = 1, execution: Execution = PLAIN) -> Analysis:
    """Return the cost of a network for a batch of examples.

    `batch` multiplies macs, operations, activations and their bytes, but not params and buffers. Raises `UsageError`
    unless it is an integer of at least 1.
    """
    batch = checked_batch(batch)
    memory = layer_bytes(network, execution, batch)
    known: dict[Cost, tuple[Totals, Shapes]] = {}
    unused: dict[Cost, Dim] = {}
    """The parameters of experts that a token does not use."""
    idle: Dim = 0
    rows = []
    own, operations = len(Totals._fields) - len(OPERATIONS) - len(memory.columns), len(OPERATIONS)
    new, layers, shared = tuple.__new__, network.layers, network.shared()
    for index, (name, op, inputs, _, _, cost, span, host, _) in enumerate(layers):
        if cost not in known:
            known[cost] = totals(layers[index], batch), layers[index].outputs
            params = cost.params.value
            if (active := op.active_params(params)) != params:
                unused[cost] = params - active
        idle += unused.get(cost, 0)
        taken = tuple([tensor.shape for tensor in inputs])
        line = span.line if span else None
        figures, shapes = known[cost]
        figures = new(Totals, (*figures[:own], *[column[index] for column in memory.columns], *figures[-operations:]))
        first = layers[shared[index]].name if index in shared else ""
        rows.append(new(Row, (name, op.name, line, taken, shapes, figures, host, first)))
    summed = Totals.of([row.totals for row in rows])
    formats = number_formats(network, execution)
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
        execution=execution._replace(formats=formats),
        peak=_peak(network, memory) if layers else None,
    )


def _peak(network: Network, memory: Bytes) -> Peak:
    """Return the first step at which most bytes are in memory."""
    at = max(range(len(memory.peak)), key=memory.peak.__getitem__)
    step = memory.schedule.steps[at]
    tensors = [alive_tensor(network, buffer) for buffer in alive_at(memory.schedule, [step])[step]]
    return Peak(network.layers[at].name, tuple(tensors))


def alive_tensor(network: Network, buffer: Buffer) -> AliveTensor:
    """Return the tensor of a buffer, with the name of the layer or input that it comes from."""
    if buffer.layer < 0:
        name, shape = list(network.inputs.items())[-1 - buffer.layer]
    else:
        layer = network.layers[buffer.layer]
        name, shape = layer.name, layer.outputs[buffer.port]
        name = f"{name}.{buffer.port}" if len(layer.outputs) > 1 else name
    return AliveTensor(name, shape, buffer.format, buffer.size)


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
        conv_activations(layer) * batch,
        *[0] * (len(Bytes._fields) - 1),
        *operations,
    )


def conv_activations(layer: Layer) -> Dim:
    """Return the elements of the output of a convolution, and 0 for another layer.

    Source: Radosavovic et al. 2020, arXiv:2003.13678, section 3.
    """
    return size(layer.outputs) if layer.op.convolution else 0
