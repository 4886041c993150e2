"""Runs compiled templates: evaluates arguments, unrolls loops, follows names, and gives each layer to the engine."""

from __future__ import annotations

import operator
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.engine import Builder, LimitError
from costcalc.errors import ArgumentError, CostcalcError, ExpressionError, ShapeError, SpecError
from costcalc.ops import base as ops
from costcalc.ops.kinds import natural, show
from costcalc.spec.calls import argument_fault
from costcalc.spec.functions import Word, truth
from costcalc.spec.names import Entry, Names, Segments
from costcalc.spec.template import Bound, Cell, Env, Meter, Values, located

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.errors import Span
    from costcalc.formula import Shape
    from costcalc.model import Cost, Tensor
    from costcalc.ops.base import Op
    from costcalc.spec.compiler import Compiler
    from costcalc.spec.template import Block, Item, Loop, Reference

MAX_DEPTH = 64
"""Lists of layers inside each other, through groups, branches and blocks."""
MAX_PATH = 1_000
"""The characters of a layer's path."""
STEP = 100
"""What an item, a copy or a connection counts against the work of a network; a step of an expression counts 1."""
Tensors = tuple["Tensor", ...]


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


class Run:
    """One network in the making."""

    def __init__(self, compiler: Compiler, params: Mapping[str, Any], inputs: Mapping[str, Shape], limit: int) -> None:
        self.compiler = compiler
        self.params = params
        self.builder = Builder(inputs, limit)
        self.meter = Meter(STEP * (3 * limit + 1000))
        self.weighted: list[int] = []
        """The layers that have weights, of their own or shared."""
        self.shared: Iterator[int] | None = None
        self.calls: list[str] = []
        self.called: Called | None = None
        """The block that was called last."""
        self.made: dict[tuple[Item, tuple[Any, ...]], Op] = {}

    def network(self, items: tuple[Item, ...]) -> tuple[Tensors, Names]:
        """Build the whole list. Raises `SpecError`, with the place and the notes, at the first fault."""
        names = Names()
        inputs = self.builder.inputs
        for name in inputs:
            names.table[name] = Entry((self.builder.input(name),))
        entered: Tensors = (self.builder.input(next(iter(inputs))),) if len(inputs) == 1 else ()
        if entered:
            names.table.setdefault("input", Entry(entered))
        segments = Segments("", _given(items).union(inputs) - {"input"})
        frame = Frame(Values(self.params), names, segments, entered, 0)
        return self.run(items, entered, frame), names

    # Lists and items

    def run(self, items: tuple[Item, ...], current: Tensors, frame: Frame) -> Tensors:
        """Run a list of layers on a tensor."""
        if frame.depth > MAX_DEPTH:
            raise located(LimitError("layers nested more than {} deep", MAX_DEPTH), items[0].span if items else None)
        names, segments = frame.names, frame.segments
        for item in items:
            self.step(item)
            if item.kind == "let":
                frame.values = values = frame.values.copy()
                self.meter.spend(len(values))
                env = self.env(frame, values, current)
                for name, cell in item.args:
                    values[name] = cell.get(env)
                continue
            entering = current if item.source is None else self.tensors(item.source, current, names)
            first = len(self.builder.layers)
            copies: Mapping[str, Entry] = {}
            segment = item.name or ("" if item.bare else segments.take(item.target))
            if item.plain:
                current = self.once(item, entering, frame, frame.values, segment)
            else:
                current, copies = self.copies(item, entering, frame, segment)
            if not segment:
                segment = self.joint(first, segments.prefix)
            if segment:
                names.table[segment] = self.entry(item, current, first, copies)
        return current

    def entry(self, item: Item, outputs: Tensors, first: int, copies: Mapping[str, Entry]) -> Entry:
        """What the name of an item stands for, that has just been run."""
        called = self.called if item.kind == "block" else None
        return Entry(outputs, first, len(self.builder.layers), copies, called)

    def joint(self, first: int, prefix: str) -> str:
        """The segment of the layer that joins the branches of a structure without a name, where there is one."""
        if len(self.builder.layers) == first:
            return ""
        path = self.builder.layers[-1].name[len(prefix) :]
        return "" if "." in path else path

    def copies(self, item: Item, current: Tensors, frame: Frame, segment: str) -> tuple[Tensors, Mapping[str, Entry]]:
        """Run an item as often as `for` and `repeat` say, where `if` allows."""
        if item.loop is None and item.repeat is None:
            return self.copy(item, current, frame, frame.values, segment, ""), {}
        found: dict[str, Entry] = {}
        rows = [()] if item.loop is None else self.rows(item.loop, current, frame)
        for row, columns in enumerate(rows):
            first, inner = len(self.builder.layers), found
            values = Values(frame.values)
            number = ""
            if item.loop is not None:
                self.step(item)
                number = f".{row}"
                values["i"] = values["row"] = row
                env = self.env(frame, values, current)
                values.update({name: cell.get(env) for name, cell in columns})
            if item.repeat is None:
                current = self.copy(item, current, frame, values, segment, number)
            else:
                if item.loop is not None:
                    inner = {}
                for i in range(self.times(item, self.env(frame, values, current))):
                    self.step(item)
                    start = len(self.builder.layers)
                    current = self.copy(item, current, frame, Values(values, i=i), segment, f"{number}.{i}")
                    inner[str(i)] = self.entry(item, current, start, {})
            if item.loop is not None:
                found[str(row)] = self.entry(item, current, first, inner if item.repeat else {})
        return current, found

    def rows(self, loop: Loop, current: Tensors, frame: Frame) -> Sequence[tuple[tuple[str, Cell], ...]]:
        """The names and cells of each row."""
        if loop.columns is None:
            return [tuple(zip(loop.names, row, strict=True)) for row in loop.rows]
        env = self.env(frame, Values(frame.values, row=0, i=0), current)
        columns = []
        for name, cell in zip(loop.names, loop.columns, strict=True):
            column = cell.get(env)
            if not isinstance(column, tuple):
                error = CostcalcError("the column {} is no list", name, help="a column gives one value for each copy")
                raise located(error, cell.node.span)
            columns.append([(name, Cell(cell.node, value)) for value in column])
        if len({len(column) for column in columns}) != 1:
            lengths = ", ".join(f"{name} has {len(column)}" for name, column in zip(loop.names, columns, strict=True))
            help = "each column has a value for each copy"
            raise located(CostcalcError("the columns of for differ in length: {}", lengths, help=help), loop.node.span)
        return list(zip(*columns, strict=True))

    def times(self, item: Item, env: Env) -> int:
        """How often `repeat` repeats."""
        assert item.repeat is not None
        try:
            count = operator.index(natural(item.repeat.get(env)))
        except ArgumentError as fault:
            raise located(CostcalcError("repeat: " + fault.message, *fault.values), item.repeat.node.span) from None
        if count > self.meter.left:
            error = LimitError("{:,} copies, of at most {:,} layers", count, self.builder.max_layers)
            raise located(error, item.repeat.node.span)
        return count

    def step(self, item: Item, count: int = 1) -> None:
        """Count an item, a copy or a connection, which may add no layer."""
        try:
            self.meter.spend(STEP * count)
        except LimitError as error:
            raise located(error, item.span) from None

    def copy(self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str) -> Tensors:
        """Run one copy, or pass the tensor through where `if` leaves it out."""
        if item.condition is not None:
            env = self.env(frame, values, current)
            value = item.condition.get(env)
            try:
                wanted = value if type(value) is bool else truth(value)
            except ExpressionError as error:
                raise located(error, item.condition.node.span) from None
            if not wanted:
                return current
        if item.share is None or self.shared is not None:
            return self.once(item, current, frame, values, segment, number)
        entry = self.shareable(item.share, number, frame.names)
        self.shared = iter(self.weights(item.share, entry))
        try:
            outputs = self.once(item, current, frame, values, segment, number)
            if item.kind == "block" and self.called != entry.called:
                help = "share is between calls of one block with the same argument values"
                other = CostcalcError("{} is no {} with these arguments", item.share.name, item.target, help=help)
                raise located(other, item.share.span)
            if next(self.shared, None) is not None:
                help = f"{item.share.name} is repeated: {item.share.name}.0 is its first copy" if entry.copies else ""
                left = CostcalcError("{} has more weights than this {}", item.share.name, item.target, help=help)
                raise located(left, item.share.span)
        finally:
            self.shared = None
        return outputs

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
        self.meter.spend(len(chosen))
        return [index if (root := layers[index].shared) is None else root for index in chosen]

    # One copy

    def once(
        self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str = ""
    ) -> Tensors:
        """Run an item once, at its path."""
        if item.kind == "op":
            return self.op(item, current, frame, values, segment, number)
        prefix = frame.segments.prefix
        segments = Segments(f"{prefix}{segment}{number}.", ()) if segment else frame.segments
        if item.kind == "block":
            return self.call(item, current, frame, values, segments)
        if item.kind == "group":
            (branch,) = item.branches
            segments.given = _given(branch.items)
            return self.run(branch.items, current, self.inner(frame, values, segments))
        if item.kind == "residual":
            return self.residual(item, current, frame, values, segments)
        return self.join(item, current, frame, values, segments)

    def inner(self, frame: Frame, values: Values, segments: Segments) -> Frame:
        """The frame of a list inside another: a group or a branch."""
        return Frame(Values(values), Names(frame.names), segments, frame.entered, frame.depth + 1)

    def branch(
        self,
        items: tuple[Item, ...],
        wanted: str,
        current: Tensors,
        frame: Frame,
        values: Values,
        segments: Segments,
        given: Span | None = None,
    ) -> Tensors:
        """Run one path of a structure under a segment of its own."""
        segment = segments.take(wanted) if given is None else wanted
        scope = Segments(f"{segments.prefix}{segment}.", _given(items))
        return self.run(items, current, self.inner(frame, values, scope))

    def residual(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """The body's result, with the input or the shortcut's result added unless `skip` is false."""
        self.single(item, current)
        skip = True
        if item.skip is not None:
            value = item.skip.get(self.env(frame, values, current))
            try:
                skip = value if type(value) is bool else truth(value)
            except ExpressionError as error:
                raise located(error, item.skip.node.span) from None
        body, *shortcut = item.branches
        result = self.branch(body.items, body.segment, current, frame, values, segments)
        if not skip:
            return result
        other = current
        for path in shortcut:
            other = self.branch(path.items, path.segment, current, frame, values, segments)
        add = ops.REGISTRY["add"]()
        channels = result[0].shape[0] if result and result[0].shape else "..."
        help = f"a shortcut that changes the shape as the body does: shortcut: [conv: {{out: {channels}, kernel: 1}}]"
        if result and other and result[0].shape[:1] == other[0].shape[:1]:
            help = "padding: same, or kernel // 2, keeps the size; strides of the body belong to the shortcut too"
        return self.layer(item, add, result + other, f"{segments.prefix}{segments.take('add')}", help=help)

    def join(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Branches on the same input, and the op that joins them."""
        results: list[Tensor] = []
        for branch in item.branches:
            results += self.branch(branch.items, branch.segment, current, frame, values, segments, branch.given)
        op = self.make(item, self.env(frame, values, current))
        return self.layer(item, op, tuple(results), f"{segments.prefix}{segments.take(item.target)}")

    def call(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """A block, which sees its arguments and the file's params only."""
        assert item.block is not None
        block = item.block()
        if frame.depth >= MAX_DEPTH:
            raise located(LimitError("blocks nested more than {} deep", MAX_DEPTH), item.span)
        env = self.env(frame, values, current)
        given = {name: cell.get(env) for name, cell in item.args}
        inside = Values(self.params)
        shape = current[0].shape if current else None
        within = Env(inside, shape, shape, self.params, self.meter)
        self.step(item, 1 + len(block.arguments) // 10)
        for name, default in block.arguments:
            if name in given:
                inside[name] = given[name]
            else:
                assert default is not None
                inside[name] = default.get(within)
        names = Names(None, {"input": Entry(current)} if current else None)
        segments.given = _given(block.items)
        self.calls.append(f"block {block.name}, called in {item.span.source.name}:{item.span.line}")
        result = self.run(block.items, current, Frame(inside, names, segments, current, frame.depth + 1))
        self.calls.pop()
        self.called = Called(block, tuple([inside[name] for name, _ in block.arguments]))
        return result

    def op(self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str) -> Tensors:
        """An op, and the norm and act that its arguments ask for."""
        env = self.env(frame, values, current)
        op = item.fixed or self.make(item, env)
        host = len(self.builder.layers)
        self.single(item, current, 1 if op.arity[1] is not None else len(current))
        result = self.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}")
        for cell in (item.norm, item.act):
            if cell is not None:
                result = self.follow(item, cell, result, frame, env, host, number)
        return result

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

    def follow(
        self, item: Item, cell: Cell, current: Tensors, frame: Frame, env: Env, host: int, number: str
    ) -> Tensors:
        """The layer that `norm` or `act` adds behind an op."""
        value = cell.get(env)
        names: Values = Values({})
        follower: Item | None
        if isinstance(value, Bound):
            follower, names = value.item, Values(value.names)
        elif isinstance(value, Word):
            follower = self.compiler.late_follower(cell, value)
        else:
            error = CostcalcError(
                "expected the name of an op, or none, got {}", value, help="for example norm: batchnorm"
            )
            raise located(error, cell.node.span)
        if follower is None:
            return current
        key = (id(item), follower.target)
        segment = frame.followers.get(key) if number else None
        if segment is None:
            segment = frame.followers[key] = frame.segments.take(follower.target)
        first = len(self.builder.layers)
        if follower.kind == "op":
            op = follower.fixed or self.make(follower, Env(names, current[0].shape, env.block, self.params, self.meter))
            current = self.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}", host)
        else:
            current = self.once(follower, current, frame, names, segment, number)
        frame.names.table[segment] = self.entry(follower, current, first, {})
        return current

    def make(self, item: Item, env: Env) -> Op:
        """The op of an item with its arguments."""
        if item.fixed is not None:
            return item.fixed
        assert item.op is not None
        values = tuple([cell.get(env) for _, cell in item.args])
        try:
            op = self.made.get((item, values))
            if op is None:
                op = item.op(**{name: value for (name, _), value in zip(item.args, values, strict=True)})
                self.made[item, values] = op
            return op
        except ArgumentError as error:
            node = item.argument(error.argument)
            failed = SpecError([argument_fault(error, item, node.span if node else item.span)])
            failed.cause = error
            raise failed from None

    def layer(self, item: Item, op: Op, inputs: Tensors, name: str, host: int | None = None, help: str = "") -> Tensors:
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
            outputs = self.builder.add(op, inputs, name, item.span, host, share)
            if share is not None or _weighs(self.builder.layers[-1].cost):
                self.weighted.append(len(self.builder.layers) - 1)
            if len(outputs) > 1:
                self.step(item, len(outputs))
            return outputs
        except CostcalcError as error:
            origins = [f"{show(tensor.shape)} from {self.origin(tensor)}" for tensor in inputs[:8]]
            notes = [f"{op} in layer {name}", f"its input: {', '.join(origins)}", *reversed(self.calls[-3:])]
            failed = located(error, item.span, *notes)
            if help:
                failed.faults = (failed.faults[0]._replace(help=help),)
            raise failed from None

    # Names and values

    def origin(self, tensor: Tensor) -> str:
        """The name of the layer or input that a tensor comes from."""
        if tensor.layer < 0:
            return list(self.builder.inputs)[-1 - tensor.layer]
        return self.builder.layers[tensor.layer].name

    def env(self, frame: Frame, values: Values, current: Tensors) -> Env:
        """What an expression sees here."""
        entered, shape = frame.entered, current[0].shape if current else None
        return Env(values, shape, entered[0].shape if entered else None, self.params, self.meter)

    def tensors(self, references: tuple[Reference, ...], current: Tensors, names: Names) -> Tensors:
        """What the names of a `from` stand for."""
        found: list[Tensor] = []
        for reference in references:
            try:
                outputs = names.find(reference.name, current).outputs
                self.meter.spend(STEP // 10 * len(outputs))
                found += outputs
            except CostcalcError as error:
                raise located(error, reference.span) from None
        return tuple(found)


def _given(items: tuple[Item, ...]) -> frozenset[str]:
    names = [item.name for item in items if item.name]
    for item in items:
        if item.bare:
            names.extend(branch.segment for branch in item.branches if branch.given is not None)
    return frozenset(names)


def _weighs(cost: Cost) -> bool:
    return bool(cost.params.terms or cost.buffers.terms)
