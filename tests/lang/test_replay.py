"""Equal calls of a block are not run again. The result is the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.errors import Source, SpecError
from costcalc.lang.layer_builder import MAX_PATH
from costcalc.lang.loader import open_spec
from costcalc.lang.network_builder import NetworkBuilder
from costcalc.lang.replay import Recordings

from .networks import specs, text


def built(written: str, limit: int):
    """Return the faults, the layers and the remaining work of a build."""
    spec = open_spec(Source("x.yaml", written))
    values = spec.values({})
    run = NetworkBuilder(spec.compiler, values, spec._shapes(values, {}), limit)
    faults, outputs = [], ()
    try:
        outputs, _ = run.network(spec.items)
    except SpecError as error:
        faults = error.faults
    numbers: dict[object, int] = {}
    """Parameters are equal where the same ones are shared."""
    layers = []
    for layer in run.layers.builder.layers:
        parameters = [(p.term, p.learned, numbers.setdefault(p, len(numbers))) for p in layer.parameters]
        costs = [count.value for count in layer.cost.__dict__.values()]
        layers.append((*layer[:4], parameters, costs, *layer[6:]))
    return faults, outputs, layers, run.layers.weighted, run.layers.work_budget.left


def check(written: str, limit: int = 10_000, replays: bool | None = None) -> None:
    """Build a spec with and without replay, and compare the results."""
    answers = []
    real = Recordings.replay

    def counted(self, *arguments):
        answers.append(real(self, *arguments))
        return answers[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recordings, "replay", counted)
        replayed = built(written, limit)
        patch.setattr(Recordings, "replay", lambda *_: None)
        run = built(written, limit)
    assert replayed == run
    if replays is not None:
        assert any(answer is not None for answer in answers) == replays


@settings(deadline=None)
@given(specs, st.integers(1, 60) | st.just(10_000))
def test_replayed_equals_run(spec, limit):
    spec["blocks"] = {
        **spec["blocks"],
        "drawn(k=2)": spec["layers"],
        "twice(k)": ["drawn", {"drawn": "k", "name": "d"}],
    }
    spec["layers"] = ["drawn", {"drawn": 2, "repeat": 3}, {"twice": 2, "repeat": 2}, {"twice": 2, "share": "twice.0"}]
    check(text(spec), limit)


UNIT = "blocks:\n  unit(out=8, act=relu):\n    - {linear: {out: out, act: act}, name: a}\n    - {linear: 8, share: a}\n"


@pytest.mark.parametrize(
    ("layers", "replays"),
    [
        ("[unit, unit]", True),
        ("[unit: 8, unit: 8]", True),
        ("[unit: 8, unit: 8.0]", False),
        ("[{unit: , repeat: 4}]", True),
        ("[{unit: {act: {prelu: true}}, repeat: 2}]", False),
        ("[unit, {unit: , name: b, share: unit}, unit]", True),
        ("[{unit: , name: b}, {unit: , share: b}]", False),
        ("[{group: [unit]}, unit]", False),  # deeper inside, where fewer blocks may follow
        ("[split: 2, {join: , from: [split.0, split.1]}, split: 2, {join: , from: [split.1, split.0]}]", True),
        ("[split: 2, {join: , from: [split.0, split.0]}, {join: , from: [split.0, split.0]}]", False),
        ("[{mlp: 8, name: x}, mlp: 8, {squeeze_excite: , repeat: 2}]", True),
    ],
)
def test_which_calls_are_equal(layers, replays):
    join = "  join:\n    - {concat: , from: [input.0, input.1]}\n    - linear: 8\n"
    check(f"input: [8]\n{UNIT}{join}layers: {layers}\n", replays=replays)


@pytest.mark.parametrize("limit", range(1, 14))
def test_a_limit_is_exceeded_at_the_same_location(limit):
    check(f"input: [8]\n{UNIT}layers: [{{unit: , repeat: 5}}]\n", limit)


def test_work_that_adds_no_layer_is_counted_again():
    blocks = "blocks:\n  idle:\n    - {relu: , if: false, repeat: 1000}\n"
    check(f"input: [8]\n{blocks}layers: [{{idle: , repeat: 9}}, relu]\n", replays=True)
    check(f"input: [8]\n{blocks}layers: [{{idle: , repeat: 9}}, relu]\n", limit=1)  # 9,000 layers left out of 1,003


def test_a_path_that_becomes_too_long():
    unit = f"blocks:\n  unit:\n    - {{relu: , name: {'n' * 50}}}\n"

    def inside(name: str) -> str:
        """Return the block in 15 groups of this name, so that both calls have the same depth."""
        layers = "[unit]"
        for _ in range(15):
            layers = f"[{{group: {layers}, name: {name}}}]"
        return layers[1:-1]

    check(f"input: [8]\n{unit}layers: [{inside('g')}, {inside('h')}]\n", replays=True)
    written = f"input: [8]\n{unit}layers: [{inside('g')}, {inside('h' * 64)}]\n"
    check(written, replays=False)
    faults, *_ = built(written, 100)
    assert 15 * 65 + len("unit.") + 50 > MAX_PATH
    assert [fault.message for fault in faults] == ["the path of the layer has more than 1,000 characters"]


def test_arguments_of_different_types_differ():
    written = "input: [8]\nlayers: [{linear: {out: 8, bias: b}, for: {b: [true, 1]}}]\n"
    faults, *_ = built(written, 100)
    assert [fault.message for fault in faults] == ["linear: bias: expected true or false, got 1"]
