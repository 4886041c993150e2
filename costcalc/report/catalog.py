"""What costcalc brings, as tables: networks, ops, blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.grid import Column, Entry, Grid, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc import catalog
    from costcalc.model import Analysis


def specs(analyses: Mapping[str, Analysis]) -> Grid:
    """Networks by the names that find them, a line each."""
    columns = (
        Column("name", "network"),
        Column("params", "params", "count"),
        Column("macs", "MACs", "count"),
        Column("source", "source", yields=1),
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


def entries(listed: Sequence[catalog.Entry], *, tree: bool) -> Grid:
    """Ops or blocks, a line each. Families, where there are several, are headings of the tree, or else a column."""
    several = len({entry.family for entry in listed}) > 1
    lines: list[Entry] = []
    family = ""
    for entry in listed:
        if several and tree and entry.family != family:
            lines.append(Entry((entry.family, None, None), "heading"))
        family = entry.family
        arguments = Text(
            entry.signature.removeprefix(entry.name).removeprefix("(").removesuffix(")"),
            ", ".join([argument.name for argument in entry.arguments]),
        )
        if several and not tree:
            lines.append(Entry((family, entry.name, entry.summary, arguments)))
        else:
            lines.append(Entry(("  " * several + entry.name, entry.summary, arguments)))
    columns = (Column("name", "name"), Column("summary", "", yields=2), Column("arguments", "arguments", shortens=1))
    return Grid((Column("family", "family"), *columns) if several and not tree else columns, tuple(lines))


def entry(one: catalog.Entry) -> Grid:
    """One op or block: its arguments, and what its documentation says."""
    columns = (Column("argument", "argument"), Column("default", "default"), Column("takes", "takes"))
    heading = (one.signature, one.summary)
    return Grid(columns, tuple(map(Entry, one.arguments)), heading, ("", *one.text.split("\n")))
