"""Every entry of a grid is what plain Python makes of that configuration, bit for bit, errors included."""

from __future__ import annotations

import math
import operator
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.errors import CostcalcError
from costcalc.lang.expression import evaluate
from costcalc.ops import argument_types
from costcalc.sweep.lanes import Lanes, as_lanes
from costcalc.sweep.partition import column, outcomes, whole
from costcalc.sweep.session import Diverged, MemoryLimit, Session


def pointwise(function, *lists):
    """What plain Python makes of each configuration: a value, or the text of its error."""
    found = []
    for values in product(*lists):
        try:
            found.append(function(*values))
        except CostcalcError as error:
            found.append(str(error))
    return found


def at_once(function, *lists):
    """The same by way of grids."""
    columns = [column(values) for values in lists]
    found = column([None] * math.prod(map(len, lists)))
    for outcome in outcomes(lambda region, session: function(*region.values(columns, session)), whole(columns)):
        positions = outcome.region.positions().reshape(-1)
        for position, index in zip(positions, zip(*outcome.region.local(positions), strict=True), strict=True):
            if outcome.error is not None:
                found[position] = outcome.error.at(index)
            elif isinstance(outcome.result, Lanes):
                data = outcome.result.data
                entry = data[tuple(i if n > 1 else 0 for i, n in zip(index, data.shape, strict=True))]
                found[position] = entry.item() if isinstance(entry, np.generic) else entry
            else:
                found[position] = outcome.result
    return found.tolist()


def same(function, *lists):
    expected = pointwise(function, *lists)
    found = at_once(function, *lists)
    assert [(type(value), repr(value)) for value in found] == [(type(value), repr(value)) for value in expected]


ints = st.one_of(st.integers(-20, 20), st.integers(-(2**31), 2**31), st.integers(-(10**30), 10**30))
floats = st.one_of(
    st.floats(-100, 100).map(lambda x: x or 0.0),
    st.sampled_from([0.5, 0.25, 1.0, 1e15, 2.0**53, 1e-9, 24.000000000000004]),
)
lists = st.one_of(
    st.lists(ints, min_size=1, max_size=5),
    st.lists(floats, min_size=1, max_size=5),
    st.lists(st.one_of(ints, floats), min_size=1, max_size=4),
)
names = st.sampled_from(["a", "b", "c", "2", "3", "1.5", "7", "8", "0"])


def grown(inner):
    binary = st.tuples(
        inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!="]), inner
    ).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
    calls = st.tuples(
        st.sampled_from(["abs", "round", "floor", "ceil", "int", "sqrt", "log2", "make_divisible"]), inner
    )
    pairs = st.tuples(st.sampled_from(["min", "max", "make_divisible"]), inner, inner)
    return st.one_of(
        binary,
        calls.map(lambda t: f"{t[0]}({t[1]})"),
        pairs.map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5", "b"])).map(lambda t: f"({t[0]} ** {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda text: f"[{text}, 5][{text} < 3]"),
        inner.map(lambda text: f"(not {text})"),
        inner.map(lambda text: f"(-{text})"),
    )


@settings(max_examples=400)
@given(st.recursive(names, grown, max_leaves=6), lists, lists, lists)
def test_any_expression_is_what_plain_python_makes_of_each_configuration(text, a, b, c):
    same(lambda a, b, c: evaluate(text, {"a": a, "b": b, "c": c}), a, b, c)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt])
@pytest.mark.parametrize("plain", [False, True, 0, 1, -1, 0.0, 0.25, -0.75])
def test_numbers_below_one_are_compared_with_plain_ones(compare, plain):
    same(lambda a, b: compare(b / a, plain), [2], [0, -1, 1])
    same(lambda a, b: compare(plain, b / a), [2], [0, -1, 1])


# The float nearest to 2^53 + 1 is 2^53; Python compares an int and a float by their exact values, numpy as two floats.
AROUND = [2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, -(2**53) - 1]


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt])
@pytest.mark.parametrize("scale", [1, 2**10 + 1])
def test_ints_and_floats_beyond_2_to_the_53_are_compared_exactly(compare, scale):
    ints, floats = [scale * each for each in AROUND], [float(scale * 2**53), 0.5, -float(scale * 2**53)]
    for swap in (False, True):
        function = (lambda a, b: compare(b, a)) if swap else compare
        same(function, ints, floats)
        for each in floats:
            same(lambda a, each=each, function=function: function(a, each), ints)
        for each in ints:
            same(lambda a, each=each, function=function: function(each, a), floats)


@settings(max_examples=200)
@given(
    st.sampled_from(
        [
            argument_types.integer,
            argument_types.positive,
            argument_types.natural,
            argument_types.flag,
            argument_types.probability,
            argument_types.sizes,
        ]
    ),
    lists,
)
def test_arguments_are_converted_and_refused_as_plain_ones_are(convert, values):
    same(convert, values)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a * b * a * b,
        lambda a, b: (a * b) ** 3,
        lambda a, b: a * b * a * b // (a * b),
        lambda a, b: a * b * a * b - a * b * a * b,
        lambda a, b: a * b * a * b % 1000,
        lambda a, b: (a * b * a * b) / b,
        lambda a, b: a * b * a * b == a * a * b * b,
        lambda a, b: a * b * a * b > a * 1.0,
        lambda a, b: argument_types.integer(a * b * a * b * 1.0),
    ],
)
def test_beyond_int64_ints_stay_exact(function):
    same(function, [3_037_000_499, 3_037_000_500, 7], [10**10, 10**12 + 1, -3])


def test_a_product_within_int64_stays_int64_and_its_bound_is_no_pass_over_the_data():
    made = as_lanes(np.array([1, 2, 3]), Session()) * 10**9
    assert (made.data.dtype, made.bound) == (np.int64, 3 * 10**9)


@pytest.mark.parametrize("decide", [bool, operator.index, lambda value: list(range(value)), lambda value: [0] * value])
def test_a_decision_that_differs_parts_the_configurations(decide):
    with pytest.raises(Diverged) as caught:
        decide(as_lanes(np.array([0, 2, 2]), Session()))
    assert len(np.unique(caught.value.classes)) == 2


def test_a_decision_that_all_share_is_plain():
    values = as_lanes(np.array([1, 2, 3]), Session())
    assert (values > 0) is True
    assert (values > 5) is False
    assert (values == values) is True
    assert operator.index(values * 0 + 4) == 4


def test_texts_are_filled_for_each_configuration():
    session = Session()
    size = as_lanes(np.array([1000, 2000]), session)
    text = session.text(f"{size:,} of {[3, size + 1]}, {size * 0}")
    assert [text.at((index,)) for index in range(2)] == ["1,000 of [3, 1001], 0", "2,000 of [3, 2001], 0"]


def test_grids_are_keys_by_identity():
    session = Session()
    first, second = as_lanes(np.array([1, 2]), session), as_lanes(np.array([1, 2]), session)
    known = {("op", first): "first"}
    assert known["op", first] == "first"
    assert ("op", second) not in known


def test_memory_is_bounded_and_given_back():
    session = Session(limit=10_000)
    values = as_lanes(np.array(list(range(100))), session)
    for _ in range(1000):
        values = values + 1
    assert session.used == 800
    kept = []
    with pytest.raises(MemoryLimit):
        kept.extend(values + number for number in range(1000))


def test_division_by_zero_somewhere_parts_and_everywhere_raises():
    with pytest.raises(Diverged):
        1 // as_lanes(np.array([0, 1]), Session())
    with pytest.raises(ZeroDivisionError):
        as_lanes(np.array([1, 2]), Session()) / 0


def test_a_text_that_looks_like_a_hole_fills_none():
    session = Session()
    size = as_lanes(np.array([1, 2]), session)
    text = session.text(f"\0007:\0 {size}")
    assert text.at((1,)) == "7: 2"
