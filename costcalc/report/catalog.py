"""The bundled networks, the ops and the blocks as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report import table
from costcalc.report.table_data import Column, Paragraph, Table, TableRow
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc import catalog
    from costcalc.model import Analysis


def specs(analyses: Mapping[str, Analysis]) -> Table:
    """Return a row for each network."""
    columns = (
        Column("name", "network"),
        Column("params", "params", "count", shortens=1),
        Column("macs", "MACs", "count", shortens=1),
        Column("source", "source", wraps=24),
    )
    entries = [
        TableRow((name, analysis.totals.params, analysis.totals.macs, " ".join(analysis.source.split())))
        for name, analysis in analyses.items()
    ]
    return Table(columns, tuple(entries))


def specs_document(analyses: Mapping[str, Analysis]) -> dict[str, object]:
    """Return the networks in the format `costcalc.specs/1`."""
    listed = []
    for name, analysis in analyses.items():
        whole = {"name": name, "description": analysis.description, **analysis.to_dict()}
        listed.append({key: value for key, value in whole.items() if key not in ("format", "network", "layers")})
    return {"format": "costcalc.specs/1", "specs": listed}


def entries(listed: Sequence[catalog.CatalogEntry], *, tree: bool) -> Table:
    """Return a row for each op or block. Several families are headings of the tree, or a column without `tree`."""
    several = len({entry.family for entry in listed}) > 1
    lines: list[TableRow] = []
    family = ""
    for entry in listed:
        if several and tree and entry.family != family:
            lines.append(TableRow((entry.family, None, None), "heading"))
        family = entry.family
        arguments = entry.signature.removeprefix(entry.name).removeprefix("(").removesuffix(")")
        if several and not tree:
            lines.append(TableRow((family, entry.name, entry.summary, arguments)))
        else:
            lines.append(TableRow(("  " * several + entry.name, entry.summary, arguments)))
    columns = (Column("name", "name"), Column("summary", "", wraps=16), Column("arguments", "arguments", wraps=16))
    return Table((Column("family", "family"), *columns) if several and not tree else columns, tuple(lines))


def entry(one: catalog.CatalogEntry, *, bare: bool = False) -> Table:
    """Return the arguments of an op, with its documentation. With `bare`, an op without arguments has no columns."""
    columns = (Column("argument", "argument"), Column("default", "default"), Column("takes", "takes", wraps=16))
    heading, notes = (one.signature, one.summary), _paragraphs(one.text)
    if bare and not one.arguments:
        return Table((), (), heading, tuple(notes))
    return Table(columns, tuple(map(TableRow, one.arguments)), heading, ("", *notes))


def block(one: catalog.CatalogEntry, *, width: int | None = None) -> str:
    """Return the definition of a block. Its comment is wrapped to the width."""
    comment, _, written = one.text.partition("\n")
    lines = table.wrap(visible(comment.removeprefix("# ")), width and width - 2)
    return "".join([f"# {line}\n" for line in lines]) + written


def _paragraphs(text: str) -> list[str | Paragraph]:
    """Divide documentation into paragraphs, at empty lines and at headings such as `Shapes: `."""
    notes: list[str | Paragraph] = []
    for line in text.split("\n"):
        last = notes[-1] if notes else ""
        if line and isinstance(last, Paragraph) and not table.HEADING.match(line):
            notes[-1] = Paragraph((*last.lines, line))
        else:
            notes.append(Paragraph((line,)) if line else "")
    return notes
