"""What training costs: backward multiply-adds, tensors kept for the backward pass, weights with their optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import UsageError, suggest
from costcalc.memory.figures import term_bytes
from costcalc.memory.schedule import number_formats, schedule
from costcalc.model import OPTIMIZERS
from costcalc.number_formats import BITS, stored_bytes
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from costcalc.formula import Dim
    from costcalc.memory.schedule import Schedule
    from costcalc.model import Execution, Layer, Network
    from costcalc.number_formats import NumberFormats

MASTER = "fp32"
"""The format of the optimizer's numbers, and of its copy of the weights, where weights have fewer bits."""


class Training(NamedTuple):
    """The figures of each layer. Multiply-adds are those of the forward and the backward pass; the rest is in bytes."""

    macs: list[Dim]
    saved: list[Dim]
    state: list[Dim]


def train(network: Network, execution: Execution, batch: int, optimizer: str) -> Training:
    """Return the cost of a step of training for each layer, with one of `OPTIMIZERS`."""
    if optimizer not in OPTIMIZERS:
        raise UsageError("unknown optimizer {}", optimizer, help=suggest(optimizer, OPTIMIZERS))
    formats = number_formats(network, execution)
    steps = schedule(network, execution._replace(in_place="none"), batch, training=True)
    needing: set[tuple[int, int]] = set()
    """The tensors whose gradients are computed."""
    kept: set[int] = set()
    macs: list[Dim] = []
    saved: list[Dim] = []
    for index, layer in enumerate(network.layers):
        inputs = sum([(tensor.layer, tensor.port) in needing for tensor in layer.inputs])
        learned = any(parameter.learned for parameter in layer.parameters)
        macs.append(_macs(layer, inputs, learned=learned) * batch)
        if not (inputs or learned):
            saved.append(0)
            continue
        needing.update((index, tensor.port) for tensor in layer.tensors)
        shapes = tuple([tensor.shape for tensor in layer.inputs])
        total = layer.op.saved_statistics(shapes, layer.outputs, batch)
        format = layer.formats.over(formats).activations
        total = total + stored_bytes(layer.op.saved_numbers(shapes, layer.outputs) * batch, format)
        for place in _saved(index, layer, steps):
            if place not in kept:
                kept.add(place)
                total = total + steps.buffers[place].size
        saved.append(total)
    state = [state_bytes(layer, layer.formats.over(formats), optimizer) for layer in network.layers]
    return Training(macs, saved, state)


def _macs(layer: Layer, inputs: int, *, learned: bool) -> Dim:
    """Return the multiply-adds of the forward and the backward pass of an example.

    Each factor of a product needs a gradient that costs as much as the product: a weight always, and a tensor if it
    depends on a weight. `inputs` is the number of inputs that do.
    """
    macs = layer.cost.macs.value
    if learned:
        return (3 if inputs else 2) * macs
    return (1 + min(inputs, 2)) * macs


def _saved(index: int, layer: Layer, steps: Schedule) -> list[int]:
    """Return the buffers of the tensors that a layer keeps for the backward pass."""
    if index in steps.views:
        return []
    kept = "inputs" if layer.cost.macs.terms else layer.op.saves
    if kept == "inputs":
        return [steps.roots[tensor.layer, tensor.port] for tensor in layer.inputs]
    return [steps.roots[index, tensor.port] for tensor in layer.tensors] if kept == "outputs" else []


def state_bytes(layer: Layer, formats: NumberFormats, optimizer: str) -> Dim:
    """Return the bytes of the weights of a layer, their gradients and the numbers of the optimizer.

    With weights of fewer than 32 bits, the optimizer has a copy of them in 32: so Adam takes 16 bytes a parameter in
    both cases. Source: Rajbhandari et al. 2019 (ZeRO), arXiv:1910.02054, section 3.1.
    """
    terms = layer.cost.params.terms
    weights = term_bytes(terms, formats.weights)
    mixed = BITS[formats.weights] < BITS[MASTER]
    numbers = OPTIMIZERS.index(optimizer) + mixed
    return 2 * weights + numbers * term_bytes(terms, MASTER if mixed else formats.weights)
