"""Warnings of unused params, and checks of shapes and params from outside."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import Source, SpecError, UsageError
from costcalc.lang.loader import open_spec


def warnings(text: str) -> list[tuple[int, str, str]]:
    return [(w.span.line, w.message, w.help) for w in open_spec(Source("x.yaml", text)).warnings if w.span]


def test_an_unused_param_is_a_warning():
    text = "extends: resnet50\nparams: {wdth: 3, classes: 10}\n"
    assert warnings(text) == [(2, "the param wdth is unused", "did you mean width?")]


@pytest.mark.parametrize(
    "text",
    [
        "params: {c: 8}\ninput: [c, 4, 4]\nlayers: [relu]\n",
        "params: {c: 8, d: 2 * c}\ninput: [3, 4, 4]\nlayers: [conv: {out: d, kernel: 1}]\n",
        "params: {c: 8}\ninput: [3, 4, 4]\nblocks:\n  b(x=c):\n    - relu\nlayers: [b]\n",
        "params: {c: 8}\ninput: [3, 4, 4]\ndefaults: {conv: {out: c}}\nlayers: [conv: {kernel: 1}]\n",
        "params: {n: 2}\ninput: [3, 4, 4]\nlayers:\n  - relu:\n    repeat: n\n",
    ],
)
def test_a_used_param_is_not_a_warning(text):
    assert warnings(text) == []


def test_an_unused_param_of_an_extended_spec_is_not_a_warning(tmp_path):
    (tmp_path / "base.yaml").write_text("params: {idle: 1}\ninput: [3, 4, 4]\nlayers: [relu]\n", encoding="utf-8")
    (tmp_path / "own.yaml").write_text("extends: base.yaml\n", encoding="utf-8")
    assert open_spec(str(tmp_path / "own.yaml")).warnings == ()


def test_a_batch_in_a_shape_is_an_error():
    with pytest.raises(UsageError) as caught:
        costcalc.load("resnet50", inputs={"input": (1, 3, 224, 224)})
    assert str(caught.value) == "input: expected 3 dimensions as in the spec, got [1, 3, 224, 224]"
    assert caught.value.help == "remove the batch dimension; set the batch with --batch N"


def test_an_unknown_param_lists_the_known_ones():
    with pytest.raises(UsageError) as caught:
        costcalc.load("resnet50", base=8)
    assert (str(caught.value), caught.value.help) == (
        "unknown param base of resnet50",
        "known: classes, width, depths",
    )


def test_a_key_without_a_colon_is_located_at_its_line():
    with pytest.raises(SpecError) as caught:
        costcalc.loads("input [3, 8, 8]\nlayers:\n  - relu\n")
    (found,) = caught.value.faults
    assert (found.span.line, found.span.column, found.message) == (1, 1, "a colon is missing after input")
    assert found.help == "write input: [3, 8, 8]"
