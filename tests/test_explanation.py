"""Formulas of `explain` equal the counts of every op, and receptive fields equal published ones."""

from __future__ import annotations

from math import gcd
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.engine import Builder
from costcalc.errors import CostcalcError, UsageError
from costcalc.explanation import QUANTITIES, explain, reaches
from costcalc.lang.library import bundled
from costcalc.ops.base import registered

SPECS = [*bundled(), *sorted(str(path) for path in (Path(__file__).parent / "specs" / "extra").glob("*.yaml"))]

small = st.integers(1, 4)
image = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
flags = st.booleans()


def spatial():
    return st.tuples(st.sampled_from([4, 8, 12]), image).map(lambda shape: (shape[0], *shape[1]))


tokens = st.lists(st.integers(1, 5), min_size=1, max_size=2).map(lambda sizes: (*sizes, 8))
anything = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def window(**more):
    return st.fixed_dictionaries({"kernel": small, "stride": small, "padding": st.sampled_from([0, 1, "same"]), **more})


dilated = {"dilation": st.integers(1, 2)}
recurrent = st.fixed_dictionaries({"hidden": small, "layers": small, "bidirectional": flags, "bias": flags})
LAYERS = {
    "conv": (window(out=st.sampled_from([4, 8]), groups=st.sampled_from([1, 2, 4]), bias=flags, **dilated), spatial()),
    "deform_conv": (
        window(out=st.sampled_from([4, 8]), groups=st.sampled_from([1, 2, 4]), bias=flags, offsets=flags, masks=flags),
        st.tuples(st.sampled_from([4, 8]), st.integers(1, 9), st.integers(1, 9)),
    ),
    "depthwise_conv": (window(multiplier=small, bias=flags, **dilated), spatial()),
    "conv_transpose": (
        st.fixed_dictionaries(
            {
                "out": st.sampled_from([4, 8]),
                "kernel": small,
                "stride": small,
                "bias": flags,
                "groups": st.sampled_from([1, 2, 4]),
            }
        ),
        spatial(),
    ),
    "linear": (st.fixed_dictionaries({"out": small, "bias": flags}), anything),
    "embedding": (st.fixed_dictionaries({"vocab": small, "dim": small}), anything),
    "attention": (
        st.fixed_dictionaries(
            {"heads": st.just(4), "kv_heads": st.sampled_from([1, 2, 4]), "bias": flags, "causal": flags}
        ),
        tokens,
    ),
    "einsum": (
        st.fixed_dictionaries({"equation": st.sampled_from(["ab->b", "ab->ba", "ab->"])}),
        st.tuples(small, small),
    ),
    "dispatch": (st.fixed_dictionaries({"active": small}), tokens.filter(lambda shape: len(shape) > 1)),
    "combine": (st.just({"active": 2}), st.tuples(st.sampled_from([2, 4, 6]), small)),
    "given": (
        st.fixed_dictionaries({"shape": st.just([2, 3]), "macs": small, "params": small, "cmp": small}),
        anything,
    ),
    "selective_scan": (
        st.fixed_dictionaries({"state": small, "skip": flags}),
        tokens.filter(lambda shape: len(shape) > 1),
    ),
    "lstm": (recurrent, tokens),
    "gru": (recurrent, tokens),
    "rnn": (recurrent, tokens),
    "maxpool": (window(ceil=flags, **dilated), spatial()),
    "avgpool": (window(ceil=flags), spatial()),
    "global_avgpool": (st.fixed_dictionaries({"keepdims": flags}), spatial()),
    "global_maxpool": (st.fixed_dictionaries({"keepdims": flags}), spatial()),
    "adaptive_avgpool": (st.fixed_dictionaries({"out": small}), spatial()),
    "adaptive_maxpool": (st.fixed_dictionaries({"out": small}), spatial()),
    "batchnorm": (st.fixed_dictionaries({"affine": flags}), spatial()),
    "instancenorm": (st.fixed_dictionaries({"affine": flags}), spatial()),
    "groupnorm": (st.fixed_dictionaries({"groups": st.sampled_from([1, 2, 4]), "affine": flags}), spatial()),
    "layernorm": (st.fixed_dictionaries({"axes": st.sampled_from([1, 2, "all"]), "affine": flags}), anything),
    "rmsnorm": (st.fixed_dictionaries({"axes": st.sampled_from([1, 2, "all"]), "affine": flags}), anything),
    "lrn": (st.fixed_dictionaries({"size": small}), spatial()),
    "prelu": (st.fixed_dictionaries({"per_channel": flags}), anything),
    "parameter": (st.just({"shape": [1]}), anything),
    "weight": (st.fixed_dictionaries({"shape": st.lists(small, min_size=1, max_size=3)}), st.none()),
    "expand": (st.just({"shape": [3, -1]}), st.tuples(st.just(1), small)),
    "tile": (st.just({"times": [2, 3]}), st.tuples(small, small)),
    "roll": (st.just({"shift": 1}), anything),
    "gather": (st.fixed_dictionaries({"count": small}), anything),
    "concat_token": (st.fixed_dictionaries({"count": small}), tokens),
    "reshape": (st.just({"shape": [-1]}), anything),
    "permute": (st.just({"order": [1, 0]}), st.tuples(small, small)),
    "split": (st.just({"parts": 2}), spatial()),
    "slice": (st.just({"axis": 0, "stop": 1}), anything),
    "pad": (st.fixed_dictionaries({"amount": small}), spatial()),
    "crop": (st.just({"amount": 1}), spatial()),
    "mean": (st.fixed_dictionaries({"axis": st.sampled_from([0, -1]), "keepdims": flags}), anything),
    "sum": (st.fixed_dictionaries({"axis": st.sampled_from([0, -1]), "keepdims": flags}), anything),
    "max": (st.fixed_dictionaries({"axis": st.sampled_from([0, -1]), "keepdims": flags}), anything),
    "upsample": (st.fixed_dictionaries({"scale": small, "mode": st.sampled_from(["nearest", "bilinear"])}), spatial()),
    "pixel_shuffle": (st.just({"factor": 2}), st.tuples(st.just(8), small, small)),
    "pixel_unshuffle": (st.just({"factor": 2}), st.tuples(small, st.just(4), st.just(6))),
    "channel_shuffle": (st.just({"groups": 2}), spatial()),
}
"""Arguments and an input for each op that needs them. The other ops take any input."""

TWO = {"add", "mul", "matmul"}


@st.composite
def layer(draw):
    """Draw a network of one layer, with any op."""
    name = draw(st.sampled_from(sorted(registered())))
    arguments, shapes = LAYERS.get(name, (st.just({}), spatial()))
    shape = draw(shapes)
    several = [shape, shape] if name in TWO else [shape] if shape else []
    if name == "matmul":
        several[1] = (*shape[:-2], shape[-1], draw(small))
    try:
        op = registered()[name](**draw(arguments))
        builder = Builder({f"x{place}": shape for place, shape in enumerate(several)})
        builder.add(op, tuple([builder.input(name) for name in builder.inputs]), "layer")
    except CostcalcError:
        assume(False)
    return builder.network("one", {})


def comes_to(numbers):
    return eval(numbers.replace("·", "*").replace("/", "//"), {"gcd": gcd})


@settings(max_examples=400)
@given(layer(), st.integers(1, 3))
def test_formulas_equal_counts_of_every_op(network, batch):
    explanation = explain(network, ["layer"], quantities=QUANTITIES, batch=batch)
    counts, totals = explanation.layers[0].counts, explanation.analysis.totals
    assert {name for name in QUANTITIES if getattr(totals, name)} <= counts.keys()
    for quantity, count in counts.items():
        assert comes_to(count.numbers()) == count.value == getattr(totals, quantity)


@pytest.mark.parametrize("name", sorted(registered()))
def test_every_op_can_be_drawn(name):
    """A new op needs a line in LAYERS if it has arguments without a default."""
    fields = registered()[name]
    assert name in LAYERS or set(fields.fields) <= set(fields.defaults)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: Path(spec).stem)
@pytest.mark.parametrize("batch", [1, 3])
def test_formulas_equal_figures_of_every_network(spec, batch):
    explanation = costcalc.explain(spec, "**", quantities=QUANTITIES, batch=batch)
    for quantity in QUANTITIES:
        counts = [layer.counts[quantity] for layer in explanation.layers]
        assert all(comes_to(count.numbers()) == count.value for count in counts)
        assert sum(count.value for count in counts) == getattr(explanation.analysis.totals, quantity)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: Path(spec).stem)
@pytest.mark.parametrize("quantity", ["macs", "params", "activations"])
def test_default_layers_are_the_fewest_that_make_up_80_percent(spec, quantity):
    explanation = costcalc.explain(spec, quantities=[quantity])
    total = getattr(explanation.analysis.totals, quantity)
    chosen = [getattr(layer.row.totals, quantity) for layer in explanation.layers]
    everyone = sorted((getattr(row.totals, quantity) for row in explanation.analysis.layers), reverse=True)
    assert chosen == everyone[: len(chosen)]
    assert 100 * sum(chosen) >= 80 * total > 100 * sum(chosen[:-1])
    assert explanation.covered == sum(chosen) / total


RECEPTIVE_FIELDS = [
    # Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill, table of networks
    ("alexnet", 195, 32),
    ("vgg16", 212, 32),
    ("mobilenet_v1", 315, 32),
    ("resnet50_v1", 483, 32),
    ("resnet101_v1", 1027, 32),
    ("resnet152_v1", 1507, 32),
    # with the stride on the 3x3: a 3x3 in each unit, the first of each stage at the jump of the stage before
    ("resnet50", 1 + 6 * 1 + 2 * 2 + 2 * (3 * 4 + (4 + 3 * 8) + (8 + 5 * 16) + (16 + 2 * 32)), 32),
]


@pytest.mark.parametrize(("spec", "field", "jump"), RECEPTIVE_FIELDS)
def test_receptive_fields_of_networks(spec, field, jump):
    """The receptive field of the last layer that has one."""
    known = [reach for reach in reaches(costcalc.load(spec)) if reach]
    assert (known[-1].field, known[-1].jump) == ((field, field), (jump, jump))


def reach(layers, shape="[4, 32, 32]"):
    found = reaches(costcalc.loads(f"input: {shape}\nlayers: {layers}"))[-1]
    return found and (found.field, found.jump)


@pytest.mark.parametrize(
    ("layers", "shape", "field", "jump"),
    [
        ("[relu]", "[4, 32, 32]", (1, 1), (1, 1)),
        ("[conv: {out: 4, kernel: 3}]", "[4, 32]", (3,), (1,)),
        ("[conv: {out: 4, kernel: [3, 1], stride: [2, 1]}]", "[4, 32, 32]", (3, 1), (2, 1)),
        ("[conv: {out: 4, kernel: 3, dilation: 4}]", "[4, 9, 9, 9]", (9, 9, 9), (1, 1, 1)),
        # 1 + (5-1)*1, then + (3-1)*2 behind a stride of 2
        ("[conv: {out: 4, kernel: 5, stride: 2}, maxpool: 3]", "[4, 32, 32]", (5 + 2 * 2,) * 2, (2 * 3,) * 2),
        ("[pixel_unshuffle: 2, conv: {out: 4, kernel: 3}]", "[4, 32, 32]", (2 + 2 * 2,) * 2, (2,) * 2),
        ("[depthwise_conv: {kernel: 3}, batchnorm, dropout, slice: {axis: 0, stop: 2}]", "[4, 8, 8]", (3, 3), (1, 1)),
        # paths that meet: the largest field
        (
            "[residual: [conv: {out: 4, kernel: 3, padding: 1}, conv: {out: 4, kernel: 5, padding: 2}]]",
            "[4, 8, 8]",
            (3 + 4,) * 2,
            (1, 1),
        ),
        ("[concat: [[conv: {out: 4, kernel: 7, padding: 3}], []]]", "[4, 8, 8]", (7, 7), (1, 1)),
    ],
)
def test_receptive_fields_of_layers(layers, shape, field, jump):
    assert reach(layers, shape) == (field, jump)


@pytest.mark.parametrize(
    "layers",
    [
        "[global_avgpool]",
        "[adaptive_maxpool: 2]",
        "[flatten]",
        "[linear: 3]",
        "[flatten: 1, attention: 4]",
        "[conv: {out: 4, kernel: 3}, softmax]",
        "[upsample]",
        "[conv_transpose: {out: 4, kernel: 2, stride: 2}]",
        "[mean: [1, 2]]",
        "[layernorm]",
        "[mul: {features: [], gate: [global_avgpool]}, relu]",
        "[{concat: [[], []], axis: 1}]",
    ],
)
def test_global_ops_have_no_receptive_field(layers):
    assert reach(layers) is None


def test_inputs_with_different_jumps_have_no_receptive_field():
    text = """
input: {a: [4, 8, 8], b: [4, 16, 16]}
layers:
  - conv: {out: 4, kernel: 3, stride: 2, padding: 1}
    from: b
  - add:
    from: [a, prev]
"""
    assert reaches(costcalc.loads(text))[-1] is None


def test_default_quantities_are_not_zero():
    layers = costcalc.explain("inception", "b5.conv", "concat").layers
    assert [list(layer.counts) for layer in layers] == [
        ["macs", "params", "add", "flops", "activations"],
        ["activations"],
    ]
    (layer,) = costcalc.explain("inception", "concat", quantities=["macs", "exp"]).layers
    assert {name: (count.symbols(), count.value) for name, count in layer.counts.items()} == {
        "macs": ("0", 0),
        "exp": ("0", 0),
    }


def test_the_layers_of_norm_and_act_are_named():
    conv, norm, pool = costcalc.explain("resnet50", "conv", "batchnorm", "maxpool").layers
    assert (conv.followers, norm.followers, pool.followers) == (("batchnorm", "relu"), (), ())
    # the row of `analyze` is the sum
    assert conv.counts["params"].value + norm.counts["params"].value == 7 * 7 * 3 * 64 + 2 * 64 == 9_536


def test_layers_are_unique_and_in_network_order():
    explanation = costcalc.explain("inception", "b5.conv*", "b1.*", "b5.**")
    assert [layer.row.name for layer in explanation.layers] == [
        "b1.conv", "b1.relu", "b5.conv", "b5.relu", "b5.conv_2", "b5.relu_2",
    ]  # fmt: skip


SHARED = """
input: {left: [16], right: [16]}
layers:
  - linear: {out: 8, bias: false}
    name: fc
    from: left
  - linear: {out: 8, bias: false}
    name: again
    from: right
    share: fc
"""


def test_shared_weights_are_explained():
    _, again = costcalc.explain(costcalc.loads(SHARED), "**").layers
    assert again.row.shared == "fc"
    assert (again.counts["params"].symbols(), again.counts["params"].value) == ("0", 0)
    assert again.counts["macs"].value == 16 * 8


@pytest.mark.parametrize(
    ("layers", "quantities", "message", "help"),
    [
        (["b5.conv_9"], [], "no layer of inception matches b5.conv_9", "did you mean b5.conv_2?"),
        (["b5"], [], "no layer of inception matches b5", "write b5.** for the layers below it"),
        (
            ["b5.**", "{b}"],
            [],
            "no layer of inception matches {b}",
            "run costcalc analyze SPEC --full to list the names",
        ),
        (["nope"], [], "no layer of inception matches nope", "run costcalc analyze SPEC --full to list the names"),
        (
            ["*.conv.*"],
            [],
            "no layer of inception matches *.conv.*",
            "* matches one segment; write *.conv.** for any",
        ),
        (
            ["*.*.conv"],
            [],
            "no layer of inception matches *.*.conv",
            "* matches one segment; write *.**.conv for any",
        ),
        (["*1"], [], "no layer of inception matches *1", "* matches one segment; write *1.** for any"),
        (["{0}*"], [], "no layer of inception matches {0}*", "run costcalc analyze SPEC --full to list the names"),
        ([], ["mac"], "cannot explain mac", "did you mean macs?"),
    ],
)
def test_unknown_layers_and_quantities(layers, quantities, message, help):
    with pytest.raises(UsageError) as caught:
        costcalc.explain("inception", *layers, quantities=quantities)
    fault = caught.value.fault()
    assert fault.message == message
    assert help in fault.help


def test_network_without_macs_uses_flops():
    explanation = explain(costcalc.loads("input: [4]\nlayers: [relu, identity]"))
    assert explanation.quantity == "flops"
    assert [layer.row.name for layer in explanation.layers] == ["relu"]
    nothing = explain(costcalc.loads("input: [4]\nlayers: [identity]"))
    assert (nothing.layers, nothing.covered) == ((), 0.0)
