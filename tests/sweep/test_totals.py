"""Sums of products on grids: how they are simplified, cut into slabs and carried out."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest

from costcalc.lang.loader import open_spec
from costcalc.sweep import totals as module
from costcalc.sweep.lanes import INT64, Lanes
from costcalc.sweep.session import Session
from costcalc.sweep.totals import SMALL, Figures, Sums, carry_out, simplified, totals

SESSION = Session()


def grid(*values, shape=None):
    """A grid of ints, as objects where one is beyond int64."""
    large = max(map(abs, values)) > INT64
    data = np.array(values, object if large else np.int64).reshape(shape or (len(values),))
    return Lanes(data, max(map(abs, values)), SESSION)


def term(times, *grids):
    return Sums().term([times, *grids])


@pytest.mark.parametrize(
    ("slab", "shape", "slabs"),
    [
        (6, (), [()]),
        (6, (5,), [(range(5),)]),
        (6, (6,), [(range(6),)]),
        (6, (7,), [(range(6),), (range(6, 7),)]),
        (6, (2, 3), [(range(2), range(3))]),
        # two rows of three are six points
        (6, (5, 3), [(range(2), range(3)), (range(2, 4), range(3)), (range(4, 5), range(3))]),
        # a row of four leaves no room for a second one
        (6, (2, 4), [(range(1), range(4)), (range(1, 2), range(4))]),
        (6, (2, 6), [(range(1), range(6)), (range(1, 2), range(6))]),
        # a row of seven is cut
        (6, (2, 7), [(range(row, row + 1), piece) for row in (0, 1) for piece in (range(6), range(6, 7))]),
        (6, (2, 2, 3), [(range(row, row + 1), range(2), range(3)) for row in (0, 1)]),
        (1, (2, 2), [(range(a, a + 1), range(b, b + 1)) for a in (0, 1) for b in (0, 1)]),
    ],
)
def test_slabs(monkeypatch, slab, shape, slabs):
    monkeypatch.setattr(module, "SLAB", slab)
    found = [tuple(range(piece.start, piece.stop) for piece in each) for each in module._slabs(shape)]
    assert found == slabs
    points = [point for each in found for point in product(*each)]
    assert points == list(product(*map(range, shape)))
    assert all(prod(map(len, each)) <= slab for each in found)


A, B = grid(1, 2, 3, shape=(3, 1)), grid(5, 0, 7, 11, shape=(1, 4))
AB = grid(*range(12), shape=(3, 4))
LARGE = grid(2**31, 1, 2**31 + 1, shape=(3, 1))
HUGE = grid(10**20, 1, 0, shape=(3, 1))
NONE = grid(0, 0, 0, 0, shape=(1, 4))
SMALL_OBJECTS = Lanes(np.array([[4], [5], [6]], object), 6, SESSION)
BELOW = grid(INT64, 1, 1, shape=(3, 1))


def value(terms, a, b):
    """A sum at one point, in plain ints."""
    total = 0
    for times, grids in terms:
        for each in grids:
            times *= int(each.data[a if each.data.shape[0] > 1 else 0, b if each.data.shape[1] > 1 else 0])
        total += times
    return total


@pytest.mark.parametrize(
    "terms",
    [
        [],
        [(7, [])],
        [(2, [A])],
        [(2, [A]), (3, [B]), (5, [])],
        [(2, [A, B]), (1, [AB])],
        [(2, [A, B, AB])],
        [(-2, [A, B]), (1, [AB])],
        [(1, [LARGE]), (1, [B])],
        [(2**31, [LARGE])],
        [(2**32, [LARGE])],  # 2^63 is one too many
        [(1, [LARGE, LARGE])],
        [(3, [LARGE, LARGE, B])],
        [(1, [HUGE])],
        [(2, [SMALL_OBJECTS])],
        [(2, [SMALL_OBJECTS, B]), (3, [A])],
        [(1, [HUGE, B]), (2, [AB])],
        # a factor beyond int64 in a term that is 0
        [(1, [HUGE, NONE]), (2, [A])],
        [(10**20, [NONE]), (2, [A])],
        [(0, [HUGE]), (2, [B])],
        # the largest int64, and one more
        [(1, [BELOW])],
        [(1, [BELOW]), (1, [])],
        [(INT64, [])],
        [(INT64 + 1, [])],
        [(INT64 - 3, []), (1, [A])],
    ],
)
@pytest.mark.parametrize("slab", [1, 5, 100])
def test_a_sum_is_that_of_plain_ints_at_each_point(monkeypatch, slab, terms):
    monkeypatch.setattr(module, "SLAB", slab)
    expected = [value(terms, a, b) for a in range(3) for b in range(4)]
    for total in ([term(times, *grids) for times, grids in terms], simplified(term(t, *grids) for t, grids in terms)):
        runs = list(carry_out(total, (3, 4)))
        assert [int(entry) for run in runs for entry in run] == expected
        assert all(run.size <= slab for run in runs)
        figures = Figures(12)
        done = 0
        for run in runs:
            figures.put(slice(done, done + run.size), run)
            done += run.size
        assert figures.data.tolist() == expected
        assert (figures.data.dtype == object) == (max(expected) > INT64)


def test_an_axis_of_two_is_cut(monkeypatch):
    monkeypatch.setattr(module, "SLAB", 1)
    total = [term(1, grid(10, 20, shape=(2, 1))), term(3, grid(1, 2, shape=(1, 2)))]
    assert [run.tolist() for run in carry_out(total, (2, 2))] == [[10 + 3], [10 + 6], [20 + 3], [20 + 6]]


def test_a_sum_without_axes():
    (run,) = carry_out([term(3), term(4)], ())
    assert run.tolist() == [7]


def test_int64_is_used_where_everything_fits():
    (run,) = carry_out([term(INT64 - 3), term(1, A)], (3, 1))
    assert run.dtype == np.int64
    (run,) = carry_out([term(INT64 - 2), term(1, A)], (3, 1))
    assert run.dtype == object


@pytest.mark.parametrize(
    ("puts", "kind"),
    [
        ([[1, 2]], "i"),
        ([[INT64, 2]], "i"),
        ([[1, INT64 + 1]], "O"),
        ([[1, INT64 + 1], [3, 4]], "O"),
        ([[1, 2], [INT64 + 1, INT64 + 2], [INT64, 1]], "O"),
    ],
)
def test_figures_become_objects_once_one_is_beyond_int64(puts, kind):
    figures = Figures(6)
    for place, values in enumerate(puts):
        figures.put(slice(2 * place, 2 * place + 2), np.array(values, object))
    assert figures.data.dtype.kind == kind
    assert figures.data.tolist() == ([entry for values in puts for entry in values] + [0] * 6)[:6]


def test_equal_grids_are_one():
    sums = Sums()
    one, equal, other = grid(1, 2, 3), grid(1, 2, 3), grid(1, 2, 4)
    assert sums.shared(one) is sums.shared(equal) is sums.shared(one) is one
    assert sums.shared(other) is other
    assert sums.shared(grid(1, 2, 3, shape=(3, 1))) is not one
    assert sums.shared(grid(1, 2, INT64 + 1)) is not sums.shared(grid(1, 2, INT64 + 1))  # objects are not compared
    for size, same in ((SMALL, True), (SMALL + 1, False)):
        first, second = (grid(*range(size)) for _ in range(2))
        assert (sums.shared(first) is sums.shared(second)) == same


def test_products_of_the_same_grids_are_one():
    sums = Sums()
    one, other = grid(2, 3, shape=(2, 1)), grid(5, 7, shape=(2, 1))
    first, second = sums.term([2, one, 3, other]), sums.term([other, one, 5])
    assert (first.times, second.times) == (6, 5)
    assert first.key() == second.key()
    assert first.groups[2, 1].data.ravel().tolist() == [10, 21]
    across = sums.term([one, B])
    assert across.key((1, 4)) == sums.term([one]).key() == (id(one),)
    assert across.key((2, 1)) == sums.term([B]).key()
    assert len(across.key()) == 2


@pytest.mark.parametrize(
    ("terms", "left"),
    [
        ([(2, [A]), (3, [A])], 1),
        ([(2, []), (3, [])], 1),
        ([(2, [A]), (3, [])], 1),  # a plain int is added to the array
        ([(2, [A]), (3, [B])], 2),
        ([(2, [A, B]), (3, [A])], 1),  # A times (2 B + 3)
        ([(2, [A, B]), (3, [A]), (5, [B]), (7, [])], 2),
        ([(2, [A, B]), (4, [A]), (3, [B]), (6, [])], 2),
        ([(1, [AB]), (1, [A, B])], 2),
    ],
)
def test_how_few_terms_are_left(terms, left):
    sums = Sums()
    found = simplified(sums.term([times, *grids]) for times, grids in terms)
    assert len(found) == left
    values = [int(entry) for run in carry_out(found, (3, 4)) for entry in run]
    assert values == [value(terms, a, b) for a in range(3) for b in range(4)]


PIXELS = 8 * 8


@pytest.mark.parametrize("batch", [1, 5])
def test_totals_of_a_network(tmp_path, batch):
    path = tmp_path / "net.yaml"
    layers = "  - conv: {out: 16, kernel: 3, padding: 1}\n  - batchnorm\n  - relu\n  - relu\n  - relu\n"
    path.write_text(f"input: [3, 8, 8]\nlayers:\n{layers}")
    elements = PIXELS * 16
    expected = {
        "layers": 5,
        "params": 9 * 3 * 16 + 16 + 2 * 16,
        "buffers": 2 * 16,
        "macs": elements * 9 * 3 * batch,
        "add": 2 * elements * batch,
        "mul": elements * batch,
        "cmp": 3 * elements * batch,
        "flops": (2 * elements * 9 * 3 + elements + 2 * elements + 3 * elements) * batch,
        "activations": 5 * elements * batch,
    }
    network = open_spec(str(path)).build({})
    found = totals(network, expected, batch)
    assert {name: next(carry_out(total, ())).tolist() for name, total in found.items()} == {
        name: [figure] for name, figure in expected.items()
    }
    assert totals(network, ["macs"], 1).keys() == {"macs"}
