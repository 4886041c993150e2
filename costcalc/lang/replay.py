"""Block calls that repeat others: their layers are copied instead of built again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.lang.layer_builder import MAX_PATH
from costcalc.lang.template import typed
from costcalc.model import Layer, Parameter, Tensor
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from costcalc.lang.layer_builder import LayerBuilder, Tensors
    from costcalc.lang.names import NameEntry, NameTable
    from costcalc.lang.template import Block


class Called(NamedTuple):
    """A call of a block: the block, and the values of its arguments."""

    block: Block
    values: tuple[Any, ...]


class Recording(NamedTuple):
    """The layers added by a call of a block. An equal call copies them instead of running the block again."""

    first: int
    last: int
    """The layers, as a range of indices."""
    prefix: int
    """The number of characters of their paths before the path of the call."""
    entered: Tensors
    outputs: Tensors
    work: int
    """The work that the call took."""
    inside: NameTable | None = None
    """The names inside the block, if any name is a path."""


class MovedNames:
    """The names inside a copied call: those of the recorded one, with the layers of the copy."""

    def __init__(self, table: NameTable, shift: int, move: Callable[[Tensor], Tensor]) -> None:
        self.table = table
        self.shift = shift
        self.move = move

    def get(self, name: str) -> NameEntry | None:
        """Return the entry of a name."""
        entry = self.table.get(name)
        return None if entry is None else self.moved(entry)

    def moved(self, entry: NameEntry) -> NameEntry:
        """Return an entry with the layers of the copy."""
        return entry._replace(
            outputs=tuple([self.move(tensor) for tensor in entry.outputs]),
            first=entry.first + self.shift,
            last=entry.last + self.shift,
            copies={number: self.moved(copy) for number, copy in entry.copies.items()},
            inner=None if entry.inner is None else MovedNames(entry.inner, self.shift, self.move),
        )


class Recordings:
    """The recorded calls of a network under construction."""

    def __init__(self, layers: LayerBuilder) -> None:
        self.layers = layers
        self.known: dict[Hashable, Recording] = {}

    def key(self, called: Called, entered: Tensors, groups: tuple[int, ...], depth: int) -> Hashable:
        """Return what equal calls have in common: the block, its arguments, its inputs by name, and the depth."""
        shapes = tuple([tensor.shape for tensor in entered])
        axes = tuple([self.layers.axes[tensor] for tensor in entered if len(tensor.shape) > 1])
        return called.block.name, typed(called.values), shapes, axes, groups, depth

    def replay(self, recording: Recording, entered: Tensors, prefix: str) -> tuple[Tensors, MovedNames | None] | None:
        """Copy the layers of an equal call. Return None beyond a limit: running the block locates the error."""
        first, last, cut, entered_first, ends, work, inside = recording
        layers, new = self.layers.builder.layers, tuple.__new__
        shift = len(layers) - first
        names = [prefix + layer.name[cut:] for layer in layers[first:last]]
        if (
            last + shift > self.layers.builder.max_layers
            or work > self.layers.work_budget.left
            or max(map(len, names), default=0) > MAX_PATH
        ):
            return None
        self.layers.work_budget.spend(work)
        moved = {(tensor.layer, tensor.port): now for tensor, now in zip(entered_first, entered, strict=True)}

        def move(tensor: Tensor) -> Tensor:
            layer, port, *rest = tensor
            return new(Tensor, (layer + shift, port, *rest)) if layer >= first else moved[layer, port]

        fresh: dict[Parameter, Parameter] = {}
        for name, layer in zip(names, layers[first:last], strict=True):
            _, op, inputs, outputs, parameters, cost, span, host, formats = layer
            if parameters:
                self.layers.weighted.append(len(layers))
                parameters = tuple([fresh.setdefault(p, Parameter(p.term, p.learned)) for p in parameters])
            inputs, outputs = tuple([move(each) for each in inputs]), tuple([move(each) for each in outputs])
            host = None if host is None else host + shift
            site = self.layers.site or span
            layers.append(new(Layer, (name, op, inputs, outputs, parameters, cost, site, host, formats)))
        names_inside = None if inside is None else MovedNames(inside, shift, move)
        return tuple([move(tensor) for tensor in ends]), names_inside
