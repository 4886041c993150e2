"""ONNX models that are written here, byte by byte. Real exports are compared with PyTorch in tests/oracle."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.cli import main
from costcalc.errors import CostcalcError
from costcalc.onnx import wire

from .models import BOOL, INT64, external, field, fields, graph, model, node, tensor, value

X = value("x", [1, 3, 8, 8])
WEIGHTS = [tensor("conv.weight", [4, 3, 3, 3]), tensor("conv.bias", [4])]
CONV = node("Conv", "x conv.weight conv.bias", "y", pads=[1, 1, 1, 1])


def load(tmp_path, data, **options):
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    return costcalc.load(path, **options)


def shapes(network):
    return [layer.outputs[0] for layer in network.layers]


def test_a_convolution(tmp_path):
    network = load(tmp_path, model([CONV, node("Relu", "y", "z")], [X], ["z"], WEIGHTS))
    assert [(layer.name, layer.op.name, layer.host) for layer in network.layers] == [
        ("conv", "conv", None),
        ("relu", "relu", 0),
    ]
    totals = costcalc.analyze(network).totals
    assert totals.params == 9 * 3 * 4 + 4
    assert totals.macs == 8 * 8 * 9 * 3 * 4
    assert totals.add == 8 * 8 * 4
    assert network.source == "weights stored in the file"
    assert costcalc.explain(network, "conv").layers[0].counts["macs"].symbols() == "C_out·H_out·W_out·K_h·K_w·C_in"


def test_weights_may_be_elsewhere(tmp_path):
    """External data is never opened."""
    network = load(tmp_path, model([CONV], [X], ["y"], [external("conv.weight", [4, 3, 3, 3]), WEIGHTS[1]]))
    assert costcalc.analyze(network).totals.params == 112


INDICES = [tensor(name, [1], [number], INT64) for name, number in (("a", 1), ("b", 2**62), ("c", 2))]
ONE = [
    # node, further inputs or stored tensors, op, shape without the batch, multiply-adds
    (node("Conv", "x w", "y", group=3), [tensor("w", [6, 1, 3, 3])], "depthwise_conv", (6, 6, 6), 6 * 6 * 9 * 6),
    (node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2]), [tensor("w", [5, 3, 3, 3])],
     "conv", (5, 4, 4), 16 * 27 * 5),
    (node("Conv", "x w", "y", pads=[0, 1, 2, 3]), [tensor("w", [5, 3, 3, 3])], "conv", (5, 8, 10), 80 * 27 * 5),
    (node("ConvTranspose", "x w", "y", strides=[2, 2]), [tensor("w", [3, 5, 2, 2])],
     "conv_transpose", (5, 16, 16), 64 * 4 * 15),
    (node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2]), [], "maxpool", (3, 4, 4), 0),
    (node("AveragePool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), [], "avgpool", (3, 4, 4), 0),
    (node("GlobalAveragePool", "x", "y"), [], "global_avgpool", (3, 1, 1), 0),
    (node("ReduceMean", "x", "y", axes=[2, 3], keepdims=0), [], "global_avgpool", (3,), 0),
    (node("BatchNormalization", "x g b m v", "y"), [tensor(name, [3]) for name in "gbmv"], "batchnorm", (3, 8, 8), 0),
    (node("Transpose", "x", "y", perm=[0, 2, 3, 1]), [], "permute", (8, 8, 3), 0),
    (node("Flatten", "x", "y"), [], "flatten", (192,), 0),
    (node("Reshape", "x s", "y"), [tensor("s", [3], [1, 3, -1], INT64)], "reshape", (3, 64), 0),
    (node("Slice", "x a b c", "y"), INDICES, "slice", (3, 7, 8), 0),
    (node("Resize", "x _ s", "y", mode="linear"), [tensor("s", [4], [1.0, 1.0, 2.0, 2.0])], "upsample", (3, 16, 16), 0),
    (node("Pad", "x p", "y"), [tensor("p", [8], [0, 0, 1, 0, 0, 0, 2, 3], INT64)], "pad", (3, 11, 11), 0),
    (node("Clip", "x a b", "y"), [tensor("a", [], [0.0]), tensor("b", [], [6.0])], "relu6", (3, 8, 8), 0),
    (node("Softmax", "x", "y", axis=1), [], "softmax", (3, 8, 8), 0),
    (node("MatMul", "x w", "y"), [tensor("w", [8, 5])], "linear", (3, 8, 5), 3 * 8 * 8 * 5),
    (node("DepthToSpace", "x", "y", blocksize=1), [], "pixel_shuffle", (3, 8, 8), 0),
    (node("LRN", "x", "y", size=5), [], "lrn", (3, 8, 8), 0),
    (node("Sqrt", "x", "y"), [], "sqrt", (3, 8, 8), 0),
    (node("TopK", "x k", "y i"), [tensor("k", [1], [2], INT64)], "given", (3, 8, 2), 0),
    (node("ArgMax", "x", "y", axis=1, keepdims=0), [], "given", (8, 8), 0),
    (node("GridSample", "x g", "y"), [tensor("g", [1, 4, 5, 2])], "given", (3, 4, 5), 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "stored", "op", "shape", "macs"), ONE, ids=[f"{each[2]}-{n}" for n, each in enumerate(ONE)]
)
def test_operators(tmp_path, made, stored, op, shape, macs):
    network = load(tmp_path, model([made], [X], ["y"], stored, opset=13))
    (layer,) = network.layers
    assert (layer.op.name, layer.outputs[0], layer.cost.macs.value) == (op, shape, macs)
    assert network.uncounted == ()


def test_statistics_of_a_batchnorm_are_buffers_and_scales_do_not_count(tmp_path):
    stored = [tensor(name, [3]) for name in "gbmv"] + [tensor("s", [], [0.5])]
    nodes = [node("BatchNormalization", "x g b m v", "y"), node("Mul", "y s", "z")]
    network = load(tmp_path, model(nodes, [X], ["z"], stored))
    totals = costcalc.analyze(network).totals
    assert (totals.params, totals.buffers) == (6, 6)
    assert str(network.layers[1].op) == "scale(by=0.5)"


def test_a_product_and_the_sum_after_it_are_a_linear_layer(tmp_path):
    nodes = [node("MatMul", "x w", "y"), node("Add", "b y", "z")]
    network = load(tmp_path, model(nodes, [X], ["z"], [tensor("w", [8, 5]), tensor("b", [5])]))
    (layer,) = network.layers
    assert str(layer.op) == "linear(out=5)"
    assert layer.cost.params.value == 8 * 5 + 5
    assert layer.cost.add.value == 3 * 8 * 5


def test_the_sum_stays_apart_if_the_product_is_read_twice(tmp_path):
    nodes = [node("MatMul", "x w", "y"), node("Add", "y b", "z"), node("Mul", "y z", "u")]
    network = load(tmp_path, model(nodes, [X], ["u"], [tensor("w", [8, 5]), tensor("b", [5])]))
    assert [layer.op.name for layer in network.layers] == ["linear", "parameter", "mul"]


def test_a_tensor_is_counted_once(tmp_path):
    nodes = [
        node("Conv", "x w b", "y"),
        node("Conv", "y w2 b", "z"),
        node("Conv", "x w b", "u"),
        node("Concat", "y u", "c", axis=1),
    ]
    stored = [tensor("w", [4, 3, 1, 1]), tensor("w2", [4, 4, 1, 1]), tensor("b", [4])]
    network = load(tmp_path, model(nodes, [X], ["z", "c"], stored))
    assert [layer.cost.params.value for layer in network.layers] == [12 + 4, 16, 0, 0]
    assert [layer.op.name for layer in network.layers] == ["conv", "conv", "conv", "concat"]


def test_shapes_are_followed_by_value(tmp_path):
    """What exporters write for x.view(x.size(0), -1) with an open batch."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n axis", "n1"),
        node("Concat", "n1 rest", "t", axis=0),
        node("Reshape", "x t", "y"),
    ]
    stored = [tensor("zero", [], [0], INT64), tensor("axis", [1], [0], INT64), tensor("rest", [1], [-1], INT64)]
    network = load(tmp_path, model(nodes, [value("x", ["batch", 3, 8, 8])], ["y"], stored))
    assert [(layer.op.name, layer.outputs) for layer in network.layers] == [("flatten", ((192,),))]


def test_open_dimensions_are_params(tmp_path):
    data = model([node("Relu", "ids", "y")], [value("ids", ["batch", "seq", 16])], ["y"])
    with pytest.raises(CostcalcError) as caught:
        load(tmp_path, data)
    fault = caught.value.faults[0]
    assert "axis 1 of the input ids is seq" in fault.message
    assert fault.help == "write --set seq=N, or --input ids=SHAPE"
    assert shapes(load(tmp_path, data, seq=12)) == [(12, 16)]
    assert shapes(load(tmp_path, data, inputs={"ids": (7, 16)})) == [(7, 16)]
    with pytest.raises(CostcalcError, match="unknown param sec"):
        load(tmp_path, data, sec=1)


def condition(known):
    stored = [tensor("c", [], [True], BOOL)] if known else []
    inputs = [X] if known else [X, value("c", [], BOOL)]
    branches = {
        "then_branch": ("graph", graph([node("Conv", "x w", "t")], [], ["t"])),
        "else_branch": ("graph", graph([node("Conv", "x v", "e")], [], ["e"])),
    }
    weights = [tensor("w", [4, 3, 1, 1]), tensor("v", [4, 3, 3, 3])]
    more = {"pads": [1, 1, 1, 1]}
    branches["else_branch"] = ("graph", graph([node("Conv", "x v", "e", **more)], [], ["e"]))
    return model([node("If", "c", "y", **branches)], inputs, ["y"], [*stored, *weights])


@pytest.mark.parametrize(("known", "macs"), [(True, 64 * 12), (False, 64 * 12 * 9)])
def test_if_takes_the_branch_that_is_known_else_the_dearer(tmp_path, known, macs):
    (layer,) = load(tmp_path, condition(known)).layers
    assert (layer.op.name, layer.cost.macs.value, layer.outputs) == ("given", macs, ((4, 8, 8),))


def looped(turns):
    body = graph(
        [node("Identity", "c", "c2"), node("MatMul", "h w", "h2"), node("Identity", "h2", "s")],
        [value("i", [], INT64), value("c", [], BOOL), value("h", [1, 8])],
        ["c2", "h2", "s"],
    )
    stored = [tensor("n", [], [turns], INT64), tensor("t", [], [True], BOOL), tensor("w", [8, 8])]
    return model([node("Loop", "n t x", "y all", body=("graph", body))], [value("x", [1, 8])], ["y", "all"], stored)


def test_a_loop_is_counted_for_each_turn(tmp_path):
    (layer,) = load(tmp_path, looped(5)).layers
    assert layer.cost.macs.value == 5 * 64
    assert layer.cost.params.value == 64
    assert layer.outputs == ((8,), (5, 1, 8))


def test_a_scan_is_counted_for_each_turn(tmp_path):
    body = graph(
        [node("MatMul", "p w", "q"), node("Add", "h q", "h2"), node("Identity", "h2", "o")],
        [value("h", [1, 8]), value("p", [1, 8])],
        ["h2", "o"],
    )
    stored = [tensor("h0", [1, 8]), tensor("w", [8, 8])]
    made = node("Scan", "h0 x", "y all", body=("graph", body), num_scan_inputs=1)
    (layer,) = load(tmp_path, model([made], [value("x", [6, 1, 8])], ["y", "all"], stored)).layers
    assert layer.cost.macs.value == 6 * 64
    assert layer.cost.add.value == 6 * 8


def test_functions_are_read(tmp_path):
    body = [node("Softmax", "a", "b", axis=("ref", "dim")), node("Mul", "b a", "r")]
    function = field(1, "Gate") + fields(4, ["a"]) + fields(5, ["r"]) + fields(7, body) + field(10, "own")
    function += field(9, field(1, "") + field(2, 17))
    made = model([node("Gate", "x", "y", domain="own", dim=1)], [X], ["y"], functions=[function])
    (layer,) = load(tmp_path, made).layers
    assert layer.cost.mul.value == 3 * 64
    assert layer.cost.exp.value == 3 * 64


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_quantised_forms_have_the_same_products(tmp_path, form):
    scale = [tensor("s", [], [0.1]), tensor("z", [], [0.0])]
    if form == "QDQ":
        nodes = [
            node("QuantizeLinear", "x s z", "q"),
            node("DequantizeLinear", "q s z", "d"),
            node("DequantizeLinear", "w s z", "v"),
            node("Conv", "d v", "y"),
        ]
    else:
        nodes = [node("QuantizeLinear", "x s z", "q"), node("QLinearConv", "q s z w s z s z", "y")]
    network = load(tmp_path, model(nodes, [X], ["y"], [*scale, tensor("w", [4, 3, 3, 3])]))
    totals = costcalc.analyze(network).totals
    assert (totals.macs, totals.params) == (36 * 27 * 4, 27 * 4)


def test_an_operator_without_a_rule_is_listed(tmp_path):
    made = model([node("Fancy", "x", "y", domain="own")], [X], [value("y", [1, 5])])
    analysis = costcalc.analyze(load(tmp_path, made))
    assert (analysis.partial, analysis.uncounted, analysis.layers[0].outputs) == (True, ("Fancy",), ((5,),))
    (tmp_path / "fancy.onnx").write_bytes(made)
    assert main(["analyze", str(tmp_path / "fancy.onnx")]) == 0
    assert main(["analyze", str(tmp_path / "fancy.onnx"), "--strict"]) == 2


FAULTS = [
    (b"", "not an ONNX file: there is no graph in it"),
    (b"hello", "not an ONNX file"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "a pointer of Git LFS, not the model"),
    (model([CONV], [X], ["y"], WEIGHTS)[:-40], "not an ONNX file"),
    (model([node("Conv", "x nowhere", "y")], [X], ["y"]), "Conv y reads nowhere, which no earlier node writes"),
    (model([node("Conv", "x w", "y", name="/stem/Conv")], [X], ["y"], [tensor("w", [4, 2, 3, 3])]),
     "Conv /stem/Conv: [1, 3, 8, 8] does not fit the weights [4, 2, 3, 3] in 1 groups"),
    (model([node("Add", "x w", "y")], [X], ["y"], [tensor("w", [7])]),
     "Add y: the shapes [1, 3, 8, 8], [7] do not broadcast"),
    (model([node("Reshape", "x s", "y")], [X], ["y"], [tensor("s", [2], [5, -1], INT64)]),
     "cannot give [1, 3, 8, 8] the shape"),
    (model([node("NonZero", "x", "i"), node("Relu", "i", "y")], [X], ["y"]), "the shape of i depends on data"),
    (model([node("Fancy", "x", "y", domain="own")], [X], [field(1, "y")]),
     "no rule for own::Fancy, and the file does not state the shape of y"),
    (model([node("Relu", "x", "y")], [field(1, "x")], ["y"]), "the input x is not a tensor"),
    (looped(10**9), "a loop of 1,000,000,000 turns"),
    (model([node("MaxPool", "x", "y")], [X], ["y"]), "MaxPool y: kernel_shape is missing"),
    (model([node("MaxPool", "x", "y", kernel_shape=[99, 99])], [X], ["y"]), "a window of 99 does not fit in 8"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), FAULTS)
def test_faults(tmp_path, data, message):
    with pytest.raises(CostcalcError) as caught:
        load(tmp_path, data)
    assert message in caught.value.faults[0].message
    assert caught.value.faults[0].message.startswith(str(tmp_path / "net.onnx"))


def test_graphs_are_not_read_without_end(tmp_path):
    def nested(inside):
        branches = {
            "then_branch": ("graph", inside),
            "else_branch": ("graph", graph([node("Relu", "x", "r")], [], ["r"])),
        }
        return node("If", "c", "r", **branches)

    inner = graph([node("Relu", "x", "r")], [], ["r"])
    for _ in range(100):
        inner = graph([nested(inner)], [], ["r"])
    made = model([nested(inner)], [X, value("c", [], BOOL)], ["r"])
    with pytest.raises(CostcalcError):
        load(tmp_path, made)


GOOD = model(
    [CONV, node("Relu", "y", "z"), node("Reshape", "z s", "u")],
    [X],
    ["u"],
    [*WEIGHTS, tensor("s", [2], [1, -1], INT64)],
)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3), st.booleans())
def test_a_damaged_file_is_an_error_or_a_network(place, junk, cut):
    from costcalc.lang.loader import open_spec
    from costcalc.onnx.files import decode_model

    data = GOOD[:place] if cut else GOOD[:place] + junk + GOOD[place + len(junk) :]
    with contextlib.suppress(CostcalcError):
        open_spec(decode_model(data, "net.onnx")).build()


def test_large_tensors_are_left_in_the_file():
    """The reader keeps everything but elements; what is left reads the same."""
    large = tensor("w", [400, 3, 30, 30])
    data = model([node("Conv", "x w", "y")], [value("x", [1, 3, 64, 64])], ["y"], [large, tensor("s", [1], [3], INT64)])
    small = wire.without_weights(data)
    assert len(data) > 4_000_000 > 1000 > len(small)
    assert [list(each.dims) for each in wire.loads(small).graph.initializer] == [[400, 3, 30, 30], [1]]


def test_commands(tmp_path, monkeypatch, capsys):
    from costcalc.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(model([CONV, node("Relu", "y", "z")], [X], ["z"], WEIGHTS))
    for command in (["analyze"], ["compare"], ["explain"], ["graph"], ["expand"], ["check", "--max", "macs=1M"]):
        assert main([command[0], "net.onnx", *command[1:]]) == 0, command
    capsys.readouterr()
    assert main(["analyze", "net.onnx", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["totals"]["params"], document["source"]) == (112, "weights stored in the file")
    assert main(["check", "net.onnx", "--max", "macs=1k"]) == 1
    assert "net.onnx" in capsys.readouterr().out


def test_the_gate_compares_with_the_file_at_the_base(tmp_path, monkeypatch, capsys):
    import subprocess

    from costcalc.cli import main

    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    monkeypatch.chdir(tmp_path)
    (tmp_path / "costcalc.toml").write_text('specs = ["*.onnx"]\n[[increase]]\nmacs = "10%"\n')
    (tmp_path / "net.onnx").write_bytes(model([CONV], [X], ["y"], WEIGHTS))
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    assert main(["check", "--base", "HEAD"]) == 0
    dearer = [tensor("conv.weight", [8, 3, 3, 3]), tensor("conv.bias", [8])]
    (tmp_path / "net.onnx").write_bytes(model([CONV], [X], ["y"], dearer))
    capsys.readouterr()
    assert main(["check", "--base", "HEAD"]) == 1
    assert "CC103 net.onnx: macs 13,824 > 7,603" in capsys.readouterr().out
    assert main(["diff", "HEAD:net.onnx", "net.onnx"]) == 0
    assert "+6,912" in capsys.readouterr().out


def test_values_are_not_followed_without_end(tmp_path):
    """Each node of thirty bytes has 8,192 elements; after four million, values are unknown."""
    nodes = [node("ConstantOfShape", "s", f"c{place}") for place in range(20_000)]
    stored = [tensor("s", [1], [8192], INT64)]
    network = load(tmp_path, model([*nodes, node("Relu", "x", "y")], [X], ["y"], stored))
    assert [layer.op.name for layer in network.layers] == ["relu"]
    import tracemalloc

    from costcalc.onnx.run import MAX_FOLLOWED, Run

    data = model([*nodes[:1000], node("Relu", "x", "y")], [X], ["y"], stored)
    tracemalloc.start()
    run = Run(wire.loads(data), data, {}, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert run.followed > MAX_FOLLOWED
    assert peak < 16 * MAX_FOLLOWED


def test_loops_in_loops_end(tmp_path):
    inner = graph([node("Identity", "c", "c2"), node("Identity", "h", "h2")],
                  [value("i", [], INT64), value("c", [], BOOL), value("h", [1, 8])], ["c2", "h2"])  # fmt: skip
    outer = graph([node("Identity", "d", "d2"), node("Loop", "n t g", "g2", body=("graph", inner))],
                  [value("j", [], INT64), value("d", [], BOOL), value("g", [1, 8])], ["d2", "g2"])  # fmt: skip
    stored = [tensor("n", [], [10_000], INT64), tensor("t", [], [True], BOOL)]
    made = model([node("Loop", "n t x", "y", body=("graph", outer))], [value("x", [1, 8])], ["y"], stored)
    with pytest.raises(CostcalcError, match="more than 400,000 nodes, with the turns of loops"):
        load(tmp_path, made)


def test_a_shared_bias_cannot_be_written_as_a_spec(tmp_path):
    from costcalc.lang.expand import write
    from costcalc.lang.rollup import rolled

    stored = [tensor("w", [4, 3, 1, 1]), tensor("v", [4, 4, 1, 1]), tensor("b", [4])]
    network = load(tmp_path, model([node("Conv", "x w b", "y"), node("Conv", "y v b", "z")], [X], ["z"], stored))
    for written in (write, rolled):
        with pytest.raises(CostcalcError, match="conv_2 has some of its stored tensors from other layers"):
            written(network)


HALF = 10


def test_number_formats_are_those_of_the_file(tmp_path):
    """Weights and activations in float16; what is cast to float32 has a format of its own."""
    data = model(
        [
            node("MatMul", "x w", "h", name="a"),
            node("Cast", "h", "f", name="c", to=1),
            node("Relu", "f", "y", name="r"),
        ],
        [value("x", (1, 8), HALF)],
        [value("y", (1, 4))],
        [tensor("w", (8, 4), dtype=HALF)],
    )
    network = load(tmp_path, data)
    assert tuple(network.formats) == ("fp16", "fp16")
    totals = [row.totals for row in costcalc.analyze(network).layers]
    assert totals[0].weight_bytes == 8 * 4 * 2
    assert totals[0].traffic_bytes == 8 * 2 + 8 * 4 * 2
    assert totals[-1].traffic_bytes == 4 * 4  # in the step of the product
