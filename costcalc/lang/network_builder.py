"""Runs templates: evaluates arguments, unrolls loops, resolves names, and adds layers to the network."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from costcalc.engine import LimitError
from costcalc.errors import ArgumentError, CostcalcError, ExpressionError, SpecError
from costcalc.lang.call_compiler import BUILTIN
from costcalc.lang.functions import Word, truth
from costcalc.lang.layer_builder import STEP, LayerBuilder, Tensors
from costcalc.lang.names import NameEntry, Names, Segments
from costcalc.lang.replay import Called, Recording, Recordings
from costcalc.lang.shape_fixes import residual_repair
from costcalc.lang.template import NONE, Bound, Cell, Env, Values, located
from costcalc.ops import base as ops
from costcalc.ops.argument_types import natural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.errors import Fault, Span
    from costcalc.formula import Shape
    from costcalc.lang.call_compiler import Calls
    from costcalc.lang.template import Block, Item, Loop, Reference
    from costcalc.model import Tensor

MAX_DEPTH = 100
"""The largest nesting depth of lists of layers, including groups, branches and blocks."""
MAX_CALLS = 3
"""The largest number of block calls in the notes of a fault, the innermost first."""


class Frame:
    """The state of a running list of layers: names, values, path segments, and the input of the block."""

    __slots__ = ("depth", "entered", "followers", "names", "segments", "values")

    def __init__(self, values: Values, names: Names, segments: Segments, entered: Tensors, depth: int) -> None:
        self.values = values
        self.names = names
        self.segments = segments
        self.entered = entered
        self.depth = depth
        self.followers: dict[tuple[Item, str], str] = {}


class NetworkBuilder:
    """Runs the templates of one network."""

    def __init__(
        self, compiler: Calls, params: Mapping[str, Any], inputs: Mapping[str, Shape], max_layers: int
    ) -> None:
        self.followers = compiler.followers
        self.follower_error = compiler.follower_error
        self.params = params
        self.layers = LayerBuilder(inputs, max_layers)
        self.recordings = Recordings(self.layers)
        self.called: Called | None = None
        """The last block call."""

    def network(self, items: tuple[Item, ...]) -> tuple[Tensors, Names]:
        """Build the network. Raises `SpecError` with location and notes at the first fault."""
        names = Names()
        inputs = self.layers.builder.inputs
        for name in inputs:
            names.table[name] = NameEntry((self.layers.builder.input(name),))
        entered: Tensors = (self.layers.builder.input(next(iter(inputs))),) if len(inputs) == 1 else ()
        if entered:
            names.table.setdefault("input", NameEntry(entered))
        segments = Segments("", _given(items).union(inputs) - {"input"})
        frame = Frame(Values(self.params), names, segments, entered, 0)
        return self.run(items, entered, frame), names

    # Lists and items

    def run(self, items: tuple[Item, ...], current: Tensors, frame: Frame) -> Tensors:
        """Run a list of layers on a tensor."""
        if frame.depth > MAX_DEPTH:
            raise located(
                LimitError("layers are nested more than {} levels deep", MAX_DEPTH), items[0].span if items else None
            )
        names, segments = frame.names, frame.segments
        for item in items:
            self.layers.step(item)
            if item.kind == "let":
                frame.values = values = frame.values.copy()
                self.layers.work_budget.spend(len(values))
                env = self.env(frame, values, current)
                for name, cell in item.args:
                    values[name] = cell.get(env)
                continue
            entering = current if item.source is None else self.tensors(item.source, current, names)
            first = len(self.layers.builder.layers)
            copies: Mapping[str, NameEntry] = {}
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

    def entry(self, item: Item, outputs: Tensors, first: int, copies: Mapping[str, NameEntry]) -> NameEntry:
        """Return the entry for the name of an item that has just run."""
        called = self.called if item.kind == "block" else None
        return NameEntry(outputs, first, len(self.layers.builder.layers), copies, called)

    def joint(self, first: int, prefix: str) -> str:
        """Return the segment of the layer that joins the branches of an unnamed structure, if any."""
        if len(self.layers.builder.layers) == first:
            return ""
        path = self.layers.builder.layers[-1].name[len(prefix) :]
        return "" if "." in path else path

    def copies(
        self, item: Item, current: Tensors, frame: Frame, segment: str
    ) -> tuple[Tensors, Mapping[str, NameEntry]]:
        """Run the copies of an item, as given by `for`, `repeat` and `if`."""
        if item.loop is None and item.repeat is None:
            return self.copy(item, current, frame, frame.values, segment, ""), {}
        entries: dict[str, NameEntry] = {}
        rows = [()] if item.loop is None else self.rows(item.loop, current, frame)
        for row, columns in enumerate(rows):
            first, inner = len(self.layers.builder.layers), entries
            values = Values(frame.values)
            number = ""
            if item.loop is not None:
                self.layers.step(item)
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
                    self.layers.step(item)
                    start = len(self.layers.builder.layers)
                    current = self.copy(item, current, frame, Values(values, i=i), segment, f"{number}.{i}")
                    inner[str(i)] = self.entry(item, current, start, {})
            if item.loop is not None:
                entries[str(row)] = self.entry(item, current, first, inner if item.repeat else {})
        return current, entries

    def rows(self, loop: Loop, current: Tensors, frame: Frame) -> Sequence[tuple[tuple[str, Cell], ...]]:
        """Return the names and cells of each row."""
        if loop.columns is None:
            return [tuple(zip(loop.names, row, strict=True)) for row in loop.rows]
        env = self.env(frame, Values(frame.values, row=0, i=0), current)
        columns = []
        for name, cell in zip(loop.names, loop.columns, strict=True):
            column = cell.get(env)
            if not isinstance(column, tuple):
                help = "write one value for each copy"
                error = CostcalcError("column {}: expected a list, got {}", name, column, help=help)
                raise located(error, cell.node.span)
            columns.append([(name, Cell(cell.node, value)) for value in column])
        if len({len(column) for column in columns}) != 1:
            lengths = ", ".join(f"{name} has {len(column)}" for name, column in zip(loop.names, columns, strict=True))
            help = "write one value for each copy in every column"
            raise located(CostcalcError("the columns of for differ in length: {}", lengths, help=help), loop.node.span)
        return list(zip(*columns, strict=True))

    def times(self, item: Item, env: Env) -> int:
        """Return the number of copies of `repeat`. Raises `SpecError` before the first copy if they exceed a limit."""
        assert item.repeat is not None
        try:
            count = operator.index(natural(item.repeat.get(env)))
        except ArgumentError as fault:
            raise located(CostcalcError("repeat: " + fault.message, *fault.values), item.repeat.node.span) from None
        most = self.layers.builder.max_layers
        if count > self.layers.work_budget.left // STEP:  # each copy is one step
            error = LimitError("{:,} copies exceed the limit of {:,} layers", count, most)
            raise located(error, item.repeat.node.span)
        if item.kind == "op" and item.condition is None and count > most - len(self.layers.builder.layers):
            # Each copy is one layer, so the limit is exceeded in any case.
            raise located(self.layers.builder.too_many_layers(), item.span)
        return count

    def copy(self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str) -> Tensors:
        """Run one copy, or return the input if the condition is false."""
        if item.condition is not None:
            env = self.env(frame, values, current)
            value = item.condition.get(env)
            try:
                wanted = value if type(value) is bool else truth(value)
            except ExpressionError as error:
                raise located(error, item.condition.node.span) from None
            if not wanted:
                return current
        if item.share is None or self.layers.shared is not None:
            return self.once(item, current, frame, values, segment, number)
        entry = self.shareable(item.share, number, frame.names)
        self.layers.shared = iter(self.layers.weights(item.share, entry))
        try:
            outputs = self.once(item, current, frame, values, segment, number)
            if item.kind == "block" and self.called != entry.called:
                help = "name a call of the same block with equal argument values"
                message = "cannot share {}: it is not a {} with the same arguments"
                other = CostcalcError(message, item.share.name, item.target, help=help)
                raise located(other, item.share.span)
            if next(self.layers.shared, None) is not None:
                help = f"write {item.share.name}.0 for the first copy" if entry.copies else ""
                left = CostcalcError("{} has more weights than this {}", item.share.name, item.target, help=help)
                raise located(left, item.share.span)
        finally:
            self.layers.shared = None
        return outputs

    def shareable(self, share: Reference, number: str, names: Names) -> NameEntry:
        """Return the entry of a name in `share`. A repeated item shares copy by copy."""
        try:
            entry = names.find(share.name)
            return names.find(share.name + number) if entry.copies and number else entry
        except CostcalcError as unknown:
            raise located(unknown, share.span) from None

    def env(self, frame: Frame, values: Values, current: Tensors) -> Env:
        """Return the environment of an expression."""
        entered, shape = frame.entered, current[0].shape if current else None
        return Env(values, shape, entered[0].shape if entered else None, self.params, self.layers.work_budget)

    def tensors(self, references: tuple[Reference, ...], current: Tensors, names: Names) -> Tensors:
        """Return the tensors that the names in `from` refer to."""
        tensors: list[Tensor] = []
        for reference in references:
            try:
                outputs = names.find(reference.name, current).outputs
                self.layers.work_budget.spend(STEP // 10 * len(outputs))
                tensors += outputs
            except CostcalcError as error:
                raise located(error, reference.span) from None
        return tuple(tensors)

    # One copy

    def once(
        self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str = ""
    ) -> Tensors:
        """Run an item once."""
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
        """Return the frame of a nested list: a group or a branch."""
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
        """Run a branch of a structure, with its own path segment."""
        segment = segments.take(wanted) if given is None else wanted
        scope = Segments(f"{segments.prefix}{segment}.", _given(items))
        return self.run(items, current, self.inner(frame, values, scope))

    def residual(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Run a residual: the body, plus the input or the shortcut unless `skip` is false."""
        self.layers.single(item, current)
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
        name = f"{segments.prefix}{segments.take('add')}"
        return self.layers.layer(item, add, result + other, name, repair=lambda: residual_repair(item, result, other))

    def join(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Run branches on the same input, and the op that joins them."""
        results: list[Tensor] = []
        for branch in item.branches:
            results += self.branch(branch.items, branch.segment, current, frame, values, segments, branch.given)
        op = self.layers.make(item, self.env(frame, values, current))
        return self.layers.layer(item, op, tuple(results), f"{segments.prefix}{segments.take(item.target)}")

    def call(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Run the call of a block. Its layers can use its arguments and the params of the spec only."""
        assert item.block is not None
        block = item.block()
        if frame.depth >= MAX_DEPTH:
            raise located(LimitError("blocks are nested more than {} levels deep", MAX_DEPTH), item.span)
        env = self.env(frame, values, current)
        given = {name: cell.get(env) for name, cell in item.args}
        inside = Values(self.params)
        shape = current[0].shape if current else None
        within = Env(inside, shape, shape, self.params, self.layers.work_budget)
        self.layers.step(item, 1 + len(block.arguments) // 10)
        for name, default in block.arguments:
            if name in given:
                inside[name] = given[name]
            else:
                assert default is not None
                inside[name] = default.get(within)
        called = Called(block, tuple([inside[name] for name, _ in block.arguments]))
        outer = self.layers.site
        self.layers.site = item.span if block.builtin and outer is None else outer
        try:
            result = self.recorded(called, current, Frame(inside, Names(), segments, current, frame.depth + 1))
        except SpecError as error:
            outermost = self.layers.site is not outer
            error.faults = tuple(_called(fault, item, outermost=outermost) for fault in error.faults)
            raise
        finally:
            self.layers.site = outer
        self.called = called
        return result

    def recorded(self, called: Called, current: Tensors, frame: Frame) -> Tensors:
        """Return the outputs of a block. Copy the layers of an equal earlier call, or run the block."""
        block = called.block
        if self.layers.shared is not None or len({(tensor.layer, tensor.port) for tensor in current}) < len(current):
            return self.body(block, current, frame)
        key = self.recordings.key(called, current, frame.depth)
        recording = self.recordings.known.get(key)
        result = self.recordings.replay(recording, current, frame.segments.prefix) if recording else None
        if result is None:
            first, left = len(self.layers.builder.layers), self.layers.work_budget.left
            result = self.body(block, current, frame)
            spent, prefix = left - self.layers.work_budget.left, len(frame.segments.prefix)
            last = len(self.layers.builder.layers)
            self.recordings.known[key] = Recording(first, last, prefix, current, result, spent)
        return result

    def body(self, block: Block, current: Tensors, frame: Frame) -> Tensors:
        """Run the layers of a block."""
        if current:
            frame.names.table["input"] = NameEntry(current)
        frame.segments.given = _given(block.items)
        return self.run(block.items, current, frame)

    def op(self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str) -> Tensors:
        """Run an op, with the norm and act among its arguments."""
        env = self.env(frame, values, current)
        op = item.fixed or self.layers.make(item, env)
        host = len(self.layers.builder.layers)
        self.layers.single(item, current, 1 if op.arity[1] is not None else len(current))
        result = self.layers.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}")
        for cell in (item.norm, item.act):
            if cell is not None:
                result = self.follow(item, cell, result, frame, env, host, number)
        return result

    def follow(
        self, item: Item, cell: Cell, current: Tensors, frame: Frame, env: Env, host: int, number: str
    ) -> Tensors:
        """Run the layer that `norm` or `act` adds after an op."""
        value = cell.get(env)
        names: Values = Values({})
        follower: Item | None
        if isinstance(value, Bound):
            follower, names = value.item, Values(value.names)
        elif isinstance(value, Word):
            follower = self.followers.get(value)
            if follower is None and value != NONE:
                raise self.follower_error(cell, value)
        else:
            error = CostcalcError("expected an op or none, got {}", value, help="for example norm: batchnorm")
            raise located(error, cell.node.span)
        if follower is None:
            return current
        key = (item, follower.target)
        segment = frame.followers.get(key) if number else None
        if segment is None:
            segment = frame.followers[key] = frame.segments.take(follower.target)
        first = len(self.layers.builder.layers)
        if follower.kind == "op":
            op = follower.fixed or self.layers.make(
                follower, Env(names, current[0].shape, env.block, self.params, self.layers.work_budget)
            )
            current = self.layers.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}", host)
        else:
            current = self.once(follower, current, frame, names, segment, number)
        frame.names.table[segment] = self.entry(follower, current, first, {})
        return current


def _called(fault: Fault, item: Item, *, outermost: bool) -> Fault:
    """Add a note of the call to a fault inside a block. A fault in a built-in block gets the location of the call."""
    span, notes = fault.span, fault.notes
    if outermost and span is not None and span.source.name.startswith(BUILTIN):
        line = span.source.text.splitlines()[span.line - 1].strip()
        span, notes = item.span, (f"in block {item.target}: {line}", *notes)
    if sum(note.startswith("block ") for note in notes) < MAX_CALLS:
        notes = (*notes, f"block {item.target}, called at {item.span.source.name}:{item.span.line}")
    return fault._replace(span=span, notes=notes)


def _given(items: tuple[Item, ...]) -> frozenset[str]:
    names = [item.name for item in items if item.name]
    for item in items:
        if item.bare:
            names.extend(branch.segment for branch in item.branches if branch.given is not None)
    return frozenset(names)
