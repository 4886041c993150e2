"""Shape and cost rules give the same figures and errors on the arrays of a sweep as on ints."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest

from costcalc.cost import QUANTITIES
from costcalc.errors import CostcalcError
from costcalc.ops import find, registered
from costcalc.sweep.lanes import Lanes
from costcalc.sweep.partition import column, outcomes, whole

A, B, C = [1, 2, 3, 6], [4, 6, 7, 12], [1, 2, 3]
ELEMENTWISE = """
relu relu6 leaky_relu elu selu sigmoid hardsigmoid tanh silu hardswish gelu mish softplus identity dropout
abs clip neg square reciprocal exp log sqrt sin cos erf
""".split()  # noqa: SIM905

RULES = {
    "conv": lambda a, b, c: ({"out": b, "kernel": c, "groups": a, "dilation": c}, [(6, b, 8)]),
    "depthwise_conv": lambda a, b, c: (
        {"kernel": [c, a], "stride": c, "padding": "same", "multiplier": a},
        [(b, b, 9)],
    ),
    "conv_transpose": lambda a, b, c: (
        {"out": b, "kernel": a, "stride": c, "output_padding": 1, "padding": c},
        [(a, b)],
    ),
    "linear": lambda a, b, c: ({"out": a}, [(c, b)]),
    "embedding": lambda a, b, c: ({"vocab": a, "dim": b}, [(c,)]),
    "matmul": lambda a, b, c: ({}, [(c, a, b), (2, 6, a)]),
    "attention": lambda a, b, c: ({"heads": a, "kv_heads": c, "causal": True}, [(6, b), (b, 5)]),
    **{name: lambda a, b, c: ({"hidden": a, "layers": c}, [(b, a)]) for name in ("lstm", "gru", "rnn")},
    "maxpool": lambda a, b, c: ({"kernel": a, "stride": c, "padding": c, "ceil": True, "dilation": c}, [(a, b, 9)]),
    "avgpool": lambda a, b, c: ({"kernel": c, "padding": "same", "stride": a}, [(a, b, b)]),
    **{name: lambda a, b, c: ({}, [(a, b, c)]) for name in ("global_avgpool", "global_maxpool")},
    **{name: lambda a, b, c: ({"out": [c, a]}, [(a, b, b)]) for name in ("adaptive_avgpool", "adaptive_maxpool")},
    **{name: lambda a, b, c: ({}, [(a, b, c)]) for name in ("batchnorm", "instancenorm")},
    **{name: lambda a, b, c: ({"axes": c}, [(a, b)]) for name in ("layernorm", "rmsnorm")},
    "groupnorm": lambda a, b, c: ({"groups": c}, [(a, b)]),
    "lrn": lambda a, b, c: ({"size": c}, [(a, b)]),
    **{name: lambda a, b, c: ({}, [(a, b, c)]) for name in ELEMENTWISE},
    "prelu": lambda a, b, c: ({"per_channel": True}, [(a, b, c)]),
    **{name: lambda a, b, c: ({"axis": c}, [(a, b, 5)]) for name in ("softmax", "log_softmax")},
    "scale": lambda a, b, c: ({"axis": c}, [(a, b, 5)]),
    "shift": lambda a, b, c: ({"axis": c, "by": None}, [(a, b, 5)]),
    "l2norm": lambda a, b, c: ({"axis": c}, [(a, b, 5)]),
    "glu": lambda a, b, c: ({"axis": c - 1}, [(a, b, 6)]),
    "rope": lambda a, b, c: ({"fraction": 0.5}, [(c, a, b)]),
    **{name: lambda a, b, c: ({}, [(a, b), (c, 1)]) for name in ("sub", "div")},
    "parameter": lambda a, b, c: ({"shape": [b, a]}, [(a, c)]),
    "concat_token": lambda a, b, c: ({"count": c}, [(a, b)]),
    "flatten": lambda a, b, c: ({"start": c}, [(a, b, 5)]),
    "reshape": lambda a, b, c: ({"shape": [c, a, -1]}, [(b, 6)]),
    "permute": lambda a, b, c: ({"order": [2 % c, c - 1]}, [(a, b)]),
    "split": lambda a, b, c: ({"parts": a, "axis": c - 1}, [(b, 12)]),
    "slice": lambda a, b, c: ({"axis": 0, "start": c - 2, "stop": b - 5, "step": a}, [(b,)]),
    "pad": lambda a, b, c: ({"amount": [[a, c]]}, [(a, b)]),
    "crop": lambda a, b, c: ({"amount": [[a, c]]}, [(a, b)]),
    **{name: lambda a, b, c: ({"axis": [c - 1, -1]}, [(a, b, 5)]) for name in ("mean", "sum", "max")},
    "upsample": lambda a, b, c: ({"scale": [a, c], "mode": "bilinear"}, [(2, b, b)]),
    "pixel_shuffle": lambda a, b, c: ({"factor": c}, [(b, a, a)]),
    "pixel_unshuffle": lambda a, b, c: ({"factor": c}, [(a, b)]),
    "channel_shuffle": lambda a, b, c: ({"groups": a}, [(b, c)]),
    **{name: lambda a, b, c: ({}, [(a, b), (c, 1), (b,)]) for name in ("add", "mul")},
    "deform_conv": lambda a, b, c: ({"out": b, "kernel": c, "offsets": True}, [(a, b, 8)]),
    "einsum": lambda a, b, c: ({"equation": "ij,jk,kl->il"}, [(a, b), (b, c), (c, a)]),
    "selective_scan": lambda a, b, c: ({"state": c}, [(a, b)]),
    "dispatch": lambda a, b, c: ({"active": c}, [(a, b)]),
    "combine": lambda a, b, c: ({"active": c}, [(a * c, b), (a, 7)]),
    "given": lambda a, b, c: ({"shape": [a, b], "macs": a * c, "params": b}, [(c,)]),
    "weight": lambda a, b, c: ({"shape": [a, b]}, []),
    "expand": lambda a, b, c: ({"shape": [c, a, -1]}, [(1, b)]),
    "tile": lambda a, b, c: ({"times": [a, c]}, [(b, 2)]),
    "roll": lambda a, b, c: ({"shift": c, "axis": c - 1}, [(a, b, 5)]),
    "gather": lambda a, b, c: ({"count": c, "axis": 1}, [(a, b)]),
    "concat": lambda a, b, c: ({"axis": 1}, [(6, b), (a, c)]),
}


def fingerprint(name):
    """Return a function of dimensions that combines the shapes and quantities of an op into one number."""

    def measure(a, b, c):
        arguments, inputs = RULES[name](a, b, c)
        op = find(name)(**arguments)
        outputs = op.shape(tuple(inputs))
        cost = op.cost(tuple(inputs), outputs)
        figures = [getattr(cost, quantity).value for quantity in QUANTITIES]
        figures += [prod(shape) + 3 * shape[0] + 5 * shape[-1] + len(shape) for shape in outputs]
        return sum(figure * 97**place for place, figure in enumerate(figures))

    return measure


def one_by_one(function, *columns):
    found = []
    for values in product(*columns):
        try:
            found.append(function(*values))
        except CostcalcError as error:
            found.append(str(error))
    return found


def at_once(function, *columns):
    columns = [column(values) for values in columns]
    found = [None] * prod(map(len, columns))
    for outcome in outcomes(lambda region, session: function(*region.values(columns, session)), whole(columns)):
        positions = outcome.region.positions().reshape(-1)
        for position, index in zip(positions, zip(*outcome.region.local(positions), strict=True), strict=True):
            if outcome.error is not None:
                found[position] = outcome.error.at(index)
            elif isinstance(outcome.result, Lanes):
                data = outcome.result.data
                found[position] = int(data[tuple(i if n > 1 else 0 for i, n in zip(index, data.shape, strict=True))])
            else:
                found[position] = outcome.result
    return found


def test_every_op_has_a_rule():
    assert sorted(RULES) == list(registered())


@pytest.mark.parametrize("name", RULES)
def test_arrays_match_ints(name):
    function = fingerprint(name)
    expected = one_by_one(function, A, B, C)
    assert any(isinstance(value, int) for value in expected)
    assert at_once(function, A, B, C) == expected
