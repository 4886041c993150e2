"""Loads a spec: reads its sections, merges them with the specs that it extends, and checks and compiles them."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from os.path import basename
from typing import TYPE_CHECKING, Any

from costcalc.engine import MAX_RANK, LimitError
from costcalc.errors import (
    CostcalcError,
    ExpressionError,
    Fault,
    SpecError,
    nearest,
    suggest,
)
from costcalc.lang.compiler import Compiler
from costcalc.lang.expression import suffixed
from costcalc.lang.library import Library
from costcalc.lang.reader import MAX_NODES, read
from costcalc.lang.signature import MAX_NAME, split_signature
from costcalc.lang.spec import Limit, Spec, gc_paused
from costcalc.lang.template import (
    MODIFIERS,
    STRUCTURES,
    Cell,
    Env,
    Faults,
    Item,
    NameScope,
    TooManyFaults,
    expression_span,
    fault_at,
)
from costcalc.model import MEASURES
from costcalc.notation import show
from costcalc.ops import base as ops

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from costcalc.errors import Source, Span
    from costcalc.lang.reader import Node

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
    "dtype",
    "allow",
    "expect",
    "budget",
)
"""The top-level keys of a spec."""
EXAMPLES = {
    "params": "write params: {width: 64}",
    "blocks": "write blocks: and, below it, unit(width): with a list of layers",
    "defaults": "write arguments per op or block: defaults: {conv: {bias: false}}",
}
OPEN = ("", "~", "null", "None", "?")
"""How other tools write a size that is not fixed."""
MAX_EXTENDS = 16
MAX_UNUSED = 20
"""The largest number of warnings of unused params, and of names for their suggestions."""


def open_spec(source: str | Source, library: Library | None = None, params: Source | None = None) -> Spec:
    """Read and check a spec: a path, the name of a bundled spec, or a source. Raises `SpecError` with all faults.

    `params` is the source of a mapping of additional params, placed before those of the spec.
    """
    library = library or Library()
    with gc_paused():
        opened = library.open(source) if isinstance(source, str) else source
        if opened.name.endswith(".onnx"):
            from costcalc.lang.onnx_spec import OnnxSpec

            return OnnxSpec(opened)
        loader = _Loader(opened, library)
        if params is not None:
            loader.merge("params", read(params)[0])
        return loader.spec()


def _translated(source: Source) -> Source:
    """Return the spec of a file of another tool, or the source itself."""
    from costcalc.translate import translated

    return translated(source)


class _Loader:
    """Collects the sections of a spec and of the specs that it extends."""

    def __init__(self, source: Source, library: Library) -> None:
        self.original = source
        self.source = source if source.name.endswith(".yaml") else _translated(source)
        """The spec itself: another text than the original for a file of another tool."""
        self.library = library
        self.faults = Faults()
        self.unread = False
        """Whether a part could not be read. Then the spec is not compiled, to avoid consequential faults."""
        self.misspelled: set[str] = set()
        """The sections that unknown keys are similar to."""
        self.nodes = 0
        """The number of nodes in all files, if the spec extends another."""
        self.warnings: list[Fault] = []
        self.files: list[Source] = []
        self.choices: Mapping[str, Mapping[str, int]] = {}
        """The names of the values of params, for the model file of another tool."""
        self.sections: dict[str, Node] = {}
        self.params: dict[str, tuple[Node, Node]] = {}
        self.blocks: dict[str, tuple[Node, Node]] = {}
        self.defaults: dict[str, tuple[Node, dict[str, tuple[Node, Node]]]] = {}

    def spec(self) -> Spec:
        """Return the spec. Raises `SpecError` with all faults."""
        spec = None
        with suppress(TooManyFaults):
            self.read(self.source)
            if not self.unread:
                spec = self.compiled()
        if spec is None or self.faults:
            raise SpecError(sorted(dict.fromkeys(self.faults), key=self.position))
        return spec

    def compiled(self) -> Spec:
        compiler = Compiler(self.params, self.faults)
        compiler.layers = self.sections.get("layers")
        spec = Spec(self.original, (self.original, *self.files[1:]), compiler)
        file = basename(self.source.name)  # noqa: PTH119 - pathlib is slow to import
        spec.name = self.text("name") or file[: file.rfind(".") if "." in file else None].strip("<>") or "network"
        spec.source = self.text("source")
        spec.choices = self.choices
        spec.description = self.text("description")
        for key, body in self.blocks.values():
            try:
                name = split_signature(key.text)[0]
                compiler.signatures[name] = (key, body)
                if name in (*STRUCTURES, *MODIFIERS, "let", "none"):
                    self.fault(key, "{} is a reserved name", name, help="choose another name for the block")
            except ExpressionError as error:
                self.faults.add(error.fault(expression_span(key, error)))
        seen = NameScope()
        for name, (key, node) in self.params.items():
            compiler.variable(key)
            mapping = _mapping_in(node)
            if mapping is not None:
                message = "expected a number, true or false, a word, a list or an expression, got a mapping"
                self.fault(mapping, message)
                continue
            spec.params[name] = compiler.cell(node, seen)
            seen.names.add(name)
        self.compile_defaults(compiler)
        compiler.compile_blocks()
        inputs = self.inputs(compiler)
        for name, (_, node) in inputs.items():
            spec.inputs[name] = self.shape(compiler, node, seen)
            spec.places[name] = node.span
        if "layers" in self.sections:
            given = {name: key.span for name, (key, _) in inputs.items() if name != "input"}
            spec.items = compiler.items(self.sections["layers"], seen, given)
        if "output" in self.sections:
            spec.outputs = compiler.references(self.sections["output"], seen)
        compiler.prepare_followers()
        if "dtype" in self.sections:
            spec.formats = compiler.formats(self.sections["dtype"]) or spec.formats
        if "allow" in self.sections:
            spec.allowed |= {(rule, None) for rule in compiler.rules(self.sections["allow"])}
        spec.allowed |= compiler.allowed
        spec.remarks = tuple(compiler.hidden.values())
        spec.expect = self.limits(compiler, "expect")
        spec.budget = self.limits(compiler, "budget")
        for section in ("input", "layers"):
            if section not in self.sections and section not in self.misspelled:
                example = "input: [3, 224, 224]" if section == "input" else "layers: [flatten, linear: 10]"
                self.faults.add(Fault(f"the key {section} is missing", self.root.span, (), f"add {example}"))
        spec.warnings = (*self.warnings, *self.unused(compiler.used))
        return spec

    def unused(self, used: Collection[str]) -> Iterator[Fault]:
        """Warn of params of the file that no expression uses. They may be misspelled."""
        others = list(islice((name for name in self.params if name in used), MAX_UNUSED))
        unused = (key for name, (key, _) in self.params.items() if name not in used and key.source == self.source)
        for key in islice(unused, MAX_UNUSED):
            help = suggest(key.text, others, "remove it, or use it in an expression")
            yield fault_at(key, "the param {} is unused", key.text, help=help)._replace(severity="warning")

    def position(self, fault: Fault) -> tuple[bool, int, int]:
        span = fault.span
        return (span is None or span.source != self.source, span.line if span else 0, span.column if span else 0)

    def fault(self, node: Node, message: str, *values: object, help: str = "") -> None:
        self.faults.add(fault_at(node, message, *values, help=help))

    # Sections

    def read(self, source: Source) -> None:
        """Collect the sections of a source, after those of the spec that it extends."""
        if source in self.files:
            names = " -> ".join(file.name for file in (*self.files, source))
            raise CostcalcError("circular extends: {}", names)
        if len(self.files) > MAX_EXTENDS:
            raise CostcalcError("more than {} specs in a chain of extends", MAX_EXTENDS)
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
                "the spec is empty" if empty else "expected a mapping with the keys input and layers",
                help="write at least input: [3, 224, 224] and, below it, layers: [flatten, linear: 10]",
            )
            return
        if any(key.text == "backbone" for key, _ in root.value) and source is self.source:
            from costcalc.translate.ultralytics import is_model, spec_of

            if is_model([key.text for key, _ in root.value]):
                self.warnings.clear()
                self.source, self.choices = spec_of(source, root)
                self.files.clear()
                self.read(self.source)
                return
        entries = {}
        if len(self.files) > 1 or any(key.text == "extends" for key, _ in root.value):
            self.nodes += _size(root)
            if self.nodes > MAX_NODES:
                raise LimitError("the spec has more than {:,} nodes with the specs that it extends", MAX_NODES)
        for key, value in root.value:
            if key.text not in KEYS:
                self.misspelled.add(nearest(key.text, KEYS))
                self.fault(key, "unknown key {}", key.text, help=suggest(key.text, KEYS))
            entries[key.text] = value
        if "extends" in entries:
            self.extend(source, entries["extends"])
        own = source is self.source
        for key, value in entries.items():
            if key in ("params", "blocks", "defaults"):
                self.merge(key, value)
            elif key in ("input", "layers", "output", "source", "description", "dtype") or own:
                self.sections[key] = value

    def extend(self, source: Source, node: Node) -> None:
        if node.kind != "scalar" or not isinstance(node.value, str):
            self.unread = True
            help = "write extends: resnet50, or the name of a file in this folder"
            self.fault(node, "expected the name of one spec", help=help)
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
                self.fault(node, "{} must be a mapping", section, help=EXAMPLES[section])
            return
        if section == "params":
            self.params.update({key.text: (key, value) for key, value in node.value})
        elif section == "blocks":
            own = {}
            for key, value in node.value:
                name = key.text.partition("(")[0].strip()
                if name in own:
                    self.fault(key, "duplicate block {}", name[:MAX_NAME])
                own[name] = (key, value)
            self.blocks.update(own)
        else:
            for key, value in node.value:
                if value.kind != "map":
                    self.fault(value, "the defaults of {} must be a mapping", key.text, help=EXAMPLES[section])
                    continue
                known = self.defaults.setdefault(key.text, (key, {}))[1]
                known.update({name.text: (name, cell) for name, cell in value.value})

    def text(self, section: str) -> str:
        node = self.sections.get(section)
        if node is None:
            return ""
        if node.kind != "scalar":
            self.fault(node, "{} must be a text", section)
            return ""
        return str(node.text)

    def compile_defaults(self, compiler: Compiler) -> None:
        for name, (key, arguments) in self.defaults.items():
            if not compiler.is_layer(name):
                from costcalc.ops.base import layer_aliases
                from costcalc.ops.framework_aliases import layer_help

                help = layer_help(name, compiler.layer_names(), layer_aliases())
                self.fault(key, "unknown op or block {}", name, help=help)
                continue
            known = compiler.arguments(name)
            item = Item("defaults", name, key.span)
            item.op = None if name in compiler.signatures else ops.find(name)
            for argument, (node_key, node) in arguments.items():
                if argument not in known:
                    compiler.unknown_argument(item, node_key, known, node)
            compiler.defaults[name] = {
                argument: _rooted(compiler.cell(node, compiler.params))
                for argument, (_, node) in arguments.items()
                if not self.is_tensor(compiler, item, argument, node)
            }

    def is_tensor(self, compiler: Compiler, item: Item, argument: str, node: Node) -> bool:
        """Return whether an argument of a block is a layer, which has no default here."""
        tensor = item.op is None and argument in compiler.tensors(item.target)
        if tensor:
            self.fault(
                node, "{} of {} is a layer, and has no default", argument, item.target, help="name it at each call"
            )
        return tensor

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

    def shape(self, compiler: Compiler, node: Node, scope: NameScope) -> list[Cell]:
        if node.kind != "list" or not 1 <= len(node.value) <= MAX_RANK:
            self.fault(
                node,
                "an input must be a list of 1 to {} dimensions, without the batch",
                MAX_RANK,
                help="write [3, 224, 224] for an image, [T, D] for tokens, or a mapping of names to such lists",
            )
            return []
        first, *others = node.value
        open_sizes = [size for size in others if size.kind == "scalar" and size.text in OPEN]
        if first.kind == "scalar" and first.text in (*OPEN, "-1"):
            open_sizes.insert(0, first)
        for size in open_sizes:
            batch = size is first and others
            help = "remove it: shapes are without the batch, which --batch N sets" if batch else "write it as a number"
            self.fault(size, "{} is open", "the batch" if batch else "the size", help=help)
        return [] if open_sizes else [compiler.cell(size, scope) for size in node.value]

    def limits(self, compiler: Compiler, section: str) -> tuple[Limit, ...]:
        node = self.sections.get(section)
        if node is None:
            return ()
        entries = node.value if node.kind == "list" else [node]
        limits = []
        for entry in entries:
            if entry.kind != "map":
                help = f"write {section}: {{macs: 4.1G, params: 26M}}"
                self.fault(entry, "{} must be a mapping of figures", section, help=help)
                continue
            values: dict[str, tuple[int, Span]] = {}
            at: dict[str, Any] = {}
            for key, value in entry.value:
                if key.text == "set":
                    at = self.setting(compiler, value)
                elif key.text in MEASURES:
                    number = self.figure(value, section)
                    if number is not None:
                        values[key.text] = (number, value.span)
                else:
                    self.fault(key, "unknown figure {}", key.text, help=suggest(key.text, (*MEASURES, "set")))
            limits.append(Limit(values, at, entry.span))
        return tuple(limits)

    def figure(self, node: Node, section: str) -> int | None:
        value = node.value if node.kind == "scalar" else None
        help = "write 4_089_184_256 or 4.1G"
        if section == "expect":
            help = "write an exact total: 4_089_184_256; only budget accepts 4.1G"
        elif isinstance(value, str):
            try:
                value = suffixed(value)
            except ExpressionError as error:
                self.faults.add(error.fault(node.span))
                return None
        if type(value) is not int or value < 0:
            shown = show(node.text if node.kind == "scalar" else f"a {node.kind}")
            self.fault(node, "expected an integer of at least 0, got {}", shown, help=help)
            return None
        return value

    def setting(self, compiler: Compiler, node: Node) -> dict[str, Any]:
        if node.kind != "map":
            self.fault(node, "set must be a mapping of params to values", help="write set: {alpha: 0.5}")
            return {}
        values = {}
        for key, value in node.value:
            if key.text not in self.params:
                self.fault(key, "unknown param {}", key.text, help=suggest(key.text, self.params))
            cell = compiler.cell(value, NameScope())
            if cell.run is not None and not self.faults:
                self.fault(value, "expected a constant value")
            values[key.text] = cell.constant
        return values


def _size(root: Node) -> int:
    """Count the nodes of a spec. An alias counts as its node."""
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
    """Return a default that is evaluated with the params of the spec, not with the arguments of a block."""
    if cell.run is None:
        return cell
    run = cell.run
    return Cell(
        cell.node, None, lambda env: run(Env(env.root, env.shape, env.block, env.root, env.work_budget)), cell.work
    )


def _mapping_in(node: Node) -> Node | None:
    """Return the first mapping in a value: the value itself, or an entry of its lists."""
    if node.kind == "list":
        return next((mapping for entry in node.value if (mapping := _mapping_in(entry))), None)
    return node if node.kind == "map" else None
