"""The figures of a spec with other values are the same if they are swept or built one by one."""

from __future__ import annotations

import pytest

from costcalc.errors import Source
from costcalc.gate import trials as module
from costcalc.gate.analysis_cache import AnalysisCache, figures, metric
from costcalc.gate.causes import largest_fit
from costcalc.gate.changed_values import FileChain, analysis_with, changes
from costcalc.gate.limits import OVER_BUDGET, Requirement
from costcalc.gate.trials import Trials
from costcalc.lang.loader import open_spec

SPEC = """\
params: {width: 12, scale: 1.5, deep: [1, 2]}
input: [3, 16, 16]
defaults: {conv: {padding: 1}}
blocks:
  unit(out, groups=1):
    - conv: {out: out, kernel: 3, groups: groups, stride: 1}
    - relu
layers:
  - unit: width * 2
  - {unit: {out: 24, groups: 4}, repeat: 2, name: middle}
  - unit: {out: 16 * scale}
  - {conv: {out: row, kernel: 1}, for: {row: [8, 12]}, if: width > 9}
  - {flatten: }
  - {linear: 6, repeat: "deep[1]"}
"""
CHANGES = [
    ("width: 12", "width: 2", ""),
    ("width: 12", "width: 30", "unit.**"),
    ("scale: 1.5", "scale: 0.25", ""),
    ("deep: [1, 2]", "deep: [1, 9]", ""),
    ("input: [3, 16, 16]", "input: [3, 16, 40]", ""),
    ("padding: 1", "padding: 4", "middle.**"),
    ("stride: 1", "stride: 7", ""),
    ("unit: {out: 24, groups: 4}", "unit: {out: 54, groups: 4}", ""),
    ("unit: {out: 24, groups: 4}", "unit: {out: 24, groups: 1}", "middle.1.**"),
    ("row: [8, 12]", "row: [8, 40]", ""),
    ("repeat: 2", "repeat: 20", ""),
    ("linear: 6", "linear: 106", "linear.*"),
]


def changed(base: str, now: str, layer: str = "", max_layers: int | None = None, **set: object):
    """Return a changed value, with the arguments of its trials."""
    cache = AnalysisCache(max_layers)
    specs = [open_spec(Source(name, text)) for name, text in (("x.yaml", now), ("base.yaml", base))]
    (change,) = changes(*specs)
    requirement = Requirement(rule=OVER_BUDGET, metric="macs", set=set, layer=layer)
    return specs[0], change, requirement, cache


def written(change):
    """Return every number between the two, as text."""
    scale = 100 if "." in change.written else 1
    ends = sorted(round(float(text) * scale) for text in (change.written, change.base_written))
    return [f"{number / scale:.2f}" if scale > 1 else str(number) for number in range(ends[0], ends[1] + 1)]


@pytest.mark.parametrize(("base", "now", "layer"), CHANGES)
@pytest.mark.parametrize("set", [{}, {"scale": 2.0}])
def test_trials_are_what_the_text_costs(monkeypatch, base, now, layer, set):
    spec, change, requirement, cache = changed(SPEC, SPEC.replace(base, now), layer, **set)
    texts = written(change)

    def read_again(text):
        analysis = analysis_with(spec, change, text, set, cache)
        totals = analysis and figures(analysis, layer)
        return metric(totals, "macs") if totals else None

    expected = {text: read_again(text) for text in texts}
    assert len({*expected.values()}) > 1 or set
    singly = Trials(spec, change, requirement, cache, layers=9)
    singly.prepare(len(texts), texts)
    assert not singly.known
    assert {text: singly.cost(text) for text in texts} == expected
    monkeypatch.setattr(module, "MOST_PARTS", 1000)
    swept = Trials(spec, change, requirement, cache, layers=10**6)
    swept.prepare(len(texts), texts)
    assert swept.known == expected


def test_a_value_of_a_spec_that_another_extends():
    below, above = SPEC.replace("width: 12", "width: 4"), "extends: below\nparams: {scale: 2}\n"
    cache, files = AnalysisCache(), [Source("above.yaml", above), Source("below.yaml", below)]
    spec = open_spec(files[0], FileChain(files))
    base = open_spec(files[0], FileChain([files[0], files[1]._replace(text=SPEC)]))
    (change,) = changes(spec, base)
    trials = Trials(spec, change, Requirement(rule=OVER_BUDGET, metric="params", set={}), cache, layers=10**6)
    trials.prepare(3, ["4", "6", "12"])
    totals = [metric(cache.analysis(spec, {"width": width}).totals, "params") for width in (4, 6, 12)]
    assert [*trials.known.values()] == totals


def test_networks_of_many_forms_are_built_one_by_one():
    spec, change, requirement, cache = changed(SPEC, SPEC.replace("deep: [1, 2]", "deep: [1, 90]"))
    trials = Trials(spec, change, requirement, cache, layers=10**6)
    limit = trials.cost("41")
    assert limit is not None
    trials.prepare(len(written(change)), written(change))
    assert trials.known.keys() == {"41"}
    found = largest_fit(change, lambda text: None if (cost := trials.cost(text)) is None else cost <= limit)
    assert found == ("41", "largest")


def test_a_limit_of_layers_and_what_is_no_number():
    spec, change, requirement, cache = changed(SPEC, SPEC.replace("linear: 6", "linear: 9"), max_layers=3)
    trials = Trials(spec, change, requirement, cache, layers=10**6)
    assert trials.cost("6") is None
    trials.prepare(2, ["7", "8"])
    assert trials.known == {"6": None, "7": None, "8": None}
    assert trials.cost("1" * 200) is None


def test_the_name_of_the_value_is_a_new_one():
    text = SPEC.replace("width", "changed_value")
    spec, change, requirement, cache = changed(text, text.replace("linear: 6", "linear: 9"))
    trials = Trials(spec, change, requirement, cache, layers=9)
    assert trials.param == "changed_value_"
    assert trials.cost("9") == cache.analysis(spec, {}).totals.macs


def test_many_numbers_are_never_listed():
    """Of 10^30 numbers between two values, only those that bisection tries are converted to text."""
    from costcalc.gate.causes import largest_fit
    from costcalc.gate.changed_values import Change

    told = []
    change = Change("w", 0, 0, None, str(10**30), "4", 10**30)
    found = largest_fit(change, lambda written: int(written) <= 10**29, lambda count, _: told.append(count))
    assert found == (str(10**29), "largest")
    assert told == [10**30 - 3]
