"""Runs templates: evaluates arguments, unrolls loops, resolves names, and adds layers to the network."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from costcalc.engine import LimitError
from costcalc.errors import ArgumentError, CostcalcError, ExpressionError, SpecError, counted
from costcalc.lang.call_compiler import BUILTIN
from costcalc.lang.functions import Word, truth
from costcalc.lang.layer_builder import STEP, LayerBuilder, Tensors
from costcalc.lang.names import NameEntry, Names, Segments
from costcalc.lang.references import entry_of
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
    from costcalc.lang.names import NameTable
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


EXPERTS = ("experts", "active")


class NetworkBuilder:
    """Runs the templates of one network."""

    def __init__(
        self, compiler: Calls, params: Mapping[str, Any], inputs: Mapping[str, Shape], max_layers: int
    ) -> None:
        self.followers = compiler.followers
        self.paths = compiler.paths
        self.follower_error = compiler.follower_error
        self.params = params
        self.layers = LayerBuilder(inputs, max_layers)
        self.recordings = Recordings(self.layers)
        self.called: Called | None = None
        """The last block call."""
        self.inside: NameTable | None = None
        """The names inside the last item, if any name is a path."""

    def network(self, items: tuple[Item, ...]) -> tuple[Tensors, Env]:
        """Build the network. Return its last outputs, and the environment of names for `output`.

        Raises `SpecError` with location and notes at the first fault.
        """
        names = Names()
        inputs = self.layers.builder.inputs
        for name in inputs:
            names.table[name] = NameEntry((self.layers.builder.input(name),))
        entered: Tensors = (self.layers.builder.input(next(iter(inputs))),) if len(inputs) == 1 else ()
        if entered:
            names.table.setdefault("input", NameEntry(entered))
        segments = Segments("", _given(items).union(inputs) - {"input"})
        frame = Frame(Values(self.params), names, segments, entered, 0)
        last = self.run(items, entered, frame)
        return last, self.env(frame, frame.values, last)

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
            if item.kind == "output":
                assert item.source is not None
                return self.tensors(item.source, self.env(frame, frame.values, current))
            first, before = len(self.layers.builder.layers), current
            segment = item.name or ("" if item.bare else segments.take(item.target))
            if item.plain:
                entering = current
                if item.source is not None:
                    entering = self.tensors(item.source, self.env(frame, frame.values, current))
                current = self.once(item, entering, frame, frame.values, segment)
                entry = self.entry(item, current, first, {})
            else:
                entry = self.copies(item, current, frame, segment)
                current = entry.outputs
            if not segment:
                segment = self.joint(first, segments.prefix)
            if segment:
                names.table[segment] = entry
            if item.op is not None and item.op.arity[1] == 0:
                current = before  # a learned tensor is read by its name
        return current

    def entry(self, item: Item, outputs: Tensors, first: int, copies: Mapping[str, NameEntry]) -> NameEntry:
        """Return the entry for the name of an item that has just run."""
        called = self.called if item.kind == "block" else None
        inside = self.inside if self.paths and item.kind != "op" else None
        return NameEntry(outputs, first, len(self.layers.builder.layers), copies, called, inside)

    def joint(self, first: int, prefix: str) -> str:
        """Return the segment of the layer that joins the branches of an unnamed structure, if any."""
        if len(self.layers.builder.layers) == first:
            return ""
        path = self.layers.builder.layers[-1].name[len(prefix) :]
        return "" if "." in path else path

    def copies(self, item: Item, current: Tensors, frame: Frame, segment: str) -> NameEntry:
        """Run the copies of an item, as given by `for`, `repeat` and `if`. Return the entry of its name."""
        first, run = len(self.layers.builder.layers), Copies(self, item, current, frame, segment)
        if item.loop is None and item.repeat is None:
            run.copy(frame.values, "")
            entries: dict[str, NameEntry] = {}
        elif item.loop is None:
            entries = self.repeated(run, frame.values, "")
        else:
            entries = {}
            counted_here = () if frame.values.has("i") else ("i",)
            for row, columns in enumerate(self.rows(item.loop, current, frame)):
                self.layers.step(item)
                start, left_out = len(self.layers.builder.layers), run.outputs
                values = Values(frame.values, row=row, **dict.fromkeys(counted_here, row))
                env = self.env(frame, values, current if run.outputs is None else run.outputs)
                values.update({name: cell.get(env) for name, cell in columns})
                inner = {} if item.repeat is None else self.repeated(run, values, f".{row}")
                if item.repeat is None:
                    run.copy(values, f".{row}")
                entries[str(row)] = run.entry(start, inner, absent=run.outputs is left_out)
        return run.entry(first, entries, absent=run.outputs is None)

    def repeated(self, run: Copies, values: Values, number: str) -> dict[str, NameEntry]:
        """Run the copies of `repeat`, and return the entry of each."""
        item, entries = run.item, dict[str, NameEntry]()
        before = run.current if run.outputs is None else run.outputs
        for i in range(self.times(item, item.repeat, self.env(run.frame, values, before))):
            self.layers.step(item)
            start, left_out = len(self.layers.builder.layers), run.outputs
            run.copy(Values(values, i=i), f"{number}.{i}", entries.get("0") if item.tied else None)
            entries[str(i)] = run.entry(start, {}, absent=run.outputs is left_out)
        return entries

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

    def times(self, item: Item, cell: Cell | None, env: Env, what: str = "repeat") -> int:
        """Return a number of copies. Raises `SpecError` before the first copy if they exceed a limit."""
        assert cell is not None
        try:
            count = operator.index(natural(cell.get(env)))
        except ArgumentError as fault:
            raise located(CostcalcError("{}: {}", what, fault), cell.node.span) from None
        most = self.layers.builder.max_layers
        if count > self.layers.work_budget.left // STEP:  # each copy is one step
            raise located(LimitError("{:,} copies exceed the limit of {:,} layers", count, most), cell.node.span)
        if item.kind == "op" and item.condition is None and count > most - len(self.layers.builder.layers):
            # Each copy is one layer, so the limit is exceeded in any case.
            raise located(self.layers.builder.too_many_layers(), item.span)
        return count

    def true(self, cell: Cell, env: Env) -> bool:
        """Return the value of a condition."""
        value = cell.get(env)
        try:
            return value if type(value) is bool else truth(value)
        except ExpressionError as error:
            raise located(error, cell.node.span) from None

    def weighted(
        self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str, entry: NameEntry
    ) -> Tensors:
        """Run one copy of an item with the weights of another one."""
        name, span = (item.share.name, item.share.span) if item.share else (segment or item.target, item.span)
        self.layers.shared = iter(self.layers.weights(name, span, entry))
        try:
            outputs = self.once(item, current, frame, values, segment, number)
            if item.kind == "block" and self.called != entry.called:
                help = "name a call of the same block with equal argument values"
                message = "cannot share {}: it is not a {} with the same arguments"
                raise located(CostcalcError(message, name, item.target, help=help), span)
            if next(self.layers.shared, None) is not None:
                help = f"write {name}.0 for the first copy" if entry.copies else ""
                raise located(CostcalcError("{} has more weights than this {}", name, item.target, help=help), span)
        finally:
            self.layers.shared = None
        return outputs

    def shareable(self, share: Reference, number: str, env: Env) -> NameEntry:
        """Return the entry of a name in `share`. A repeated item shares copy by copy."""
        env.previous = ()
        entry = entry_of(share, env)
        if not (entry.copies and number):
            return entry
        return entry_of(share._replace(name=share.name + number, steps=(*share.steps, *number[1:].split("."))), env)

    def env(self, frame: Frame, values: Values, current: Tensors) -> Env:
        """Return the environment of an expression."""
        entered, shape = frame.entered, current[0].shape if current else None
        block = entered[0].shape if entered else None
        return Env(values, shape, block, self.params, self.layers.work_budget, frame.names, current)

    def tensors(self, references: tuple[Reference, ...], env: Env) -> Tensors:
        """Return the tensors that the names in `from` refer to."""
        tensors: list[Tensor] = []
        for reference in references:
            outputs = entry_of(reference, env).outputs
            try:
                self.layers.work_budget.spend(STEP // 10 * len(outputs))
            except LimitError as error:
                raise located(error, reference.span) from None
            tensors += outputs
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
        if item.kind == "value":
            assert item.norm is not None
            return self.follow(item, item.norm, current, frame, self.env(frame, values, current), None, number)
        if item.kind == "group":
            (branch,) = item.branches
            segments.given = _given(branch.items)
            return self.list(branch.items, current, self.inner(frame, values, segments))
        if segment:  # the names of the branches are inside this one
            frame = Frame(values, Names(frame.names), segments, frame.entered, frame.depth)
        structures = {"residual": self.residual, "map": self.map, "moe": self.mixture, "join": self.join}
        structure = structures[item.kind]
        outputs = structure(item, current, frame, values, segments)
        self.inside = frame.names.table
        return outputs

    def list(self, items: tuple[Item, ...], current: Tensors, frame: Frame) -> Tensors:
        """Run a nested list, and keep its names."""
        outputs = self.run(items, current, frame)
        self.inside = frame.names.table
        return outputs

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
        segment = segments.take(wanted) if given is None else segments.claim(wanted)
        scope = Segments(f"{segments.prefix}{segment}.", _given(items))
        first = len(self.layers.builder.layers)
        outputs = self.list(items, current, self.inner(frame, values, scope))
        inside = self.inside if self.paths else None
        entry = NameEntry(outputs, first, len(self.layers.builder.layers), inner=inside)
        frame.names.table[segment] = entry
        return outputs

    def map(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Run a list on each of several tensors."""
        (branch,) = item.branches
        results: list[Tensor] = []
        for i, tensor in enumerate(current):
            self.layers.step(item)
            results += self.branch(branch.items, str(i), (tensor,), frame, Values(values, i=i), segments)
        return tuple(results)

    def mixture(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Run a mixture of experts: the router, the tokens of all experts through one of them, and their sum."""
        assert item.experts is not None
        self.layers.single(item, current)
        env = self.env(frame, values, current)
        experts, active = (self.times(item, cell, env, name) for cell, name in zip(item.experts, EXPERTS, strict=True))
        if not 1 <= active <= experts:
            error = CostcalcError("active: expected 1 to {}, got {}", experts, active)
            raise located(error, item.experts[1].node.span)

        def layer(op: str, inputs: Tensors, **arguments: Any) -> Tensors:
            made = ops.REGISTRY[op](**arguments)
            name = "router" if op == "linear" else op
            return self.layers.layer(item, made, inputs, f"{segments.prefix}{segments.take(name)}")

        scores = layer("softmax", layer("linear", current, out=experts, bias=False))
        entering = layer("dispatch", current, active=active)
        body, *shared = item.branches
        outer, self.layers.experts = self.layers.experts, (experts, active)
        try:
            left = self.branch(body.items, body.segment, entering, frame, values, segments)
        finally:
            self.layers.experts = outer
        result = layer("combine", left[:1] + scores, active=active)
        for branch in shared:
            result = layer("add", result + self.branch(branch.items, branch.segment, current, frame, values, segments))
        return result

    def residual(self, item: Item, current: Tensors, frame: Frame, values: Values, segments: Segments) -> Tensors:
        """Run a residual: the body, plus the input or the shortcut unless `skip` is false."""
        self.layers.single(item, current)
        skip = True
        if item.skip is not None:
            skip = self.true(item.skip, self.env(frame, values, current))
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
        if item.count is not None:
            (branch,) = item.branches
            for i in range(self.times(item, item.count, self.env(frame, values, current), "branches")):
                inner = Values(values, i=i)
                results += self.branch(branch.items, f"{branch.segment}{i}", current, frame, inner, segments)
        else:
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
        names = self.inputs(item, block, current, given)
        flow = names.table[block.tensors[0]].outputs if block.tensors else current
        inside = Values(self.params)
        shape = flow[0].shape if flow else None
        within = Env(inside, shape, shape, self.params, self.layers.work_budget, names, flow)
        self.layers.step(item, 1 + len(block.arguments) // 10)
        for name, default in block.arguments:
            if name not in given:
                assert default is not None
                given[name] = default.get(within)
            if name in block.layers:
                names.table[name] = NameEntry(given[name].entry.outputs)
            else:
                inside[name] = given[name]
        called = Called(block, tuple([inside[name] for name, _ in block.arguments if name not in block.layers]))
        outer = self.layers.site
        self.layers.site = item.span if block.builtin and outer is None else outer
        try:
            result = self.recorded(called, flow, Frame(inside, names, segments, flow, frame.depth + 1))
        except SpecError as error:
            outermost = self.layers.site is not outer
            error.faults = tuple(_called(fault, item, outermost=outermost) for fault in error.faults)
            raise
        finally:
            self.layers.site = outer
        self.called = called
        return result

    def inputs(self, item: Item, block: Block, current: Tensors, given: Mapping[str, Any]) -> Names:
        """Return the names of a block's inputs."""
        names, rest = Names(), current
        for name in block.tensors:
            outputs = given[name].entry.outputs if name in given else rest[:1]
            rest = rest if name in given else rest[1:]
            names.table[name] = NameEntry(outputs)
        missing = [name for name in block.tensors if not names.table[name].outputs]
        left = rest if block.tensors and (item.source is not None or len(current) > 1) else ()
        if missing or left:
            takes = f"{counted(len(block.tensors), 'input')}: {', '.join(block.tensors)}"
            help = f"write from: [{', '.join(block.tensors)}] beside it, with the names of layers"
            raise located(CostcalcError("{} takes {}; got {}", block.name, takes, len(current), help=help), item.span)
        entered = tuple([tensor for entry in names.table.values() for tensor in entry.outputs])
        if entered or current:
            names.table["input"] = NameEntry(entered or current)
        return names

    def recorded(self, called: Called, current: Tensors, frame: Frame) -> Tensors:
        """Return the outputs of a block. Copy the layers of an equal earlier call, or run the block."""
        block = called.block
        entries = [entry.outputs for name, entry in frame.names.table.items() if name not in block.tensors]
        entered = tuple([tensor for outputs in entries for tensor in outputs])
        distinct = len({(tensor.layer, tensor.port) for tensor in entered})
        if self.layers.shared is not None or distinct < len(entered):
            return self.body(block, current, frame)
        groups = tuple([len(entry.outputs) for entry in frame.names.table.values()])
        key = self.recordings.key(called, entered, groups, frame.depth), self.layers.state
        recording = self.recordings.known.get(key)
        replayed = self.recordings.replay(recording, entered, frame.segments.prefix) if recording else None
        if replayed is not None:
            result, self.inside = replayed
            return result
        first, left = len(self.layers.builder.layers), self.layers.work_budget.left
        result = self.body(block, current, frame)
        spent, prefix = left - self.layers.work_budget.left, len(frame.segments.prefix)
        last = len(self.layers.builder.layers)
        inside = self.inside if self.paths else None
        self.recordings.known[key] = Recording(first, last, prefix, entered, result, spent, inside)
        return result

    def body(self, block: Block, current: Tensors, frame: Frame) -> Tensors:
        """Run the layers of a block."""
        frame.segments.given = _given(block.items)
        return self.list(block.items, current, frame)

    def op(self, item: Item, current: Tensors, frame: Frame, values: Values, segment: str, number: str) -> Tensors:
        """Run an op, with the norm and act among its arguments."""
        env = self.env(frame, values, current)
        op = item.fixed or self.layers.make(item, env)
        if op.arity[1] is None and item.source is not None and len(item.source) == 1:
            self.check_copies(item, item.source[0], env)
        host = len(self.layers.builder.layers)
        most = op.arity[1]
        self.layers.single(item, current, len(current) if most is None else min(most, 1))
        if most == 0:
            current = ()
        result = self.layers.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}")
        for cell in (item.norm, item.act):
            if cell is not None:
                result = self.follow(item, cell, result, frame, env, host, number)
        return result

    def check_copies(self, item: Item, reference: Reference, env: Env) -> None:
        """Raise if an op of several inputs gets one name with several copies, and would take the last of them."""
        entry = entry_of(reference, env) if reference.name != "prev" else None
        if entry is not None and entry.copies:
            name, last = reference.name, len(entry.copies) - 1
            help = f"write {name}.* for all of them, or {name}.{last} for the last"
            message = "{} has {} copies, and {} takes several inputs"
            raise located(CostcalcError(message, name, len(entry.copies), item.target, help=help), reference.span)

    def follow(
        self, item: Item, cell: Cell, current: Tensors, frame: Frame, env: Env, host: int | None, number: str
    ) -> Tensors:
        """Run the layer that `norm` or `act` adds after an op, or that stands alone as the value of an argument."""
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
            if host is not None:
                op = self.layers.adapted(op, self.layers.builder.layers[host].op)
            current = self.layers.layer(item, op, current, f"{frame.segments.prefix}{segment}{number}", host)
        else:
            current = self.once(follower, current, frame, names, segment, number)
        frame.names.table[segment] = self.entry(follower, current, first, {})
        return current


class Copies:
    """The copies of an item while they run: each takes the outputs of the one before as its first input."""

    def __init__(self, builder: NetworkBuilder, item: Item, current: Tensors, frame: Frame, segment: str) -> None:
        self.builder = builder
        self.item = item
        self.current = current
        """The outputs of the item before."""
        self.frame = frame
        self.segment = segment
        self.outputs: Tensors | None = None
        """The outputs of the last copy. None if there is none, because `if` left it out."""

    def entry(self, first: int, copies: Mapping[str, NameEntry], *, absent: bool) -> NameEntry:
        """Return the entry of the copies since the layer `first`."""
        outputs = self.current if self.outputs is None else self.outputs
        return self.builder.entry(self.item, outputs, first, copies)._replace(absent=absent)

    def copy(self, values: Values, number: str, tied: NameEntry | None = None) -> None:
        """Run one copy, or what stands in its place if the condition is false."""
        builder, item, frame = self.builder, self.item, self.frame
        entering = self.entering(values)
        env = builder.env(frame, values, entering)
        if item.condition is not None and not builder.true(item.condition, env):
            if item.otherwise:
                inner = Frame(Values(values), frame.names, frame.segments, frame.entered, frame.depth + 1)
                self.outputs = builder.run(item.otherwise, entering, inner)
            return
        entry = tied
        if item.share is not None and builder.layers.shared is None:
            entry = builder.shareable(item.share, number, env)
        with builder.layers.in_formats(item.formats):
            if entry is None or builder.layers.shared is not None:
                self.outputs = builder.once(item, entering, frame, values, self.segment, number)
            else:
                self.outputs = builder.weighted(item, entering, frame, values, self.segment, number, entry)

    def entering(self, values: Values) -> Tensors:
        """Return the inputs of the next copy."""
        source, done = self.item.source, self.outputs
        if source is None:
            return self.current if done is None else done
        inputs: list[Tensor] = []
        previous = self.current if done is None or not source[0].computed else done
        env = self.builder.env(self.frame, values, previous)
        for place, reference in enumerate(source):
            chained = place == 0 and done is not None and not reference.computed
            inputs += done if chained and done is not None else self.builder.tensors((reference,), env)
        return tuple(inputs)


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
        if item.otherwise:
            names.extend(_given(item.otherwise))
    return frozenset(names)
