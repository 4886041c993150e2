"""Adds layers to a network: creates ops from arguments, and locates errors."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import contextmanager
from typing import TYPE_CHECKING

from costcalc.engine import Builder, LimitError
from costcalc.errors import ArgumentError, CostcalcError, ShapeError, SpecError
from costcalc.lang.call_compiler import argument_fault
from costcalc.lang.functions import Word
from costcalc.lang.shape_fixes import input_repair
from costcalc.lang.template import NONE, Env, WorkBudget, located, typed
from costcalc.layout import ForwardAxes
from costcalc.model import Layer, Tensor
from costcalc.notation import show

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from costcalc.cost import Cost
    from costcalc.errors import Span
    from costcalc.formula import Shape
    from costcalc.lang.names import NameEntry
    from costcalc.lang.template import Item
    from costcalc.layout import Axes
    from costcalc.number_formats import NumberFormats
    from costcalc.ops.base import Op

MAX_PATH = 1_000
"""The largest number of characters of a layer's path."""
STEP = 100
"""The work of an item, a copy or a connection. A step of an expression is 1."""
Tensors = tuple[Tensor, ...]


class LayerBuilder:
    """The layers of a network under construction. It creates ops, adds layers, and gives their errors a location."""

    def __init__(self, inputs: Mapping[str, Shape], limit: int) -> None:
        self.builder = Builder(inputs, limit)
        self.work_budget = WorkBudget(STEP * (3 * limit + 1000))
        self.weighted: list[int] = []
        """The indices of layers with own or shared weights."""
        self.shared: Iterator[Layer] | None = None
        """The layers whose weights the next layers use."""
        self.site: Span | None = None
        """The location of the call of a running built-in block, used for all layers in it."""
        self.made: dict[tuple[Item, Hashable], Op] = {}
        self.axes = ForwardAxes(self.builder.inputs, self.builder.layers)
        self._adapted: dict[tuple[Op, Hashable], Op] = {}
        self.experts: tuple[int, int] | None = None
        """The experts that the next layers stand for: their number, and of those that a token goes to."""

    @property
    def state(self) -> Hashable:
        """What the next layers depend on, besides the items that add them."""
        return self.experts, self.builder.formats

    @contextmanager
    def in_formats(self, formats: NumberFormats | None) -> Iterator[None]:
        """Give the layers that are added meanwhile these number formats."""
        outer = self.builder.formats
        self.builder.formats = outer if formats is None else formats.over(outer)
        try:
            yield
        finally:
            self.builder.formats = outer

    def step(self, item: Item, count: int = 1) -> None:
        """Count the work of items, copies or connections, which may add no layer."""
        try:
            self.work_budget.spend(STEP * count)
        except LimitError as error:
            raise located(error, item.span) from None

    def single(self, item: Item, current: Tensors, most: int = 1) -> None:
        """Raise if the item has no input, or too many outputs of one layer as input."""
        if most == 0:
            if item.source is not None:
                help = "remove from: it is a tensor of its own"
                raise located(CostcalcError("{} takes no inputs", item.target, help=help), item.span)
        elif not current:
            names = ", ".join(self.builder.inputs)
            error = CostcalcError(
                "{} needs from: the network has several inputs",
                item.target,
                help=f"write from: beside it, with one or more of {names}",
            )
            raise located(error, item.span)
        elif len(current) > max(most, len(item.source or ())):
            error = CostcalcError(
                "{} cannot take all {} outputs of a layer",
                item.target,
                len(current),
                help="write from: NAME.0 beside it for the first output",
            )
            raise located(error, item.span)

    def weights(self, name: str, span: Span, entry: NameEntry) -> list[Layer]:
        """Return the layers of an entry that have weights."""
        layers = self.builder.layers
        chosen = self.weighted[bisect_left(self.weighted, entry.first) : bisect_left(self.weighted, entry.last)]
        if not chosen:
            message = (
                "{} is left out by its if, and has no weights to share"
                if entry.absent
                else "{} has no weights to share"
            )
            raise located(CostcalcError(message, name), span)
        self.work_budget.spend(len(chosen))
        return [layers[index] for index in chosen]

    def make(self, item: Item, env: Env) -> Op:
        """Create the op of an item with its arguments."""
        if item.fixed is not None:
            return item.fixed
        assert item.op is not None
        values = tuple([cell.get(env) for _, cell in item.args])
        if any(map(_is_none, values)):
            values = tuple(
                [
                    _default(item, name, env) if _is_none(value) else value
                    for (name, _), value in zip(item.args, values, strict=True)
                ]
            )
        try:
            key = item, typed(values)
            op = self.made.get(key)
            if op is None:
                given = {name: value for (name, _), value in zip(item.args, values, strict=True) if value is not None}
                op = self.made[key] = item.op(**given)
            return op
        except ArgumentError as error:
            node = item.argument(error.argument)
            failed = SpecError([argument_fault(error, item, node.span if node else item.span)])
            failed.cause = error
            raise failed from None

    def adapted(self, op: Op, to: Op | Axes) -> Op:
        """Return an op as it is after another op whose argument it is, or for an input with the given axes."""
        key = op, to
        if key not in self._adapted:
            self._adapted[key] = op.on(to) if isinstance(to, tuple) else op.after(to)
        return self._adapted[key]

    def layer(
        self,
        item: Item,
        op: Op,
        inputs: Tensors,
        name: str,
        host: int | None = None,
        repair: Callable[[], str] | None = None,
    ) -> Tensors:
        """Add a layer. An error gets the name, the inputs and the location of the layer."""
        self.step(item, (len(inputs) + 7) // 8)
        if len(name) > MAX_PATH:
            raise located(LimitError("the path of the layer has more than {:,} characters", MAX_PATH), item.span)
        if op.reads_axes and len(inputs) == 1:
            op = self.adapted(op, self.axes[inputs[0]])
        try:
            if self.experts is not None:
                op = self._of_experts(op, tuple([tensor.shape for tensor in inputs]))
            share = None
            if self.shared is not None and _has_weights(self.builder.infer(op, tuple([t.shape for t in inputs]))[1]):
                share = next(self.shared, None)
                if share is None:
                    raise ShapeError("the shared layers have no weights for {}", op.name)
            outputs = self.builder.add(op, inputs, name, self.site or item.span, host, share)
            if self.builder.layers[-1].parameters:
                self.weighted.append(len(self.builder.layers) - 1)
            if len(outputs) > 1:
                self.step(item, len(outputs))
            return outputs
        except CostcalcError as error:
            origins = [f"{show(tensor.shape)} from {self.origin(tensor)}" for tensor in inputs[:8]]
            notes = (f"{op} in layer {name}", f"input: {', '.join(origins)}")
            failed = located(error, self.site or item.span, *notes)
            help = input_repair(self.builder, op, inputs) if isinstance(error, ShapeError) else ""
            if help or repair is not None:
                failed.faults = (failed.faults[0]._replace(help=help or (repair() if repair else "")),)
            raise failed from None

    def _of_experts(self, op: Op, shapes: tuple[Shape, ...]) -> Op:
        """Return an op with the weights of all experts. Raises `ShapeError` if it has weights and no experts."""
        assert self.experts is not None
        if not _has_weights(self.builder.infer(op, shapes)[1]):
            return op
        if "experts" not in op.fields:
            raise ShapeError("{} has weights, and cannot be a part of an expert", op.name, help="use linear layers")
        experts, active = self.experts
        return type(op)(**{**op.arguments, "experts": experts, "active": active})

    def origin(self, tensor: Tensor) -> str:
        """Return the name of the layer or input that a tensor comes from."""
        if tensor.layer < 0:
            return list(self.builder.inputs)[-1 - tensor.layer]
        return self.builder.layers[tensor.layer].name


def _default(item: Item, name: str, env: Env) -> object:
    """Return the value of an argument that is `none`: the default of the spec, or None for that of the op."""
    cell = item.defaults.get(name)
    value = None if cell is None else cell.get(env)
    return None if _is_none(value) else value


def _is_none(value: object) -> bool:
    return type(value) is Word and value == NONE


def _has_weights(cost: Cost) -> bool:
    return bool(cost.params.terms or cost.buffers.terms)
