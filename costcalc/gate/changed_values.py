"""Finds the values that differ between two versions of a spec, and analyses the spec with one of them replaced."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError
from costcalc.lang.library import Library
from costcalc.lang.reader import read
from costcalc.record import NamedTuple
from costcalc.translate import is_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from costcalc.errors import Source, Span
    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.lang.reader import Node
    from costcalc.lang.spec import Spec
    from costcalc.model import Analysis

SECTIONS = ("params", "input", "defaults", "blocks", "layers")
"""The sections whose values affect the cost."""


class Change(NamedTuple):
    """A value of the spec that differs from the base."""

    name: str
    """The name of the param, argument or column: `r5`, `kernel`, `depths[2]`."""
    file: int
    """The index of its file among those of the spec."""
    offset: int
    """Its position in the file, in characters."""
    span: Span
    written: str
    base_written: str
    value: Any
    where: str = ""
    """Its row in a table, such as `in row 1 of for` for the first row of values; otherwise empty."""


def changes(spec: Spec, base: Spec) -> list[Change]:
    """Return every scalar that differs and has a counterpart, in the order of the spec and of the files it extends."""
    result: dict[tuple[int, int], Change] = {}
    for index, (file, old) in enumerate(zip(spec.files, base.files, strict=False)):
        if file.text != old.text and is_yaml(file.name) and is_yaml(old.name):
            (root, _), (base_root, _) = read(file), read(old)
            for name, where, node, base_node in _sections(root, base_root):
                written, before = _written(node), _written(base_node)
                if written and before and written != before:
                    change = Change(name, index, node.mark.index, node.span, written, before, node.value, where)
                    result.setdefault((index, change.offset), change)
    return list(result.values())


Differing = tuple[str, str, "Node", "Node"]
"""A name, a row of a table, and the scalar now and at the base."""


def _sections(root: Node, base: Node) -> Iterator[Differing]:
    sections = {key.text: value for key, value in root.value} if root.kind == "map" else {}
    base_sections = {key.text: value for key, value in base.value} if base.kind == "map" else {}
    for name in SECTIONS:
        if name in sections and name in base_sections:
            yield from _differing(name, sections[name], base_sections[name])


def _differing(name: str, node: Node, base: Node, where: str = "") -> Iterator[Differing]:
    """Yield the scalars that differ, each with the name of its key."""
    if node.kind != base.kind:
        return
    if node.kind == "scalar":
        if (node.value, type(node.value)) != (base.value, type(base.value)):
            yield name, where, node, base
    elif node.kind == "map":
        known = {key.text: value for key, value in base.value}
        for key, value in node.value:
            if key.text == "for" and key.text in known:
                yield from _differing_table(value, known[key.text])
            elif key.text in known:
                yield from _differing(key.text, value, known[key.text], where)
    else:
        plain = all(entry.kind == "scalar" for entry in node.value)
        for index, other in _paired(node.value, base.value):
            label = f"{name}[{index}]" if plain else name
            yield from _differing(label, node.value[index], base.value[other], where)


def _differing_table(table: Node, base: Node) -> Iterator[Differing]:
    """Yield the values of a `for` that differ, each with the name of its column and its row."""
    if table.kind == base.kind == "map":  # a column may also be an expression
        known = {key.text: value for key, value in base.value}
        for key, value in table.value:
            if key.text in known and value.kind == "scalar":
                yield from _differing(key.text, value, known[key.text])
    rows, base_rows = _rows(table), _rows(base)
    for index, other in _paired_rows(rows, base_rows):
        for name, cell in rows[index].items():
            if name in base_rows[other]:
                yield from _differing(name, cell, base_rows[other][name], f"in row {index + 1} of for")


def _rows(table: Node) -> list[dict[str, Node]]:
    """Return the rows of a `for`, by column. It consists of columns, or of rows below a row of names."""
    if table.kind == "map":
        columns = {key.text: value.value for key, value in table.value if value.kind == "list"}
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=False)]
    if table.kind == "scalar" or any(row.kind != "list" for row in table.value):
        return []
    names, *rows = [row.value for row in table.value] or [[]]
    return [{name.text: cell for name, cell in zip(names, row, strict=False)} for row in rows]


def _paired_rows(rows: Sequence[dict[str, Node]], base: Sequence[dict[str, Node]]) -> list[tuple[int, int]]:
    """Pair rows by position: from the top as far as rows are equal, and from the bottom for the rest."""
    texts, base_texts = ([{name: _text(cell) for name, cell in row.items()} for row in each] for each in (rows, base))
    top = 0
    while top < min(len(rows), len(base)) and texts[top] == base_texts[top]:
        top += 1
    shift = len(base) - len(rows)
    bottom = min(len(rows), len(base)) - top
    from_top = [(index, index) for index in range(top)]
    return from_top + [(index, index + shift) for index in range(len(rows) - bottom, len(rows))]


def _text(node: Node) -> str:
    return node.source.text[node.mark.index :][: node.span.length] if node.kind == "scalar" else node.kind


def _paired(nodes: Sequence[Node], base: Sequence[Node]) -> list[tuple[int, int]]:
    """Pair the entries of two lists: by position if their lengths are equal, or else by the kind of layer."""
    if len(nodes) == len(base):
        return [(index, index) for index in range(len(nodes))]
    matcher = SequenceMatcher(None, [*map(_signature, base)], [*map(_signature, nodes)], autojunk=False)
    return [
        (block.b + offset, block.a + offset) for block in matcher.get_matching_blocks() for offset in range(block.size)
    ]


def _signature(node: Node) -> str:
    if node.kind == "map":
        name = next((value.text for key, value in node.value if key.text == "name"), "")
        return f"{' '.join(key.text for key, _ in node.value)} {name}"
    return node.text if node.kind == "scalar" else node.kind


def _written(node: Node) -> str:
    """Return the text of a scalar; empty if it has several lines, a tag or an anchor."""
    text, offset = node.source.text, node.mark.index
    written = text[offset : offset + node.span.length]
    if node.plain:
        return written if written == node.text else ""
    quoted = len(written) > 1 and written[0] == written[-1] and written[0] in "\"'"
    return written if quoted else ""


class FileChain(Library):
    """The files of a spec, of which one may be edited. Each extends the next; no file is read."""

    def __init__(self, files: Sequence[Source]) -> None:
        self.files = files

    def extended(self, base: Source, name: str) -> Source:
        """Return the next file."""
        return self.files[self.files.index(base) + 1]


def analysis_with(
    spec: Spec, change: Change, written: str, values: Mapping[str, Any], cache: AnalysisCache
) -> Analysis | None:
    """Return the analysis of the spec with another text for one value; None if the network is not valid."""
    from costcalc.lang.loader import open_spec

    files = list(spec.files)
    text = files[change.file].text
    text = text[: change.offset] + written + text[change.offset + len(change.written) :]
    files[change.file] = files[change.file]._replace(text=text)
    try:
        return cache.analysis(open_spec(files[0], FileChain(files)), values)
    except CostcalcError:
        return None
