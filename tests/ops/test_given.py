"""An op whose figures are stated."""

from __future__ import annotations

import costcalc


def test_figures_are_those_stated():
    text = (
        "input: [1000, 4]\nlayers:\n  - given: {shape: [100, 4], macs: 7, params: 3, cmp: 5_000, exp: 2, kind: nms}\n"
    )
    totals = costcalc.analyze(costcalc.loads(text), batch=2).totals
    assert (totals.params, totals.macs, totals.flops) == (3, 2 * 7, 2 * (2 * 7 + 5000 + 2))
    assert totals.activations == 2 * 400


def test_several_outputs():
    network = costcalc.loads(
        "input: [8]\nlayers:\n  - {given: {shape: [[2, 3], [5]]}, name: x}\n  - {relu: , from: x.1}"
    )
    assert network.layers[0].outputs == ((2, 3), (5,))
    assert network.layers[1].outputs == ((5,),)


def test_figures_may_be_expressions():
    network = costcalc.loads("params: {n: 4}\ninput: [8]\nlayers:\n  - given: {shape: [n, 2], macs: n * 10}\n", n=6)
    assert costcalc.analyze(network).totals.macs == 60
