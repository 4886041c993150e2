"""Compiles the values and the calls of ops and blocks in a spec, before shapes are known."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from costcalc.engine import LimitError
from costcalc.errors import ArgumentError, ExpressionError, Fault, SpecError, UsageError, nearest, suggest
from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.expression import RESERVED, parse
from costcalc.lang.functions import Word, gathered
from costcalc.lang.names import LayerValue
from costcalc.lang.references import entry_of, path_of
from costcalc.lang.signature import BlockArgument, is_identifier, split_signature
from costcalc.lang.template import (
    MODIFIERS,
    NONE,
    STRUCTURES,
    Block,
    Bound,
    Cell,
    Env,
    Faults,
    Item,
    NameScope,
    Part,
    Reference,
    TooManyFaults,
    WorkBudget,
    expression_span,
    fault_at,
    span_within,
    typed,
)
from costcalc.model import Suspicion
from costcalc.ops import base as ops
from costcalc.ops.argument_types import WORDS, type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping

    from costcalc.errors import Span
    from costcalc.lang.expression import Expression
    from costcalc.lang.reader import Node
    from costcalc.number_formats import NumberFormats
    from costcalc.ops.base import Op

MAX_EXPRESSIONS = 300_000
"""The largest number of characters of all distinct expressions of a spec."""
_EMPTY: Mapping[str, Any] = {}


BUILTIN = "<block "
"""The beginning of the name of a built-in block's source."""
FOLLOWERS = ("norm", "act")
"""Arguments that add a layer after an op."""


class Calls:
    """Compiles values and calls. It adds faults to `faults`. A template with faults is never run."""

    def __init__(self, params: Iterable[str], faults: Faults) -> None:
        self.faults = faults
        self.params = NameScope(params)
        self.used: set[str] = set()
        """All names that expressions use."""
        self.signatures: dict[str, tuple[Node, Node]] = {}
        """The blocks of the spec: key and body."""
        self.defaults: dict[str, dict[str, Cell]] = {}
        self.allowed: set[tuple[str, Span | None]] = set()
        """The rules of suspicions that layers allow, and the locations of these layers."""
        self._hides: dict[str, list[tuple[str, str, Cell, str]]] = {}
        """The defaults of the spec that a built-in block hides: op, argument, default, and the value of the block."""
        self.hidden: dict[Span, Suspicion] = {}
        """The calls in which this happens, by location."""
        self._blocks: dict[str, Block] = {}
        self._builtin: dict[str, tuple[Node, Node]] = {}
        self._parameters: dict[str, list[BlockArgument]] = {}
        self._tensors: dict[str, frozenset[str]] = {}
        self.paths = False
        """Whether any name refers to a layer inside another one by a path."""
        self.words: dict[str, Node | Part] = {}
        """The words in expressions, and where each stands first."""
        self._prepared: set[str] = set()
        self.followers: dict[str, Item | None] = {}
        """The layers of words used as `norm` or `act`. None during compilation, to detect recursion."""
        self._ops: dict[Hashable, Op] = {}
        """The ops without expressions in their arguments. Equal calls have the same op."""
        self._expressions: dict[str, Expression] = {}
        self._length = 0
        """The total number of characters of these expressions."""

    def fault(self, node: Node | Part, message: str, *values: object, help: str = "", note: str = "") -> None:
        """Add a fault at a node."""
        self.faults.add(fault_at(node, message, *values, help=help, note=note))

    # Values

    def cell(self, node: Node, scope: NameScope) -> Cell:
        """Compile a value in a scope."""
        if node.kind == "scalar":
            if isinstance(node.value, str):
                return self.expression(node, scope)
            if node.value is None:
                help = "write a number, true or false, a word, a list or an expression"
                self.fault(node, "a value is missing", help=help)
            return Cell(node, node.value)
        if node.kind == "list":
            cells = [self.cell(item, scope) for item in node.value]
            if all(cell.run is None for cell in cells):
                return Cell(node, tuple([cell.constant for cell in cells]))
            return Cell(node, run=lambda env: _list([cell.get(env) for cell in cells]), work=len(cells))
        item = self._bound(node, scope)
        return Cell(node, run=lambda env: Bound(item, env.names))

    def expression(self, node: Node | Part, scope: NameScope) -> Cell:
        """Compile the text of a scalar as an expression."""
        try:
            expression = self._parsed(node.value)
        except LimitError as error:
            self.faults.add(error.fault(node.span))
            raise TooManyFaults from None
        except ExpressionError as error:
            self.faults.add(error.fault(expression_span(node, error)))
            return Cell(node, run=_broken)
        broken = False
        self.used.update(name for name, _ in expression.names)
        for name, offset in expression.names:
            if name in scope or (name.startswith(("in_", "block_")) and name in RESERVED):
                continue
            if self.is_word(name):
                self.words.setdefault(name, node)
            else:
                unknown = ExpressionError("unknown name {}", name, help=self._name_help(name, scope))
                unknown.offset, unknown.length = offset, len(name)
                self.faults.add(unknown.fault(expression_span(node, unknown)))
                broken = True
        if broken:
            return Cell(node, run=_broken)
        if not expression.names:
            try:
                return Cell(node, expression.run(Env(_EMPTY, None, None, _EMPTY, WorkBudget(MAX_EXPRESSIONS))))
            except ExpressionError as error:
                self.faults.add(error.fault(expression_span(node, error)))
                return Cell(node, run=_broken)
        if expression.tree.kind == "name":
            name = expression.names[0][0]
            if name not in scope and not name.startswith(("in_", "block_")):
                return Cell(node, Word(name))
        return Cell(node, run=expression.run, work=len(expression.text) // 2 + 1)

    def _parsed(self, text: str) -> Expression:
        expression = self._expressions.get(text)
        if expression is None:
            self._length += len(text)
            if self._length > MAX_EXPRESSIONS:
                raise LimitError("the distinct expressions have more than {:,} characters in total", MAX_EXPRESSIONS)
            expression = self._expressions[text] = parse(text)
        return expression

    def _name_help(self, name: str, scope: NameScope) -> str:
        """Return help for an unknown name."""
        if name.lower() in ("true", "false", "yes", "no", "on", "off"):
            return f"did you mean {'true' if name.lower() in ('true', 'yes', 'on') else 'false'}?"
        if name in self.params and name not in scope:
            return f"define {name} before its first use"
        from costcalc.ops.framework_aliases import framework_alias

        names = sorted({*islice(scope, 1000), *islice(self.params, 1000)})
        match = nearest(name, names) or framework_alias(name, ops.layer_aliases())
        if match:
            return f"did you mean {match}?"
        otherwise = f"define it at the top of the file: params: {{{name}: ...}}"
        if names:
            otherwise += f"; defined names: {', '.join(names[:12])}"
        if any(name in op.fields for op in ops.REGISTRY.values()):
            return otherwise  # the name of an argument is rather a missing param than a misspelled layer
        dimensions = sorted(name for name in RESERVED if name.startswith(("in_", "block_")))
        return suggest(name, (*names, *dimensions, NONE, *sorted(WORDS), *self.layer_names()), otherwise)

    def is_layer(self, name: str) -> bool:
        """Return whether a name is an op or a block."""
        return name in self.signatures or name in builtin() or ops.find(name) is not None

    def is_word(self, name: str) -> bool:
        """Return whether a name that is not in scope is a word."""
        return name == NONE or name in WORDS or self.is_layer(name)

    def _bound(self, node: Node, scope: NameScope) -> Item:
        if len(node.value) != 1:
            self.fault(
                node,
                "expected one op or block with its arguments, got {} keys",
                len(node.value),
                help="for example norm: {groupnorm: 32}",
            )
            return Item("op", "", node.span)
        key, value = node.value[0]
        item = self.call(key, value, scope)
        if item.formats is not None:
            self.fault(key, "{} has the number formats of the layer before it", item.target, help="remove dtype")
        return item

    # Ops and blocks

    def layer_names(self) -> list[str]:
        """Return all names of ops, blocks and structures."""
        return [*islice(self.signatures, 1000), *builtin(), *{**ops.REGISTRY, **STRUCTURES}]

    def call(self, key: Node | Part, value: Node | None, scope: NameScope, beside: Collection[str] = ()) -> Item:
        """Compile the call of an op or a block. Arguments misplaced `beside` it are not reported as missing, too."""
        name = key.text
        if name in self.signatures or (name in builtin() and name not in ops.REGISTRY):
            item = Item("block", name, key.span)
            item.block = lambda: self.block(name)
            if name not in self.signatures:
                self.block(name)  # the blocks of the spec are compiled after all of them are known
            item.args, misspelled = self._arguments(item, value, self.arguments(name), scope)
            required = [one.name for one in self.signature(name) if not (one.default or one.tensor)]
            self._require(item, key, required, misspelled.union(beside))
            if name not in self.signatures:
                self._find_hidden(item, key)
            return item
        op = ops.find(name)
        item = Item("op", name, key.span)
        if op is None:
            if name in scope and not scope.is_layer(name) and (value is None or value.value is None):
                item.kind, item.bare = "value", True
                item.norm = self.expression(Part(name, key.span), scope)
            else:
                self._unknown(key)
            return item
        item.op = op
        args, misspelled = self._arguments(item, value, self.arguments(name), scope)
        if op.followed:
            item.norm, item.act = (next((c for a, c in args if a == f), None) for f in FOLLOWERS)
            args = tuple(pair for pair in args if pair[0] not in FOLLOWERS)
            for cell in (item.norm, item.act):
                if cell is not None and cell.run is None:
                    self.follower(cell, cell.constant)
        item.args = args
        if self._require(
            item, key, [field for field in op.fields if field not in op.defaults], misspelled.union(beside)
        ):
            self.fix(item)
        return item

    def arguments(self, name: str) -> tuple[str, ...]:
        """Return the names of the arguments of an op or a block."""
        if name in self.signatures or (name in builtin() and name not in ops.REGISTRY):
            return tuple([argument.name for argument in self.signature(name)])
        op = ops.find(name)
        return () if op is None else (*op.fields, *FOLLOWERS) if op.followed else tuple(op.fields)

    def _unknown(self, key: Node | Part) -> None:
        name = key.text
        from costcalc.ops.framework_aliases import LISTS, PACKAGES, nearest_layer

        prefix, bracket, inside = name.partition("(")
        match = nearest_layer(prefix, self.layer_names(), ops.layer_aliases())
        if name in MODIFIERS or any(name in beside for beside in STRUCTURES.values()):
            help = "write the modifier beside an op, a block or a structure"
        elif name in FOLLOWERS:
            help = f"write it as an argument, as in conv: {{..., {name}: ...}}, or name an op"
        elif re.match(r"\w+:\S", name):
            help = f"add a space after the colon: {name.replace(':', ': ', 1)}"
        elif match and bracket and inside.strip(") "):
            help = f"write arguments after a colon, as in {match}: {{...}}; {self._usage(match)}"
        elif match:
            help = f"did you mean {match}?"
        else:
            help = LISTS
        self.fault(key, "unknown op or block {}", name, help=help, note=PACKAGES)

    def fix(self, item: Item) -> None:
        """Create the op now if all its arguments are constants."""
        assert item.op is not None
        if any(cell.run is not None for _, cell in item.args):
            return
        names, values = tuple([name for name, _ in item.args]), tuple([cell.constant for _, cell in item.args])
        if NONE in values:
            return
        try:
            if list in map(type, values):  # a wrong value of a literal argument, which the op refuses
                item.op(**dict(zip(names, values, strict=True)))
            key = item.op, names, typed(values)
            if key not in self._ops:
                self._ops[key] = item.op(**dict(zip(names, values, strict=True)))
            item.fixed = self._ops[key]
        except ArgumentError as error:
            node = item.argument(error.argument)
            self.faults.add(argument_fault(error, item, node.span if node else item.span))

    def _require(self, item: Item, key: Node | Part, required: list[str], misspelled: set[str]) -> bool:
        """Report missing arguments, except those in `misspelled`, which unknown arguments are similar to."""
        given = {name for name, _ in item.args} | misspelled
        missing = [name for name in required if name not in given]
        if missing and "" not in misspelled:
            noun = "arguments" if len(missing) > 1 else "argument"
            self.fault(key, "{}: missing {}: {}", item.target, noun, ", ".join(missing), help=self._usage(item.target))
        return not missing and not misspelled.intersection(required)

    def _usage(self, name: str) -> str:
        """Return the signature of a layer, with its defaults."""
        op = None if name in self.signatures else ops.find(name)
        if op is not None:
            return ops.signature(op)
        if not self.is_layer(name):
            return f"{name}: [...]"
        return usage(name, self.signature(name))

    def _arguments(
        self, item: Item, value: Node | None, known: tuple[str, ...], scope: NameScope
    ) -> tuple[tuple[tuple[str, Cell], ...], set[str]]:
        """Compile the arguments and defaults of a call. Also return the arguments that unknown ones are similar to."""
        cells = dict(self.defaults.get(item.target, {}))
        item.defaults = self.defaults.get(item.target, {})
        misspelled: set[str] = set()
        if value is None or (value.kind == "scalar" and value.value is None):
            pass
        elif value.kind == "map":
            for name_node, node in value.value:
                if name_node.text in known:
                    default, built_in = cells.get(name_node.text), name_node.span.source.name.startswith(BUILTIN)
                    if default and built_in and node.text == name_node.text:
                        self._hide(item, node.text, default, node.text, name_node.span)
                    cells[name_node.text] = self._argument(item, name_node, node, scope)
                elif name_node.text == "dtype" and item.op is not None:
                    item.formats, item.plain = self.formats(node), False
                else:
                    misspelled.add(self.unknown_argument(item, name_node, known, node))
        elif not known:
            usage = f"write - {item.target}"
            help = f"remove it: it changes no shape and no count; {usage}" if item.op is not None else usage
            self.fault(value, "{} takes no arguments", item.target, help=help)
        else:
            name = self._first(item, known)
            first = value._replace(kind="scalar", value=name, text=name)
            cells[name] = self._argument(item, first, value, scope)
        return tuple(cells.items()), misspelled

    def _first(self, item: Item, known: tuple[str, ...]) -> str:
        """Return the argument that a single value sets: the first one that is not an input of a block."""
        if item.kind != "block":
            return known[0]
        return next((one.name for one in self.signature(item.target) if not one.tensor), known[0])

    def _hide(self, item: Item, argument: str, default: Cell, own: str, place: Span) -> None:
        """Record a default of the spec that a built-in block hides by a value of its own."""
        block = place.source.name.removeprefix(BUILTIN).rstrip(">")
        self._hides.setdefault(block, []).append((item.target, argument, default, own))

    def _find_hidden(self, item: Item, key: Node | Part) -> None:
        """Suspect the call of a built-in block that hides a default of the spec by a default of its own."""
        given = {name: cell.node.text for name, cell in item.args}
        own = {argument.name: argument.default for argument in self.signature(item.target)}
        for target, argument, default, value in self._hides.get(item.target, ()):
            value = given.get(value, own.get(value, value))
            if value == NONE:
                continue
            wanted = default.node.text
            if key.span.source.name.startswith(BUILTIN):
                self._hide(Item("op", target, key.span), argument, default, value, key.span)
            elif value != wanted and argument not in given:
                message = (
                    f"the default {argument}: {wanted} of {target} has no effect in {item.target}, which uses {value}"
                )
                own_argument = f"write {argument}: {wanted} in {item.target}"
                help = own_argument if argument in own else "define a block of your own"
                self.hidden.setdefault(key.span, Suspicion("CC204", item.target, message, help, key.span))

    def _argument(self, item: Item, key: Node, node: Node, scope: NameScope) -> Cell:
        if item.kind == "block" and key.text in self.tensors(item.target):
            return self.layer_cell(node, scope)
        if node.kind == "map" and item.op is not None and key.text not in FOLLOWERS:
            self.fault(node, "{}: {}: expected a value, got a mapping", item.target, key.text)
            return Cell(node, run=_broken)
        kind = type_of(item.op.fields[key.text]) if item.op is not None and key.text in item.op.fields else None
        if kind is not None and kind.literal:
            return Cell(node, node.value)
        return self.cell(node, NameScope(kind.own_words, scope) if kind is not None and kind.own_words else scope)

    def unknown_argument(self, item: Item, key: Node, known: tuple[str, ...], value: Node) -> str:
        """Report an unknown argument. Return the known argument that it is similar to, or an empty string."""
        from costcalc.ops.framework_aliases import argument_help, nearest_argument

        name = key.text
        match = nearest_argument(name, known)
        if name in MODIFIERS or name in STRUCTURES.get(item.target, ()):
            match, help = "", f"write the modifier {name} beside {item.target}, not among its arguments"
        elif re.match(r"\w+ *=", name):
            match, help = name.partition("=")[0].strip(), f"write a colon instead of =: {name.replace('=', ': ', 1)}"
        elif not is_identifier(name):
            match, help = "", f"write arguments with their names: {self._usage(item.target)}"
        else:
            given = tuple([entry.value for entry in value.value]) if value.kind == "list" else value.value
            help = argument_help(name, known, given, item.op.name if item.op else "")
        self.fault(key, "{} has no argument {}", item.target, name, help=help or self._usage(item.target))
        return match

    def formats(self, node: Node) -> NumberFormats | None:
        """Return the number formats of `int8`, or of a mapping with those of weights and activations."""
        from costcalc import number_formats

        try:
            if node.kind != "map":
                return number_formats.formats(node.text if node.kind == "scalar" else f"a {node.kind}")
            return number_formats.of_parts({key.text: str(value.text) for key, value in node.value})
        except UsageError as error:
            self.faults.add(error.fault(node.span))
            return None

    def follower(self, cell: Cell, value: Any) -> Item | None:
        """Return the layer for a value of `norm` or `act`, or None for `none`."""
        if isinstance(value, Word):
            name = str(value)
            if name == NONE:
                return None
            if name not in self.followers:
                self.followers[name] = None
                self.followers[name] = self.call(Part(name, cell.node.span), None, NameScope())
            layer = self.followers[name]
            if layer is None:
                self.fault(cell.node, "recursive norm or act: {}", name, help=f"set norm and act of {name} explicitly")
            return layer
        self.fault(cell.node, "expected an op, an op with arguments, or none", help="for example norm: batchnorm")
        return None

    def prepare_followers(self, given: Mapping[str, Node | Part] = _EMPTY) -> None:
        """Compile the layers of words that an expression may give to `norm` or `act` while a network is built.

        These are the words in expressions, and those in `given`. A word without a layer, or whose layer has a fault, is
        left out: it is an error only where it is used.
        """
        self.words = {**given, **self.words}
        while pending := {name: node for name, node in self.words.items() if name not in self._prepared}:
            self._prepared.update(pending)  # their layers may bring further words
            for name, node in pending.items():
                known = name in self.followers or name == NONE or (name in WORDS and name not in ops.REGISTRY)
                if not known and self.is_layer(name) and self._faults_of(node, Word(name)):
                    del self.followers[name]

    def follower_error(self, cell: Cell, word: Word) -> SpecError:
        """Return the error of a word that has no layer."""
        faults = self._faults_of(cell.node, word)
        self.followers.pop(str(word), None)
        return SpecError(faults)

    def _faults_of(self, node: Node | Part, word: Word) -> tuple[Fault, ...]:
        """Compile the layer of a word, and return its faults instead of adding them."""
        kept, self.faults = self.faults, Faults()
        try:
            self.follower(Cell(node), word)
            return tuple(self.faults)
        finally:
            self.faults = kept

    # Names of layers

    def reference(self, node: Node | Part, scope: NameScope) -> Reference | None:
        """Compile the name of a layer."""
        steps = path_of(node.text) if node.kind == "scalar" else None
        if steps is None:
            help = "write from: stem, or from: [left, right]; quote a computed number: from: 'x[i + 1]'"
            self.fault(node, "expected the name of a layer", help=help)
            return None
        compiled: list[str | Cell] = []
        for step, offset in steps:
            if step.startswith("["):
                inside = Part(step[1:-1], span_within(node, offset + 1, len(step) - 2))
                compiled.append(self.expression(inside, scope))
            else:
                compiled.append(step)
        self.paths = self.paths or any(type(step) is str and not _is_number(step) for step in compiled[1:])
        return Reference(node.text, node.span, tuple(compiled), scope.is_layer(steps[0][0]))

    def layer_cell(self, node: Node | Part, scope: NameScope) -> Cell:
        """Compile the name of a layer as a value."""
        reference = self.reference(node, scope)
        if reference is None:
            return Cell(node, run=_broken)
        return Cell(node, run=lambda env: LayerValue(entry_of(reference, env)))

    def is_layer_name(self, node: Node, scope: NameScope) -> bool:
        """Return whether a value can only be the name of a layer: a path that begins with no other name."""
        steps = path_of(node.text) if node.kind == "scalar" and isinstance(node.value, str) else None
        head = steps[0][0] if steps else ""
        return bool(steps) and not (head in scope or head in RESERVED or self.is_word(head) or _is_number(head))

    def tensors(self, name: str) -> frozenset[str]:
        """Return the arguments of a block that are layers: its inputs, and those that its list names in `from`."""
        if name not in self._tensors:
            signature = self.signature(name)
            self._tensors[name] = frozenset([one.name for one in signature if one.tensor])  # for a recursive block
            heads = self._heads(self.definition(name)[1])
            self._tensors[name] = frozenset([one.name for one in signature if one.tensor or one.name in heads])
        return self._tensors[name]

    def _heads(self, root: Node) -> set[str]:
        """Return the first steps of the names of layers in a list."""
        heads: set[str] = set()
        stack = [root]
        while stack:
            node = stack.pop()
            if node.kind == "list":
                stack += node.value
            for key, value in node.value if node.kind == "map" else ():
                stack.append(value)
                if key.text in ("from", "output"):
                    heads.update(_head(entry) for entry in (value.value if value.kind == "list" else [value]))
                elif key.text in self.signatures and value.kind == "map":
                    layers = self.tensors(key.text)
                    heads.update(_head(entry) for argument, entry in value.value if argument.text in layers)
        return heads - {""}

    # Blocks

    def signature(self, name: str) -> list[BlockArgument]:
        """Return the arguments of a block."""
        if name not in self._parameters:
            self._parameters[name] = split_signature(self.definition(name)[0].text)[1]
        return self._parameters[name]

    def definition(self, name: str) -> tuple[Node, Node]:
        """Return the definition of a block: the key with its signature, and its body."""
        if name not in self.signatures and name not in self._builtin:
            from costcalc.errors import Source
            from costcalc.lang.reader import read

            root, _ = read(Source(f"{BUILTIN}{name}>", builtin()[name]))
            self._builtin[name] = root.value[0]
        return self.signatures.get(name) or self._builtin[name]

    def block(self, name: str) -> Block:
        """Return the template of a block."""
        raise NotImplementedError


def usage(name: str, signature: Iterable[BlockArgument]) -> str:
    """Return the signature of a block as a spec has it."""
    text = ""
    before = False
    for one in signature:
        text += ("; " if before and not one.tensor else ", ") if text else ""
        text += f"{one.name}={one.default}" if one.default else one.name
        before = one.tensor
    return f"{name}({text}{';' if before else ''})"


def _head(node: Node) -> str:
    steps = path_of(node.text) if node.kind == "scalar" else None
    return steps[0][0] if steps else ""


def _is_number(step: str) -> bool:
    return step.removeprefix("-").isdecimal() or step == "*"


def _list(values: list[Any]) -> tuple[Any, ...]:
    result = tuple(values)
    gathered(result)
    return result


def _broken(env: Env) -> Any:
    """The `run` function of a value with a fault. A spec with faults is never built."""
    raise AssertionError("a spec with faults was built")


def argument_fault(error: ArgumentError, item: Item, span: Span) -> Fault:
    """Return the fault of an argument, with the names of the op and the argument."""
    fault = error.fault(span)
    help = fault.help or (ops.signature(item.op) if item.op else "")
    return fault._replace(message=f"{item.target}: {error.argument}: {fault.message}", help=help)
