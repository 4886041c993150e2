"""A network as strategies see it: which convolution alone follows which, and the cells that they form."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from costcalc.model import Tensor
from costcalc.ops.conv import Conv, ConvTranspose, DepthwiseConv
from costcalc.ops.merge import Mul
from costcalc.ops.shapes import spread
from costcalc.strategies.base import CellMatch, ConvCell, Finish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.formula import Shape
    from costcalc.model import Layer, Network
    from costcalc.strategies.base import Strategy

ConvOp: TypeAlias = Conv | DepthwiseConv | ConvTranspose
STEM_CHANNELS = 4
"""A convolution on a network input of at most so many channels is the stem."""
MAX_GATE = 16
"""The layers that a gate may have."""


class Graph:
    """The layers of a network, those that are convolutions, and which of them follow each other.

    `followers` holds what belongs to each convolution: its norm, its activation, and a gate. `after` and `before` hold
    convolutions whose link nothing else reads: the one's output, through its followers, goes to the other alone.
    """

    def __init__(self, network: Network) -> None:
        self.layers = network.layers
        self.readers: list[list[int]] = [[] for _ in self.layers]
        """The layers that read each layer's outputs; -1 for an output of the network."""
        for index, layer in enumerate(self.layers):
            for tensor in layer.inputs:
                if tensor.layer >= 0:
                    self.readers[tensor.layer].append(index)
        for tensor in network.outputs.values():
            if tensor.layer >= 0:
                self.readers[tensor.layer].append(-1)
        self.convolutions = [index for index, layer in enumerate(self.layers) if isinstance(layer.op, ConvOp)]
        self.followers = {index: self._follow(index) for index in self.convolutions}
        self.after: dict[int, int] = {}
        for index in self.convolutions:
            reader = self._only_reader(self.last(index))
            if reader >= 0 and reader in self.followers:
                self.after[index] = reader
        self.before = {after: index for index, after in self.after.items()}

    def _only_reader(self, index: int) -> int:
        """The one layer that reads a layer's output, or -1."""
        readers = self.readers[index]
        return readers[0] if len(readers) == 1 else -1

    def _follow(self, index: int) -> tuple[int, ...]:
        """What the convolution's own norm and act wrote, and behind that at most one norm, one activation, one gate."""
        found: list[int] = []
        roles: set[str] = set()
        last = index
        while True:
            reader = self._only_reader(last)
            if reader >= 0 and self._is_follower(reader, index, roles):
                roles.add(self.layers[reader].op.role)
                found.append(reader)
            elif "gate" not in roles and (gate := self._gate(last)):
                roles.add("gate")
                found += gate
            else:
                return tuple(found)
            last = found[-1]

    def _is_follower(self, reader: int, index: int, roles: set[str]) -> bool:
        """Whether a layer is a norm or an activation of a convolution, and not a second one of its kind."""
        layer = self.layers[reader]
        part = layer.op.role
        return layer.host == index or (bool(part) and part not in roles and layer.host is None)

    def _gate(self, last: int) -> list[int]:
        """Layers that make factors of one layer's output alone and multiply it by them, as squeeze and excite does."""
        ends = [reader for reader in self.readers[last] if reader >= 0 and isinstance(self.layers[reader].op, Mul)]
        if not ends or len(self.readers[last]) < 2:
            return []
        end = max(ends)
        found = {end}
        pending = [tensor.layer for tensor in self.layers[end].inputs]
        while pending:
            index = pending.pop()
            if index == last or index in found:
                continue
            if index < last or len(found) >= MAX_GATE:
                return []
            found.add(index)
            pending += [tensor.layer for tensor in self.layers[index].inputs]
        read = {reader for index in (last, *found - {end}) for reader in self.readers[index]}
        wide = any(max(self.kernel(index)) > 1 for index in found if isinstance(self.layers[index].op, ConvOp))
        same = self.layers[end].outputs == self.layers[last].outputs
        return sorted(found) if read <= found and same and not wide else []

    def boundary(self, inside: set[int]) -> tuple[Tensor, int] | None:
        """The tensor that enters some layers, and the layer whose output leaves them; None unless each is one."""
        entering = {tensor for index in inside for tensor in self.layers[index].inputs if tensor.layer not in inside}
        read = {index: self.readers[index] for index in inside}
        ends = [index for index, readers in read.items() if not readers or any(each not in inside for each in readers)]
        sources = list(entering)
        return (sources[0], ends[0]) if len(sources) == len(ends) == 1 else None

    def last(self, index: int) -> int:
        """The layer whose output is the convolution's with its norm and act."""
        return (index, *self.followers[index])[-1]

    def kernel(self, index: int) -> Shape:
        """The kernel of a convolution, one for each spatial dimension."""
        return spread(self._op(index).kernel, len(self.layers[index].outputs[0]) - 1, "kernel")

    def channels(self, index: int) -> int:
        """The channels that enter a layer."""
        return self.layers[index].inputs[0].shape[0]

    def out(self, index: int) -> int:
        """The channels that leave a layer."""
        return self.layers[index].outputs[0][0]

    def is_depthwise(self, index: int) -> bool:
        """Whether each channel has filters of its own, written either way."""
        op = self.layers[index].op
        return isinstance(op, DepthwiseConv) or (isinstance(op, Conv) and 1 < op.groups == self.channels(index))

    def is_dense(self, index: int) -> bool:
        """Whether this is a convolution of all channels with all."""
        op = self.layers[index].op
        return isinstance(op, Conv) and op.groups == 1

    def is_pointwise(self, index: int) -> bool:
        """Whether this is a 1×1 convolution of all channels with all, without a margin."""
        return self.is_dense(index) and set(self.kernel(index)) == {1} and not _margin(self._op(index))

    def _op(self, index: int) -> ConvOp:
        op = self.layers[index].op
        assert isinstance(op, ConvOp)
        return op

    def cell_layers(self, found: CellMatch) -> tuple[int, ...]:
        """Every layer of a cell, in the order of the network."""
        own = {layer for index in found.convolutions for layer in (index, *self.followers[index])}
        return tuple(sorted(own.union(found.others)))

    def cell(self, form: str, found: CellMatch, reason: str = "") -> ConvCell:
        """The cell that some convolutions form: its kernel is theirs, and its stride the product of theirs."""
        convolutions, layers = found.convolutions, self.cell_layers(found)
        boundary = self.boundary(set(layers))
        assert boundary is not None, "recognise() takes nothing else"
        source, end = boundary
        kernels = [self.kernel(index) for index in convolutions]
        rank = len(kernels[0])
        anchor = max(range(len(kernels)), key=lambda position: (max(kernels[position]), -position))
        owners = [
            next((position for position, kernel in enumerate(kernels) if kernel[axis] > 1), anchor)
            for axis in range(rank)
        ]
        ops = [self._op(index) for index in convolutions]
        strides = [spread(op.stride, rank, "stride") for op in ops]
        stride = list(strides[0])
        for others in strides[1:]:
            stride = [one * other for one, other in zip(stride, others, strict=True)]
        same = ops[anchor].padding == "same"
        margins = [(0,) * rank if isinstance(op.padding, str) else spread(op.padding, rank, "padding") for op in ops]
        dilations = [spread(op.dilation, rank, "dilation") for op in ops]
        first, last = convolutions[0], convolutions[-1]
        return ConvCell(
            name=self.layers[convolutions[anchor]].name,
            form=form,
            layers=layers,
            source=source,
            result=Tensor(end, 0, self.layers[end].outputs[0]),
            kernel=tuple([kernels[owner][axis] for axis, owner in enumerate(owners)]),
            stride=tuple(stride),
            padding="same" if same else tuple([margins[owner][axis] for axis, owner in enumerate(owners)]),
            dilation=tuple([dilations[owner][axis] for axis, owner in enumerate(owners)]),
            inner=Finish(ops[0].bias, self.followers[first]),
            last=Finish(ops[-1].bias, self.followers[last]),
            options=found.options,
            reason=reason,
        )


def _margin(op: ConvOp) -> bool:
    return not isinstance(op.padding, str) and op.padding not in (0, (0,), (0, 0), (0, 0, 0))


def is_stem(cell: ConvCell) -> bool:
    """Whether this is a convolution on a network input of few channels: an image, not features."""
    return cell.source.layer < 0 and cell.channels <= STEM_CHANNELS


def recognise(graph: Graph, strategies: Mapping[str, Strategy]) -> list[ConvCell]:
    """Every convolution with a kernel above 1, each in the largest cell that a strategy finds around it.

    Those in which no strategy finds itself, and those whose weights are shared, are there with the reason.
    """
    asked = [(strategy.name, strategy.recognise) for strategy in strategies.values() if strategy.recognise]
    taken: set[int] = set()
    shared = {layer.shared: layer for layer in graph.layers if layer.shared is not None}
    cells = []
    for index in graph.convolutions:
        if index in taken or max(graph.kernel(index)) == 1:
            continue
        form, found = "", CellMatch(())
        for name, finds in asked:
            candidate = finds(graph, index)
            if (
                candidate
                and len(candidate.convolutions) > len(found.convolutions)
                and taken.isdisjoint(candidate.convolutions)
                and graph.boundary(set(graph.cell_layers(candidate)))
            ):
                form, found = name, candidate
        reason = ""
        if not form:
            form, reason = _unfit(graph, index)
            found = CellMatch((index,))
        taken.update(found.convolutions)
        cell = graph.cell(form, found, reason)
        cells.append(cell if reason else cell._replace(reason=_sharing(graph.layers, cell, shared)))
    return cells


def _unfit(graph: Graph, index: int) -> tuple[str, str]:
    """A name for the form of a convolution that is in no cell, and why it is in none."""
    if isinstance(graph.layers[index].op, ConvTranspose):
        return "transposed", "a transposed convolution"
    if graph.is_depthwise(index):
        return "depthwise", "no 1×1 convolution alone follows this depthwise one"
    return "other", "no strategy has this form"


def _sharing(layers: Sequence[Layer], cell: ConvCell, shared: dict[int, Layer]) -> str:
    for index in cell.layers:
        first = layers[index].shared
        other = layers[first] if first is not None else shared.get(index)
        if other is not None:
            return f"shares its weights with {other.name}"
    return ""
