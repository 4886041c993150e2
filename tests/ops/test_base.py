from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from costcalc.errors import ArgumentError, CostcalcError
from costcalc.ops import Op, find, registered
from costcalc.ops.base import REGISTRY, Elementwise, load_plugins, signature, summary

OPS = """
conv depthwise_conv conv_transpose linear embedding matmul attention lstm gru rnn maxpool avgpool global_avgpool
global_maxpool adaptive_avgpool adaptive_maxpool batchnorm instancenorm layernorm rmsnorm groupnorm lrn relu relu6
leaky_relu elu selu sigmoid hardsigmoid tanh silu hardswish gelu mish softplus prelu softmax log_softmax dropout
identity scale parameter concat_token flatten reshape permute split slice pad crop mean sum max upsample
pixel_shuffle pixel_unshuffle channel_shuffle add mul concat sub div shift l2norm glu rope abs clip neg square
reciprocal exp log sqrt sin cos erf
deform_conv given einsum dispatch combine selective_scan weight expand tile roll gather
""".split()  # noqa: SIM905

SIGNATURES = (
    """
conv(out, kernel, stride=1, padding=0, dilation=1, groups=1, bias=true, connections=all, density=1, nm=none,
 norm=none, act=none)
depthwise_conv(kernel, stride=1, padding=0, dilation=1, multiplier=1, bias=true, norm=none, act=none)
conv_transpose(out, kernel, stride=1, padding=0, output_padding=0, dilation=1, groups=1, bias=true, norm=none, act=none)
linear(out, bias=true, axis=-1, density=1, nm=none, experts=1, active=1, norm=none, act=none)
embedding(vocab, dim)
matmul(transpose_b=false)
attention(heads, kv_heads=heads, head_dim=features / heads, bias=true, causal=false,
 value_dim=head_dim, window=all, bias_table=0, cache=0)
lstm(hidden, layers=1, bidirectional=false, bias=true, biases=2, projection=none)
maxpool(kernel, stride=kernel, padding=0, ceil=false, dilation=1)
avgpool(kernel, stride=kernel, padding=0, ceil=false)
global_avgpool(keepdims=true, axis=channels)
adaptive_avgpool(out)
batchnorm(affine=true, bias=true, buffers=true, axis=channels)
instancenorm(affine=false)
layernorm(axes=1, affine=true, axis=the last, bias=true)
groupnorm(groups, affine=true, bias=true)
lrn(size=5)
relu()
prelu(per_channel=false, axis=channels)
softmax(axis=-1)
dropout(p=0.5)
scale(axis=channels, by=a parameter)
shift(axis=channels, by=a parameter)
glu(axis=-1)
rope(fraction=1)
parameter(shape, take=all)
weight(shape)
einsum(equation)
dispatch(active)
combine(active)
given(shape, params=0, buffers=0, macs=0, add=0, mul=0, div=0, cmp=0, exp=0, kind=none)
selective_scan(state, skip=true)
expand(shape)
tile(times)
roll(shift, axis=all)
gather(count=of the indices, axis=0)
concat_token(count=1)
flatten(start=0)
reshape(shape)
permute(order)
split(parts=none, sizes=none, axis=0)
slice(axis, start=0, stop=end, step=1)
pad(amount, mode=constant)
mean(axis, keepdims=false)
upsample(scale=2, size=none, mode=nearest)
pixel_shuffle(factor)
channel_shuffle(groups)
add()
concat(axis=0)
""".replace(",\n ", ", ")
    .strip()
    .splitlines()
)


def test_every_op_of_the_language_exists():
    assert sorted(OPS) == list(registered())


@pytest.mark.parametrize("text", SIGNATURES)
def test_signature(text):
    assert signature(REGISTRY[text.partition("(")[0]]) == text


@pytest.mark.parametrize("name", OPS)
def test_op_is_documented(name):
    op = REGISTRY[name]
    assert summary(op).endswith(".")
    example = [] if issubclass(op, Elementwise) else [">>> "]  # the table of activations has one for all its rows
    for heading in ("Shapes:", "Units:", "Errors:", "Source:", *example):
        assert heading in (op.__doc__ or "")


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("relu", {}, "relu"),
        ("conv", {"out": 64, "kernel": [3, 1], "stride": 1, "bias": False}, "conv(out=64, kernel=[3, 1], bias=false)"),
        ("parameter", {"shape": [1, 2]}, "parameter(shape=[1, 2])"),
    ],
)
def test_str_shows_arguments_that_differ_from_defaults(name, arguments, text):
    assert str(REGISTRY[name](**arguments)) == text


def test_op_is_a_value():
    reshape = REGISTRY["reshape"]
    one, other = reshape(shape=[2, 3]), reshape(shape=(2, 3))
    assert one == other
    assert hash(one) == hash(other)
    assert one != reshape(shape=[3, 2])
    assert one.arguments == {"shape": (2, 3)}
    assert repr(one) == "Reshape(shape=(2, 3))"
    with pytest.raises(AttributeError):
        one.shape_ = (1,)


def test_invalid_value_names_its_argument():
    with pytest.raises(ArgumentError, match="expected an integer") as caught:
        REGISTRY["conv"](out="many", kernel=3)
    assert caught.value.argument == "out"


@pytest.mark.parametrize(
    ("name", "arguments", "message", "help"),
    [
        ("conv", {"out": 8, "kernal": 3}, "conv has no argument kernal", "did you mean kernel?"),
        (
            "conv",
            {"in_channels": 8},
            "conv has no argument in_channels",
            "remove it: the channels follow from the input",
        ),
        ("conv", {}, "conv needs out, kernel", "conv(out, kernel, stride=1"),
        ("relu", {"norm": "batchnorm"}, "relu has no argument norm", "a separate layer after relu"),
        ("lrn", {"size": 5, "k": 2}, "lrn has no argument k", "changes no shape and no count"),
    ],
)
def test_unknown_and_missing_arguments(name, arguments, message, help):
    with pytest.raises(ArgumentError) as caught:
        REGISTRY[name](**arguments)
    assert message in str(caught.value)
    assert help in caught.value.help


def test_op_name_is_unique():
    with pytest.raises(CostcalcError, match=r"cannot define the op conv: costcalc\.ops\.conv already defines it"):
        type("Conv", (Op,), {"__module__": "elsewhere"}, name="conv")
    assert REGISTRY["conv"].__module__ == "costcalc.ops.conv"


def test_unknown_argument_type():
    with pytest.raises(TypeError, match=r"Odd.size: unknown argument type int"):
        type("Odd", (Op,), {"__annotations__": {"size": "int"}})


def test_unknown_name():
    assert find("convolution") is None
    load_plugins()


PLUGIN = """
    from __future__ import annotations

    from costcalc.formula import elements
    from costcalc.model import Cost
    from costcalc.ops.base import Op
    from costcalc.ops.argument_types import Positive


    class Blur(Op, name="blur"):
        '''Mean with the neighbours.'''

        taps: Positive = 3

        def shape(self, inputs):
            return inputs

        def cost(self, inputs, outputs):
            return Cost(add=elements(outputs[0]) * (self.taps - 1))
"""

PROGRAM = """
    from costcalc.errors import CostcalcError
    from costcalc.ops import find, registered
    from costcalc.ops.base import signature, summary

    assert find("conv").name == "conv"  # does not look for plugins
    for _ in range(2):  # the second time as the first
        try:
            op = find("blur")
            assert registered()["blur"] is op
            print(signature(op), "|", summary(op), "|", op().cost(((3, 5),), ((3, 5),)).add.value)
        except CostcalcError as error:
            print(error.fault())
"""


def run(folder, plugin, entry="blur = blur_plugin"):
    """Run PROGRAM with a distribution of this plugin installed and return its output."""
    (folder / "blur_plugin.py").write_text(textwrap.dedent(plugin), encoding="utf-8")
    info = folder / "blurry-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blurry\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[costcalc.ops]\n{entry}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == second
    return first


def test_op_of_installed_package(tmp_path):
    assert run(tmp_path, PLUGIN) == "blur(taps=3) | Mean with the neighbours. | 30"


@pytest.mark.parametrize(
    ("plugin", "entry", "message"),
    [
        ("import missing_module", "blur = blur_plugin", "ModuleNotFoundError: No module named 'missing_module'"),
        ("raise SystemExit(3)", "blur = blur_plugin", "SystemExit: 3"),
        ("x = {", "blur = blur_plugin", "SyntaxError"),
        ("1 / 0", "blur = blur_plugin:Blur", "ZeroDivisionError: division by zero"),
        ("", "blur = blur_plugin:Blur", "AttributeError"),
        ("", "blur = {blur_plugin}", "cannot load"),
        (PLUGIN.replace("blur", "conv"), "blur = blur_plugin", "blur_plugin cannot define the op conv"),
        (
            PLUGIN.replace("from __future__ import annotations", ""),
            "blur = blur_plugin",
            "Blur.taps: its module needs `from",
        ),
        (PLUGIN.replace("Positive = 3", "int = 3"), "blur = blur_plugin", "Blur.taps: unknown argument type int"),
    ],
)
def test_error_names_the_broken_package(tmp_path, plugin, entry, message):
    fault = run(tmp_path, plugin, entry)
    assert "cannot load the ops of the installed package blurry" in fault
    assert message in fault
    assert f"entry point {entry}, group costcalc.ops" in fault
