"""How a table of an op family is checked: shapes, and every quantity, those that are not named being 0."""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import pytest

from costcalc.errors import CostcalcError
from costcalc.model import QUANTITIES
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
    said: str
    help: str = ""


def row(op, arguments, inputs, outputs, **figures):
    """A row; one input or output may stand without a list."""
    return Row(op, arguments, *(x if isinstance(x, list) else [x] for x in (inputs, outputs)), figures)


def fault(op, arguments, inputs, said, help=""):
    """A row that must fail with this text, and this text in the help."""
    return Fault(op, arguments, inputs if isinstance(inputs, list) else [inputs], said, help)


def label(value):
    return f"{value.op}-{value.arguments}-{value.inputs}".replace(" ", "")


def table(rows):
    return pytest.mark.parametrize("row", rows, ids=label)


def make(op, arguments):
    found = find(op)
    assert found is not None, op
    return found(**arguments)


def figures(op, *inputs):
    """Every quantity that is not 0."""
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
    """What a formula with numbers comes to, read as a person reads it."""
    return eval(numbers.replace("·", "*").replace("/", "//"), {"gcd": gcd})


def check_fault(row):
    with pytest.raises(CostcalcError) as caught:
        make(row.op, row.arguments).shape(tuple(row.inputs))
    said = caught.value.fault()
    assert row.said in said.message
    assert row.help in said.help
    return caught.value
