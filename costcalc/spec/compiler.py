"""From YAML nodes to templates, with every fault that does not depend on shapes, all of them at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from costcalc.errors import ArgumentError, ExpressionError, Fault, suggest
from costcalc.ops import base as ops
from costcalc.spec.blocks import builtin
from costcalc.spec.expression import RESERVED, parse
from costcalc.spec.functions import Word
from costcalc.spec.signature import IDENTIFIER, NAME, Parameter, split_signature
from costcalc.spec.template import (
    KEYWORDS,
    MODIFIERS,
    STRUCTURES,
    Block,
    Bound,
    Branch,
    Cell,
    Env,
    Item,
    Loop,
    Reference,
    expression_span,
    fault_at,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from costcalc.errors import Span
    from costcalc.spec.reader import Node

RESERVED_NAMES = frozenset({"prev", "input"})
_EMPTY: Mapping[str, Any] = {}


class Compiler:
    """Compiles the sections of one spec. Faults collect in `faults`; a compiled part with faults is never run."""

    def __init__(self, params: Iterable[str]) -> None:
        self.faults: list[Fault] = []
        self.params = frozenset(params)
        self.signatures: dict[str, tuple[Node, Node]] = {}
        """The file's own blocks: key and body."""
        self.defaults: dict[str, dict[str, tuple[Node, Cell]]] = {}
        self._blocks: dict[str, Block] = {}
        self._builtin: dict[str, tuple[Node, Node]] = {}
        self._followers: dict[str, Item] = {}

    def fault(self, node: Node, message: str, *values: object, help: str = "", note: str = "") -> None:
        """Note a fault at a node."""
        self.faults.append(fault_at(node, message, *values, help=help, note=note))

    # Values

    def cell(self, node: Node, scope: Collection[str]) -> Cell:
        """A value, where the names of `scope` can be seen."""
        if node.kind == "scalar":
            if isinstance(node.value, str):
                return self._expression(node, scope)
            if node.value is None:
                self.fault(node, "a value is missing here")
            return Cell(node, node.value)
        if node.kind == "list":
            cells = [self.cell(item, scope) for item in node.value]
            if all(cell.run is None for cell in cells):
                return Cell(node, tuple([cell.constant for cell in cells]))
            return Cell(node, run=lambda env: tuple([cell.get(env) for cell in cells]))
        item = self._bound(node, scope)
        return Cell(node, run=lambda env: Bound(item, env.names))

    def _expression(self, node: Node, scope: Collection[str]) -> Cell:
        try:
            expression = parse(node.value)
        except ExpressionError as error:
            self.faults.append(error.fault(expression_span(node, error)))
            return Cell(node, 1)
        for name, offset in expression.names:
            if not (name in scope or name.startswith(("in_", "block_")) and name in RESERVED or self.is_word(name)):
                unknown = ExpressionError("unknown name {}", name, help=suggest(name, self._visible(scope)))
                unknown.offset, unknown.length = offset, len(name)
                self.faults.append(unknown.fault(expression_span(node, unknown)))
        if not expression.names:
            try:
                return Cell(node, expression.run(Env(_EMPTY, None, None, _EMPTY)))
            except ExpressionError as error:
                self.faults.append(error.fault(expression_span(node, error)))
                return Cell(node, 1)
        if expression.tree.kind == "name":
            name = expression.names[0][0]
            if name not in scope and not name.startswith(("in_", "block_")):
                return Cell(node, Word(name))
        return Cell(node, run=expression.run)

    def _visible(self, scope: Collection[str]) -> list[str]:
        visible = [name for name in RESERVED if name.startswith(("in_", "block_"))]
        return [*scope, *sorted(visible), *sorted(KEYWORDS), *self.layer_names()]

    def is_layer(self, name: str) -> bool:
        """Whether a name is an op or a block."""
        return name in self.signatures or name in builtin() or ops.find(name) is not None

    def is_word(self, name: str) -> bool:
        """Whether a name that is not in scope stands for itself."""
        return name in KEYWORDS or self.is_layer(name)

    def _bound(self, node: Node, scope: Collection[str]) -> Item:
        if len(node.value) != 1:
            self.fault(
                node,
                "expected one op or block with its arguments here, got {} keys",
                len(node.value),
                help="for example norm: {groupnorm: 32}",
            )
            return Item("op", "", node.span)
        key, value = node.value[0]
        return self.call(key, value, scope)

    # Ops and blocks

    def layer_names(self) -> list[str]:
        """Every name that may begin a layer."""
        return [*self.signatures, *builtin(), *ops.REGISTRY, *(name for name in STRUCTURES if name not in ops.REGISTRY)]

    def call(self, key: Node, value: Node | None, scope: Collection[str]) -> Item:
        """An op or a block with its arguments."""
        name = key.text
        if name in self.signatures or (name in builtin() and name not in ops.REGISTRY):
            item = Item("block", name, key.span)
            item.block = lambda: self.block(name)
            arguments = tuple(argument for argument, _, _ in self._signature(name))
            item.args = self._arguments(item, key, value, arguments, scope)
            required = [argument for argument, default, _ in self._signature(name) if not default]
            self._require(item, key, required)
            return item
        op = ops.find(name)
        item = Item("op", name, key.span)
        if op is None:
            self._unknown(key)
            return item
        item.op = op
        followers = ("norm", "act") if op.followed else ()
        args = self._arguments(item, key, value, (*op.fields, *followers), scope)
        item.norm, item.act = (next((c for a, c in args if a == f), None) for f in ("norm", "act"))
        for cell in (item.norm, item.act):
            if cell is not None and cell.run is None:
                self.follower(cell, cell.constant)
        item.args = tuple(pair for pair in args if pair[0] not in followers)
        if self._require(item, key, [field for field in op.fields if field not in op.defaults]):
            self._fix(item)
        return item

    def _unknown(self, key: Node) -> None:
        name = key.text
        if name in MODIFIERS:
            help = "a modifier stands beside an op, a block or a structure"
        elif re.match(r"\w+:\S", name):
            help = f"a space belongs behind the colon: {name.replace(':', ': ', 1)}"
        else:
            help = suggest(name, self.layer_names(), "costcalc ops and costcalc blocks list what there is")
        self.fault(key, "unknown op or block {}", name, help=help)

    def _fix(self, item: Item) -> None:
        assert item.op is not None
        if all(cell.run is None for _, cell in item.args):
            try:
                item.fixed = item.op(**{name: cell.constant for name, cell in item.args})
            except ArgumentError as error:
                node = item.argument(error.argument)
                self.faults.append(argument_fault(error, item, node.span if node else item.span))

    def _require(self, item: Item, key: Node, required: list[str]) -> bool:
        given = {name for name, _ in item.args}
        missing = [name for name in required if name not in given]
        if missing:
            kind = "arguments are" if len(missing) > 1 else "argument is"
            self.fault(key, "{}: the {} missing: {}", item.target, kind, ", ".join(missing), help=self._usage(item))
        return not missing

    def _usage(self, item: Item) -> str:
        if item.op is not None:
            return ops.signature(item.op)
        signature = self._signature(item.target)
        return f"{item.target}({', '.join(name + ('=' + text if text else '') for name, text, _ in signature)})"

    def _arguments(
        self, item: Item, key: Node, value: Node | None, known: tuple[str, ...], scope: Collection[str]
    ) -> tuple[tuple[str, Cell], ...]:
        found: dict[str, Cell] = {}
        for name, (default_key, cell) in self.defaults.get(item.target, {}).items():
            if name in known:
                found[name] = cell
            else:
                self._unknown_argument(item, default_key, known)
        if value is None or (value.kind == "scalar" and value.value is None and not value.text):
            pass
        elif value.kind == "map":
            for name_node, node in value.value:
                if name_node.text in known:
                    found[name_node.text] = self.cell(node, scope)
                else:
                    self._unknown_argument(item, name_node, known)
        elif not known:
            self.fault(value, "{} takes no arguments", item.target)
        else:
            found[known[0]] = self.cell(value, scope)
        return tuple(found.items())

    def _unknown_argument(self, item: Item, key: Node, known: tuple[str, ...]) -> None:
        if any(key.span == fault.span for fault in self.faults):
            return
        help = suggest(key.text, known, self._usage(item))
        if key.text in MODIFIERS or key.text in STRUCTURES.get(item.target, ()):
            help = f"{key.text} is a modifier: write it beside {item.target}, not among its arguments"
        self.fault(key, "{} has no argument {}", item.target, key.text, help=help or self._usage(item))

    def follower(self, cell: Cell, value: Any) -> Item | None:
        """The layer that a value of `norm` or `act` stands for; None for `none`."""
        if isinstance(value, Word):
            name = str(value)
            if name == "none":
                return None
            if name not in self._followers:
                self._followers[name] = self.call(_Key(name, cell.node), None, ())
            return self._followers[name]
        self.fault(
            cell.node, "expected the name of an op, or one with arguments, or none", help="for example norm: batchnorm"
        )
        return None

    # Blocks

    def _signature(self, name: str) -> list[Parameter]:
        """The arguments of a block."""
        return split_signature(self._definition(name)[0].text)[1]

    def _definition(self, name: str) -> tuple[Node, Node]:
        if name not in self.signatures and name not in self._builtin:
            from costcalc.errors import Source
            from costcalc.spec.reader import read

            root, _ = read(Source(f"<block {name}>", builtin()[name]))
            self._builtin[name] = root.value[0]
        return self.signatures.get(name) or self._builtin[name]

    def block(self, name: str) -> Block:
        """The template of a block, compiled when it is first asked for."""
        if name not in self._blocks:
            key, body = self._definition(name)
            scope = set(self.params)
            cells: list[tuple[str, Cell | None]] = []
            for argument, default, offset in self._signature(name):
                node = _Part(key, default, offset)
                cells.append((argument, self._expression(node, scope) if default else None))  # type: ignore[arg-type]
                scope.add(argument)
            self._blocks[name] = Block(name, tuple(cells), self.items(body, scope), key.span)
        return self._blocks[name]

    def compile_blocks(self) -> None:
        """Compile the file's own blocks, also those that no layer uses, and look for recursion."""
        for name in self.signatures:
            self.block(name)
        self._find_cycle()

    def _find_cycle(self) -> None:
        done: set[str] = set()
        for start in self.signatures:
            path: list[str] = []
            stack = [(start, iter(self._calls(start)))] if start not in done else []
            path.extend(name for name, _ in stack)
            while stack:
                name, calls = stack[-1]
                for other, span in calls:
                    if other in path:
                        cycle = " -> ".join([*path[path.index(other) :], other])
                        self.faults.append(Fault(f"blocks call each other in a circle: {cycle}", span))
                        return
                    if other not in done:
                        stack.append((other, iter(self._calls(other))))
                        path.append(other)
                        break
                else:
                    done.add(name)
                    stack.pop()
                    path.pop()

    def _calls(self, name: str) -> list[tuple[str, Span]]:
        found: list[tuple[str, Span]] = []
        stack = list(self.block(name).items)
        while stack:
            item = stack.pop()
            if item.kind == "block":
                found.append((item.target, item.span))
            stack.extend(inner for branch in item.branches for inner in branch.items)
        return [call for call in found if call[0] in self.signatures]

    # Lists of layers

    def items(self, node: Node, scope: Collection[str]) -> tuple[Item, ...]:
        """A list of layers."""
        if node.kind != "list":
            empty = node.kind == "scalar" and node.value is None
            self.fault(
                node,
                "expected a list of layers{}",
                "" if empty else ", got a mapping" if node.kind == "map" else f", got {node.text}",
                help="each layer begins with a dash; an empty list is []",
            )
            return ()
        result = []
        scope = set(scope)
        given: dict[str, Node] = {}
        for entry in node.value:
            item = self._item(entry, scope, given)
            if item is not None:
                result.append(item)
        return tuple(result)

    def _item(self, node: Node, scope: set[str], given: dict[str, Node]) -> Item | None:
        if node.kind == "scalar":
            if node.text in STRUCTURES and node.text not in ops.REGISTRY:
                self.fault(node, "{} needs a list of layers", node.text)
                return None
            return self.call(node, None, scope)
        if node.kind == "list":
            self.fault(node, "expected a layer, got a list", help="group: [...] makes a list one layer")
            return None
        entries = {key.text: (key, value) for key, value in node.value}
        if "let" in entries:
            return self._let(node, scope)
        heads = [pair for pair in node.value if pair[0].text not in MODIFIERS]
        if not heads:
            self.fault(node, "a layer needs an op, a block or a structure beside its modifiers")
            return None
        key, value = self._head(heads)
        beside = dict(entries)
        del beside[key.text]
        inner = self._inner_scope(beside, scope)
        item = self._structure(key, value, beside, inner) if key.text in STRUCTURES else self.call(key, value, inner)
        self._modifiers(item, beside, scope, inner, given)
        return item

    def _head(self, heads: list[tuple[Node, Node]]) -> tuple[Node, Node]:
        """The key that is the op, block or structure: the first that is known, else the first."""
        return next((pair for pair in heads if pair[0].text in STRUCTURES or self.is_word(pair[0].text)), heads[0])

    def _let(self, node: Node, scope: set[str]) -> Item | None:
        for key, _ in node.value[1:] if node.value[0][0].text == "let" else node.value[:1]:
            self.fault(key, "let stands alone in its item", help="write the layer as an item of its own")
        value = next(value for key, value in node.value if key.text == "let")
        if value.kind != "map":
            self.fault(value, "let gives values to names", help="let: {c: in_channels}")
            return None
        item = Item("let", "let", node.span)
        cells = []
        for key, entry in value.value:
            cells.append((key.text, self.cell(entry, scope)))
            self.variable(key)
            scope.add(key.text)
        item.args = tuple(cells)
        return item

    def variable(self, key: Node) -> None:
        """Note a fault where a name cannot be a variable's."""
        if not IDENTIFIER.fullmatch(key.text):
            self.fault(
                key, "{} cannot be the name of a value", key.text, help="letters, digits and _, not a digit first"
            )
        elif key.text in RESERVED:
            self.fault(key, "{} is a name of the language", key.text, help="choose another name")

    def _inner_scope(self, beside: Mapping[str, tuple[Node, Node]], scope: set[str]) -> set[str]:
        if "for" not in beside and "repeat" not in beside:
            return scope
        inner = {*scope, "i"}
        if "for" in beside:
            inner.add("row")
            table = beside["for"][1]
            if table.kind == "map":
                inner.update(key.text for key, _ in table.value)
            elif table.kind == "list" and table.value and table.value[0].kind == "list":
                inner.update(head.text for head in table.value[0].value if head.kind == "scalar")
        return inner

    def _structure(
        self, key: Node, value: Node, beside: dict[str, tuple[Node, Node]], scope: Collection[str]
    ) -> Item:
        name = key.text
        extras = {extra: beside.pop(extra) for extra in STRUCTURES[name] if extra in beside}
        if name in ("group", "residual"):
            item = Item(name, name, key.span)
            branches = [Branch("body" if name == "residual" else name, False, self.items(value, scope))]
            if "shortcut" in extras:
                branches.append(Branch("shortcut", False, self.items(extras["shortcut"][1], scope)))
            if "skip" in extras:
                item.skip = self.cell(extras["skip"][1], scope)
            item.branches = tuple(branches)
            return item
        named = value.kind == "map" and (not value.value or any(entry.kind == "list" for _, entry in value.value))
        listed = value.kind == "list"
        if not (named or listed):
            item = self.call(key, value, scope)
        else:
            item = self.call(key, None, scope)
            item.kind = "join"
            item.branches = self._branches(key, value, scope)
        if "axis" in extras:
            item.args = (*(pair for pair in item.args if pair[0] != "axis"), ("axis", self.cell(extras["axis"][1], scope)))
            item.fixed = None
            self._fix(item)
        return item

    def _branches(self, key: Node, value: Node, scope: Collection[str]) -> tuple[Branch, ...]:
        if not value.value:
            self.fault(value, "{} needs branches", key.text, help=f"{key.text}: [[...], [...]]")
        if value.kind == "map":
            for name, _ in value.value:
                self.layer_name(name)
            return tuple(Branch(name.text, True, self.items(entry, scope)) for name, entry in value.value)
        if any(entry.kind != "list" for entry in value.value):
            texts = [entry.text for entry in value.value if entry.kind == "scalar"]
            self.fault(
                value,
                "each branch of {} is a list of layers",
                key.text,
                help=f"to join tensors by name, write from: [{', '.join(texts)}] beside {key.text}:" if texts else "",
            )
            return ()
        return tuple(Branch(f"branch{n}", False, self.items(entry, scope)) for n, entry in enumerate(value.value))

    def layer_name(self, node: Node) -> str:
        """The name that a scalar gives, noting a fault where it cannot be one."""
        text = node.text if node.kind == "scalar" else ""
        if not NAME.fullmatch(text):
            self.fault(
                node,
                "{} cannot be a name",
                repr(text) if text else "this",
                help="names consist of letters, digits, _ and -, and not of digits alone",
            )
        elif text in RESERVED_NAMES:
            self.fault(node, "{} is a name of the language", text, help="choose another name")
        return text

    def _modifiers(
        self,
        item: Item,
        beside: Mapping[str, tuple[Node, Node]],
        scope: Collection[str],
        inner: Collection[str],
        given: dict[str, Node],
    ) -> None:
        for name, (key, value) in beside.items():
            if name == "name":
                item.name = self.layer_name(value)
                if item.name in given:
                    first = given[item.name].span.line
                    self.fault(value, "the name {} is given twice in this list", item.name, note=f"first in line {first}")
                given[item.name] = value
            elif name == "from":
                item.source = self.references(value)
            elif name == "share":
                item.share = next(iter(self.references(value)), None)
            elif name == "repeat":
                item.repeat = self.cell(value, inner)
            elif name == "if":
                item.condition = self.cell(value, inner)
            elif name == "for":
                item.loop = self._loop(value, scope)
            elif name != "note":
                self._stray(item, key)
        if item.name == "" and item.kind == "join":
            for branch in item.branches:
                if branch.given and branch.segment in given:
                    self.fault(
                        next(iter(beside.values()))[0] if beside else given[branch.segment],
                        "the branch {} has a name that is given twice in this list",
                        branch.segment,
                        help=f"name the {item.target}: its name stands before those of its branches",
                    )
        item.plain = item.repeat is None and item.loop is None and item.condition is None and item.share is None

    def _stray(self, item: Item, key: Node) -> None:
        name = key.text
        known = (*item.op.fields, "norm", "act") if item.op else ()
        if name in known:
            help = f"{name} is an argument of {item.target}: write {item.target}: {{..., {name}: ...}}"
        elif name in STRUCTURES or self.is_word(name):
            help = "an item is one layer; a second begins with a dash of its own"
        else:
            structural = STRUCTURES.get(item.target, ())
            help = suggest(name, (*MODIFIERS, *structural))
        self.fault(key, "unknown key {} beside {}", name, item.target, help=help)

    def references(self, node: Node) -> tuple[Reference, ...]:
        nodes = node.value if node.kind == "list" else [node]
        found = []
        for entry in nodes:
            if entry.kind != "scalar" or not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", entry.text, re.ASCII):
                self.fault(entry, "expected the name of a layer here", help="from: stem, or from: [left, right]")
            else:
                found.append(Reference(entry.text, entry.span))
        if not nodes:
            self.fault(node, "an empty list of names")
        return tuple(found)

    def _loop(self, node: Node, scope: Collection[str]) -> Loop | None:
        inside = {*scope, "row", "i"}
        if node.kind == "map" and node.value:
            for key, _ in node.value:
                self.variable(key)
            names = tuple(key.text for key, _ in node.value)
            return Loop(node, names, tuple(self.cell(value, inside) for _, value in node.value), ())
        if node.kind == "list" and node.value and all(row.kind == "list" for row in node.value):
            header, *rows = node.value
            for key in header.value:
                self.variable(key)
            names = tuple(key.text for key in header.value)
            for row in rows:
                if len(row.value) != len(names):
                    self.fault(row, "a row of {} values under {} names", len(row.value), len(names))
            return Loop(node, names, None, tuple(tuple(self.cell(c, inside) for c in row.value) for row in rows))
        self.fault(
            node,
            "for takes columns, or a table with a header row",
            help="for: {w: [64, 128], n: [3, 4]}, or a list of rows, the first of them the names",
        )
        return None


class _Key:
    """A name that a value gives, where a key is expected."""

    def __init__(self, text: str, node: Node) -> None:
        self.kind, self.text, self.value, self.span = "scalar", text, text, node.span


class _Part:
    """A part of a key's text as a scalar of its own: the default in a signature."""

    def __init__(self, key: Node, text: str, offset: int) -> None:
        self.kind, self.text, self.value, self.plain = "scalar", text, text, True
        self.span = key.span.at(offset, len(text))


def argument_fault(error: ArgumentError, item: Item, span: Span) -> Fault:
    """What is wrong with an argument, under the argument's name."""
    fault = error.fault(span)
    return fault._replace(message=f"{item.target}: {error.argument}: {fault.message}")
