"""Conditions, rankings and fronts, against the same question asked of each point in plain Python."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.analysis import analyze
from costcalc.errors import CostcalcError, Source, UsageError
from costcalc.lang.expression import evaluate
from costcalc.lang.loader import open_spec
from costcalc.sweep import chunks as chunks_module
from costcalc.sweep import run as run_module
from costcalc.sweep.axis import axis_of
from costcalc.sweep.recipe import Recipe
from costcalc.sweep.run import Tally, chunks, prepare, survey
from costcalc.sweep.select import FIGURES, Kept, question, undominated

SPEC = """
params: {a: 1, b: 1, wide: 8 * a, act: relu}
input: [3, 8, 8]
layers:
  - conv: {out: wide, kernel: b, act: act}
  - conv: {out: 12, kernel: 1, groups: 3}
"""
VALUES = {"a": [0, 3, 6, 1.5, 9, 12, 3], "b": [1, 3, 5, 9], "act": ["relu", "gelu"]}


@pytest.fixture
def recipe():
    return Recipe(open_spec(Source("model.yaml", SPEC)))


def scopes(recipe):
    """What each valid point is: its params and figures, with its place in the grid."""
    found = {}
    for place, point in enumerate(product(*VALUES.values())):
        params = dict(zip(VALUES, point, strict=True))
        try:
            totals = analyze(recipe.build(params)).totals
        except CostcalcError:
            continue
        found[place] = {**totals._asdict(), **recipe.values(params)}
    return found


def asked(recipe, **texts):
    query = question(**texts)
    task = prepare(recipe, [axis_of(*pair) for pair in VALUES.items()], ("macs",), query)
    tally = Tally()
    rows = list(survey(task, query, chunks(task), tally))
    assert tally.points == 7 * 4 * 2
    assert tally.rows == sum(len(piece.positions) for piece in rows)
    return [int(place) for piece in rows for place in piece.positions], tally, rows


CONDITIONS = [
    "macs <= 20k",
    "a > 3",
    "a > 3 and params < 1k",
    "not (a > 3 or b == 1)",
    "wide / 8 == a",
    "params if a > 3 else macs - 6336",
    "act == gelu",
    "a == 1.5 or b == 5 and act == relu",
    "macs > 10M",
    "macs % 7 == a % 7",
    "1.5k < macs < 0.02M",
    "min(macs, params) > 300",
    "layers == 3",
    "exp > 0",
]


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_keeps_the_points_that_satisfy_it(monkeypatch, recipe, condition, small):
    if small:
        monkeypatch.setattr(chunks_module, "POINTS", 10)
        monkeypatch.setattr(run_module, "ROWS", 3)
    plain = condition.replace("20k", "20000").replace("1k", "1000").replace("10M", "10000000")
    plain = plain.replace("1.5k", "1500").replace("0.02M", "20000").replace("act == gelu", "gelu")
    plain = plain.replace("act == relu", "not gelu")
    expected = [
        place for place, scope in scopes(recipe).items() if evaluate(plain, {**scope, "gelu": scope["act"] == "gelu"})
    ]
    found, tally, _ = asked(recipe, where=condition)
    assert found == expected
    assert tally.matching == len(expected)
    assert tally.invalid == 7 * 4 * 2 - len(scopes(recipe))


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("best", ["a", "-macs", "macs / params", "b - a", "0", "a * 10 ** 20", "-(a > 3)", "wide"])
@pytest.mark.parametrize("top", [None, 1, 5, 1000])
def test_the_best_come_first_and_ties_in_the_order_of_the_grid(monkeypatch, recipe, best, top, small):
    if small:
        monkeypatch.setattr(chunks_module, "POINTS", 5)
    known = scopes(recipe)
    expected = sorted(known, key=lambda place: -evaluate(best, known[place]))[:top]
    found, tally, rows = asked(recipe, best=best, top=top)
    assert found == expected
    assert tally.matching == len(known)
    values = [value for piece in rows for value in piece.values[0].tolist()]
    assert values == [known[place]["a"] for place in expected]
    assert [int(value) for piece in rows for value in piece.figures["macs"]] == [known[p]["macs"] for p in expected]


def dominated(one, other):
    return all(a <= b for a, b in zip(other, one, strict=True)) and other != one


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(
    "keys", [["macs"], ["macs", "-params"], ["-a", "macs", "b"], ["params", "-a"], ["0", "-b", "a", "macs"]]
)
def test_a_front_is_what_no_other_point_dominates(monkeypatch, recipe, keys, small):
    if small:
        monkeypatch.setattr(chunks_module, "POINTS", 5)
    known = {place: tuple(evaluate(key, scope) for key in keys) for place, scope in scopes(recipe).items()}
    expected = [place for place, one in known.items() if not any(dominated(one, other) for other in known.values())]
    assert asked(recipe, pareto=keys)[0] == expected


def test_a_front_can_be_ranked(recipe):
    front = asked(recipe, pareto=["macs", "-params"])[0]
    known = scopes(recipe)
    assert (
        asked(recipe, pareto=["macs", "-params"], best="a", top=2)[0] == sorted(front, key=lambda p: -known[p]["a"])[:2]
    )


@settings(max_examples=200)
@given(st.integers(1, 4).flatmap(lambda k: st.lists(st.tuples(*[st.integers(0, 5)] * k), min_size=1, max_size=40)))
def test_any_front(points):
    keys = tuple(np.array(column) for column in zip(*points, strict=True))
    found = undominated(Kept(np.arange(len(points)), {}, keys), len(keys)).positions.tolist()
    assert found == [n for n, one in enumerate(points) if not any(dominated(one, other) for other in points)]


@pytest.mark.parametrize(("texts", "message"), [
    ({"where": "mac < 3"}, "unknown name mac in mac < 3"),
    ({"where": "macs <"}, "where macs <: unexpected end of the expression"),
    ({"where": "macs < 3 / (a - a)"}, "macs < 3 / (a - a): division by zero"),
    ({"where": "act"}, "act: expected a number"),
    ({"best": "[a]"}, "[a]: expected a number"),
    ({"top": 3}, "--top requires --best"),
])  # fmt: skip
def test_a_question_that_has_no_answer(recipe, texts, message):
    with pytest.raises(UsageError) as caught:
        asked(recipe, **texts)
    assert message in str(caught.value)


def test_a_param_hides_a_figure_of_its_name():
    spec = "params: {layers: 1}\ninput: [3]\nlayers:\n  - linear: 4\n    repeat: layers\n"
    recipe = Recipe(open_spec(Source("m.yaml", spec)))
    query = question(where="layers > 2")
    task = prepare(recipe, [axis_of("layers", range(1, 6))], FIGURES, query)
    rows = list(survey(task, query, chunks(task), Tally()))
    assert rows[0].values[0].tolist() == [3, 4, 5]
    assert rows[0].figures["layers"].tolist() == [3, 4, 5]


def test_a_first_point_without_a_value_is_one_invalid_point():
    recipe = Recipe(open_spec(Source("m.yaml", "params: {a: 1, b: 6 / a}\ninput: [3]\nlayers: [linear: b]")))
    query = question(where="b > 2")
    task = prepare(recipe, [axis_of("a", range(4))], ("macs",), query)
    tally = Tally()
    rows = list(survey(task, query, chunks(task), tally))
    assert (tally.invalid, tally.reason) == (1, "division by zero")
    assert rows[0].values[0].tolist() == [1, 2]
