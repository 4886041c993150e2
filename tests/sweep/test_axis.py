"""Values along an axis: lists, ranges in decimal steps, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from costcalc.errors import CostcalcError
from costcalc.sweep.axis import axis_of, parse_axis


@pytest.mark.parametrize(("text", "values"), [
    ("0.25,0.5,0.75,1", [0.25, 0.5, 0.75, 1]),
    ("128:224:32", [128, 160, 192, 224]),
    ("128:223:32", [128, 160, 192]),
    ("1:4", [1, 2, 3, 4]),
    ("224:128:-32", [224, 192, 160, 128]),
    ("7:7:5", [7]),
    ("0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
    ("1:2:0.5", [1.0, 1.5, 2.0]),
    ("5,1:2:0.5,relu", [5, 1.0, 1.5, 2.0, "relu"]),
    ("1k:3k:1k", [1000, 2000, 3000]),
    ("1.5k:2.5k:0.5k", [1500, 2000, 2500]),
    ("1_0:3_0:10", [10, 20, 30]),
    ("1e1:3e1:10", [10, 20, 30]),
    ("[3,4,6,3],[3,4,23,3]", [(3, 4, 6, 3), (3, 4, 23, 3)]),
    ("true,false", [True, False]),
    ("max(1, 2),3", [2, 3]),
])  # fmt: skip
def test_values(text, values):
    axis = parse_axis("x", text)
    found = axis.between(0, axis.size)
    assert found == values
    assert [isinstance(value, str) or type(value) for value in found] == [
        isinstance(value, str) or type(value) for value in values
    ]
    assert [axis.value(index) for index in range(axis.size)] == values
    assert pickle.loads(pickle.dumps(axis)) == axis


def test_a_thousand_decimal_steps_are_the_nearest_floats():
    axis = parse_axis("alpha", "0.25:1.249:0.001")
    assert axis.between(0, axis.size) == [float(f"{number / 1000:.3f}") for number in range(250, 1250)]


def test_an_axis_of_any_length_takes_no_memory():
    axis = parse_axis("x", "0:1:1e-18")
    assert axis.size == 10**18 + 1
    assert axis.between(10**17, 10**17 + 2) == [0.1, 0.100000000000000001]


@pytest.mark.parametrize(("text", "message"), [
    ("224:128:32", "x: the range 224:128:32 is empty: it ends below its start"),
    ("1:2:-1", "x: the range 1:2:-1 is empty: its step is negative, but it ends above its start"),
    ("1:2:0", "x: the step of 1:2:0 must not be 0"),
    ("1,,2", "x: missing value in '1,,2'"),
    ("", "x: missing value in ''"),
    ("a:b", "x: expected a range, got 'a:b'"),
    ("1:2:3:4", "x: expected a range, got '1:2:3:4'"),
    ("1:1e40", "x: a number in 1:1e40 is above 10^30"),
    ("1+", "unexpected end of the expression"),
])  # fmt: skip
def test_bad_values_are_refused(text, message):
    with pytest.raises(CostcalcError) as caught:
        parse_axis("x", text)
    assert str(caught.value) == message


@pytest.mark.parametrize(("values", "expected"), [
    (range(128, 225, 32), [128, 160, 192, 224]),
    (np.array([0.5, 1.0]), [0.5, 1.0]),
    (np.arange(3), [0, 1, 2]),
    (np.array([[3, 4], [5, 6]]), [(3, 4), (5, 6)]),
    ([np.array([3, 4]), np.float64(0.5)], [(3, 4), 0.5]),
    (np.array(0.5), [0.5]),
    (np.array(["relu", "gelu"]), ["relu", "gelu"]),
    ([[3, 4], (5, 6)], [(3, 4), (5, 6)]),
    (0.5, [0.5]),
    ("relu", ["relu"]),
    (iter([1, 2]), [1, 2]),
])  # fmt: skip
def test_values_of_a_program(values, expected):
    found = axis_of("x", values).between(0, 99)
    assert found == expected
    assert all(type(value).__module__ == "builtins" for value in found)


@pytest.mark.parametrize("empty", [[], range(3, 1), ()])
def test_no_values_are_refused(empty):
    with pytest.raises(CostcalcError, match="x: no values"):
        axis_of("x", empty)


@pytest.mark.parametrize(("text", "dtype"), [
    ("1,2", "<i8"), ("1,0.5", "<f8"), ("1:2:0.5", "<f8"),
    ("true,false", "?"), ("relu,gelu", "<U32"), ("1:1e20:1e19", "<U32"),
])  # fmt: skip
def test_the_type_that_numpy_holds_them_in(text, dtype):
    assert parse_axis("x", text).dtype == dtype
