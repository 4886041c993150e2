"""Runs compiled templates: evaluates arguments, unrolls loops, follows names, and gives each layer to the engine."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from costcalc.engine import Builder, LimitError
from costcalc.errors import ArgumentError, CostcalcError, ExpressionError, ShapeError, SpecError
from costcalc.ops import base as ops
from costcalc.ops.kinds import natural, show
from costcalc.spec.calls import argument_fault
from costcalc.spec.functions import Word, truth
from costcalc.spec.names import Entry, Names, Segments
from costcalc.spec.template import Bound, Cell, Env, located

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.errors import Span
    from costcalc.formula import Shape
    from costcalc.model import Cost, Network, Tensor
    from costcalc.ops.base import Op
    from costcalc.spec.compiler import Compiler
    from costcalc.spec.template import Item, Loop, Reference

MAX_DEPTH = 100
Tensors = tuple["Tensor", ...]
Values = dict[str, Any]


class Frame:
    """Where a list of layers stands: its names, the values it sees, its path, and the tensor that entered its block."""

    __slots__ = ("block", "depth", "entered", "followers", "names", "segments", "values")

    def __init__(
        self, values: Mapping[str, Any], names: Names, segments: Segments, entered: Tensors, block: str, depth: int
    ) -> None:
        self.values = values
        self.names = names
        self.segments = segments
        self.entered = entered
        self.block = block
        self.depth = depth
        self.followers: dict[tuple[int, str], str] = {}


class Run:
    """One network in the making."""

    def __init__(self, compiler: Compiler, params: Mapping[str, Any], inputs: Mapping[str, Shape], limit: int) -> None:
        self.compiler = compiler
        self.params = params
        self.builder = Builder(inputs, limit)
        self.steps = 0
        self.shared: Iterator[int] | None = None
        self.calls: list[str] = []
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
        frame = Frame(self.params, names, Segments("", _given(items)), entered, "", 0)
        return self.run(items, entered, frame), names

    # Lists and items

    def run(self, items: tuple[Item, ...], current: Tensors, frame: Frame) -> Tensors:
        """Run a list of layers on a tensor."""
        if frame.depth > MAX_DEPTH:
            raise located(LimitError("layers nested more than {} deep", MAX_DEPTH), items[0].span if items else None)
        names, segments = frame.names, frame.segments
        for item in items:
            if item.kind == "let":
                values = {**frame.values}
                env = self.env(frame, values, current)
                for name, cell in item.args:
                    values[name] = cell.get(env)
                frame.values = values
                continue
            entering = current if item.source is None else self.tensors(item.source, current, names)
            first = len(self.builder.layers)
            copies: Mapping[str, Entry] = {}
            if item.plain:
                segment = item.name or (segments.take(item.target) if item.kind not in ("residual", "join") else "")
                current = self.once(item, entering, frame, frame.values, segment)
                if not segment and len(self.builder.layers) > first and item.kind in ("residual", "join"):
                    segment = self.builder.layers[-1].name.rpartition(".")[2]
            else:
                segment = item.name or (
                    segments.take(item.target)
                    if item.kind not in ("residual", "join") or item.repeat or item.loop
                    else ""
                )
                current, copies = self.copies(item, entering, frame, segment)
            if segment:
                names.table[segment] = Entry(current, first, len(self.builder.layers), copies)
        return current

    def copies(self, item: Item, current: Tensors, frame: Frame, segment: str) -> tuple[Tensors, Mapping[str, Entry]]:
        """Run an item as often as `for` and `repeat` say, where `if` allows."""
        if item.loop is None and item.repeat is None:
            return self.copy(item, current, frame, frame.values, segment, ""), {}
        found: dict[str, Entry] = {}
        rows = [()] if item.loop is None else self.rows(item.loop, current, frame)
        for row, columns in enumerate(rows):
            first, inner = len(self.builder.layers), found
            values: Values = {**frame.values}
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
                    start = len(self.builder.layers)
                    current = self.copy(item, current, frame, {**values, "i": i}, segment, f"{number}.{i}")
                    inner[str(i)] = Entry(current, start, len(self.builder.layers))
            if item.loop is not None:
                found[str(row)] = Entry(current, first, len(self.builder.layers), inner if item.repeat else {})
        return current, found

    def rows(self, loop: Loop, current: Tensors, frame: Frame) -> Sequence[tuple[tuple[str, Cell], ...]]:
        """The names and cells of each row."""
        if loop.columns is None:
            return [tuple(zip(loop.names, row, strict=True)) for row in loop.rows]
        env = self.env(frame, {**frame.values, "row": 0, "i": 0}, current)
        columns = []
        for name, cell in zip(loop.names, loop.columns, strict=True):
            column = cell.get(env)
            if not isinstance(column, tuple):
                error = CostcalcError("the column {} is no list", name, help="a column gives one value for each copy")
                raise located(error, cell.node.span)
            columns.append([(name, Cell(cell.node, value)) for value in column])
        if len({len(column) for column in columns}) != 1:
            lengths = ", ".join(f"{name} has {len(column)}" for name, column in zip(loop.names, columns, strict=True))
            raise located(CostcalcError("the columns of for differ in length: {}", lengths), loop.node.span)
        return list(zip(*columns, strict=True))

    def times(self, item: Item, env: Env) -> int:
        """How often `repeat` repeats."""
        assert item.repeat is not None
        try:
            count = operator.index(natural(item.repeat.get(env)))
        except ArgumentError as fault:
            raise located(CostcalcError("repeat: " + fault.message, *fault.values), item.repeat.node.span) from None
        if count > self.most_steps:
            error = LimitError("{:,} copies, of at most {:,} layers", count, self.builder.max_layers)
            raise located(error, item.repeat.node.span)
        return count

    @property
    def most_steps(self) -> int:
        """The number of layers, left out or not, groups and copies that a network may be written with."""
        return 3 * self.builder.max_layers + 1000

    def step(self, item: Item) -> None:
        """Count work that may add no layer, so that loops over nothing end too."""
        self.steps += 1
        if self.steps > self.most_steps:
            error = LimitError(
                "more than {:,} layers and copies", self.most_steps, help="--max-layers raises the limit"
            )
            raise located(error, item.span)

    def copy(
        self, item: Item, current: Tensors, frame: Frame, values: Mapping[str, Any], segment: str, number: str
    ) -> Tensors:
        """Run one copy, or pass the tensor through where `if` leaves it out."""
        if item.condition is not None:
            env = self.env(frame, values, current)
            value = item.condition.get(env)
            try:
                wanted = value if type(value) is bool else truth(value)
            except ExpressionError as error:
                raise located(error, item.condition.node.span) from None
            if not wanted:
                self.step(item)
                return current
        if item.share is None or self.shared is not None:
            return self.once(item, current, frame, values, segment, number)
        weights = self.weights(item.share, number, frame.names)
        self.shared = iter(weights)
        try:
            outputs = self.once(item, current, frame, values, segment, number)
            if next(self.shared, None) is not None:
                left = CostcalcError("{} has more weights than this {}", item.share.name, item.target)
                raise located(left, item.share.span)
        finally:
            self.shared = None
        return outputs

    def weights(self, share: Reference, number: str, names: Names) -> list[int]:
        """The layers behind a name that have weights, each where it is first used."""
        try:
            entry = names.find(share.name)
            if entry.copies and number:
                entry = names.find(share.name + number)
        except CostcalcError as unknown:
            raise located(unknown, share.span) from None
        roots = [(index, self.builder.layers[index]) for index in range(entry.first, entry.last)]
        found = [
            index if layer.shared is None else layer.shared
            for index, layer in roots
            if _weighs(layer.cost) or layer.shared is not None
        ]
        if not found:
            raise located(CostcalcError("{} has no weights to share", share.name), share.span)
        return found

    # One copy

    def once(
        self, item: Item, current: Tensors, frame: Frame, values: Mapping[str, Any], segment: str, number: str = ""
    ) -> Tensors:
        """Run an item once, at its path."""
        self.steps += 1
        if self.steps > self.most_steps:
            self.step(item)
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

    def inner(self, frame: Frame, values: Mapping[str, Any], segments: Segments) -> Frame:
        """The frame of a list inside another: a group or a branch."""
        return Frame(values, Names(frame.names), segments, frame.entered, frame.block, frame.depth + 1)

    def branch(
        self,
        items: tuple[Item, ...],
        wanted: str,
        current: Tensors,
        frame: Frame,
        values: Mapping[str, Any],
        segments: Segments,
        given: Span | None = None,
    ) -> Tensors:
        """Run one path of a structure under a segment of its own."""
        segment = segments.take(wanted) if given is None else wanted
        scope = Segments(f"{segments.prefix}{segment}.", _given(items))
        return self.run(items, current, self.inner(frame, values, scope))

    def residual(
        self, item: Item, current: Tensors, frame: Frame, values: Mapping[str, Any], segments: Segments
    ) -> Tensors:
        """The body's result, with the input or the shortcut's result added unless `skip` is false."""
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
        return self.layer(item, add, result + other, f"{segments.prefix}{segments.take('add')}", help=help)

    def join(
        self, item: Item, current: Tensors, frame: Frame, values: Mapping[str, Any], segments: Segments
    ) -> Tensors:
        """Branches on the same input, and the op that joins them."""
        results: Tensors = ()
        for branch in item.branches:
            results += self.branch(branch.items, branch.segment, current, frame, values, segments, branch.given)
        op = self.make(item, self.env(frame, values, current))
        return self.layer(item, op, results, f"{segments.prefix}{segments.take(item.target)}")

    def call(
        self, item: Item, current: Tensors, frame: Frame, values: Mapping[str, Any], segments: Segments
    ) -> Tensors:
        """A block, which sees its arguments and the file's params only."""
        assert item.block is not None
        block = item.block()
        if frame.depth >= MAX_DEPTH:
            raise located(LimitError("blocks nested more than {} deep", MAX_DEPTH), item.span)
        env = self.env(frame, values, current)
        given = {name: cell.get(env) for name, cell in item.args}
        inside: Values = {**self.params}
        shape = current[0].shape if current else None
        for name, default in block.arguments:
            if name in given:
                inside[name] = given[name]
            else:
                assert default is not None
                inside[name] = default.get(Env(inside, shape, shape, self.params))
        names = Names(None, {"input": Entry(current)} if current else None)
        segments.given = _given(block.items)
        self.calls.append(f"block {block.name}, called in {item.span.source.name}:{item.span.line}")
        result = self.run(block.items, current, Frame(inside, names, segments, current, block.name, frame.depth + 1))
        self.calls.pop()
        return result

    def op(
        self, item: Item, current: Tensors, frame: Frame, values: Mapping[str, Any], segment: str, number: str
    ) -> Tensors:
        """An op, and the norm and act that its arguments ask for."""
        env = self.env(frame, values, current)
        op = item.fixed or self.make(item, env)
        host = len(self.builder.layers)
        if not current:
            raise located(
                CostcalcError(
                    "{} has no input: the network has several, and none is said", item.target, help="from: ..."
                ),
                item.span,
            )
        if len(current) > (1 if item.source is None else len(item.source)) and op.arity[1] is not None:
            error = CostcalcError(
                "{} cannot take all {} outputs of a layer",
                item.target,
                len(current),
                help="from: NAME.0 chooses the first",
            )
            raise located(error, item.span)
        result = self.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}")
        for cell in (item.norm, item.act):
            if cell is not None:
                result = self.follow(item, cell, result, frame, env, host, number)
        return result

    def follow(
        self, item: Item, cell: Cell, current: Tensors, frame: Frame, env: Env, host: int, number: str
    ) -> Tensors:
        """The layer that `norm` or `act` adds behind an op."""
        value = cell.get(env)
        names: Mapping[str, Any] = {}
        follower: Item | None
        if isinstance(value, Bound):
            follower, names = value
        elif isinstance(value, Word):
            follower = self.compiler.follower(cell, value)
        else:
            error = CostcalcError(
                "expected the name of an op, or none, got {}", value, help="for example norm: batchnorm"
            )
            raise located(error, cell.node.span)
        if self.compiler.faults:
            raise SpecError(self.compiler.faults)
        if follower is None:
            return current
        key = (id(item), follower.target)
        segment = frame.followers.get(key) if number else None
        if segment is None:
            segment = frame.followers[key] = frame.segments.take(follower.target)
        first = len(self.builder.layers)
        if follower.kind == "op":
            op = follower.fixed or self.make(follower, Env(names, current[0].shape, env.block, self.params))
            current = self.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}", host)
        else:
            current = self.once(follower, current, frame, names, segment, number)
        frame.names.table[segment] = Entry(current, first, len(self.builder.layers))
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
            failed = SpecError([argument_fault(error, item, node.span if node else item.span)], self.partial())
            failed.cause = error
            raise failed from None

    def layer(self, item: Item, op: Op, inputs: Tensors, name: str, host: int | None = None, help: str = "") -> Tensors:
        """Give a layer to the engine; an error gets the layer's name, its inputs and its place."""
        try:
            share = None
            if self.shared is not None and _weighs(self.builder.infer(op, tuple([t.shape for t in inputs]))[1]):
                share = next(self.shared, None)
                if share is None:
                    raise ShapeError("{} has weights that what it shares has not", op.name)
            return self.builder.add(op, inputs, name, item.span, host, share)
        except CostcalcError as error:
            origins = [f"{show(tensor.shape)} from {self.origin(tensor)}" for tensor in inputs[:8]]
            notes = [f"{op} in layer {name}", f"its input: {', '.join(origins)}", *reversed(self.calls[-3:])]
            failed = located(error, item.span, *notes)
            if help:
                failed.faults = (failed.faults[0]._replace(help=help),)
            failed.partial = self.partial()
            raise failed from None

    # Names and values

    def origin(self, tensor: Tensor) -> str:
        """The name of the layer or input that a tensor comes from."""
        if tensor.layer < 0:
            return list(self.builder.inputs)[-1 - tensor.layer]
        return self.builder.layers[tensor.layer].name

    def partial(self) -> Network:
        """The network as far as it has come."""
        return self.builder.network("", {})

    def env(self, frame: Frame, values: Mapping[str, Any], current: Tensors) -> Env:
        """What an expression sees here."""
        entered = frame.entered
        return Env(values, current[0].shape if current else None, entered[0].shape if entered else None, self.params)

    def tensors(self, references: tuple[Reference, ...], current: Tensors, names: Names) -> Tensors:
        """What the names of a `from` stand for."""
        found: Tensors = ()
        for reference in references:
            if reference.name == "prev":
                found += current
                continue
            try:
                found += names.find(reference.name).outputs
            except CostcalcError as error:
                failed = located(error, reference.span)
                failed.partial = self.partial()
                raise failed from None
        return found


def _given(items: tuple[Item, ...]) -> frozenset[str]:
    names = [item.name for item in items if item.name]
    for item in items:
        if item.kind == "join" and not item.name:
            names.extend(branch.segment for branch in item.branches if branch.given is not None)
    return frozenset(names)


def _weighs(cost: Cost) -> bool:
    return bool(cost.params.terms or cost.buffers.terms)
