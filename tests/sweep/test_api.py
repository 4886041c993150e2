"""Sweeps for programs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import costcalc
from costcalc.errors import Source, UsageError
from costcalc.lang.loader import open_spec

SPEC = Source("model.yaml", "params: {a: 1, b: 1, batch: 1}\ninput: [b]\nlayers:\n  - linear: {out: a, bias: false}\n")


def test_figures_have_the_shape_of_the_grid():
    found = costcalc.sweep(SPEC, a=[1, 2, 3], b=range(4, 9, 4), metrics=("macs", "params"), batch=10)
    assert found.shape == (3, 2)
    assert found.axes == {"a": [1, 2, 3], "b": [4, 8]}
    assert found.macs.tolist() == [[10 * a * b for b in (4, 8)] for a in (1, 2, 3)]
    assert found.params.tolist() == [[a * b for b in (4, 8)] for a in (1, 2, 3)]
    assert found.macs.dtype == np.int64
    assert repr(found) == "Sweep(a: 3, b: 2; macs, params; 0 invalid)"


def test_invalid_points_are_masked_with_a_reason():
    found = costcalc.sweep(open_spec(SPEC), a=[0, 1.5, 2])
    assert found.invalid.tolist() == [True, True, False]
    assert found.macs.tolist() == [None, None, 2]
    assert found.macs.min() == 2
    assert found.reason(0) == "linear: out: expected an integer of at least 1, got 0"
    assert found.reason(1) == "linear: out: expected an integer, got 1.5"
    assert found.reason(2) == ""


def test_a_param_may_have_the_name_of_an_argument():
    assert costcalc.sweep(SPEC, params={"batch": [1, 2]}, a=3).shape == (2, 1)


def test_ints_beyond_int64_are_pythons():
    found = costcalc.sweep(SPEC, a=[10**12, 3], b=[10**12])
    assert found.macs.tolist() == [[10**24], [3 * 10**12]]


@pytest.mark.parametrize(("arguments", "message"), [
    ({"c": [1]}, "unknown param c of model"),
    ({}, "expected values of at least one param of model"),
    ({"a": []}, "a: no values"),
    ({"a": [1], "metrics": ["mac"]}, "unknown metric mac"),
])  # fmt: skip
def test_bad_arguments(arguments, message):
    with pytest.raises(UsageError) as caught:
        costcalc.sweep(SPEC, **arguments)
    assert str(caught.value) == message


def test_an_unknown_figure_is_no_attribute():
    with pytest.raises(AttributeError, match="unknown attribute cost of a sweep; known: macs"):
        _ = costcalc.sweep(SPEC, a=1, metrics=["macs"]).cost


def test_the_mobilenet_papers_tables_6_and_7():
    """Howard et al. 2017, arXiv:1704.04861: million mult-adds and parameters, as printed; 290 is 290.7, cut."""
    widths = costcalc.sweep("mobilenet_v1", alpha=[1.0, 0.75, 0.5, 0.25])
    assert [round(figure / 1e6) for figure in widths.macs.tolist()] == [569, 325, 149, 41]
    assert [round(figure / 1e6, 1) for figure in widths.params.tolist()] == [4.2, 2.6, 1.3, 0.5]
    sizes = costcalc.sweep("mobilenet_v1", resolution=[224, 192, 160, 128])
    assert sizes.macs.tolist() == [568_740_352, 418_121_728, 290_675_200, 186_400_768]
    assert [figure // 10**6 for figure in sizes.macs.tolist()] == [568, 418, 290, 186]
    assert [round(figure / 1e6, 1) for figure in sizes.params.tolist()] == [4.2] * 4


def test_a_dataframe():
    pytest.importorskip("pandas")
    frame = costcalc.sweep(SPEC, a=[0, 2], b=[3, 4], metrics=["macs"]).to_dataframe()
    assert list(frame.columns) == ["a", "b", "macs", "invalid"]
    assert frame["b"].tolist() == [3, 4, 3, 4]
    assert frame["macs"].tolist()[2:] == [6, 8]
    assert frame["invalid"].tolist()[2:] == ["", ""]


def test_a_dataframe_needs_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="to_dataframe requires pandas"):
        costcalc.sweep(SPEC, a=1).to_dataframe()


def test_the_function_is_there_before_and_after_its_modules_are_imported():
    code = (
        "import costcalc; costcalc.sweep('lenet5', classes=1); import costcalc.sweep.lanes;"
        "costcalc.sweep('lenet5', classes=2); from costcalc import sweep; sweep('lenet5', classes=[3])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
