"""One pass over the events of a YAML text: nodes with locations, and faults.

It uses PyYAML's event stream, with libyaml if available. It does not use the composer, which crashes the process on
deep nesting and drops the first of two equal keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from costcalc.errors import Fault, Source, Span
from costcalc.lang.files import place
from costcalc.lang.scalars import CONSTANTS, NUMERIC, is_octal, number
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 100
MAX_NODES = 1_000_000
MAX_FAULTS = 100
_FAR = 1_000

LOADER: Any
try:
    from yaml._yaml import CParser

    LOADER = CParser
except ImportError:
    from yaml import SafeLoader

    LOADER = SafeLoader
"""The parser: libyaml's, or the one in Python."""

Scalar: TypeAlias = int | float | bool | str | None


class Node(NamedTuple):
    """A value of a spec and its location. An alias is the same object as the node that it refers to."""

    kind: Literal["scalar", "list", "map"]
    value: Any
    """The value of a scalar, the nodes of a list, or the pairs of nodes of a map. The value of a key is its text."""
    text: str
    """The text of a scalar, without quotes."""
    plain: bool
    """Whether the node is a scalar without quotes."""
    mark: Any
    source: Source

    @property
    def span(self) -> Span:
        """The text of a scalar on its line, or the first character of a list or a map."""
        line, column, index = self.mark.line + 1, self.mark.column + 1, self.mark.index
        if self.kind != "scalar":
            return Span(self.source, line, column, 1)
        written = self.source.text
        if (
            self.plain and not self.text
        ):  # the parsers disagree on the place of an empty scalar: use the end of the text before
            before = written[max(0, index - _FAR) : index]
            return Span(self.source, *place(written, index - len(before) + len(before.rstrip())), 1)
        if self.plain and written.startswith(self.text, index):
            return Span(self.source, line, column, len(self.text))
        match = re.compile(_SCALAR).match(written, index)
        return Span(self.source, line, column, len(match[0].rstrip()) or 1 if match else 1)


def text_offset(node: Node) -> int | None:
    """Return the offset of a node's text from its location, or None if the source has the text in another form.

    >>> root = Reading(Source("x.yaml", 'a: "4 * mid"')).document()
    >>> text_offset(root.value[0][1])
    1
    """
    written = node.source.text
    index: int = node.mark.index
    match = re.compile(_PROPERTIES).match(written, index)
    start = match.end() if match else index
    start += not node.plain
    if node.kind == "scalar" and "\n" not in node.text and written.startswith(node.text, start):
        return start - index
    return None


class StopReading(Exception):  # noqa: N818 (a signal, not an error)
    """Stops reading: the rest cannot be read, or would take too long."""


class _Anchor(NamedTuple):
    node: Node | None
    """None until the node is complete."""
    nodes: int
    height: int
    mark: Any


_CORE = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "seq", "map")}
_FITS = {("int", "int"), ("float", "float"), ("bool", "bool"), ("null", "NoneType")}
_MERGE = "write out the keys, or set them once in defaults or in a block"
# Rarely used: the module re compiles each at its first use.
_PROPERTIES = r"(?:[&!][^\s,\[\]{}]*[ \t]+)*"
_SCALAR = r"""(?:[&!][^\s,\[\]{}]*[ \t]+)*(?:"(?:[^"\\\r\n]|\\.)*"?|'(?:[^'\r\n]|'')*'?|[^\r\n]*)"""
_BRACE = r"([A-Za-z_][\w-]*)(:?) *\{"
_WORD = r"[^\s,\[\]{}]*"


class Reading:
    """One pass over the events of a text."""

    def __init__(self, source: Source, correct: Callable[[Reading, Any, int], tuple[str, int]] | None = None) -> None:
        self.source = source
        self.correct = correct
        """Returns the help for a trap at a mark, which shows the corrected line, and the length of the fault."""
        self.traps: list[tuple[str, int]] = []
        """Texts that YAML reads in an unintended way: their kinds, and their indices in the text."""
        self.faults: list[Fault] = []
        self.nodes = 0
        """The number of nodes read so far."""
        self.anchors: dict[str, _Anchor] = {}
        self.open: list[tuple[Any, list[Node], bool, int, int]] = []
        """For each open collection: its event, the nodes, map flag and height of its parent, and the node count."""

    def document(self) -> Node:
        """Read the root node. It is an empty scalar if the text has no document."""
        source, stack, new = self.source, self.open, tuple.__new__
        next_event: Callable[[], Any] = LOADER(source.text).get_event
        scalar, sequence_start, mapping_start = ScalarEvent, SequenceStartEvent, MappingStartEvent
        sequence_end, mapping_end = SequenceEndEvent, MappingEndEvent
        children: list[Node] = []
        mapping = False
        height = count = documents = 0
        begin = next_event().start_mark
        while True:
            event = next_event()
            kind = type(event)
            if kind is scalar:
                value = text = event.value
                plain = not event.style
                if event.tag is not None:
                    value = self.tagged(event)
                    if mapping and not len(children) & 1:
                        value = text
                elif plain and (not mapping or len(children) & 1):
                    value = self.number(text, event.start_mark) if text[:1] in NUMERIC else CONSTANTS.get(text, text)
                children.append(new(Node, ("scalar", value, text, plain, event.start_mark, source)))
                count += 1
                if event.anchor is not None:
                    self.define(event, _Anchor(children[-1], 1, 0, event.start_mark))
            elif kind is mapping_end or kind is sequence_end:
                start, around, was_mapping, outer_height, before = stack[-1]
                torn = start.flow_style and self.torn(children, mapping)
                stack.pop()
                value = self.pairs(children, torn) if mapping else children
                node = new(Node, ("map" if mapping else "list", value, "", False, start.start_mark, source))
                if start.anchor is not None:
                    self.anchors[start.anchor] = _Anchor(node, count - before, height + 1, start.start_mark)
                around.append(node)
                children, mapping, height = around, was_mapping, max(outer_height, height + 1)
            elif kind is mapping_start or kind is sequence_start:
                if len(stack) >= MAX_DEPTH:
                    self.stop(event.start_mark, f"the spec is nested more than {MAX_DEPTH} levels deep")
                if event.tag is not None:
                    self.tagged_collection(event, kind is mapping_start)
                if event.anchor is not None:
                    self.define(event, _Anchor(None, 0, 0, event.start_mark))
                stack.append((event, children, mapping, height, count))
                count += 1
                children, mapping, height = [], kind is mapping_start, 0
            elif kind is AliasEvent:
                anchor = self.alias(event)
                count += anchor.nodes
                height = max(height, anchor.height)
                if len(stack) + anchor.height > MAX_DEPTH:
                    message = f"the spec is nested more than {MAX_DEPTH} levels deep after *{event.anchor}"
                    self.stop(event.start_mark, message)
                named = anchor.node or new(Node, ("scalar", None, f"*{event.anchor}", True, event.start_mark, source))
                if mapping and not len(children) & 1 and named.kind == "scalar":
                    named = named._replace(value=named.text)
                children.append(named)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    help = "write the second document to a separate file"
                    self.stop(event.start_mark, "expected one document, got a second", help=help)
            elif kind is StreamEndEvent:
                break
            self.nodes = count
            if count > MAX_NODES:
                self.stop(event.start_mark, f"the spec has more than {MAX_NODES:,} nodes after alias expansion")
        return children[0] if children else new(Node, ("scalar", None, "", True, begin, source))

    def fault(self, mark: Any, message: str, length: int = 1, note: str = "", help: str = "") -> None:
        """Add a fault. Stop reading after `MAX_FAULTS`."""
        span = Span(self.source, mark.line + 1, mark.column + 1, max(1, length))
        self.faults.append(Fault(message, span, (note,) if note else (), help))
        if len(self.faults) >= MAX_FAULTS:
            raise StopReading

    def stop(self, mark: Any, message: str, help: str = "") -> None:
        """Add a fault and stop reading."""
        self.fault(mark, message, help=help)
        raise StopReading

    def number(self, text: str, mark: Any) -> Scalar:
        """Return the value of a plain scalar that begins like a number: a number, or the text."""
        if len(text) <= 30 and (text[0] != "0" or text == "0") and text.isdigit() and text.isascii():
            return int(text)
        try:
            value = number(text)
        except ValueError as error:
            message, help = error.args
            self.fault(mark, message, len(text), help=help)
            return 0
        if value.__class__ is int and is_octal(text):
            span = Span(self.source, mark.line + 1, mark.column + 1, len(text))
            help = f"write {value}: YAML 1.1 reads a leading zero as octal"
            self.faults.append(Fault(f"{text} is read as the decimal number {value}", span, (), help, "warning"))
        return value

    def pairs(self, children: list[Node], torn: bool) -> list[tuple[Node, Node]]:
        """Return the keys and values of a map, and check the keys."""
        keys = children[::2]
        pairs = list(zip(keys, children[1::2], strict=True))
        texts = {key.text for key in keys}
        if torn or (len(texts) == len(pairs) and "" not in texts and "<<" not in texts and "{" not in "".join(texts)):
            return pairs
        seen: dict[str, Node] = {}
        for key in keys:
            first = seen.setdefault(key.text, key)
            if key.kind != "scalar":
                kind = "list" if key.kind == "list" else "mapping"
                self.fault(key.mark, f"expected a key, got a {kind}", help="write a word, or a text in quotes")
            elif key.plain and key.text == "<<":
                self.fault(key.mark, "the merge key << is not supported", 2, help=_MERGE)
            elif key.plain and not key.text:
                self.fault(key.mark, "a key is missing")
            elif key.plain and (match := re.match(_BRACE, key.text)):
                name, colon = match.groups()
                self.trap(
                    "brace" if not colon else "colon",
                    key.mark,
                    f"a {'space' if colon else 'colon'} is missing after {name}{colon}",
                    len(name),
                )
            elif first is not key:
                note = f"first defined at line {first.mark.line + 1}, column {first.mark.column + 1}"
                self.fault(key.mark, f"duplicate key {key.text}", key.span.length, note)
        return pairs

    def torn(self, children: list[Node], mapping: bool) -> bool:
        """Report unintended contents of braces or brackets: `{out:64}`, `{out: max(a, b)}`. Return whether any."""
        before = len(self.traps)
        open, first = 0, children[0] if children else None
        for position, node in enumerate(children):
            text = node.text
            if open and first:
                open += text.count("(") - text.count(")")
                if open <= 0:
                    self.trap("torn", first.mark, "YAML splits this expression at its commas", len(first.text))
                    open = 0
            elif node.plain and "(" in text:
                open, first = text.count("(") - text.count(")"), node
            if mapping and node.plain and ":" in text and not position & 1:
                value = children[position + 1]
                if value.plain and not value.text:
                    colon = text.index(":") + 1
                    self.trap("colon", node.mark, f"a space is missing after {text[:colon]}", len(text))
                    open = 0
        return len(self.traps) > before

    def trap(self, kind: str, mark: Any, message: str, length: int) -> None:
        """Add a fault for a text that YAML reads in an unintended way. Its help shows the corrected line."""
        self.traps.append((kind, mark.index))
        help = ""
        if self.correct:
            help, length = self.correct(self, mark, length)
        self.fault(mark, message, length, help=help)

    def define(self, event: Any, anchor: _Anchor) -> None:
        """Store the node of an anchor. Each anchor must be defined once."""
        earlier = self.anchors.get(event.anchor)
        if earlier is not None:
            note = f"first defined at line {earlier.mark.line + 1}, column {earlier.mark.column + 1}"
            self.fault(event.start_mark, f"duplicate anchor &{event.anchor}", len(event.anchor) + 1, note)
        self.anchors[event.anchor] = anchor

    def alias(self, event: Any) -> _Anchor:
        """Return the anchor of an alias."""
        anchor = self.anchors.get(event.anchor)
        length = len(event.anchor) + 1
        if anchor is None:
            self.trap("alias", event.start_mark, f"unknown anchor &{event.anchor}", length)
            return _Anchor(None, 1, 0, event.start_mark)
        if anchor.node is None:
            self.fault(event.start_mark, f"*{event.anchor} is inside the value that it refers to", length)
        return anchor

    def tagged(self, event: Any) -> Scalar:
        """Return the value of a scalar with a tag."""
        text: str = event.value
        name = _CORE.get(event.tag)
        if name == "str":
            return text
        value: Scalar = self.number(text, event.start_mark) if text[:1] in NUMERIC else CONSTANTS.get(text, text)
        if name == "float" and value.__class__ in (int, float):
            return float(value)
        if name is not None and (name, value.__class__.__name__) in _FITS:
            return value
        self.invalid_tag(event, name, text)
        return text

    def tagged_collection(self, event: Any, mapping: bool) -> None:
        """Check the tag of a list or a map."""
        name = _CORE.get(event.tag)
        if name != ("map" if mapping else "seq"):
            self.invalid_tag(event, name, "a mapping" if mapping else "a list")

    def invalid_tag(self, event: Any, name: str | None, what: str) -> None:
        """Add a fault for a tag that is unknown, or does not match its value."""
        if name is not None:
            self.fault(event.start_mark, f"expected a value of type !!{name}, got {what or 'nothing'}", len(name) + 2)
            return
        match = re.compile(_WORD).match(self.source.text, event.start_mark.index)
        tag = match[0] if match else "!"
        self.trap("tag", event.start_mark, f"the tag {tag} is not supported", len(tag))
