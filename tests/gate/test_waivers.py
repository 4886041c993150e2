"""Which findings a waiver accepts, and which waivers are stale."""

from __future__ import annotations

from datetime import date

import pytest

from costcalc.errors import Source, Span
from costcalc.gate.limits import INCREASED, OVER_BUDGET, OVER_EXPECT, LimitScope, Waiver
from costcalc.gate.results import ERROR, WARNING, Finding
from costcalc.gate.waivers import accepts, apply, matches, stale

DAY = date(2024, 5, 17)
BEFORE, AFTER = date(2024, 5, 16), date(2024, 5, 18)
PATH = "a/net.yaml"
FOUND = Finding(
    rule=OVER_BUDGET,
    severity=ERROR,
    spec=PATH,
    message="m",
    set={"w": 8},
    layer="b.**",
    metric="macs",
    value=1000,
    notes=("first",),
)


def waiver(rule=OVER_BUDGET, spec="", set=None, layer="", ceiling=None, expires=None, reason="r", span=None):
    scope = LimitScope(spec=spec, set=set or {}, layer=layer)
    return Waiver(rule=rule, scope=scope, ceiling=ceiling or {}, reason=reason, expires=expires, span=span)


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({}, True),
        ({"rule": OVER_EXPECT}, False),
        ({"spec": "a/*.yaml"}, True),
        ({"spec": "b/*.yaml"}, False),
        ({"set": {"w": 8}}, True),
        ({"set": {"w": 9}}, False),
        ({"layer": "b.**"}, True),
        ({"layer": "c.**"}, False),
        ({"ceiling": {"macs": 1}}, True),  # whether or not the figure is below it
        ({"ceiling": {"params": 2000}}, False),
        ({"ceiling": {"params": 1, "macs": 2}}, True),
        ({"expires": BEFORE}, True),
        # each condition has to hold
        ({"rule": OVER_EXPECT, "spec": "a/*.yaml", "set": {"w": 8}, "layer": "b.**", "ceiling": {"macs": 2000}}, False),
        ({"spec": "b/*.yaml", "set": {"w": 8}, "layer": "b.**", "ceiling": {"macs": 2000}}, False),
        ({"spec": "a/*.yaml", "set": {"w": 9}, "layer": "b.**", "ceiling": {"macs": 2000}}, False),
        ({"spec": "a/*.yaml", "set": {"w": 8}, "layer": "c.**", "ceiling": {"macs": 2000}}, False),
        ({"spec": "a/*.yaml", "set": {"w": 8}, "layer": "b.**", "ceiling": {"params": 2000}}, False),
        ({"spec": "a/*.yaml", "set": {"w": 8}, "layer": "b.**", "ceiling": {"macs": 2000}}, True),
    ],
)
def test_what_a_waiver_is_about(given, about):
    assert matches(waiver(**given), FOUND, PATH) is about
    _, accepted, waivers = apply(FOUND, [waiver(**given)], PATH, BEFORE)
    assert bool(waivers) is about
    assert about or not accepted


@pytest.mark.parametrize(
    ("given", "today", "accepted"),
    [
        ({}, DAY, True),
        ({"expires": DAY}, BEFORE, True),
        ({"expires": DAY}, DAY, True),  # the day itself belongs to it
        ({"expires": DAY}, AFTER, False),
        ({"ceiling": {"macs": 999}}, DAY, False),
        ({"ceiling": {"macs": 1000}}, DAY, True),
        ({"ceiling": {"macs": 1001}}, DAY, True),
        ({"ceiling": {"macs": 1000}, "expires": DAY}, AFTER, False),
    ],
)
def test_what_a_waiver_accepts(given, today, accepted):
    assert accepts(waiver(**given), FOUND, today) is accepted
    waivers = [waiver(**given)]
    found, waived, matching = apply(FOUND, waivers, PATH, today)
    assert (waived, matching) == (accepted, waivers)
    assert found.notes[0] == "first"
    assert found.replace(notes=FOUND.notes) == FOUND


def test_a_finding_without_a_figure_is_below_each_ceiling():
    assert accepts(waiver(ceiling={"macs": 0}), FOUND.replace(value=None), DAY)


SPAN = Span(Source("c.toml", "a = 1\nb = 2\n"), 2, 1)


@pytest.mark.parametrize(
    ("waivers", "notes"),
    [
        ([waiver(reason="r1")], ["waived: r1"]),
        # the first that accepts is named
        ([waiver(reason="r1", expires=BEFORE), waiver(reason="r2"), waiver(reason="r3")], ["waived: r2"]),
        # which ceilings were passed is said, unless the waiver is over
        ([waiver(reason="r1", ceiling={"macs": 999}, span=SPAN)], ["waived only up to 999 in c.toml:2: r1"]),
        ([waiver(reason="r1", ceiling={"macs": 999})], ["waived only up to 999 in the configuration: r1"]),
        ([waiver(ceiling={"macs": 999}, expires=BEFORE)], []),
        ([waiver(ceiling={"macs": 999}, expires=DAY)], ["waived only up to 999 in the configuration: r"]),
        ([waiver(expires=BEFORE)], []),
    ],
)
def test_what_is_noted(waivers, notes):
    found, accepted, _ = apply(FOUND, waivers, PATH, DAY)
    assert list(found.notes) == ["first", *notes]
    assert accepted is any(note.startswith("waived: ") for note in notes)


@pytest.mark.parametrize("rule", ["CC001", "CC105", "CC106"])
def test_only_limits_can_be_waived(rule):
    assert apply(FOUND.replace(rule=rule), [waiver(rule)], PATH, DAY)[1:] == (False, [])


@pytest.mark.parametrize(
    ("expires", "used", "said"),
    [
        (None, True, None),
        (DAY, True, None),
        (None, False, "matches nothing"),
        (DAY, False, "matches nothing"),
        (BEFORE, True, "expired on 2024-05-16"),
        (BEFORE, False, "expired on 2024-05-16"),
    ],
)
def test_what_is_stale(expires, used, said):
    found = stale(waiver(INCREASED, "a/*.yaml", {"w": 8}, "b", expires=expires, span=SPAN), used, DAY)
    assert (found is None) == (said is None)
    if found:
        assert said in found.message
        assert "CC103 for a/*.yaml" in found.message
        assert (found.rule, found.severity, found.spec, found.span) == ("CC105", WARNING, "a/*.yaml", SPAN)
        assert (found.set, found.layer, found.key) == ({"w": 8}, "b", "CC105|CC103|a/*.yaml|w=8|b")


def test_a_stale_waiver_of_all_specs():
    found = stale(waiver(), False, DAY)
    assert found
    assert " for " not in found.message
