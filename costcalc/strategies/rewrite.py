"""Write cells in a strategy, and rebuild a network with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from costcalc.cost import Cost
from costcalc.engine import MAX_LAYERS, Builder
from costcalc.errors import CostcalcError, ShapeError
from costcalc.lang.names import Segments
from costcalc.model import Layer, Tensor
from costcalc.notation import show
from costcalc.strategies.cells import CellPart, Finish, NotExpressibleError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from costcalc.formula import Dim
    from costcalc.model import Network
    from costcalc.ops.base import Op
    from costcalc.strategies.base import Choice
    from costcalc.strategies.cells import ConvCell

Subgraph: TypeAlias = tuple[Layer, ...]
"""The layers of a new cell before it is added to a network. Indices of inputs and hosts start at its first layer. The
input -1 is the input of the cell, and the output of the last layer is its output."""


class Rewriter:
    """Writes cells of a network, and builds the rewritten networks."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.names = {layer.name for layer in network.layers}
        self.builder = Builder(network.inputs, MAX_LAYERS + 4 * len(network.layers))

    def write(self, cell: ConvCell, choice: Choice) -> Subgraph:
        """Return the layers of a cell in a strategy. Raises `NotExpressibleError`, and errors about options.

        A single part has the name of the cell, several parts have names below it. The layers after the last part keep
        their names.
        """
        if cell.reason:
            raise NotExpressibleError("{}", cell.reason)
        parts = choice.strategy.write(cell, choice.options)
        if not parts:
            raise CostcalcError("{} writes no layers for {}", choice.strategy.name, cell.name)
        new = _NewCell(self, cell, parts)
        for segment, part in parts.items():
            new.add_part(segment, part if isinstance(part, CellPart) else CellPart(part))
        outputs = new.layers[-1].outputs
        if outputs != (cell.result.shape,):
            raise NotExpressibleError("expected an output {1}, got {0}", show(outputs[0]), show(cell.result.shape))
        return tuple(new.layers)

    def unique(self, wanted: str, own: set[str]) -> str:
        """Return a name that no layer outside of the cell has."""
        name, count = wanted, 1
        while name in self.names and name not in own:
            count += 1
            name = f"{wanted}_{count}"
        return name

    def replay(self, name: str, cells: Iterable[tuple[ConvCell, Subgraph]]) -> Network:
        """Return the network with some cells replaced.

        A new cell is inserted at the first layer of the old one: its input exists, and its readers come later.
        """
        builder, network = self.builder, self.network
        builder.layers = []
        shared = network.shared()
        first = {cell.layers[0]: (cell, subgraph) for cell, subgraph in cells}
        replaced = {index for cell, _ in first.values() for index in cell.layers}
        tensors: dict[tuple[int, int], Tensor] = {
            (tensor.layer, tensor.port): tensor for tensor in map(builder.input, network.inputs)
        }
        indices: dict[int, int] = {}
        for index, layer in enumerate(network.layers):
            if index not in replaced:
                indices[index] = len(builder.layers)
                outputs = builder.add(
                    layer.op,
                    tuple([tensors[tensor.layer, tensor.port] for tensor in layer.inputs]),
                    layer.name,
                    layer.span,
                    None if layer.host is None else indices.get(layer.host),
                    builder.layers[indices[shared[index]]] if index in shared else None,
                )
                for tensor in outputs:
                    tensors[index, tensor.port] = tensor
            elif index in first:
                cell, subgraph = first[index]
                start = len(builder.layers)
                inner = {(-1, 0): tensors[cell.source.layer, cell.source.port]}
                for number, new in enumerate(subgraph):
                    inputs = tuple([inner[tensor.layer, tensor.port] for tensor in new.inputs])
                    host = None if new.host is None else start + new.host
                    new_outputs = builder.add(new.op, inputs, new.name, new.span, host)
                    inner |= {(number, tensor.port): tensor for tensor in new_outputs}
                tensors[cell.result.layer, cell.result.port] = inner[len(subgraph) - 1, 0]
        ends = {label: tensors[tensor.layer, tensor.port] for label, tensor in network.outputs.items()}
        made = builder.network(name, ends, network.params, network.source, network.description)
        return made._replace(formats=network.formats)


class _NewCell:
    """A new cell under construction."""

    def __init__(self, rewriter: Rewriter, cell: ConvCell, parts: Collection[str]) -> None:
        self.rewriter = rewriter
        self.cell = cell
        self.old = rewriter.network.layers
        self.parts = parts
        self.own = {self.old[index].name for index in cell.layers}
        """The names of the replaced layers, which can be used again."""
        self.span = next((self.old[index].span for index in cell.layers if self.old[index].name == cell.name), None)
        self.segments = Segments(f"{cell.name}.", parts)
        self.layers: list[Layer] = []
        self.output = Tensor(-1, 0, cell.source.shape)
        """The output of the last part."""
        self.outputs = {"input": self.output}

    def add_part(self, segment: str, part: CellPart) -> None:
        """Add a part of the new cell, and its followers."""
        for name in part.inputs:
            if name not in self.outputs:
                raise CostcalcError(
                    "{}.{}: unknown input {}; expected the name of an earlier part", self.cell.name, segment, name
                )
        final = len(self.outputs) == len(self.parts)
        name = f"{self.cell.name}.{segment}" if len(self.parts) > 1 else self.cell.name
        inputs = tuple([self.outputs[name] for name in part.inputs]) or (self.output,)
        host, formats = len(self.layers), self.old[self.cell.layers[0]].formats
        self._add(
            Layer(self.rewriter.unique(name, self.own), part.op, inputs, (), (), Cost(), self.span, None, formats)
        )
        default = self.cell.last if final else self.cell.inner if part.op.followed else Finish(bias=False)
        self._add_followers(part.finish or default, host, keep_names=final)
        self.outputs[segment] = self.output

    def _add(self, layer: Layer) -> None:
        """Add a layer and infer its outputs. Raises `NotExpressibleError` if the op cannot take its inputs."""
        try:
            shapes, cost = self.rewriter.builder.infer(layer.op, tuple([tensor.shape for tensor in layer.inputs]))
        except ShapeError as error:
            raise NotExpressibleError(error.message, *error.values, help=error.help) from error
        outputs = tuple([Tensor(len(self.layers), port, shape) for port, shape in enumerate(shapes)])
        self.output = outputs[0]
        self.layers.append(layer._replace(tensors=outputs, cost=cost, parameters=()))

    def _add_followers(self, finish: Finish, host: int, *, keep_names: bool) -> None:
        """Add the followers of a convolution of the old cell after a layer of the new one.

        A layer that reads an omitted one gets the input of that, so the omitted role may be in the middle.
        """
        if not finish.followers:
            return
        entry = self.old[finish.followers[0]].inputs[0]
        new = {(entry.layer, entry.port): self.output}
        own = host if self.layers[host].op.followed else None  # an add has no arguments norm and act
        hosts: dict[int, int | None] = {entry.layer: own, **dict.fromkeys(self.cell.layers, own)}
        for index, role in zip(finish.followers, finish.roles, strict=True):
            layer = self.old[index]
            if role in finish.omitted:
                read = layer.inputs[0]
                new |= {(index, tensor.port): new[read.layer, read.port] for tensor in layer.tensors}
                continue
            op = _widened(layer.op, layer.outputs[0][0], entry.shape[0], new[entry.layer, entry.port].shape[0])
            name = f"{self.cell.name}.{self.segments.take(layer.op.name)}"
            self._add(
                layer._replace(
                    name=layer.name if keep_names else self.rewriter.unique(name, self.own),
                    op=op,
                    inputs=tuple([new[tensor.layer, tensor.port] for tensor in layer.inputs]),
                    host=None if layer.host is None else hosts[layer.host],
                )
            )
            hosts[index] = len(self.layers) - 1
            new |= {(index, tensor.port): tensor for tensor in self.layers[-1].tensors}


def _widened(op: Op, out: Dim, old: Dim, new: Dim) -> Op:
    """Return an op of a gate for a new number of channels, if its output channels equal the old number.

    >>> from costcalc.ops.conv import Conv
    >>> str(_widened(Conv(out=96, kernel=1), 96, 96, 64)), str(_widened(Conv(out=4, kernel=1), 4, 96, 64))
    ('conv(out=64, kernel=1)', 'conv(out=4, kernel=1)')
    """
    if "out" not in op.fields or out != old or old == new:
        return op
    return type(op)(**{**op.arguments, "out": new})
