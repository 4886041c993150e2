"""The convolutions of a network, the links between them, and the cells that they form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from costcalc.ops.conv import Conv, ConvTranspose, DepthwiseConv
from costcalc.ops.merge import Mul
from costcalc.ops.shapes import margins, spread
from costcalc.strategies.cells import CellMatch, ConvCell, Finish

if TYPE_CHECKING:
    from collections.abc import Collection

    from costcalc.formula import Shape
    from costcalc.model import Network, Tensor

ConvOp: TypeAlias = Conv | DepthwiseConv | ConvTranspose
STEM_CHANNELS = 4
"""The most channels of a network input whose convolution is a stem."""
MAX_GATE = 16
"""The most layers of a gate."""


class Graph:
    """The layers of a network, its convolutions, and the links between them.

    `followers` maps each convolution to its norm, activation and gate. `after` and `before` map a convolution to the
    next and the previous one, if the output of the first, after its followers, is read by the second alone.
    """

    def __init__(self, network: Network) -> None:
        self.layers = network.layers
        self.shared = network.shared()
        """The layers that use weights of an earlier one: the indices of both."""
        self.readers: list[list[int]] = [[] for _ in self.layers]
        """The layers that read the outputs of each layer. -1 is an output of the network."""
        for index, layer in enumerate(self.layers):
            for tensor in layer.inputs:
                if tensor.layer >= 0:
                    self.readers[tensor.layer].append(index)
        for tensor in network.outputs.values():
            if tensor.layer >= 0:
                self.readers[tensor.layer].append(-1)
        self.convolutions = [index for index, layer in enumerate(self.layers) if isinstance(layer.op, ConvOp)]
        self.roles = {index: self._follow(index) for index in self.convolutions}
        """The layers that follow each convolution, with their roles."""
        self.followers = {index: tuple(roles) for index, roles in self.roles.items()}
        self.after: dict[int, int] = {}
        for index in self.convolutions:
            reader = self._only_reader(self.last(index))
            if reader >= 0 and reader in self.followers:
                self.after[index] = reader
        self.before = {after: index for index, after in self.after.items()}

    def _only_reader(self, index: int) -> int:
        """Return the only reader of a layer's outputs, or -1."""
        readers = self.readers[index]
        return readers[0] if len(readers) == 1 else -1

    def _follow(self, index: int) -> dict[int, str]:
        """Return the layers of the arguments norm and act, then at most one further norm, activation and gate."""
        roles: dict[int, str] = {}
        last = index
        while True:
            reader = self._only_reader(last)
            if reader >= 0 and self._is_follower(reader, index, roles.values()):
                roles[reader] = self.layers[reader].op.role
            elif "gate" not in roles.values() and (gate := self._gate(last)):
                roles |= dict.fromkeys(gate, "gate")
            else:
                return roles
            last = next(reversed(roles))

    def _is_follower(self, reader: int, index: int, roles: Collection[str]) -> bool:
        """Return whether a layer is a norm or an activation of a convolution, and the first of its kind."""
        layer = self.layers[reader]
        role = layer.op.role
        return layer.host == index or (bool(role) and role not in roles and layer.host is None)

    def _gate(self, last: int) -> list[int]:
        """Return the layers that multiply an output by factors computed from it alone, as in squeeze-and-excite."""
        ends = [reader for reader in self.readers[last] if reader >= 0 and isinstance(self.layers[reader].op, Mul)]
        if not ends or len(self.readers[last]) < 2:
            return []
        end = max(ends)
        gate = {end}
        pending = [tensor.layer for tensor in self.layers[end].inputs]
        while pending:
            index = pending.pop()
            if index == last or index in gate:
                continue
            if index < last or len(gate) >= MAX_GATE:
                return []
            gate.add(index)
            pending += [tensor.layer for tensor in self.layers[index].inputs]
        read = {reader for index in (last, *gate - {end}) for reader in self.readers[index]}
        wide = any(max(self.kernel(index)) > 1 for index in gate if isinstance(self.layers[index].op, ConvOp))
        same = self.layers[end].outputs == self.layers[last].outputs
        return sorted(gate) if read <= gate and same and not wide else []

    def boundary(self, inside: set[int]) -> tuple[Tensor, int] | None:
        """Return the input tensor and the output layer of a subgraph, or None unless it has one of each."""
        entering = {tensor for index in inside for tensor in self.layers[index].inputs if tensor.layer not in inside}
        read = {index: self.readers[index] for index in inside}
        ends = [index for index, readers in read.items() if not readers or any(each not in inside for each in readers)]
        sources = list(entering)
        return (sources[0], ends[0]) if len(sources) == len(ends) == 1 else None

    def last(self, index: int) -> int:
        """Return the last follower of a convolution, or the convolution itself."""
        return (index, *self.followers[index])[-1]

    def _finish(self, index: int) -> Finish:
        """Return the bias and the followers of a convolution."""
        roles = self.roles[index]
        return Finish(self._op(index).bias, tuple(roles), tuple(roles.values()))

    def kernel(self, index: int) -> Shape:
        """Return the kernel of a convolution, one value for each spatial dimension."""
        return spread(self._op(index).kernel, len(self.layers[index].outputs[0]) - 1, "kernel")

    def channels(self, index: int) -> int:
        """Return the input channels of a layer."""
        return self.layers[index].inputs[0].shape[0]

    def out(self, index: int) -> int:
        """Return the output channels of a layer."""
        return self.layers[index].outputs[0][0]

    def is_depthwise(self, index: int) -> bool:
        """Return whether this is a depthwise convolution, either `depthwise_conv` or `conv` with C groups."""
        op = self.layers[index].op
        return isinstance(op, DepthwiseConv) or (isinstance(op, Conv) and 1 < op.groups == self.channels(index))

    def is_dense(self, index: int) -> bool:
        """Return whether this is a convolution without groups."""
        op = self.layers[index].op
        return isinstance(op, Conv) and op.groups == 1

    def is_pointwise(self, index: int) -> bool:
        """Return whether this is a 1×1 convolution without groups and without padding."""
        return self.is_dense(index) and set(self.kernel(index)) == {1} and not _margin(self._op(index))

    def _op(self, index: int) -> ConvOp:
        op = self.layers[index].op
        assert isinstance(op, ConvOp)
        return op

    def cell_layers(self, match: CellMatch) -> tuple[int, ...]:
        """Return all layers of a cell, in the order of the network."""
        own = {layer for index in match.convolutions for layer in (index, *self.followers[index])}
        return tuple(sorted(own.union(match.others)))

    def cell(self, form: str, match: CellMatch, reason: str = "") -> ConvCell:
        """Return the cell of a match. Its kernel combines those of its convolutions; its stride is their product."""
        convolutions, layers = match.convolutions, self.cell_layers(match)
        boundary = self.boundary(set(layers))
        assert boundary is not None, "recognise() has checked the boundary"
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
        sides: list[tuple[Any, ...]] = [margins(op.padding, rank) for op in ops]
        dilations = [spread(op.dilation, rank, "dilation") for op in ops]
        first, last = convolutions[0], convolutions[-1]
        return ConvCell(
            name=self.layers[convolutions[anchor]].name,
            form=form,
            layers=layers,
            source=source,
            result=self.layers[end].tensors[0],
            kernel=tuple([kernels[owner][axis] for axis, owner in enumerate(owners)]),
            stride=tuple(stride),
            padding="same" if same else tuple([sides[owner][axis] for axis, owner in enumerate(owners)]),
            dilation=tuple([dilations[owner][axis] for axis, owner in enumerate(owners)]),
            inner=self._finish(first),
            last=self._finish(last),
            options=match.options,
            reason=reason,
        )


def _margin(op: ConvOp) -> bool:
    return not isinstance(op.padding, str) and op.padding not in (0, (0,), (0, 0), (0, 0, 0))


def is_stem(cell: ConvCell) -> bool:
    """Return whether a cell reads a network input of few channels: an image, not features."""
    return cell.source.layer < 0 and cell.channels <= STEM_CHANNELS
