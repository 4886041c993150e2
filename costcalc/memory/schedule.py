"""The steps of a network, and the buffers that its tensors take: when each is written, and when it is read last."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.model import IN_PLACE
from costcalc.number_formats import NumberFormats, stored_bytes
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from costcalc.formula import Dim
    from costcalc.model import Execution, Layer, Network

INDICES = "int32"
"""The format of an input that an op uses as indices, whatever the format of activations."""


class Buffer:
    """The memory of a tensor and of all views of it. Written at the step `first`, and read last at the step `last`."""

    __slots__ = ("first", "format", "kept", "last", "layer", "numbers", "over", "port", "readers", "size")

    def __init__(self, layer: int, port: int, numbers: Dim, format: str, first: int) -> None:
        self.layer = layer
        self.port = port
        self.numbers = numbers
        """The elements of the tensor, for the whole batch."""
        self.format = format
        self.size: Dim = 0
        """Bytes."""
        self.first = self.last = first
        self.readers = 0
        self.kept = False
        """Whether it is an output of the network, which is alive to the end."""
        self.over: int | None = None
        """The buffer over which it is written, at its first step."""


class Schedule(NamedTuple):
    """The step of each layer, the number of steps, and the buffers. `roots` is the buffer of each layer and port."""

    steps: tuple[int, ...]
    length: int
    buffers: tuple[Buffer, ...]
    roots: dict[tuple[int, int], int]
    views: frozenset[int]
    """The layers whose outputs are views."""

    def inside(self, buffer: Buffer) -> bool:
        """Return whether a buffer is used within one step only, and takes no memory."""
        return bool(buffer.layer >= 0 and buffer.readers and buffer.first == buffer.last and not buffer.kept)


def number_formats(network: Network, execution: Execution) -> NumberFormats:
    """Return the formats of layers without their own."""
    return execution.formats.over(network.formats).over(NumberFormats.default())


def schedule(network: Network, execution: Execution, batch: int, *, training: bool = False) -> Schedule:
    """Return the steps in the order of the layers, and the buffers with their sizes and lifetimes."""
    format = number_formats(network, execution).activations
    buffers: list[Buffer] = []
    roots: dict[tuple[int, int], int] = {}
    for place, (name, shape) in enumerate(network.inputs.items()):
        roots[-1 - place, 0] = len(buffers)
        buffers.append(Buffer(-1 - place, 0, prod(shape) * batch, network.input_formats.get(name, format), 0))
    steps: list[int] = []
    views = set()
    count = 0
    for index, layer in enumerate(network.layers):
        _, op, inputs, outputs, _, _, _, host, own = layer
        if host is None or execution.eager:
            step = count
            count += 1
        else:
            step = steps[host]
        steps.append(step)
        if op.is_view(tuple([tensor.shape for tensor in inputs]), training=training):
            views.add(index)
            for tensor in outputs:
                roots[index, tensor.port] = roots[inputs[0].layer, inputs[0].port]
            continue
        for layer_index, port, _, _, _ in inputs:
            read = buffers[roots[layer_index, port]]
            read.last = step
            read.readers += 1
            if layer_index < 0 and op.reads_indices and not network.input_formats:
                read.format = INDICES
        for _, port, shape, axis, dtype in outputs:
            roots[index, port] = len(buffers)
            numbers = prod(shape) if axis is None else prod(shape) * batch
            buffers.append(Buffer(index, port, numbers, dtype or own.activations or format, step))
    made = Schedule(tuple(steps), max(count, 1), tuple(buffers), roots, frozenset(views))
    if execution.eager:
        _hold(network.layers, made)
    for tensor in network.outputs.values():
        kept = buffers[roots[tensor.layer, tensor.port]]
        kept.kept, kept.last = True, max(count - 1, 0)
    for buffer in buffers:
        buffer.size = stored_bytes(buffer.numbers, buffer.format)
    if execution.in_place != IN_PLACE[0]:
        _write_over(network.layers, made, IN_PLACE[1 : IN_PLACE.index(execution.in_place) + 1])
    return made


def _hold(layers: Sequence[Layer], schedule: Schedule) -> None:
    """Keep each tensor that a group reads, and that a layer outside of it wrote, until the group ends."""
    paths = [_groups(layer.name) for layer in layers]
    ends: dict[tuple[str, ...], int] = {}
    for index, path in enumerate(paths):
        for length in range(1, len(path)):
            ends[tuple(path[:length])] = schedule.steps[index]
    for layer, path in zip(layers, paths, strict=True):
        for tensor in layer.inputs:
            buffer = schedule.buffers[schedule.roots[tensor.layer, tensor.port]]
            if buffer.layer >= 0:
                writer = paths[buffer.layer]
                outer = next(length for length in range(len(path)) if path[: length + 1] != writer[: length + 1])
                if outer + 1 < len(path):
                    buffer.last = max(buffer.last, ends[tuple(path[: outer + 1])])


def _groups(name: str) -> list[str]:
    """Return the segments of a path. The number of a repeated layer is not one of its own.

    >>> _groups("stage.0.conv.1"), _groups("layer1.0.conv1")
    (['stage', '0', 'conv.1'], ['layer1', '0', 'conv1'])
    """
    *groups, last = name.split(".")
    return [*groups[:-1], f"{groups[-1]}.{last}"] if groups and last.isdecimal() else [*groups, last]


def _write_over(layers: Sequence[Layer], schedule: Schedule, allowed: Sequence[str]) -> None:
    """Let the output of a step be written over an input that no later step reads, if its first op can do that."""
    written: dict[int, list[int]] = {}
    for place, buffer in enumerate(schedule.buffers):
        if buffer.layer >= 0 and not schedule.inside(buffer):
            written.setdefault(buffer.first, []).append(place)
    taken = set()
    for index, layer in enumerate(layers):
        step = schedule.steps[index]
        outputs = written.get(step, ())
        first = index == 0 or schedule.steps[index - 1] != step
        if not first or layer.op.in_place not in allowed or len(outputs) != 1:
            continue
        output = schedule.buffers[outputs[0]]
        for tensor in layer.inputs:
            place = schedule.roots[tensor.layer, tensor.port]
            read = schedule.buffers[place]
            if read.last == step and not read.kept and place not in taken and read.size >= output.size:
                output.over = place
                taken.add(place)
                break


def alive(schedule: Schedule) -> list[Dim]:
    """Return the bytes of the tensors alive at each step."""
    change: list[Dim] = [0] * (schedule.length + 1)
    for buffer in schedule.buffers:
        first = buffer.first + (buffer.over is not None)
        if first <= buffer.last and not schedule.inside(buffer):
            change[first] += buffer.size
            change[buffer.last + 1] -= buffer.size
    total: Dim = 0
    totals = []
    for difference in change[:-1]:
        total = total + difference
        totals.append(total)
    return totals


def alive_at(schedule: Schedule, steps: Collection[int]) -> dict[int, list[Buffer]]:
    """Return the buffers that are counted at each of some steps, largest first."""
    born: dict[int, list[Buffer]] = {}
    for buffer in schedule.buffers:
        first = buffer.first + (buffer.over is not None)
        if first <= buffer.last and not schedule.inside(buffer):
            born.setdefault(first, []).append(buffer)
    found = {}
    now: list[Buffer] = []
    for step in range(max(steps, default=-1) + 1):
        now = [buffer for buffer in now if buffer.last >= step] + born.get(step, [])
        if step in steps:
            found[step] = sorted(now, key=lambda buffer: buffer.size, reverse=True)
    return found


def traffic(network: Network, schedule: Schedule, weights: Callable[[int, Layer], Dim], batch: int) -> list[Dim]:
    """Return the bytes that each layer moves: inputs read, outputs written and weights read by its step, once each.

    `weights` returns the bytes of the weights that a layer reads. A tensor inside a step is not moved.
    """
    moved: list[Dim] = []
    buffers, roots, steps = schedule.buffers, schedule.roots, schedule.steps
    for index, layer in enumerate(network.layers):
        total: Dim = 0
        if index not in schedule.views:
            read = set()
            for tensor in layer.inputs:
                key = tensor.layer, tensor.port
                buffer = buffers[roots[key]]
                if key not in read and (buffer.layer < 0 or buffer.first != steps[index]):
                    read.add(key)
                    numbers = prod(tensor.shape) * (1 if tensor.batch is None else batch)
                    total += stored_bytes(numbers, buffer.format)
            for tensor in layer.tensors:
                buffer = buffers[roots[index, tensor.port]]
                if not schedule.inside(buffer):
                    total += buffer.size
            total += weights(index, layer)
        moved.append(total)
    return moved
