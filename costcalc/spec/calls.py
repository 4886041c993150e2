"""Values, ops and blocks of a spec, compiled: the parts of a layer that are checked before any shape is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from costcalc.errors import ArgumentError, ExpressionError, Fault, nearest, suggest
from costcalc.ops import base as ops
from costcalc.spec.blocks import builtin
from costcalc.spec.expression import RESERVED, parse
from costcalc.spec.functions import Word
from costcalc.spec.signature import Parameter, split_signature
from costcalc.spec.template import (
    KEYWORDS,
    MODIFIERS,
    STRUCTURES,
    Block,
    Bound,
    Cell,
    Env,
    Item,
    Part,
    expression_span,
    fault_at,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from costcalc.errors import Span
    from costcalc.spec.reader import Node

RESERVED_NAMES = frozenset({"prev", "input"})
_EMPTY: Mapping[str, Any] = {}


class Calls:
    """Compiles values and calls. Faults collect in `faults`; a compiled part with faults is never run."""

    def __init__(self, params: Iterable[str]) -> None:
        self.faults: list[Fault] = []
        self.params = frozenset(params)
        self.signatures: dict[str, tuple[Node, Node]] = {}
        """The file's own blocks: key and body."""
        self.defaults: dict[str, dict[str, tuple[Node, Cell]]] = {}
        self._blocks: dict[str, Block] = {}
        self._builtin: dict[str, tuple[Node, Node]] = {}
        self._followers: dict[str, Item] = {}
        self._meant: set[str] = set()
        """What unknown arguments of the last call were probably meant to be; these are not missed as well."""

    def fault(self, node: Node | Part, message: str, *values: object, help: str = "", note: str = "") -> None:
        """Note a fault at a node."""
        self.faults.append(fault_at(node, message, *values, help=help, note=note))

    # Values

    def cell(self, node: Node, scope: Collection[str]) -> Cell:
        """A value, where the names of `scope` can be seen."""
        if node.kind == "scalar":
            if isinstance(node.value, str):
                return self.expression(node, scope)
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

    def expression(self, node: Node | Part, scope: Collection[str]) -> Cell:
        """A scalar's text as an expression."""
        try:
            expression = parse(node.value)
        except ExpressionError as error:
            self.faults.append(error.fault(expression_span(node, error)))
            return Cell(node, run=_broken)
        broken = False
        for name, offset in expression.names:
            if not (name in scope or (name.startswith(("in_", "block_")) and name in RESERVED) or self.is_word(name)):
                seen = f"names seen here: {', '.join(sorted(scope)[:12])}" if scope else "no names are defined here"
                unknown = ExpressionError("unknown name {}", name, help=suggest(name, self._visible(scope), seen))
                unknown.offset, unknown.length = offset, len(name)
                self.faults.append(unknown.fault(expression_span(node, unknown)))
                broken = True
        if broken:
            return Cell(node, run=_broken)
        if not expression.names:
            try:
                return Cell(node, expression.run(Env(_EMPTY, None, None, _EMPTY)))
            except ExpressionError as error:
                self.faults.append(error.fault(expression_span(node, error)))
                return Cell(node, run=_broken)
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

    def call(self, key: Node | Part, value: Node | None, scope: Collection[str]) -> Item:
        """An op or a block with its arguments."""
        name = key.text
        if name in self.signatures or (name in builtin() and name not in ops.REGISTRY):
            item = Item("block", name, key.span)
            item.block = lambda: self.block(name)
            arguments = tuple(argument for argument, _, _ in self.signature(name))
            item.args = self._arguments(item, key, value, arguments, scope)
            required = [argument for argument, default, _ in self.signature(name) if not default]
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

    def _unknown(self, key: Node | Part) -> None:
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

    def _require(self, item: Item, key: Node | Part, required: list[str]) -> bool:
        given = {name for name, _ in item.args} | self._meant
        missing = [name for name in required if name not in given]
        if missing:
            kind = "arguments are" if len(missing) > 1 else "argument is"
            self.fault(key, "{}: the {} missing: {}", item.target, kind, ", ".join(missing), help=self._usage(item))
        return not missing and not self._meant

    def _usage(self, item: Item) -> str:
        if item.op is not None:
            return ops.signature(item.op)
        signature = self.signature(item.target)
        return f"{item.target}({', '.join(name + ('=' + text if text else '') for name, text, _ in signature)})"

    def _arguments(
        self, item: Item, key: Node | Part, value: Node | None, known: tuple[str, ...], scope: Collection[str]
    ) -> tuple[tuple[str, Cell], ...]:
        found: dict[str, Cell] = {}
        meant: set[str] = set()
        for name, (default_key, cell) in self.defaults.get(item.target, {}).items():
            if name in known:
                found[name] = cell
            else:
                meant.add(self._unknown_argument(item, default_key, known))
        if value is None or (value.kind == "scalar" and value.value is None and not value.text):
            pass
        elif value.kind == "map":
            for name_node, node in value.value:
                if name_node.text in known:
                    found[name_node.text] = self.cell(node, scope)
                else:
                    meant.add(self._unknown_argument(item, name_node, known))
        elif not known:
            self.fault(value, "{} takes no arguments", item.target)
        else:
            found[known[0]] = self.cell(value, scope)
        self._meant = meant
        return tuple(found.items())

    def _unknown_argument(self, item: Item, key: Node, known: tuple[str, ...]) -> str:
        if any(key.span == fault.span for fault in self.faults):
            return ""
        here, help = nearest(key.text, known), suggest(key.text, known)
        if item.op is not None and not (item.op.followed and here in ("norm", "act")):
            from costcalc.ops.advice import meant, misfit

            here, help = meant(item.op, key.text), misfit(item.op, [key.text]).help
        if key.text in MODIFIERS or key.text in STRUCTURES.get(item.target, ()):
            help = f"{key.text} is a modifier: write it beside {item.target}, not among its arguments"
        self.fault(key, "{} has no argument {}", item.target, key.text, help=help or self._usage(item))
        return here

    def follower(self, cell: Cell, value: Any) -> Item | None:
        """The layer that a value of `norm` or `act` stands for; None for `none`."""
        if isinstance(value, Word):
            name = str(value)
            if name == "none":
                return None
            if name not in self._followers:
                self._followers[name] = self.call(Part(name, cell.node.span), None, ())
            return self._followers[name]
        self.fault(
            cell.node, "expected the name of an op, or one with arguments, or none", help="for example norm: batchnorm"
        )
        return None

    # Blocks

    def signature(self, name: str) -> list[Parameter]:
        """The arguments of a block."""
        return split_signature(self.definition(name)[0].text)[1]

    def definition(self, name: str) -> tuple[Node, Node]:
        """Where a block is written: the key with its signature, and its body."""
        if name not in self.signatures and name not in self._builtin:
            from costcalc.errors import Source
            from costcalc.spec.reader import read

            root, _ = read(Source(f"<block {name}>", builtin()[name]))
            self._builtin[name] = root.value[0]
        return self.signatures.get(name) or self._builtin[name]

    def block(self, name: str) -> Block:
        """The template of a block."""
        raise NotImplementedError


def _broken(env: Env) -> Any:
    """Stand for a value with a fault; a spec with faults is never built."""
    raise AssertionError("a spec with faults was built")


def argument_fault(error: ArgumentError, item: Item, span: Span) -> Fault:
    """What is wrong with an argument, under the argument's name."""
    fault = error.fault(span)
    return fault._replace(message=f"{item.target}: {error.argument}: {fault.message}")
