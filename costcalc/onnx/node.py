"""A node while it is read: its attributes, its inputs, its figures; and the registry of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from costcalc.onnx.values import NodeError, Value
from costcalc.onnx.wire import FilePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from costcalc.onnx.wire import Buffer, Message

    Rule = Callable[["OnnxNode"], list[Value]]

    class Graphs(Protocol):
        """What a rule may ask of the run: the file, and the outputs of a graph inside the node."""

        buffer: Buffer

        def subgraph(self, graph: Message, node: OnnxNode, inputs: Sequence[Value]) -> list[Value]:
            """Read a graph inside a node, and return its outputs."""


RULES: dict[str, Rule] = {}
"""The rule of each operator: `Conv`, or with its domain `com.microsoft::FusedConv`."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under some names."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


class OnnxNode:
    """A node with its inputs. A rule reads it, counts its operations, and returns its outputs."""

    def __init__(self, run: Graphs, message: Message, inputs: list[Value | None], opset: int) -> None:
        self.run = run
        self.message = message
        self.kind: str = message.op_type
        self.inputs = inputs
        self.opset = opset
        self.attributes = {attribute.name: attribute for attribute in message.attribute}
        self.figures: dict[str, int] = {}
        self.inner: dict[tuple[str, int, int], None] = {}
        """The stored tensors that the graphs inside read."""

    def __len__(self) -> int:
        """Return the number of inputs, without those at the end that are not there."""
        return max([place for place, value in enumerate(self.inputs, 1) if value is not None], default=0)

    def count(self, **figures: int) -> None:
        """Add to the figures."""
        for quantity, figure in figures.items():
            self.figures[quantity] = self.figures.get(quantity, 0) + figure

    # Inputs

    def has(self, place: int) -> bool:
        """Return whether an input is there."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def input(self, place: int = 0) -> Value:
        """Return an input. Raises `NodeError` if it is not there."""
        value = self.inputs[place] if place < len(self.inputs) else None
        if value is None:
            raise NodeError(f"input {place} is missing")
        return value

    def shape(self, place: int = 0) -> tuple[int, ...]:
        """Return the shape of an input. Raises `NodeError` if it is not known."""
        return self.input(place).known

    def data(self, place: int) -> list[Any]:
        """Return the elements of an input. Raises `NodeError` if they are not known."""
        value = self.input(place)
        if value.data is None:
            raise NodeError(f"its shape depends on the values of {value.name or f'input {place}'}, which are not known")
        return value.data

    # Attributes

    def number(self, name: str, default: int = 0) -> int:
        """Return an attribute as an integer."""
        return int(self.attributes[name].i) if name in self.attributes else default

    def numbers(self, name: str) -> list[int] | None:
        """Return an attribute as a list of integers, or None if it is not there."""
        attribute = self.attributes.get(name)
        if attribute is None:
            return None
        if isinstance(attribute.ints, FilePlace):
            raise NodeError(f"attribute {name} is too long")
        return list(attribute.ints)

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute as text."""
        attribute = self.attributes.get(name)
        if attribute is None or isinstance(attribute.s, FilePlace):
            return default
        return bytes(attribute.s).decode("utf-8", "replace")

    def axes(self, place: int) -> list[int] | None:
        """Return axes: an attribute until opset 12 or 17, an input since."""
        axes = self.numbers("axes")
        return self.data(place) if axes is None and self.has(place) else axes
