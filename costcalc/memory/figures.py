"""The bytes of each layer of a network: weights, traffic, and what is alive at its step."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.memory.arena import high_water, planned, slots
from costcalc.memory.schedule import alive, alive_at, number_formats, schedule, traffic
from costcalc.model import AliveTensor, Peak
from costcalc.number_formats import BITS, NumberFormats, stored_bytes
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.cost import Cost
    from costcalc.formula import Dim, Shapes, Term
    from costcalc.memory.schedule import Buffer, Schedule
    from costcalc.model import Execution, Layer, Network


class Bytes(NamedTuple):
    """The figures of each layer, in bytes; `bops` in multiply-adds times the bits of both factors."""

    schedule: Schedule
    weights: list[Dim]
    peak: list[Dim]
    arena: list[Dim]
    traffic: list[Dim]
    bops: list[Dim]

    @property
    def columns(self) -> tuple[list[Dim], ...]:
        """The figures, in the order of `Totals`."""
        return self[1:]


def layer_bytes(network: Network, execution: Execution, batch: int) -> Bytes:
    """Return the bytes and bops of each layer, for a batch of examples."""
    formats = number_formats(network, execution)
    steps = schedule(network, execution, batch)
    known: dict[tuple[Cost, NumberFormats], tuple[Dim, Dim]] = {}
    stored, products = [], []
    for layer in network.layers:
        key = layer.cost, layer.formats
        if key not in known:
            own = layer.formats.over(formats)
            known[key] = own_bytes(layer.cost, own), batch * bops(layer, own)
        stored.append(known[key][0])
        products.append(known[key][1])
    return Bytes(
        steps,
        stored,
        per_layer(steps, alive(steps)),
        per_layer(steps, arena(steps)),
        traffic(network, steps, lambda index, layer: read_bytes(layer, formats, stored[index], batch), batch),
        products,
    )


def per_layer(schedule: Schedule, values: list[Dim]) -> list[Dim]:
    """Return the value of the step of each layer."""
    return [values[step] for step in schedule.steps]


def arena(schedule: Schedule) -> list[Dim]:
    """Return the bytes of the arena in use at each step, up to the end of the last buffer."""
    found = slots(schedule)
    return high_water(found, planned(found, schedule.length), schedule.length)


def own_bytes(cost: Cost, formats: NumberFormats) -> Dim:
    """Return the bytes of the parameters and buffers of a layer, without those that an earlier layer has."""
    return term_bytes((*cost.params.terms, *cost.buffers.terms), formats.weights)


def term_bytes(terms: Iterable[Term], format: str) -> Dim:
    """Return the bytes of stored tensors. A coefficient in a term, such as 2 in 2·C, counts tensors of the same size.

    >>> term_bytes([(("2", 2), ("C", 3))], "int4"), term_bytes([(("C", 6),)], "int4")
    (4, 3)
    """
    total: Dim = 0
    for term in terms:
        times = prod([size for symbol, size in term if symbol.isdecimal()])
        total += times * stored_bytes(prod([size for symbol, size in term if not symbol.isdecimal()]), format)
    return total


def read_bytes(layer: Layer, formats: NumberFormats, own: Dim | None, batch: int) -> Dim:
    """Return the bytes of the parameters and buffers that a layer reads, also of those that an earlier layer has.

    `own` are those of its own, if they are known.
    """
    if not layer.parameters:
        return 0
    format = layer.formats.over(formats).weights
    learned = [parameter.term for parameter in layer.parameters if parameter.learned]
    others = [parameter.term for parameter in layer.parameters if not parameter.learned]
    params = sum([prod([size for _, size in term]) for term in learned])
    shapes = tuple([tensor.shape for tensor in layer.inputs])
    read = layer.op.read_params(shapes, params, batch)
    if read is not params:
        return stored_bytes(read, format) + term_bytes(others, format)
    whole = len(layer.cost.params.terms) + len(layer.cost.buffers.terms) == len(layer.parameters)
    return own if whole and own is not None else term_bytes((*learned, *others), format)


def bops(layer: Layer, formats: NumberFormats) -> Dim:
    """Return the multiply-adds of a layer for an example, times the bits of both factors.

    Source: Yao et al. 2020 (HAWQ-V3), arXiv:2011.10680, section 5.
    """
    macs = layer.cost.macs.value
    weights, activations = BITS[formats.weights], BITS[formats.activations]
    if not layer.parameters:
        return macs * activations * activations
    products = layer.op.product_macs(_shapes(layer), layer.outputs)
    return (macs - products) * weights * activations + products * activations * activations


def _shapes(layer: Layer) -> Shapes:
    return tuple([tensor.shape for tensor in layer.inputs])


def peak_of(network: Network, memory: Bytes) -> Peak:
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
