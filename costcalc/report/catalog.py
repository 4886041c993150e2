"""What costcalc brings, as tables: networks, ops, blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report import table
from costcalc.report.table_data import Column, Entry, Grid, Paragraph
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc import catalog
    from costcalc.model import Analysis


def specs(analyses: Mapping[str, Analysis]) -> Grid:
    """Networks by the names that find them, a line each."""
    columns = (
        Column("name", "network"),
        Column("params", "params", "count", shortens=1),
        Column("macs", "MACs", "count", shortens=1),
        Column("source", "source", wraps=24),
    )
    entries = [
        Entry((name, analysis.totals.params, analysis.totals.macs, " ".join(analysis.source.split())))
        for name, analysis in analyses.items()
    ]
    return Grid(columns, tuple(entries))


def specs_document(analyses: Mapping[str, Analysis]) -> dict[str, object]:
    """Networks in the form `costcalc.specs/1`."""
    listed = []
    for name, analysis in analyses.items():
        whole = {"name": name, "description": analysis.description, **analysis.to_dict()}
        listed.append({key: value for key, value in whole.items() if key not in ("format", "network", "layers")})
    return {"format": "costcalc.specs/1", "specs": listed}


def entries(listed: Sequence[catalog.CatalogEntry], *, tree: bool) -> Grid:
    """Ops or blocks, a line each. Families, where there are several, are headings of the tree, or else a column."""
    several = len({entry.family for entry in listed}) > 1
    lines: list[Entry] = []
    family = ""
    for entry in listed:
        if several and tree and entry.family != family:
            lines.append(Entry((entry.family, None, None), "heading"))
        family = entry.family
        arguments = entry.signature.removeprefix(entry.name).removeprefix("(").removesuffix(")")
        if several and not tree:
            lines.append(Entry((family, entry.name, entry.summary, arguments)))
        else:
            lines.append(Entry(("  " * several + entry.name, entry.summary, arguments)))
    columns = (Column("name", "name"), Column("summary", "", wraps=16), Column("arguments", "arguments", wraps=16))
    return Grid((Column("family", "family"), *columns) if several and not tree else columns, tuple(lines))


def entry(one: catalog.CatalogEntry, *, bare: bool = False) -> Grid:
    """One op: its arguments, and what its documentation says. Without arguments there is no table, if `bare`."""
    columns = (Column("argument", "argument"), Column("default", "default"), Column("takes", "takes", wraps=16))
    heading, notes = (one.signature, one.summary), _paragraphs(one.text)
    if bare and not one.arguments:
        return Grid((), (), heading, tuple(notes))
    return Grid(columns, tuple(map(Entry, one.arguments)), heading, ("", *notes))


def block(one: catalog.CatalogEntry, *, width: int | None = None) -> str:
    """A block as it is written; on a terminal that is too narrow for it, with its comment on several lines."""
    comment, _, written = one.text.partition("\n")
    lines = table.wrap(visible(comment.removeprefix("# ")), width and width - 2)
    return "".join([f"# {line}\n" for line in lines]) + written


def _paragraphs(text: str) -> list[str | Paragraph]:
    """A documentation's paragraphs: what stands below an empty line, and each `Shapes: ` and its like."""
    notes: list[str | Paragraph] = []
    for line in text.split("\n"):
        last = notes[-1] if notes else ""
        if line and isinstance(last, Paragraph) and not table.HEADING.match(line):
            notes[-1] = Paragraph((*last.lines, line))
        else:
            notes.append(Paragraph((line,)) if line else "")
    return notes
