"""The result of a check."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest

from costcalc.gate.results import ERROR, WARNING, Check, Finding


def finding(severity, weight, key):
    return Finding(rule="CC102", severity=severity, spec="a.yaml", message=key, weight=Fraction(weight), key=key)


def test_what_fails_comes_first_and_then_what_is_farthest_beyond_its_limit():
    expected = [
        finding(ERROR, "1/2", "half"),
        finding(ERROR, "1/3", "third"),
        finding(ERROR, "33333333333333333/100000000000000000", "almost a third"),
        finding(WARNING, 3, "warning"),
        finding(WARNING, 0, "no weight"),
    ]
    for order in permutations(expected):
        assert (
            Check(verdict="fail", base=None, findings=order, waived=(), not_evaluated=(), specs=()).largest == expected
        )


@pytest.mark.parametrize("first", ["params", "macs"])
def test_the_weight_is_relative_to_the_limit(repo, first):
    """163,696 parameters are 1/163,695 over, 128,049,152 multiply-adds one half."""
    limits = {"params": 163_695, "macs": 85_366_102}
    budgets = [f"[[budget]]\n{name} = {limits[name]}\n" for name in sorted(limits, reverse=first == "params")]
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n' + "".join(budgets))
    lines = [line for line in repo.check("-o", "github").out.splitlines() if line.startswith("::error")]
    assert ["macs" in line.split("::")[2] for line in lines] == [True, False]


@pytest.mark.parametrize("limit", [0, 1])
def test_beyond_a_limit_of_zero_the_weight_is_the_figure(repo, limit):
    repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = {limit}\n[[budget]]\nparams = 81848\n')
    lines = [line for line in repo.check("-o", "github").out.splitlines() if line.startswith("::error")]
    assert ["macs" in line.split("::")[2] for line in lines] == [True, False]
