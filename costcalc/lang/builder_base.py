"""What the building of a network stands on: evaluated arguments become ops, names become tensors, ops become layers."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.engine import Builder, LimitError
from costcalc.errors import ArgumentError, CostcalcError, ShapeError, SpecError
from costcalc.lang.call_compiler import argument_fault
from costcalc.lang.template import Env, WorkBudget, located
from costcalc.model import Layer, Tensor
from costcalc.ops.argument_types import show

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from costcalc.cost import Cost
    from costcalc.errors import Span
    from costcalc.formula import Shape
    from costcalc.lang.compiler import Compiler
    from costcalc.lang.names import Entry, Names, Segments
    from costcalc.lang.template import Block, Item, Reference, Values
    from costcalc.ops.base import Op

MAX_PATH = 1_000
"""The characters of a layer's path."""
STEP = 100
"""What an item, a copy or a connection counts against the work of a network; a step of an expression counts 1."""
Tensors = tuple[Tensor, ...]


class Frame:
    """Where a list of layers stands: its names, the values it sees, its path, and the tensor that entered its block."""

    __slots__ = ("depth", "entered", "followers", "names", "segments", "values")

    def __init__(self, values: Values, names: Names, segments: Segments, entered: Tensors, depth: int) -> None:
        self.values = values
        self.names = names
        self.segments = segments
        self.entered = entered
        self.depth = depth
        self.followers: dict[tuple[int, str], str] = {}


class Called(NamedTuple):
    """A call of a block: which, and with which argument values."""

    block: Block
    values: tuple[Any, ...]


class Recording(NamedTuple):
    """What a call of a block added, so that an equal call adds it without running the block again."""

    first: int
    last: int
    """Its layers, as a range of indices."""
    prefix: int
    """How many characters of their names come from around the call."""
    entered: Tensors
    outputs: Tensors
    work: int
    """What it counted against the work of the network."""


class Wiring:
    """A network in the making, layer by layer; the errors of its layers get their places here."""

    def __init__(self, compiler: Compiler, params: Mapping[str, Any], inputs: Mapping[str, Shape], limit: int) -> None:
        self.compiler = compiler
        self.params = params
        self.builder = Builder(inputs, limit)
        self.work_budget = WorkBudget(STEP * (3 * limit + 1000))
        self.weighted: list[int] = []
        """The layers that have weights, of their own or shared."""
        self.shared: Iterator[int] | None = None
        self.called: Called | None = None
        """The block that was called last."""
        self.site: Span | None = None
        """The call of a built-in block that is running: what is inside stands there."""
        self.made: dict[tuple[Item, Hashable], Op] = {}
        self.recordings: dict[Hashable, Recording] = {}

    def step(self, item: Item, count: int = 1) -> None:
        """Count an item, a copy or a connection, which may add no layer."""
        try:
            self.work_budget.spend(STEP * count)
        except LimitError as error:
            raise located(error, item.span) from None

    def single(self, item: Item, current: Tensors, most: int = 1) -> None:
        """Raise where there is no input, or a layer of several outputs stands for one."""
        if not current:
            names = ", ".join(self.builder.inputs)
            error = CostcalcError(
                "{} has no input: the network has several, and none is said",
                item.target,
                help=f"from: ... beside it names one or more of {names}",
            )
            raise located(error, item.span)
        if len(current) > max(most, len(item.source or ())):
            error = CostcalcError(
                "{} cannot take all {} outputs of a layer",
                item.target,
                len(current),
                help="from: NAME.0 beside it chooses the first",
            )
            raise located(error, item.span)

    def shareable(self, share: Reference, number: str, names: Names) -> Entry:
        """What a name of `share` stands for; of copies the one of the same number."""
        try:
            entry = names.find(share.name)
            return names.find(share.name + number) if entry.copies and number else entry
        except CostcalcError as unknown:
            raise located(unknown, share.span) from None

    def weights(self, share: Reference, entry: Entry) -> list[int]:
        """The layers behind a name that have weights, each where it is first used."""
        layers = self.builder.layers
        chosen = self.weighted[bisect_left(self.weighted, entry.first) : bisect_left(self.weighted, entry.last)]
        if not chosen:
            raise located(CostcalcError("{} has no weights to share", share.name), share.span)
        self.work_budget.spend(len(chosen))
        return [index if (root := layers[index].shared) is None else root for index in chosen]

    def make(self, item: Item, env: Env) -> Op:
        """The op of an item with its arguments."""
        if item.fixed is not None:
            return item.fixed
        assert item.op is not None
        values = tuple([cell.get(env) for _, cell in item.args])
        try:
            key = item, typed(values)
            op = self.made.get(key)
            if op is None:
                op = item.op(**{name: value for (name, _), value in zip(item.args, values, strict=True)})
                self.made[key] = op
            return op
        except ArgumentError as error:
            node = item.argument(error.argument)
            failed = SpecError([argument_fault(error, item, node.span if node else item.span)])
            failed.cause = error
            raise failed from None

    def layer(
        self,
        item: Item,
        op: Op,
        inputs: Tensors,
        name: str,
        host: int | None = None,
        repair: Callable[[], str] | None = None,
    ) -> Tensors:
        """Give a layer to the engine; an error gets the layer's name, its inputs and its place."""
        self.step(item, (len(inputs) + 7) // 8)
        if len(name) > MAX_PATH:
            raise located(LimitError("a path of more than {:,} characters", MAX_PATH), item.span)
        try:
            share = None
            if self.shared is not None and _weighs(self.builder.infer(op, tuple([t.shape for t in inputs]))[1]):
                share = next(self.shared, None)
                if share is None:
                    raise ShapeError("{} has weights that what it shares has not", op.name)
            outputs = self.builder.add(op, inputs, name, self.site or item.span, host, share)
            if share is not None or _weighs(self.builder.layers[-1].cost):
                self.weighted.append(len(self.builder.layers) - 1)
            if len(outputs) > 1:
                self.step(item, len(outputs))
            return outputs
        except CostcalcError as error:
            origins = [f"{show(tensor.shape)} from {self.origin(tensor)}" for tensor in inputs[:8]]
            notes = (f"{op} in layer {name}", f"its input: {', '.join(origins)}")
            failed = located(error, self.site or item.span, *notes)
            if repair is not None:
                failed.faults = (failed.faults[0]._replace(help=repair()),)
            raise failed from None

    # Calls that repeat others

    def replay(self, recording: Recording, entered: Tensors, prefix: str) -> Tensors | None:
        """Add the layers of an equal call again; None where that passes a limit, whose error needs its own place."""
        first, last, cut, entered_first, outputs, work = recording
        layers, new = self.builder.layers, tuple.__new__
        shift = len(layers) - first
        names = [prefix + layer.name[cut:] for layer in layers[first:last]]
        if (
            last + shift > self.builder.max_layers
            or work > self.work_budget.left
            or max(map(len, names), default=0) > MAX_PATH
        ):
            return None
        self.work_budget.spend(work)
        moved = {(tensor.layer, tensor.port): now for tensor, now in zip(entered_first, entered, strict=True)}

        def move(tensor: Tensor) -> Tensor:
            layer, port, shape = tensor
            return new(Tensor, (layer + shift, port, shape)) if layer >= first else moved[layer, port]

        for name, (_, op, inputs, shapes, cost, span, host, shared) in zip(names, layers[first:last], strict=True):
            if shared is not None or _weighs(cost):
                self.weighted.append(len(layers))
            tensors = tuple([move(tensor) for tensor in inputs])
            host = None if host is None else host + shift
            shared = None if shared is None else shared + shift
            layers.append(new(Layer, (name, op, tensors, shapes, cost, self.site or span, host, shared)))
        return tuple([move(tensor) for tensor in outputs])

    # Names and values

    def origin(self, tensor: Tensor) -> str:
        """The name of the layer or input that a tensor comes from."""
        if tensor.layer < 0:
            return list(self.builder.inputs)[-1 - tensor.layer]
        return self.builder.layers[tensor.layer].name

    def env(self, frame: Frame, values: Values, current: Tensors) -> Env:
        """What an expression sees here."""
        entered, shape = frame.entered, current[0].shape if current else None
        return Env(values, shape, entered[0].shape if entered else None, self.params, self.work_budget)

    def tensors(self, references: tuple[Reference, ...], current: Tensors, names: Names) -> Tensors:
        """What the names of a `from` stand for."""
        found: list[Tensor] = []
        for reference in references:
            try:
                outputs = names.find(reference.name, current).outputs
                self.work_budget.spend(STEP // 10 * len(outputs))
                found += outputs
            except CostcalcError as error:
                raise located(error, reference.span) from None
        return tuple(found)


def typed(values: tuple[Any, ...]) -> Hashable:
    """A key that is equal for equal values of equal types only: 1, 1.0 and true are not the same argument.

    >>> typed((1, 2)) == typed((1, 2)), typed((1, 2)) == typed((1.0, 2)), typed(((1,),)) == typed(((True,),))
    (True, False, False)
    """
    return values, tuple([typed(value) if type(value) is tuple else type(value) for value in values])


def _weighs(cost: Cost) -> bool:
    return bool(cost.params.terms or cost.buffers.terms)
