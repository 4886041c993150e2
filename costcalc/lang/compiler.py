"""Compiles the YAML nodes of a spec to templates, and finds all faults that do not depend on shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import Fault, counted, suggest
from costcalc.lang.call_compiler import Calls
from costcalc.lang.expression import RESERVED
from costcalc.lang.signature import MAX_NAME, NAME_TOO_LONG, is_identifier, is_name
from costcalc.lang.template import (
    MODIFIERS,
    STRUCTURES,
    Block,
    Branch,
    Cell,
    Item,
    Loop,
    NameScope,
    Part,
    Reference,
    span_within,
)
from costcalc.model import SUSPICIONS
from costcalc.ops import base as ops

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costcalc.errors import Span
    from costcalc.lang.reader import Node

RESERVED_NAMES = frozenset({"prev", "input"})


class ListNames:
    """The names that a list of layers gives, with their locations: those of layers, and those of branches."""

    __slots__ = ("branches", "names")

    def __init__(self, names: Mapping[str, Span]) -> None:
        self.names = dict(names)
        self.branches: dict[str, Span] = {}


class Compiler(Calls):
    """Compiles the layers and blocks of one spec."""

    layers: Node | None = None
    """The layers of the spec."""
    _named_heads: set[str] | None = None

    def block(self, name: str) -> Block:
        """Return the template of a block. It is compiled on first use."""
        if name not in self._blocks:
            key, body = self.definition(name)
            scope = NameScope((), self.params)
            cells: list[tuple[str, Cell | None]] = []
            tensors = tuple([one.name for one in self.signature(name) if one.tensor])
            layers = self.tensors(name).difference(tensors)
            for argument, default, offset, tensor in self.signature(name):
                if tensor:
                    continue
                node = Part(default, span_within(key, offset, len(default)))
                compiled = self.layer_cell if argument in layers else self.expression
                cells.append((argument, compiled(node, scope) if default else None))
                if argument not in layers:
                    scope.names.add(argument)
            builtin = name not in self.signatures
            items = self.items(body, scope)
            self._blocks[name] = Block(name, tuple(cells), items, key.span, tensors, layers, builtin)
        return self._blocks[name]

    def compile_blocks(self) -> None:
        """Compile all blocks of the spec, including unused ones, and check for recursion."""
        for name in self.signatures:
            self.block(name)
        self._find_cycle()

    def _find_cycle(self) -> None:
        done: set[str] = set()
        for start in self.signatures:
            path = {start: iter(self._calls(start))} if start not in done else {}
            while path:
                name = next(reversed(path))
                for other, span in path[name]:
                    if other in path:
                        names = list(path)
                        cycle = " -> ".join([*names[names.index(other) :], other])
                        help = "use repeat to make copies of a layer"
                        self.faults.add(Fault(f"recursive block: {cycle}", span, (), help))
                        return
                    if other not in done:
                        path[other] = iter(self._calls(other))
                        break
                else:
                    done.add(name)
                    del path[name]

    def _calls(self, name: str) -> list[tuple[str, Span]]:
        calls: list[tuple[str, Span]] = []
        stack = list(self.block(name).items)
        while stack:
            item = stack.pop()
            if item.kind == "block":
                calls.append((item.target, item.span))
            stack.extend(item.inner())
        return [call for call in calls if call[0] in self.signatures]

    # Lists of layers

    def items(self, node: Node, scope: NameScope, given: Mapping[str, Span] | None = None) -> tuple[Item, ...]:
        """Compile a list of layers. `given` has the names that are already in use."""
        if node.kind != "list":
            empty = node.kind == "scalar" and node.value is None
            self.fault(
                node,
                "expected a list of layers{}",
                "" if empty else ", got a mapping" if node.kind == "map" else f", got {node.text}",
                help="begin each layer with a dash and a space; write [] for an empty list",
            )
            return ()
        result = []
        scope = NameScope((), scope)
        names = ListNames(given or {})
        for entry in node.value:
            item = self._item(entry, scope, names)
            if item is not None:
                result.append(item)
                if item.kind == "output" and entry is not node.value[-1]:
                    self.fault(entry, "output must be the last item of a list")
        return tuple(result)

    def _item(self, node: Node, scope: NameScope, given: ListNames) -> Item | None:
        if node.kind == "scalar":
            if not isinstance(node.value, str):
                message = f"expected a layer, got {node.text}" if node.text else "a layer is missing"
                self.fault(node, "{}", message, help="write the name of an op, a block or a structure")
                return None
            if node.text in STRUCTURES and node.text not in ops.REGISTRY:
                self.fault(node, "{} needs a list of layers", node.text)
                return None
            return self.call(node, None, scope)
        if node.kind == "list":
            self.fault(node, "expected a layer, got a list", help="write group: [...] to use a list as a layer")
            return None
        entries = {key.text: (key, value) for key, value in node.value}
        if "let" in entries:
            return self._let(node, scope)
        if "output" in entries and len(entries) == 1:
            item = Item("output", "output", node.span)
            item.source = self.references(entries["output"][1], scope)
            return item
        heads = [pair for pair in node.value if pair[0].text not in MODIFIERS]
        if not heads:
            self.fault(node, "expected an op, a block or a structure beside the modifiers")
            return None
        key, value = self._head(heads)
        beside = dict(entries)
        del beside[key.text]
        inner = self._inner_scope(beside, scope)
        if value.kind == "map" and not value.value and "from" in beside and key.text in STRUCTURES:
            value = value._replace(kind="scalar", value=None, text="")  # `concat: {}` is `concat:`
        if key.text in STRUCTURES:
            item = self._structure(key, value, beside, inner)
        else:
            item = self.call(key, value, inner, beside)
        self._modifiers(item, beside, scope, inner, given)
        return item

    def _head(self, heads: list[tuple[Node, Node]]) -> tuple[Node, Node]:
        """Return the key of the op, block or structure: the first known name, else the first key."""
        return next((pair for pair in heads if pair[0].text in STRUCTURES or self.is_word(pair[0].text)), heads[0])

    def _let(self, node: Node, scope: NameScope) -> Item | None:
        for key, _ in node.value[1:] if node.value[0][0].text == "let" else node.value[:1]:
            self.fault(key, "let must be the only key of its item", help="write the layer as a separate item")
        value = next(value for key, value in node.value if key.text == "let")
        if value.kind != "map":
            self.fault(value, "let must be a mapping of names to values", help="write let: {c: in_channels}")
            return None
        item = Item("let", "let", node.span)
        cells = []
        for key, entry in value.value:
            cells.append((key.text, self.cell(entry, scope)))
            self.variable(key)
            scope.names.add(key.text)
        item.args = tuple(cells)
        return item

    def variable(self, key: Node) -> None:
        """Check that a key is a valid name of a value."""
        if not is_identifier(key.text):
            help = "use letters, digits and _, without a leading digit"
            self.fault(key, "invalid name of a value: {}", key.text, help=help)
        elif key.text in RESERVED:
            self.fault(key, "{} is a reserved name", key.text, help="choose another name")

    def _inner_scope(self, beside: Mapping[str, tuple[Node, Node]], scope: NameScope) -> NameScope:
        if "for" not in beside and "repeat" not in beside:
            return scope
        inner = NameScope(("i",), scope)
        if "for" in beside:
            inner.names.add("row")
            table = beside["for"][1]
            columns: dict[str, list[Node]] = {}
            if table.kind == "map":
                columns = {key.text: column.value if column.kind == "list" else [] for key, column in table.value}
            elif table.kind == "list" and table.value and table.value[0].kind == "list":
                for place, head in enumerate(table.value[0].value):
                    rows = [row.value for row in table.value[1:] if row.kind == "list"]
                    columns[head.text] = [row[place] for row in rows if place < len(row)]
            outer = NameScope(("row", "i"), scope)
            for name, cells in columns.items():
                layers = cells and all(self.is_layer_name(cell, outer) for cell in cells)
                (inner.layers if layers and name in self._named() else inner.names).add(name)
        return inner

    def _named(self) -> set[str]:
        """Return the first steps of all names of layers in the layers and blocks of the spec."""
        if self._named_heads is None:
            self._named_heads = set().union(*(self._heads(root) for root in self.roots()))
        return self._named_heads

    def roots(self) -> Iterator[Node]:
        """Yield the lists of the spec: its layers, and the bodies of its blocks."""
        if self.layers is not None:
            yield self.layers
        for _, body in self.signatures.values():
            yield body

    def _structure(self, key: Node, value: Node, beside: dict[str, tuple[Node, Node]], scope: NameScope) -> Item:
        name = key.text
        extras = {extra: beside.pop(extra) for extra in STRUCTURES[name] if extra in beside}
        if name == "moe":
            return self._mixture(key, value, extras, scope)
        if name in ("group", "residual", "map"):
            item = Item(name, name, key.span)
            inner = NameScope(("i",), scope) if name == "map" else scope
            branches = [Branch("body" if name == "residual" else name, self.items(value, inner))]
            if "shortcut" in extras:
                branches.append(Branch("shortcut", self.items(extras["shortcut"][1], scope)))
            if "skip" in extras:
                item.skip = self.cell(extras["skip"][1], scope)
            item.branches = tuple(branches)
            return item
        if "branches" in extras:
            item = self.call(key, None, scope)
            item.kind = "join"
            item.count = self.cell(extras["branches"][1], scope)
            item.branches = (Branch("branch", self.items(value, NameScope(("i",), scope))),)
            return self._with_axis(item, extras, scope)
        arguments = self.arguments(name)
        named = value.kind == "map" and any(
            entry.kind == "list" or not _is_argument(branch.text, arguments)
            for branch, entry in value.value or [(key, value)]
        )
        listed = value.kind == "list"
        if not (named or listed):
            item = self._operand(key, value) or self.call(key, value, scope)
        else:
            item = self.call(key, None, scope)
            item.kind = "join"
            item.branches = self._branches(key, value, scope)
        return self._with_axis(item, extras, scope)

    def _mixture(self, key: Node, value: Node, extras: Mapping[str, tuple[Node, Node]], scope: NameScope) -> Item:
        """Compile a mixture of experts."""
        missing = [name for name in ("experts", "active") if name not in extras]
        if missing:
            help = "write experts: 8 and active: 2 beside moe:"
            self.fault(key, "moe needs {} beside it", " and ".join(missing), help=help)
            return Item("moe", "moe", key.span)
        item = Item("moe", "moe", key.span)
        item.experts = self.cell(extras["experts"][1], scope), self.cell(extras["active"][1], scope)
        branches = [Branch("expert", self.items(value, scope))]
        if "shared" in extras:
            branches.append(Branch("shared", self.items(extras["shared"][1], scope)))
        item.branches = tuple(branches)
        return item

    def _with_axis(self, item: Item, extras: Mapping[str, tuple[Node, Node]], scope: NameScope) -> Item:
        if "axis" in extras:
            item.args = (
                *(pair for pair in item.args if pair[0] != "axis"),
                ("axis", self.cell(extras["axis"][1], scope)),
            )
            item.fixed = None
            self.fix(item)
        return item

    def _branches(self, key: Node, value: Node, scope: NameScope) -> tuple[Branch, ...]:
        if not value.value:
            self.fault(value, "{} needs branches", key.text, help=f"write {key.text}: [[...], [...]]")
        if value.kind == "map":
            for name, entry in value.value:
                if name.text in ("from", "branches") and not self._is_branch(name, entry):
                    help = f"write {name.text}: beside {key.text}:, not below it"
                    self.fault(name, "expected a branch, got {}", name.text, help=help)
                    return ()
                self.layer_name(name)
                if name.text in STRUCTURES[key.text] and entry.kind != "list":
                    self.fault(
                        name, "expected a branch, got {}", name.text, help=f"write {name.text} beside {key.text}:"
                    )
                    return ()
            return tuple(Branch(name.text, self.items(entry, scope), name.span) for name, entry in value.value)
        if any(entry.kind != "list" for entry in value.value):
            texts = [entry.text for entry in value.value if entry.kind == "scalar"]
            self.fault(
                value,
                "each branch of {} must be a list of layers",
                key.text,
                help=f"to join tensors by name, write from: [{', '.join(texts)}] beside {key.text}:" if texts else "",
            )
            return ()
        return tuple(Branch(f"branch{n}", self.items(entry, scope)) for n, entry in enumerate(value.value))

    def _is_branch(self, name: Node, entry: Node) -> bool:
        """Return whether a branch with the name of a modifier has layers."""
        if entry.kind != "list":
            return False
        texts = [item.text for item in entry.value if item.kind == "scalar"]
        return len(texts) < len(entry.value) or all(self.is_layer(text) or text in STRUCTURES for text in texts)

    def _operand(self, key: Node, value: Node) -> Item | None:
        """Report a tensor or a number as the value of a structure, with the right way to write it."""
        constants = {"mul": "scale: {by: %s}", "add": "shift: {by: %s}"}
        if isinstance(value.value, str):
            help = f"write {key.text}: and, beside it, from: [prev, {value.text}]"
        elif type(value.value) in (int, float) and key.text in constants:
            help = f"write {constants[key.text] % value.text} for a constant"
        else:
            return None
        if self.arguments(key.text):
            return None
        self.fault(value, "{} needs branches, got {}", key.text, value.text, help=help)
        return Item("op", key.text, key.span)

    def layer_name(self, node: Node) -> str:
        """Return the name in a scalar, and check that it is a valid name of a layer."""
        text = node.text if node.kind == "scalar" else ""
        if len(text) > MAX_NAME:
            self.fault(node, NAME_TOO_LONG, len(text), MAX_NAME)
        elif not is_name(text):
            message = f"invalid name {text!r}" if text else "expected a name"
            self.fault(node, "{}", message, help="use letters, digits, _ and -, but not digits alone")
        elif text in RESERVED_NAMES:
            self.fault(node, "{} is a reserved name", text, help="choose another name")
        return text

    def _modifiers(
        self,
        item: Item,
        beside: Mapping[str, tuple[Node, Node]],
        scope: NameScope,
        inner: NameScope,
        given: ListNames,
    ) -> None:
        for name, (key, value) in beside.items():
            if name == "name":
                item.name = self.layer_name(value)
                self._register_name(item.name, value.span, given)
            elif name == "from":
                item.source = self.references(value, inner)
            elif name == "share":
                if value.kind == "list":
                    self.fault(value, "share must name one layer, block or group")
                item.share = next(iter(self.references(value, inner)), None)
            elif name == "else":
                if "if" not in beside:
                    self.fault(key, "else needs if", help="write if: CONDITION beside it")
                item.otherwise = self.items(value, inner, given.names)
            elif name == "tied":
                item.tied = self._tied(key, value, beside)
            elif name == "repeat":
                item.repeat = self.cell(value, inner)
            elif name == "if":
                item.condition = self.cell(value, inner)
            elif name == "for":
                item.loop = self._loop(value, scope, inner)
            elif name == "dtype":
                item.formats = self.formats(value)
            elif name == "allow":
                self.allowed |= {(rule, span) for rule in self.rules(value) for span in _spans(item)}
            elif name != "note":
                self._unknown_modifier(item, key)
        if item.tied and item.share is not None:
            self.fault(beside["tied"][0], "tied cannot stand beside share", help="remove one of them")
        item.bare = item.kind in ("residual", "join", "value") and not (item.name or item.repeat or item.loop)
        if item.bare:
            for branch in item.branches:
                if branch.given is not None and branch.segment in given.names:
                    help = f"name the {item.target} to prefix the names of its branches"
                    self._register_name(branch.segment, branch.given, given, help)
                elif branch.given is not None:
                    given.branches.setdefault(branch.segment, branch.given)
        item.plain = not any((item.repeat, item.loop, item.condition, item.share, item.formats))

    def _tied(self, key: Node, value: Node, beside: Mapping[str, tuple[Node, Node]]) -> bool:
        if "repeat" not in beside:
            self.fault(
                key, "tied needs repeat", help="write repeat: N beside it, or share: NAME to use the weights of NAME"
            )
        if type(value.value) is not bool:
            self.fault(value, "expected true or false")
        return value.value is True

    def rules(self, node: Node) -> list[str]:
        """Return the rules of suspicions in a scalar or a list."""
        rules = []
        for entry in node.value if node.kind == "list" else [node]:
            if entry.kind == "scalar" and entry.text in SUSPICIONS:
                rules.append(entry.text)
            else:
                text = entry.text if entry.kind == "scalar" else f"a {entry.kind}"
                help = suggest(text, SUSPICIONS, f"known: {', '.join(SUSPICIONS)}")
                self.fault(entry, "expected a rule of suspicions, got {}", text, help=help)
        return rules

    def _register_name(self, name: str, span: Span, given: ListNames, help: str = "") -> None:
        """Register a name of a list, and check that it is unique."""
        first = given.names.get(name) or given.branches.get(name)
        if first is not None:
            note = f"first used at line {first.line}"
            help = help or "choose another name for one of the layers"
            self.faults.add(Fault(f"duplicate name {name} in this list", span, (note,), help))
        given.names.setdefault(name, span)

    def _unknown_modifier(self, item: Item, key: Node) -> None:
        name = key.text
        known = (*item.op.fields, "norm", "act") if item.op else ()
        if name in known:
            help = f"indent the argument below {item.target}, or write {item.target}: {{{name}: ...}}"
        elif name in STRUCTURES or self.is_word(name):
            help = "begin the second layer with a dash"
        else:
            structural = STRUCTURES.get(item.target, ())
            help = suggest(name, (*MODIFIERS, *structural))
        self.fault(key, "unknown key {} beside {}", name, item.target, help=help)

    def references(self, node: Node, scope: NameScope) -> tuple[Reference, ...]:
        """Return the names of layers in a scalar or a list."""
        nodes = node.value if node.kind == "list" else [node]
        if not nodes:
            self.fault(node, "expected the name of a layer, got an empty list")
        return tuple([reference for entry in nodes if (reference := self.reference(entry, scope)) is not None])

    def _column(self, node: Node, name: str, inner: NameScope, scope: NameScope) -> Cell:
        """Compile a column of `for`."""
        if name not in inner.layers:
            return self.cell(node, scope)
        cells = [self.layer_cell(cell, scope) for cell in node.value]
        return Cell(node, run=lambda env: tuple([cell.get(env) for cell in cells]), work=len(cells))

    def _loop(self, node: Node, scope: NameScope, inner: NameScope) -> Loop | None:
        inside = NameScope(("row", "i"), scope)

        def cell(value: Node, name: str) -> Cell:
            return (self.layer_cell if name in inner.layers else self.cell)(value, inside)

        if node.kind == "map" and node.value:
            for key, _ in node.value:
                self.variable(key)
            names = tuple(key.text for key, _ in node.value)
            return Loop(
                node, names, tuple(self._column(value, key.text, inner, inside) for key, value in node.value), ()
            )
        if node.kind == "list" and node.value and all(row.kind == "list" for row in node.value):
            header, *rows = node.value
            names = tuple(key.text for key in header.value)
            seen: set[str] = set()
            for key in header.value:
                self.variable(key)
                if key.text in seen:
                    self.fault(key, "duplicate column {}", key.text)
                seen.add(key.text)
            for row in rows:
                if len(row.value) != len(names):
                    help = f"write one value for each name of the header: {', '.join(names[:12])}"
                    values = counted(len(row.value), "value")
                    self.fault(row, "the row has {} for {}", values, counted(len(names), "name"), help=help)
            return Loop(node, names, None, tuple(tuple(map(cell, row.value, names)) for row in rows))
        self.fault(
            node,
            "for must be columns, or a table with a header row",
            help="write for: {w: [64, 128], n: [3, 4]}, or a list of rows with the names in the first",
        )
        return None


def _spans(item: Item) -> Iterator[Span]:
    """Yield the location of an item and of those inside it."""
    yield item.span
    for inner in item.inner():
        yield from _spans(inner)


def _is_argument(name: str, known: tuple[str, ...]) -> bool:
    """Return whether a name is one of these arguments, or similar to one."""
    if name in known:
        return True
    from costcalc.ops.framework_aliases import nearest_argument

    return nearest_argument(name, known) != ""
