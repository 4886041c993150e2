"""Formulas of counts, which must evaluate to their values."""

from __future__ import annotations

from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.formula import DIM_NAMES, ZERO, CompoundSymbol, Count, elements, product
from costcalc.report.latex import latex

C, H = ("C", 64), ("H", 56)
WINDOW = CompoundSymbol("(K_h·K_w - 1)", (("K_h", 3), ("K_w", 5)))


@pytest.mark.parametrize(
    ("count", "symbols", "numbers", "value"),
    [
        (ZERO, "0", "0", 0),
        (product(), "1", "1", 1),
        (product(("1", 1)), "1", "1", 1),
        (product(C, H), "C·H", "64·56", 64 * 56),
        (2 * product(C, H), "2·C·H", "2·64·56", 2 * 64 * 56),
        (0 * product(C), "0", "0", 0),
        (1 * product(C), "C", "64", 64),
        (2 * (16 * product(C)), "32·C", "32·64", 2 * 16 * 64),
        (product(C) * (2 * product(H)), "2·C·H", "2·64·56", 2 * 64 * 56),
        (product(C, H) + product(C, H), "2·C·H", "2·64·56", 2 * 64 * 56),
        (product(C) + 3 * product(H) + 2 * product(C), "3·C + 3·H", "3·64 + 3·56", 3 * 64 + 3 * 56),
        (product(("h", 8)) + product(("h", 4)), "h + h", "8 + 4", 8 + 4),
        (product(C, ("K", 1), ("K", 1)), "C·K·K", "64·1·1", 64),
        (product(C, (WINDOW, 14)), "C·(K_h·K_w - 1)", "64·(3·5 - 1)", 64 * (3 * 5 - 1)),
        (elements(()), "1", "1", 1),
    ],
)
def test_count_as_formula(count, symbols, numbers, value):
    assert (count.symbols(), count.numbers(), count.value) == (symbols, numbers, value)


def test_compound_symbol_replaces_whole_names():
    parts = (("C", 1), ("C_in", 2), ("D", 3), ("D'", 4), ("g", 5))
    assert CompoundSymbol("C·C_in·D·D'·gcd(C, g)·G", parts).numbers() == "1·2·3·4·gcd(1, 5)·G"


@given(
    st.lists(
        st.lists(st.sampled_from([("2", 2), ("3", 3), C, H, ("K_h", 1), (WINDOW, 14)]), max_size=4).map(tuple),
        max_size=5,
    ).map(tuple)
)
def test_formula_evaluates_to_the_value(terms):
    count = Count(terms)
    assert eval(count.numbers().replace("·", "*"), {"gcd": gcd}) == count.value


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("C_out·K_h·C_in/g", r"C_{\text{out}} \cdot K_h \cdot C_{\text{in}}/g"),
        ("2·T·(T + 1)/2·D'", r"2 \cdot T \cdot (T + 1)/2 \cdot D'"),
        ("1024·999·1234567", r"1{,}024 \cdot 999 \cdot 1{,}234{,}567"),
        ("(layers - 1)·N_1", r"(\text{layers} - 1) \cdot N_1"),
        (r"x_{}\input$%&#~^", r"x_{\text{input}}"),
    ],
)
def test_a_formula_in_latex(text, written):
    assert latex(text) == written


@pytest.mark.parametrize(
    ("shape", "usual", "channels_last", "neutral"),
    [
        ((5,), "D", "D", "D"),
        ((3, 5), "T·D", "T·D", "T·D"),
        ((3, 5, 7), "C·H·W", "H·W·C", "N_1·N_2·N_3"),
        ((2, 3, 5, 7), "C·D·H·W", "N_1·N_2·N_3·N_4", "N_1·N_2·N_3·N_4"),
        ((2, 3, 5, 7, 9), "N_1·N_2·N_3·N_4·N_5", "N_1·N_2·N_3·N_4·N_5", "N_1·N_2·N_3·N_4·N_5"),
    ],
)
def test_axis_names_follow_the_layout(shape, usual, channels_last, neutral):
    count = elements(shape)
    assert count.symbols() == usual
    assert count.named({3: ("H", "W", "C")}).symbols() == channels_last
    assert count.named({}).symbols() == neutral
    assert (count.named({}).value, count.named({}).numbers()) == (count.value, count.numbers())


def test_only_axis_symbols_are_renamed():
    height, width = DIM_NAMES[3][1:]
    window = CompoundSymbol("(H·K - 1)", ((height, 4), ("K", 3)))
    assert product(C, (window, 11)).named({3: ("A", "B", "C")}).symbols() == "C·(B·K - 1)"
    assert product(C, (window, 11)).named({3: ("A", "B", "C")}).numbers() == "64·(4·3 - 1)"
    assert product(("K", 3), (width, 2)).named({}).symbols() == "K·N_3"


def test_number_of_names_equals_number_of_axes():
    with pytest.raises(ValueError, match="zip"):
        elements((2, 3), ("T",))


def test_repr_of_count():
    assert repr(product(C) + product(H)) == "Count(C + H = 64 + 56)"
