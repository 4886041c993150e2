"""Reads a report of `costcalc analyze -o json` into analyses. Rejects every deviation from the format."""

from __future__ import annotations

from typing import Any

from costcalc.errors import UsageError
from costcalc.model import COUNTS, MEASURES, Analysis, Row, Totals

ONE, MANY = "costcalc.analysis/1", "costcalc.analyses/1"
DIGITS = 100
LIMIT = 10**DIGITS
"""Figures are below this limit. Python does not convert much longer numbers to text."""


def read(path: str) -> list[Analysis]:
    """Return the analyses of a file. Raises `UsageError` if it contains anything else."""
    import json

    from costcalc.lang.reader import read_file

    try:
        document = json.loads(read_file(path).text, parse_constant=_not_finite)
    except (ValueError, RecursionError):
        raise UsageError(
            "{} is not JSON", path, help=f"write it with costcalc analyze SPEC... -o json={path}"
        ) from None
    form = document.get("format") if isinstance(document, dict) else None
    if form not in (ONE, MANY):
        raise UsageError(
            "{} is not a report of the format {} or {}",
            path,
            ONE,
            MANY,
            help=f"write it with costcalc analyze SPEC... -o json={path}",
        )
    try:
        entries = _list(document["analyses"]) if form == MANY else [document]
        analyses = [_analysis(entry) for entry in entries]
        if not analyses:
            raise ValueError("expected at least one analysis")
    except KeyError as error:
        raise _refused(path, f"the key {error.args[0]} is missing") from None
    except ValueError as error:
        raise _refused(path, str(error)) from None
    return analyses


def _refused(path: str, reason: str) -> UsageError:
    return UsageError("{} is not an analysis that costcalc wrote: {}", path, reason)


def _not_finite(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _analysis(value: Any) -> Analysis:
    entry = _dict(value)
    if entry["batch"] != 1 or entry["partial"] is not False:
        raise ValueError("expected a whole network at batch 1")
    totals = _dict(entry["totals"])
    unknown = tuple([name for name in MEASURES if name not in totals and name not in COUNTS])
    return Analysis(
        network=_text(entry["network"]),
        source=_text(entry["source"]),
        description="",
        params={_text(name): _param(param) for name, param in _dict(entry["params"]).items()},
        inputs={_text(name): _shape(shape) for name, shape in _dict(entry["inputs"]).items()},
        batch=1,
        totals=_totals({**totals, **_dict(totals["operations"])}),
        layers=tuple([_row(layer) for layer in _list(entry["layers"])]),
        unknown=unknown,
    )


def _row(value: Any) -> Row:
    layer = _dict(value)
    output = _list(layer["output"])
    several = bool(output) and isinstance(output[0], list)
    outputs = tuple([_shape(shape) for shape in output]) if several else (_shape(output),)
    inputs = tuple([_shape(shape) for shape in _list(layer["inputs"])])
    totals = _totals({**layer, **_dict(layer["operations"]), "layers": 1})
    line = None if layer["line"] is None else _whole(layer["line"])
    return Row(_text(layer["name"]), _text(layer["op"]), line, inputs, outputs, totals)


def _totals(values: dict[str, Any]) -> Totals:
    return Totals(*[_whole(values[name] if name in COUNTS else values.get(name, 0)) for name in Totals._fields])


def _shape(value: Any) -> tuple[int, ...]:
    return tuple([_whole(size) for size in _list(value)])


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LIMIT:
        raise ValueError(f"expected a whole number from 0 to 10^{DIGITS}, got {_shown(value)}")
    return value


def _param(value: Any) -> Any:
    """Return the value of a param: a number, a boolean, a string, or a list of these."""
    if isinstance(value, list):
        return [_param(each) for each in value]
    if isinstance(value, str):
        return _text(value)
    if type(value) is bool or (type(value) in (int, float) and -LIMIT < value < LIMIT):
        return value
    raise ValueError(f"expected the value of a param, got {_shown(value)}")


def _text(value: Any) -> str:
    if not isinstance(value, str) or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"expected a string, got {_shown(value)}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {_shown(value)}")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return ascii(value)[:60] if type(value) is not int or -LIMIT < value < LIMIT else "a number of many digits"
