"""Checks for tables of ops: shapes and all quantities. Quantities that a row does not name must be 0."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import pytest

from costcalc.cost import QUANTITIES
from costcalc.errors import CostcalcError
from costcalc.ops import find


class Row(NamedTuple):
    op: str
    arguments: dict[str, object]
    inputs: list[tuple[int, ...]]
    outputs: list[tuple[int, ...]]
    figures: dict[str, int]


class Fault(NamedTuple):
    op: str
    arguments: dict[str, object]
    inputs: list[tuple[int, ...]]
    message: str
    help: str = ""


def row(op, arguments, inputs, outputs, **figures):
    """Return a row. A single input or output needs no list."""
    return Row(op, arguments, *(x if isinstance(x, list) else [x] for x in (inputs, outputs)), figures)


def fault(op, arguments, inputs, message, help=""):
    """Return a row that must fail with a message and a help that contain these texts."""
    return Fault(op, arguments, inputs if isinstance(inputs, list) else [inputs], message, help)


def label(value):
    return f"{value.op}-{value.arguments}-{value.inputs}".replace(" ", "")


def table(rows):
    return pytest.mark.parametrize("row", rows, ids=label)


def make(op, arguments):
    found = find(op)
    assert found is not None, op
    return found(**arguments)


def figures(op, *inputs):
    """Return the quantities that are not 0."""
    cost = op.cost(inputs, op.shape(inputs))
    return {name: value for name in QUANTITIES if (value := getattr(cost, name).value)}


def check(row):
    op = make(row.op, row.arguments)
    assert list(op.shape(tuple(row.inputs))) == row.outputs
    assert figures(op, *row.inputs) == {name: value for name, value in row.figures.items() if value}
    cost = op.cost(tuple(row.inputs), tuple(row.outputs))
    for name in QUANTITIES:
        count = getattr(cost, name)
        assert evaluate(count.numbers()) == count.value


def evaluate(numbers):
    """Evaluate a formula with numbers."""
    return eval(numbers.replace("·", "*").replace("/", "//"), {"gcd": gcd})


def check_fault(row):
    with pytest.raises(CostcalcError) as caught:
        make(row.op, row.arguments).shape(tuple(row.inputs))
    error = caught.value.fault()
    assert row.message in error.message
    assert row.help in error.help
    return caught.value
