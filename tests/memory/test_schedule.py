"""Lifetimes and the arena against brute force, on random graphs."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.analysis import analyze
from costcalc.engine import LimitError
from costcalc.errors import Source
from costcalc.memory import arena
from costcalc.memory.arena import ArenaSlot, high_water, planned, slots
from costcalc.memory.schedule import alive, schedule
from costcalc.model import IN_PLACE, Execution

OPS = ["conv: {out: 4, kernel: 1}", "conv: {out: 9, kernel: 3, stride: 2}", "relu", "flatten", "sigmoid", "identity"]


@st.composite
def graphs(draw):
    """The text of a spec whose layers read any earlier tensor."""
    lines = ["input: [4, 8, 8]", "layers:"]
    names = ["input"]
    for number in range(draw(st.integers(1, 14))):
        sources = [draw(st.sampled_from(names))]
        op = draw(st.sampled_from(OPS))
        if draw(st.booleans()):
            sources.append(draw(st.sampled_from(names)))
            op = "concat"
        lines += [f"  - group: [flatten, linear: {draw(st.integers(1, 6))}]", f"    name: f{number}"]
        lines += [f"    from: {sources[0]}"]
        if op == "concat":
            lines += [f"  - group: [flatten, linear: {draw(st.integers(1, 6))}]", f"    name: g{number}"]
            lines += [
                f"    from: {sources[1]}",
                "  - concat:",
                f"    name: n{number}",
                f"    from: [f{number}, g{number}]",
            ]
        else:
            kind = draw(st.sampled_from(["relu", "sigmoid", "identity", "{linear: 5}", "{slice: {axis: 0, stop: 1}}"]))
            lines += [f"  - group: [{kind}]", f"    name: n{number}", f"    from: f{number}"]
        names.append(f"n{number}")
    outputs = draw(st.lists(st.sampled_from(names[1:]), min_size=1, max_size=2, unique=True))
    return "\n".join([*lines, f"output: [{', '.join(outputs)}]"])


def brute(network, batch):
    """The bytes alive at each layer: by the definition, with sets, each layer a step."""
    root = {}
    for place, shape in enumerate(network.inputs.values()):
        root[-1 - place, 0] = (-1 - place, 0, prod(shape))
    written, read = dict.fromkeys(root, 0), {}
    for step, layer in enumerate(network.layers):
        view = layer.op.name in ("flatten", "identity", "reshape", "dropout") or (
            layer.op.name == "slice" and layer.op.axis == 0
        )
        for tensor in layer.tensors:
            if view:
                root[step, tensor.port] = root[layer.inputs[0].layer, layer.inputs[0].port]
            else:
                root[step, tensor.port] = (step, tensor.port, prod(tensor.shape))
                written[step, tensor.port] = step
        if not view:
            for tensor in layer.inputs:
                layer_, port, _ = root[tensor.layer, tensor.port]
                read[layer_, port] = step
    for tensor in network.outputs.values():
        layer_, port, _ = root[tensor.layer, tensor.port]
        read[layer_, port] = len(network.layers) - 1
    sizes = {(layer_, port): numbers * 4 * batch for layer_, port, numbers in root.values()}
    return [
        sum(
            size
            for key, size in sizes.items()
            if written[key] <= step <= max(read.get(key, written[key]), written[key])
        )
        for step in range(len(network.layers))
    ]


@settings(deadline=None, max_examples=150)
@given(graphs(), st.integers(1, 3))
def test_alive_is_as_by_brute_force(text, batch):
    network = costcalc.loads(text)
    expected = brute(network, batch)
    found = analyze(network, batch=batch)
    assert [row.totals.peak_bytes for row in found.layers] == expected
    assert found.totals.peak_bytes == max(expected)
    assert sum(tensor.bytes for tensor in found.peak.tensors) == max(expected)
    assert found.peak.layer == found.layers[expected.index(max(expected))].name


def slow_plan(slots):
    """The greedy planner as its source describes it: a list of placed slots, searched for the first gap."""
    offsets = {}
    for place in sorted(range(len(slots)), key=lambda place: (-slots[place].size, -place)):
        region, offset = slots[place], 0
        near = sorted(
            (offsets[other], offsets[other] + slots[other].size)
            for other in offsets
            if slots[other].first <= region.last and region.first <= slots[other].last
        )
        for start, end in near:
            if start - offset >= region.size:
                break
            offset = max(offset, end)
        offsets[place] = offset
    return [offsets[place] for place in range(len(slots))]


@settings(deadline=None, max_examples=150)
@given(graphs(), st.sampled_from(IN_PLACE), st.booleans())
def test_the_arena_holds_every_tensor_and_none_overlap(text, in_place, eager):
    steps = schedule(costcalc.loads(text), Execution(eager=eager, in_place=in_place), 1)
    found = slots(steps)
    offsets = planned(found, steps.length)
    assert offsets == slow_plan(found)
    for place, one in enumerate(found):
        assert offsets[place] % 16 == one.size % 16 == 0
        for number, other in enumerate(found[:place]):
            if one.first <= other.last and other.first <= one.last:
                ends = offsets[place] + one.size, offsets[number] + other.size
                assert ends[0] <= offsets[number] or ends[1] <= offsets[place]
    water = high_water(found, offsets, steps.length)
    assert all(high >= bytes for high, bytes in zip(water, alive(steps), strict=True))
    members = [place for region in found for place in region.buffers]
    assert len(members) == len(set(members))
    assert sum(steps.inside(buffer) for buffer in steps.buffers) == len(steps.buffers) - len(members)


def test_a_plan_is_bounded(monkeypatch):
    # Slots of one step: each lies above all before it, joined into one range, which each but the first looks at.
    alive_at_once = [ArenaSlot(0, 0, 16 * size, ()) for size in range(1, 6)]
    monkeypatch.setattr(arena, "MAX_RANGES", 4)
    assert planned(alive_at_once, 1) == [224, 192, 144, 80, 0]
    monkeypatch.setattr(arena, "MAX_RANGES", 3)
    with pytest.raises(LimitError, match="more than 3 comparisons"):
        planned(alive_at_once, 1)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_writing_in_place_takes_no_more(text):
    network = costcalc.loads(text)
    peaks = [analyze(network, execution=Execution(in_place=name)).totals.peak_bytes for name in IN_PLACE]
    assert peaks == sorted(peaks, reverse=True)


SWEPT = """
params: {a: 4, b: 3, s: 8}
input: [3, s, s]
layers:
  - conv: {out: 8 * a, kernel: 3, padding: 1, act: relu}
  - residual: [conv: {out: 4 * b, kernel: 1}, conv: {out: 8 * a, kernel: 3, padding: 1}]
  - concat: [[conv: {out: a * b, kernel: 1}], [conv: {out: 7, kernel: 5, padding: 2}]]
  - maxpool: {kernel: 2}
  - flatten
  - linear: 10
"""


def test_a_sweep_is_single_runs_in_bytes():
    names = ("conv_activations", "weight_bytes", "peak_bytes", "arena_bytes", "traffic_bytes", "intensity", "bops")
    for dtype in ("fp32", "int4", "weights=int4,activations=int8"):
        for in_place in IN_PLACE:
            execution = Execution(costcalc.number_formats.formats(dtype), in_place=in_place)
            source = Source("net.yaml", SWEPT)
            axes = {"a": [1, 2, 3, 5, 8], "b": range(1, 12), "s": [6, 7, 16]}
            found = costcalc.sweep(source, metrics=names, execution=execution, batch=3, **axes)
            for index in np.ndindex(found.shape):
                params = {name: list(values)[at] for (name, values), at in zip(axes.items(), index, strict=True)}
                network = costcalc.loads(SWEPT, **params)
                one = costcalc.analyze(network, execution=execution, batch=3).totals
                assert {name: found.figures[name][index] for name in names} == {
                    name: getattr(one, name) for name in names
                }, params


def test_a_sweep_of_the_arena_with_many_orders():
    text = "params: {a: 1, b: 1}\ninput: [16]\nlayers:\n" + "".join(
        f"  - linear: {{out: 1 + (a * {7 * n + 3} + b * {5 * n + 1}) % 97 * 16, bias: false}}\n    name: n{n}\n"
        f"    from: {f'n{n - 1}' if n else 'input'}\n"
        for n in range(9)
    )
    text += "  - concat:\n    from: [n0, n3, n8]\n"
    found = costcalc.sweep(Source("net.yaml", text), metrics=["arena_bytes"], a=range(1, 40), b=range(1, 12))
    for index in np.ndindex(found.shape):
        network = costcalc.loads(text, a=index[0] + 1, b=index[1] + 1)
        assert found.arena_bytes[index] == analyze(network).totals.arena_bytes
