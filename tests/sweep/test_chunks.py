"""Chunks of the grid: in its order, complete, and each point what a network by itself costs."""

from __future__ import annotations

import pickle
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.analysis import analyze
from costcalc.engine import Builder
from costcalc.errors import CostcalcError, ShapeError, Source
from costcalc.lang.loader import open_spec
from costcalc.ops.conv import Conv
from costcalc.sweep import chunks as module
from costcalc.sweep import totals
from costcalc.sweep.axis import axis_of
from costcalc.sweep.chunks import Task, boxes, evaluate
from costcalc.sweep.recipe import Recipe
from costcalc.sweep.run import seconds
from costcalc.sweep.select import FIGURES


def swept(source, *, batch=1, **values):
    """Every point of a sweep: its figures, or the text of its reason; each compared with a single analysis."""
    axes = tuple(axis_of(name, listed) for name, listed in values.items())
    task = Task(source, axes, FIGURES, batch)
    found = []
    for box in boxes(task.sizes):
        for chunk in evaluate(task, box):
            assert chunk.start == len(found)
            reasons = chunk.invalid(np.arange(chunk.size))
            rows = zip(*(chunk.figures[name].tolist() for name in FIGURES), strict=True)
            found.extend(reason or row for reason, row in zip(reasons, rows, strict=True))
    expected = []
    for point in product(*(axis.between(0, axis.size) for axis in axes)):
        try:
            totals = analyze(source.build(dict(zip(values, point, strict=True))), batch=batch).totals
            expected.append(tuple(getattr(totals, name) for name in FIGURES))
        except CostcalcError as error:
            expected.append(error.fault().message)
    assert found == expected
    return found


def text(layers, params="a: 1, b: 1", shape="[3, 8, 8]"):
    return Recipe(open_spec(Source("model.yaml", f"params: {{{params}}}\ninput: {shape}\nlayers:\n{layers}")))


class Built:
    """A source that is a function, without a spec."""

    def build(self, params):
        builder = Builder({"input": (3, params["size"], params["size"])})
        outputs = builder.add(Conv(out=params["out"], kernel=3), (builder.input("input"),), "conv")
        if params["out"] > 8 and params["size"] > 8:
            raise ShapeError("{} and {:,} are too much", params["out"], params["size"])
        return builder.network("built", {"output": outputs[0]})

    def values(self, params):
        return params

    def names(self):
        return ["out", "size"]


def test_a_function_is_swept_as_it_is_written():
    found = swept(Built(), out=range(1, 14), size=range(1, 14))
    assert found[0] == "a window of 3 does not fit an input of 1 with padding 0"
    assert found[-1] == "13 and 13 are too much"
    assert found[2][FIGURES.index("macs")] == 1 * 3 * 3 * 3


@pytest.mark.parametrize("layers", [
    "  - conv: {out: 4 * a, kernel: 1}\n    repeat: b",
    "  - conv: {out: 4 * a, kernel: 1}\n    if: a > b",
    "  - conv: {out: a * b, kernel: 3, groups: 3}",
    "  - conv: {out: 6, kernel: a, stride: b}",
    "  - {conv: {out: a / b, kernel: 1, bias: a > b, act: relu}}",
    "  - conv: {out: '[4, 8, 16][a % 3] * b', kernel: 1, padding: b}",
    "  - conv: {out: 8 // (a - 2), kernel: 1}",
    "  - residual: [conv: {out: a, kernel: 1}]\n    skip: a == 3",
    "  - concat: [[conv: {out: a, kernel: 1}], [conv: {out: b, kernel: 1, stride: a}]]",
    "  - conv: {out: 'make_divisible(10 * a, b)', kernel: 1}",
    "  - conv: {out: 'max(a, b, 2.0) ** min(a, b)', kernel: 1}",
    "  - conv: {out: 1 if a > b else 2 if a * b > 6 else 7, kernel: 1}",
    "  - {maxpool: {kernel: a, stride: b, ceil: true}}\n  - flatten\n  - linear: {out: a, bias: b > 2}",
])  # fmt: skip
def test_structure_and_errors_may_depend_on_what_is_swept(layers):
    swept(text(layers), a=range(5), b=range(5))


def test_words_lists_bools_and_numbers_of_two_types_are_swept_together():
    source = text(
        "  - conv: {out: sum(c), kernel: 1, act: d, bias: e}\n    repeat: a", "a: 1, c: [1], d: relu, e: true"
    )
    found = swept(source, a=[0, 1, 2.0, 2, 1.5], c=[[1, 2], (4,)], d=["relu", "gelu", "nothing"], e=[True, False])
    assert len(found) == 5 * 2 * 3 * 2


def test_the_batch_multiplies_what_it_should():
    swept(text("  - conv: {out: a, kernel: 1, act: relu, norm: batchnorm}"), batch=7, a=[1, 2])


def test_figures_beyond_int64_are_exact():
    source = text("  - conv: {out: 7, kernel: 3, padding: 1}", "a: 1", "[3, a, a]")
    sizes = [2**31 - 1, 2**31, 10**10, 10**15, 8]
    found = swept(source, a=sizes)
    assert [row[FIGURES.index("macs")] for row in found] == [size * size * 9 * 3 * 7 for size in sizes]


def test_figures_beyond_int64_come_in_smaller_chunks(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 3)
    swept(text("  - conv: {out: 7, kernel: 1}", "a: 1", "[3, a, a]"), a=[1, 2, 10**10, 4, 5, 10**11, 7])


LARGE = st.one_of(
    st.integers(1, 10),
    st.integers(0, 100).map(lambda bits: 2 ** min(bits, 99)),
    st.sampled_from([2**31, 2**32, 3_037_000_499, 3_037_000_500, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, 10**30]),
    st.integers(1, 10**30),
)
"""Dimensions whose products cross 2^53, 2^63 and 2^64; 3,037,000,499 is the root of 2^63, rounded down."""
LAYERS = [
    "- conv: {out: a, kernel: 1}\n- conv: {out: b, kernel: 7}",
    "- conv: {out: a, kernel: 3, norm: batchnorm, act: relu}\n- maxpool: 2\n- flatten\n- linear: {out: b, bias: false}",
    "- reshape: [1, 193 if a > b else 192]\n- linear: a",
    "- flatten\n- linear: min(a, b)\n- linear: max(a, b) // min(a, b) + a % b\n  if: a != b",
    "- conv: {out: a + b - 1, kernel: 1}\n- group: [conv: {out: abs(a - b) + 1, kernel: 1}]\n  repeat: 1 + (a - b) % 2",
    "- upsample: {size: '[1, max(1, b // 2 ** 40)]'}\n- conv: {out: a, kernel: 1}\n- softmax\n- sum: {axis: 0}",
]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(LAYERS),
    st.lists(LARGE, min_size=1, max_size=12, unique=True),
    st.lists(LARGE, min_size=1, max_size=4, unique=True),
    st.sampled_from([1, 2**40, 10**30]),
    st.sampled_from([1, 3, 8, 1 << 15]),
)
def test_arithmetic_is_exact_past_int64(layers, a, b, batch, slab):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(totals, "SLAB", slab)
        swept(text(layers), batch=batch, a=a, b=b)


def test_figures_that_cross_int64_within_a_chunk_are_exact():
    """The second convolution has 2 · 7² · d² · 58² multiplications and additions: 2^63 is passed at d = 5,289,369."""
    source = text("- conv: {out: a, kernel: 1}\n- conv: {out: a, kernel: 7}", shape="[3, 64, 64]")
    axis = axis_of("a", list(range(4, 20_000_001, 152)))
    task = Task(source, (axis,), ("flops",))
    found = [value for box in boxes(task.sizes) for chunk in evaluate(task, box) for value in chunk.figures["flops"]]
    expected = [
        2 * 3 * d * 64 * 64 + 64 * 64 * d + 2 * 7 * 7 * d * d * 58 * 58 + 58 * 58 * d
        for d in axis.between(0, axis.size)
    ]
    assert found == expected
    assert min(found) < 2**63 < max(found)


@pytest.mark.parametrize(
    "sizes", [(1,), (7,), (2, 3), (3, 1, 4), (10, 10, 10), (100,), (2, 100), (100, 2), (5, 5, 5, 5)]
)
def test_boxes_are_the_grid_in_its_order(monkeypatch, sizes):
    monkeypatch.setattr(module, "POINTS", 12)
    monkeypatch.setattr(module, "ALONG", 7)
    points = []
    for box in boxes(sizes):
        assert box.start == len(points)
        assert box.size <= 12
        points += product(*(range(*ends) for ends in box.ranges))
        if box.size > 1:
            first, second = box.halves()
            assert (first.start, second.start, first.size + second.size) == (
                box.start,
                box.start + first.size,
                box.size,
            )
    assert points == list(product(*map(range, sizes)))
    assert len(points) == prod(sizes)


def test_small_chunks_make_the_same_points(monkeypatch):
    source = text("  - conv: {out: a * b, kernel: 3, groups: 3}")
    whole = swept(source, a=range(1, 9), b=range(1, 9))
    monkeypatch.setattr(module, "POINTS", 10)
    monkeypatch.setattr(module, "ALONG", 3)
    assert swept(source, a=range(1, 9), b=range(1, 9)) == whole


def test_little_memory_makes_the_same_points(monkeypatch):
    source = text("  - conv: {out: 'max(1, round(a * b / 3))', kernel: 1}\n    repeat: 3")
    whole = swept(source, a=range(1, 20), b=range(1, 20))
    monkeypatch.setattr("costcalc.sweep.partition.Session", lambda: module_session(2000))
    assert swept(source, a=range(1, 20), b=range(1, 20)) == whole


def module_session(limit):
    from costcalc.sweep.session import Session

    return Session(limit)


def test_a_recipe_travels_as_texts(tmp_path):
    (tmp_path / "base.yaml").write_text("params: {a: 2}\ninput: [3, 8, 8]\nlayers: [conv: {out: a, kernel: 1}]")
    (tmp_path / "model.yaml").write_text("extends: base.yaml\nparams: {b: 3}")
    recipe = Recipe(open_spec(str(tmp_path / "model.yaml")), {"input": (3, 4, 4)})
    sent = pickle.dumps(recipe)
    for file in tmp_path.iterdir():
        file.unlink()
    received = pickle.loads(sent)
    assert analyze(received.build({"a": 5})).totals == analyze(recipe.build({"a": 5})).totals
    assert received.build({}).inputs == {"input": (3, 4, 4)}


def test_a_chunk_travels_with_its_reasons():
    task = Task(text("  - conv: {out: a, kernel: b}"), (axis_of("a", range(3)), axis_of("b", range(20))), ("macs",))
    chunk = next(evaluate(task, next(boxes(task.sizes))))
    received = pickle.loads(pickle.dumps(chunk))
    assert received.invalid(np.arange(60)) == chunk.invalid(np.arange(60))
    assert any(chunk.invalid(np.arange(60)))


@pytest.mark.parametrize("slab", [1, 7, 30])
@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ({"a": range(1, 12), "b": range(1, 6)}, "[3, 8, 8]"),
        ({"a": range(1, 5), "b": range(1, 4)}, "[3, a * 10 ** 9, b * 10 ** 9]"),  # beyond int64
    ],
)
def test_figures_that_are_carried_out_slab_by_slab(monkeypatch, slab, axes, shape):
    """The second and later slabs do not start at 0."""
    monkeypatch.setattr("costcalc.sweep.totals.SLAB", slab)
    swept(text("  - conv: {out: a + b, kernel: 1, act: relu}\n  - conv: {out: 5 * b, kernel: 1}", shape=shape), **axes)


def test_the_time_of_a_grid_is_told_from_few_points_where_each_is_a_network_of_its_own():
    """The clock goes on by a second a build; the first point tells enough."""
    builds = []

    class Counted(Built):
        def build(self, params):
            builds.append(params)
            return super().build(params)

    task = Task(Counted(), (axis_of("out", list(range(1, 1001))), axis_of("size", [3])), ("macs",))
    assert seconds(task, lambda: float(len(builds))) == 1000
    assert len(builds) == 1
