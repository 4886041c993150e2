"""Writes cells anew, and replays a network with them through the engine that built it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from costcalc.engine import MAX_LAYERS, Builder
from costcalc.errors import CostcalcError, ShapeError
from costcalc.lang.names import Segments
from costcalc.model import Layer
from costcalc.ops.argument_types import show
from costcalc.strategies.base import NotExpressibleError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.model import Network, Tensor
    from costcalc.strategies.base import Cell, Choice

Chain: TypeAlias = tuple[Layer, ...]
"""The layers of a cell, one behind the other, before they have a place: no inputs, and hosts counted from the first."""


class Rewriter:
    """A network, and the engine that its new forms are built with."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.names = {layer.name for layer in network.layers}
        self.builder = Builder(network.inputs, MAX_LAYERS + 4 * len(network.layers))

    def write(self, cell: Cell, choice: Choice) -> Chain:
        """The layers of a cell as a strategy writes it. Raises `NotExpressibleError`, and errors about options.

        One convolution takes the cell's name, several take names below it. The norm and act behind the last are the
        same layers as before.
        """
        if cell.reason:
            raise NotExpressibleError("{}", cell.reason)
        parts = choice.strategy.write(cell, choice.options)
        if not parts:
            raise CostcalcError("{} writes no layers for {}", choice.strategy.name, cell.name)
        old = self.network.layers
        own = {old[index].name for index in cell.layers}
        span = next((old[index].span for index in cell.layers if old[index].name == cell.name), None)
        segments = Segments(f"{cell.name}.", parts)
        chain: list[Layer] = []

        def add(layer: Layer) -> None:
            shape = chain[-1].outputs[0] if chain else cell.source.shape
            try:
                outputs, cost = self.builder.infer(layer.op, (shape,))
            except ShapeError as error:
                raise NotExpressibleError(error.message, *error.values, help=error.help) from error
            chain.append(layer._replace(outputs=outputs, cost=cost, inputs=()))

        for number, (segment, op) in enumerate(parts.items(), 1):
            final = number == len(parts)
            name = f"{cell.name}.{segment}" if len(parts) > 1 else cell.name
            host = len(chain)
            add(Layer(self.unique(name, own), op, (), (), old[cell.layers[0]].cost, span))
            for index in (cell.last if final else cell.inner).followers if final or op.followed else ():
                layer = old[index]
                name = layer.name if final else self.unique(f"{cell.name}.{segments.take(layer.op.name)}", own)
                add(layer._replace(name=name, host=None if layer.host is None else host))
        if chain[-1].outputs != (cell.result.shape,):
            raise NotExpressibleError(
                "would give {} in place of {}", show(chain[-1].outputs[0]), show(cell.result.shape)
            )
        return tuple(chain)

    def unique(self, wanted: str, own: set[str]) -> str:
        """A name that no layer outside of the cell has."""
        name, count = wanted, 1
        while name in self.names and name not in own:
            count += 1
            name = f"{wanted}_{count}"
        return name

    def replay(self, name: str, cells: Iterable[tuple[Cell, Chain]]) -> Network:
        """The network with new layers in place of these cells.

        A new cell stands where the first layer of the old one stood: its input is there, and what reads it comes later.
        """
        builder, network = self.builder, self.network
        builder.layers = []
        first = {cell.layers[0]: (cell, chain) for cell, chain in cells}
        gone = {index for cell, _ in first.values() for index in cell.layers}
        tensors: dict[tuple[int, int], Tensor] = {
            (tensor.layer, tensor.port): tensor for tensor in map(builder.input, network.inputs)
        }
        places: dict[int, int] = {}
        for index, layer in enumerate(network.layers):
            if index not in gone:
                places[index] = len(builder.layers)
                outputs = builder.add(
                    layer.op,
                    tuple([tensors[tensor.layer, tensor.port] for tensor in layer.inputs]),
                    layer.name,
                    layer.span,
                    None if layer.host is None else places.get(layer.host),
                    None if layer.shared is None else places[layer.shared],
                )
                for tensor in outputs:
                    tensors[index, tensor.port] = tensor
            elif index in first:
                cell, chain = first[index]
                tensor = tensors[cell.source.layer, cell.source.port]
                start = len(builder.layers)
                for new in chain:
                    host = None if new.host is None else start + new.host
                    (tensor,) = builder.add(new.op, (tensor,), new.name, new.span, host)
                tensors[cell.result.layer, cell.result.port] = tensor
        ends = {label: tensors[tensor.layer, tensor.port] for label, tensor in network.outputs.items()}
        return builder.network(name, ends, network.params, network.source, network.description)
