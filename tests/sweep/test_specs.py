"""Every point of a sweep of a bundled network is what `analyze` says at the same params, invalid points included."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest

from costcalc.analysis import analyze
from costcalc.errors import CostcalcError
from costcalc.lang.library import bundled
from costcalc.lang.loader import open_spec
from costcalc.sweep.axis import axis_of
from costcalc.sweep.chunks import Task, boxes, evaluate
from costcalc.sweep.recipe import Recipe
from costcalc.sweep.select import FIGURES

POINTS = 24


def values(random, default):
    """A few values around a default, some of them out of place."""
    if type(default) is bool:
        return [True, False]
    if type(default) is int:
        near = [max(default + step, 0) for step in (-3, -2, -1, 0, 1, 2, 5)]
        return random.sample([*near, default * 2, default // 2, 0, -1, default + 0.5], 3)
    if type(default) is float:
        return random.sample([default, default / 2, default * 1.1, default * 0.33, 0.0, 1, default * 2], 3)
    if isinstance(default, tuple) and all(type(entry) is int for entry in default):
        return [default, tuple(max(entry - 1, 0) for entry in default), default[:-1]]
    return [default]


def single(name, params):
    """The figures of one configuration, or why it is invalid."""
    try:
        totals = analyze(open_spec(name).build(params)).totals
        return {metric: getattr(totals, metric) for metric in FIGURES}
    except CostcalcError as error:
        return error.fault().message


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", bundled())
def test_a_sweep_is_single_analyses(name, seed):
    choose = random.Random(f"{name}{seed}")
    recipe = Recipe(open_spec(name))
    defaults = recipe.values({})
    swept = choose.sample(list(defaults), min(3, len(defaults)))
    axes = tuple(axis_of(param, values(choose, defaults[param])) for param in swept)
    if not axes:
        pytest.skip("no params")
    task = Task(recipe, axes, FIGURES)
    (box,) = boxes(task.sizes)
    (chunk,) = evaluate(task, box)
    points = list(product(*(axis.between(0, axis.size) for axis in axes)))
    for place in choose.sample(range(len(points)), min(POINTS, len(points))):
        params = dict(zip(swept, points[place], strict=True))
        (reason,) = chunk.invalid(np.array([place]))
        found = reason or {metric: chunk.figures[metric][place] for metric in FIGURES}
        assert found == single(name, params), params
