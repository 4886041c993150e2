"""One spec: its sections read, merged with what it extends, checked and compiled; ready to be built at any params."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.engine import MAX_LAYERS, MAX_RANK, LimitError
from costcalc.errors import (
    ArgumentError,
    CostcalcError,
    ExpressionError,
    Fault,
    SpecError,
    UsageError,
    nearest,
    suggest,
)
from costcalc.model import METRICS
from costcalc.ops import base as ops
from costcalc.ops.kinds import listed, positive, show
from costcalc.spec.build import Run
from costcalc.spec.compiler import Compiler
from costcalc.spec.expression import parse_value, suffixed
from costcalc.spec.functions import LIMIT, Word, is_number
from costcalc.spec.library import Library
from costcalc.spec.reader import MAX_NODES, read
from costcalc.spec.signature import MAX_NAME, split_signature
from costcalc.spec.template import (
    MODIFIERS,
    STRUCTURES,
    Cell,
    Enough,
    Env,
    Faults,
    Item,
    Meter,
    Scope,
    expression_span,
    fault_at,
    located,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.errors import Source, Span
    from costcalc.formula import Shape
    from costcalc.model import Network, Tensor
    from costcalc.spec.reader import Node
    from costcalc.spec.template import Reference

KEYS = (
    "name",
    "description",
    "source",
    "extends",
    "params",
    "input",
    "defaults",
    "blocks",
    "layers",
    "output",
    "expect",
    "budget",
)
"""The keys of a spec."""
EXAMPLES = {
    "params": "params: {width: 64}",
    "blocks": "blocks: with unit(width): and a list of layers below it",
    "defaults": "defaults are per op or block: defaults: {conv: {bias: false}}",
}
MAX_EXTENDS = 16
MAX_WORK = 1_000_000
"""Steps of the expressions of all params."""


class Limit(NamedTuple):
    """Figures that a spec is held to at some params: `expect` exactly, `budget` at most."""

    values: Mapping[str, tuple[int, Span]]
    set: Mapping[str, Any]
    span: Span


class Spec:
    """A spec without faults of its own. `build` makes the network at the params that are asked for."""

    def __init__(
        self, source: Source, files: tuple[Source, ...], warnings: tuple[Fault, ...], compiler: Compiler
    ) -> None:
        self.file = source
        self.files = files
        """The spec's own text and those of everything it extends."""
        self.warnings = warnings
        self.name = ""
        self.source = ""
        self.description = ""
        self.params: dict[str, Cell] = {}
        self.inputs: dict[str, list[Cell]] = {}
        self.items: tuple[Item, ...] = ()
        self.outputs: tuple[Reference, ...] = ()
        self.expect: tuple[Limit, ...] = ()
        self.budget: tuple[Limit, ...] = ()
        self.compiler = compiler

    def values(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Every param's value, in the order of the spec. Raises `UsageError` for an unknown name."""
        for name in overrides:
            if name not in self.params:
                help = suggest(name, self.params, f"{self.name} has no params")
                raise UsageError("{} has no param {}", self.name, name, help=help)
        values: dict[str, Any] = {}
        env = Env(values, None, None, values, Meter(MAX_WORK))
        for name, cell in self.params.items():
            values[name] = normal(name, overrides[name]) if name in overrides else cell.get(env)
        return values

    def build(
        self,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Sequence[int]] | None = None,
        max_layers: int | None = None,
    ) -> Network:
        """The network at some params and input shapes. Raises `SpecError`, with the network up to the fault."""
        values = self.values(params or {})
        shapes = self._shapes(values, inputs or {})
        run = Run(self.compiler, values, shapes, max_layers or MAX_LAYERS)
        try:
            with acyclic():
                last, names = run.network(self.items)
            outputs: dict[str, Tensor] = {}
            for reference in self.outputs:
                for port, tensor in enumerate(run.tensors((reference,), last, names)):
                    outputs[reference.name if port == 0 else f"{reference.name}.{port}"] = tensor
        except SpecError as error:
            if not isinstance(error.cause, LimitError):
                error.partial = run.builder.network(self.name, {}, values, self.source, self.description)
            raise
        if not self.outputs:
            for port, tensor in enumerate(last):
                label = run.builder.layers[tensor.layer].name if tensor.layer >= 0 else "input"
                outputs[label if port == 0 else f"{label}.{port}"] = tensor
        return run.builder.network(self.name, outputs, values, self.source, self.description)

    def given(self, inputs: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
        """Shapes of inputs from outside, by the names of this spec; `input` is its only one. Raises `UsageError`."""
        if not hasattr(inputs, "items"):
            raise UsageError("expected shapes by the names of inputs, got {}", show(inputs))
        if list(inputs) == ["input"] and len(self.inputs) == 1:
            inputs = dict.fromkeys(self.inputs, inputs["input"])
        shapes: dict[str, Shape] = {}
        for name, shape in inputs.items():
            if name not in self.inputs:
                raise UsageError("{} has no input {}", self.name, name, help=suggest(name, self.inputs))
            if not isinstance(shape, (list, tuple)):
                raise UsageError("{}: expected the sizes of a shape, got {}", name, show(shape))
            try:
                shapes[name] = listed(shape, positive, MAX_RANK)
            except ArgumentError as error:
                raise UsageError("{}: {}", name, error) from None
        return shapes

    def _shapes(self, values: Mapping[str, Any], inputs: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
        given = self.given(inputs)
        shapes: dict[str, Shape] = {}
        env = Env(values, None, None, values, Meter(MAX_WORK))
        for name, cells in self.inputs.items():
            if name in given:
                shapes[name] = given[name]
                continue
            shape = []
            for cell in cells:
                try:
                    shape.append(positive(cell.get(env)))
                except ArgumentError as error:
                    error.help = error.help or "no batch, and no size left open: what a network costs follows from them"
                    raise located(error, cell.node.span) from None
            shapes[name] = tuple(shape)
        return shapes


def normal(name: str, value: Any) -> Any:
    """A param's value as expressions use it, from a value of Python or a text of the command line."""
    if isinstance(value, Word) or type(value) is bool:
        return value
    if isinstance(value, str):
        try:
            return parse_value(value)
        except ExpressionError as error:
            raise UsageError("{}: {}", name, error, help="a number, true, false, a word, or a list: [3, 4]") from None
    if isinstance(value, (list, tuple)):
        return tuple([normal(name, entry) for entry in value])
    if not is_number(value):
        raise UsageError("{}: expected a number, true or false, a list or a word, got {}", name, repr(value))
    if not -LIMIT <= value <= LIMIT:
        raise UsageError("{}: a number beyond 10^30", name)
    return value


def open_spec(source: str | Source, library: Library | None = None) -> Spec:
    """Read and check a spec: a path, the name of a bundled spec, or a text. Raises `SpecError` with all its faults."""
    library = library or Library()
    with acyclic():
        return _Reading(library.open(source) if isinstance(source, str) else source, library).spec()


@contextmanager
def acyclic() -> Iterator[None]:
    """Keep the cycle collector out of the way of code that makes many objects and no cycles.

    It would walk all of them again and again: on a spec of 100,000 lines that is most of the time. Nesting is limited
    so that Python's stack suffices; where the calling program has left too little of it, that is a limit too.
    """
    import gc

    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    except RecursionError:
        raise LimitError("nested deeper than the stack of the calling program leaves room for") from None
    finally:
        if enabled:
            gc.enable()


class _Reading:
    """The sections of a spec and of what it extends, as they are collected."""

    def __init__(self, source: Source, library: Library) -> None:
        self.source = source
        self.library = library
        self.faults = Faults()
        self.unread = False
        """Whether something could not be read, so that faults in what it means would follow from that."""
        self.meant: set[str] = set()
        """What unknown keys were probably meant to be."""
        self.nodes = 0
        """Those of all the files, where specs extend each other."""
        self.warnings: list[Fault] = []
        self.files: list[Source] = []
        self.sections: dict[str, Node] = {}
        self.params: dict[str, tuple[Node, Node]] = {}
        self.blocks: dict[str, tuple[Node, Node]] = {}
        self.defaults: dict[str, tuple[Node, dict[str, tuple[Node, Node]]]] = {}

    def spec(self) -> Spec:
        spec = None
        with suppress(Enough):
            self.read(self.source)
            if not self.unread:
                spec = self.compiled()
        if spec is None or self.faults:
            raise SpecError(sorted(dict.fromkeys(self.faults), key=self.position))
        return spec

    def compiled(self) -> Spec:
        compiler = Compiler(self.params, self.faults)
        spec = Spec(self.source, tuple(self.files), tuple(self.warnings), compiler)
        spec.name = self.text("name") or PurePath(self.source.name).name.removesuffix(".yaml").strip("<>") or "network"
        spec.source = self.text("source")
        spec.description = self.text("description")
        for key, body in self.blocks.values():
            try:
                name = split_signature(key.text)[0]
                compiler.signatures[name] = (key, body)
                if name in (*STRUCTURES, *MODIFIERS, "let", "none"):
                    self.fault(key, "{} is a word of the language", name, help="choose another name for the block")
            except ExpressionError as error:
                self.faults.add(error.fault(expression_span(key, error)))
        seen = Scope()
        for name, (key, node) in self.params.items():
            compiler.variable(key)
            if node.kind == "map":
                self.fault(node, "a param is a number, true or false, a word, a list or an expression, got a mapping")
                continue
            spec.params[name] = compiler.cell(node, seen)
            seen.names.add(name)
        self.compile_defaults(compiler)
        compiler.compile_blocks()
        inputs = self.inputs(compiler)
        for name, (_, node) in inputs.items():
            spec.inputs[name] = self.shape(compiler, node, seen)
        if "layers" in self.sections:
            given = {name: key.span for name, (key, _) in inputs.items() if name != "input"}
            spec.items = compiler.items(self.sections["layers"], seen, given)
        if "output" in self.sections:
            spec.outputs = compiler.references(self.sections["output"])
        spec.expect = self.limits(compiler, "expect")
        spec.budget = self.limits(compiler, "budget")
        for section in ("input", "layers"):
            if section not in self.sections and section not in self.meant:
                example = "input: [3, 224, 224]" if section == "input" else "layers: [flatten, linear: 10]"
                self.faults.add(Fault(f"the spec has no {section}", self.root.span, (), f"for example {example}"))
        return spec

    def position(self, fault: Fault) -> tuple[bool, int, int]:
        span = fault.span
        return (span is None or span.source != self.source, span.line if span else 0, span.column if span else 0)

    def fault(self, node: Node, message: str, *values: object, help: str = "") -> None:
        self.faults.add(fault_at(node, message, *values, help=help))

    # Sections

    def read(self, source: Source) -> None:
        """Collect the sections of a source, those of what it extends first."""
        if source in self.files:
            names = " -> ".join(file.name for file in (*self.files, source))
            raise CostcalcError("specs extend each other in a circle: {}", names)
        if len(self.files) > MAX_EXTENDS:
            raise CostcalcError("more than {} specs extend each other", MAX_EXTENDS)
        self.files.append(source)
        root, warnings = read(source)
        if source is self.source:
            self.root = root
        self.warnings.extend(warnings)
        if root.kind != "map":
            self.unread = True
            empty = root.kind == "scalar" and root.value is None
            self.fault(
                root,
                "the spec is empty" if empty else "a spec is a mapping with the keys input and layers",
                help="the smallest spec is: input: [3, 224, 224] and, below it, layers: [flatten, linear: 10]",
            )
            return
        entries = {}
        if len(self.files) > 1 or any(key.text == "extends" for key, _ in root.value):
            self.nodes += _size(root)
            if self.nodes > MAX_NODES:
                raise LimitError("specs that extend each other, of more than {:,} nodes in all", MAX_NODES)
        for key, value in root.value:
            if key.text not in KEYS:
                self.meant.add(nearest(key.text, KEYS))
                self.fault(key, "unknown key {}", key.text, help=suggest(key.text, KEYS))
            entries[key.text] = value
        if "extends" in entries:
            self.extend(source, entries["extends"])
        own = source is self.source
        for key, value in entries.items():
            if key in ("params", "blocks", "defaults"):
                self.merge(key, value)
            elif key in ("input", "layers", "output", "source", "description") or own:
                self.sections[key] = value

    def extend(self, source: Source, node: Node) -> None:
        if node.kind != "scalar" or not isinstance(node.value, str):
            self.unread = True
            self.fault(node, "extends names one other spec", help="extends: resnet50, or a file beside this one")
            return
        try:
            self.read(self.library.extended(source, node.value))
        except SpecError as error:
            self.unread = True
            for fault in error.faults:
                self.faults.add(fault)
        except CostcalcError as error:
            self.unread = True
            self.faults.add(error.fault(node.span))

    def merge(self, section: str, node: Node) -> None:
        if node.kind != "map":
            if node.kind != "scalar" or node.value is not None:
                self.unread = True
                self.fault(node, "{} is a mapping", section, help=EXAMPLES[section])
            return
        if section == "params":
            self.params.update({key.text: (key, value) for key, value in node.value})
        elif section == "blocks":
            own = {}
            for key, value in node.value:
                name = key.text.partition("(")[0].strip()
                if name in own:
                    self.fault(key, "the block {} is written twice", name[:MAX_NAME])
                own[name] = (key, value)
            self.blocks.update(own)
        else:
            for key, value in node.value:
                if value.kind != "map":
                    self.fault(value, "the defaults of {} are arguments", key.text, help=EXAMPLES[section])
                    continue
                known = self.defaults.setdefault(key.text, (key, {}))[1]
                known.update({name.text: (name, cell) for name, cell in value.value})

    def text(self, section: str) -> str:
        node = self.sections.get(section)
        if node is None:
            return ""
        if node.kind != "scalar":
            self.fault(node, "{} is a text", section)
            return ""
        return str(node.text)

    def compile_defaults(self, compiler: Compiler) -> None:
        for name, (key, arguments) in self.defaults.items():
            if not compiler.is_layer(name):
                help = suggest(name, compiler.layer_names(), "costcalc ops and costcalc blocks list what there is")
                self.fault(key, "unknown op or block {}", name, help=help)
                continue
            known = compiler.arguments(name)
            item = Item("defaults", name, key.span)
            item.op = None if name in compiler.signatures else ops.find(name)
            for argument, (node_key, node) in arguments.items():
                if argument not in known:
                    compiler.unknown_argument(item, node_key, known, node)
            compiler.defaults[name] = {
                argument: _rooted(compiler.cell(node, compiler.params)) for argument, (_, node) in arguments.items()
            }

    def inputs(self, compiler: Compiler) -> dict[str, tuple[Node, Node]]:
        node = self.sections.get("input")
        if node is None:
            return {}
        if node.kind == "map" and node.value:
            for key, _ in node.value:
                if key.text != "input":
                    compiler.layer_name(key)
            return {key.text: (key, value) for key, value in node.value}
        return {"input": (node, node)}

    def shape(self, compiler: Compiler, node: Node, scope: Scope) -> list[Cell]:
        if node.kind != "list" or not 1 <= len(node.value) <= MAX_RANK:
            self.fault(
                node,
                "an input is a list of 1 to {} dimensions, without the batch",
                MAX_RANK,
                help="[3, 224, 224] for an image, [T, D] for tokens; or a mapping of names to such lists",
            )
            return []
        return [compiler.cell(size, scope) for size in node.value]

    def limits(self, compiler: Compiler, section: str) -> tuple[Limit, ...]:
        node = self.sections.get(section)
        if node is None:
            return ()
        entries = node.value if node.kind == "list" else [node]
        found = []
        for entry in entries:
            if entry.kind != "map":
                self.fault(entry, "{} is a mapping of figures", section, help=f"{section}: {{macs: 4.1G, params: 26M}}")
                continue
            values: dict[str, tuple[int, Span]] = {}
            at: dict[str, Any] = {}
            for key, value in entry.value:
                if key.text == "set":
                    at = self.setting(compiler, value)
                elif key.text in METRICS:
                    number = self.figure(value, section)
                    if number is not None:
                        values[key.text] = (number, value.span)
                else:
                    self.fault(key, "unknown figure {}", key.text, help=suggest(key.text, (*METRICS, "set")))
            found.append(Limit(values, at, entry.span))
        return tuple(found)

    def figure(self, node: Node, section: str) -> int | None:
        value = node.value if node.kind == "scalar" else None
        help = "4_089_184_256, or 4.1G"
        if section == "expect":
            help = "expect holds exact totals: 4_089_184_256; budget takes 4.1G"
        elif isinstance(value, str):
            try:
                value = suffixed(value)
            except ExpressionError as error:
                self.faults.add(error.fault(node.span))
                return None
        if type(value) is not int or value < 0:
            shown = show(node.text if node.kind == "scalar" else f"a {node.kind}")
            self.fault(node, "expected a whole number, got {}", shown, help=help)
            return None
        return value

    def setting(self, compiler: Compiler, node: Node) -> dict[str, Any]:
        if node.kind != "map":
            self.fault(node, "set gives values to params", help="set: {alpha: 0.5}")
            return {}
        values = {}
        for key, value in node.value:
            if key.text not in self.params:
                self.fault(key, "unknown param {}", key.text, help=suggest(key.text, self.params))
            cell = compiler.cell(value, Scope())
            if cell.run is not None and not self.faults:
                self.fault(value, "expected a value that depends on nothing")
            values[key.text] = cell.constant
        return values


def _size(root: Node) -> int:
    """The nodes of a spec, an alias counted as what it names."""
    count, stack = 0, [root]
    while stack:
        node = stack.pop()
        count += 1
        if node.kind == "list":
            stack.extend(node.value)
        elif node.kind == "map":
            stack.extend(part for pair in node.value for part in pair)
    return count


def _rooted(cell: Cell) -> Cell:
    """A default sees the file's params, never the arguments of the block that it is used in."""
    if cell.run is None:
        return cell
    run = cell.run
    return Cell(cell.node, None, lambda env: run(Env(env.root, env.shape, env.block, env.root, env.meter)), cell.work)
