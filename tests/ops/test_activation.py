from __future__ import annotations

import pytest

from .tables import check, check_fault, fault, make, row, table

E = 64 * 7 * 5
PER_ELEMENT = {
    "relu": {"cmp": 1},
    "relu6": {"cmp": 2},
    "leaky_relu": {"cmp": 1, "mul": 1},
    "elu": {"cmp": 1, "exp": 1, "add": 1, "mul": 1},
    "selu": {"cmp": 1, "exp": 1, "add": 1, "mul": 2},
    "sigmoid": {"exp": 1, "add": 1, "div": 1},
    "hardsigmoid": {"mul": 1, "add": 1, "cmp": 2},
    "tanh": {"exp": 1},
    "silu": {"exp": 1, "add": 1, "div": 1, "mul": 1},
    "hardswish": {"mul": 2, "add": 1, "cmp": 2},
    "gelu": {"mul": 3, "add": 1, "exp": 1},
    "mish": {"exp": 3, "add": 1, "mul": 1},
    "softplus": {"exp": 2, "add": 1},
}
ROWS = [
    *(
        row(name, {}, (64, 7, 5), (64, 7, 5), **{quantity: times * E for quantity, times in each.items()})
        for name, each in PER_ELEMENT.items()
    ),
    row("relu", {}, (), (), cmp=1),
    row("relu", {}, (2, 3, 4, 5, 6), (2, 3, 4, 5, 6), cmp=2*3*4*5*6),
    row("prelu", {}, (64, 7, 5), (64, 7, 5), cmp=E, mul=E, params=1),
    row("prelu", {"per_channel": True}, (64, 7, 5), (64, 7, 5), cmp=E, mul=E, params=64),
    row("softmax", {}, (10, 5), (10, 5), cmp=10*5, add=2*10*5, exp=10*5, div=10*5),
    row("softmax", {"axis": 0}, (10,), (10,), cmp=10, add=2*10, exp=10, div=10),
    row("log_softmax", {}, (10, 5), (10, 5), cmp=10*5, add=3*10*5, exp=10*5 + 10),
    row("log_softmax", {"axis": 0}, (10, 5, 2), (10, 5, 2), cmp=10*5*2, add=3*10*5*2, exp=10*5*2 + 5*2),
    row("log_softmax", {}, (1000,), (1000,), cmp=1000, add=3*1000, exp=1000 + 1),
]  # fmt: skip

FAULTS = [
    fault("softmax", {"axis": 2}, (10, 5), "axis 2 is out of range for an input of 2 dimensions", "-1 is the last"),
    fault("log_softmax", {"axis": -3}, (10, 5), "axis -3 is out of range"),
    fault("softmax", {"axis": 0.5}, (10, 5), "expected an integer, got 0.5", "round"),
    fault("prelu", {"per_channel": True}, (), "at least 1 dimension"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@pytest.mark.parametrize("name", PER_ELEMENT)
def test_takes_no_argument(name):
    check_fault(fault(name, {"inplace": True}, (3,), f"{name} has no argument inplace", "changes no shape"))


def test_relu_takes_one_comparison_per_element():
    assert make("relu", {}).cost(((64, 56, 56),), ((64, 56, 56),)).cmp.numbers() == "64·56·56"
