"""Reads an earlier `costcalc analyze -o json` back into analyses, strictly: a base must not be what it does not say."""

from __future__ import annotations

from typing import Any

from costcalc.errors import UsageError
from costcalc.model import METRICS, OPERATIONS, Analysis, Row, Totals

ONE, MANY = "costcalc.analysis/1", "costcalc.analyses/1"


def read(path: str) -> list[Analysis]:
    """The analyses of a file. Raises `UsageError` where it holds anything else."""
    import json

    from costcalc.lang.reader import read_file

    try:
        document = json.loads(read_file(path).text)
    except (ValueError, RecursionError):
        raise UsageError("{} is not JSON", path, help=f"costcalc analyze SPEC... -o json={path} writes it") from None
    form = document.get("format") if isinstance(document, dict) else None
    try:
        if form == MANY:
            return [_analysis(each) for each in document["analyses"]]
        if form == ONE:
            return [_analysis(document)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError("{} is no analysis that costcalc wrote: {}", path, repr(error)) from None
    raise UsageError("{} is not of the form {} or {}", path, ONE, MANY, help=f"costcalc analyze SPEC... -o json={path}")


def _analysis(entry: dict[str, Any]) -> Analysis:
    if entry["batch"] != 1 or entry["partial"]:
        raise ValueError("a base is a whole network at batch 1")
    layers = [_row(layer) for layer in entry["layers"]]
    operations = entry["totals"]["operations"]
    totals = _totals({**entry["totals"], **operations})
    return Analysis(
        network=str(entry["network"]),
        source=str(entry["source"]),
        description="",
        params=dict(entry["params"]),
        inputs={name: _shape(shape) for name, shape in entry["inputs"].items()},
        batch=1,
        totals=totals,
        layers=tuple(layers),
    )


def _row(layer: dict[str, Any]) -> Row:
    output = layer["output"]
    several = bool(output) and isinstance(output[0], list)
    outputs = tuple(map(_shape, output)) if several else (_shape(output),)
    totals = _totals({**layer, **layer["operations"], "layers": 1})
    return Row(
        str(layer["name"]), str(layer["op"]), layer["line"], tuple(map(_shape, layer["inputs"])), outputs, totals
    )


def _totals(values: dict[str, Any]) -> Totals:
    figures = [values[name] if name in METRICS else values.get(name, 0) for name in (*METRICS, *OPERATIONS)]
    if any(type(figure) is not int or figure < 0 for figure in figures):
        raise ValueError("a figure is a whole number")
    return Totals(*figures)


def _shape(sizes: Any) -> tuple[int, ...]:
    return tuple([int(size) for size in sizes])
