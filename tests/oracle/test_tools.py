"""The conventions of other tools on single modules and torchvision's models, as the tools themselves count them."""

from __future__ import annotations

import json
import logging
import warnings
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from costcalc.conventions.convention import convention, read_as

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


def fvcore(model, x):
    tool = pytest.importorskip("fvcore.nn")
    found = tool.FlopCountAnalysis(model, x)
    return found.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()


def ptflops(backend):
    def run(model, x):
        tool = pytest.importorskip("ptflops")
        options = {"as_strings": False, "print_per_layer_stat": False, "verbose": False, "backend": backend}
        return tool.get_model_complexity_info(model, tuple(x.shape[1:]), **options)[0]

    return run


def thop(model, x):
    return pytest.importorskip("thop").profile(model, (x,), verbose=False)[0]


def torchinfo(model, x):
    return pytest.importorskip("torchinfo").summary(model, input_data=x, verbose=0).total_mult_adds


def torchprofile(model, x):
    return pytest.importorskip("torchprofile").profile_macs(model, x)


def counter(model, x):
    with FlopCounterMode(display=False) as found:
        model(x)
    return found.get_total_flops()


TOOLS = {
    "fvcore": fvcore,
    "ptflops": ptflops("pytorch"),
    "ptflops-aten": ptflops("aten"),
    "thop": thop,
    "torch": counter,
    "torchinfo": torchinfo,
    "torchprofile": torchprofile,
}


def conv():
    return nn.Conv2d(4, 6, 3, stride=2, padding=1)


def conv_without_bias():
    return nn.Conv2d(4, 6, 3, bias=False)


def grouped():
    return nn.Conv2d(4, 6, 3, groups=2)


def depthwise():
    return nn.Conv2d(4, 4, 5, groups=4, bias=False)


def transposed():
    return nn.ConvTranspose2d(4, 4, 2, stride=2, bias=False)


def batchnorm():
    return nn.BatchNorm2d(4)


def batchnorm_without_affine():
    return nn.BatchNorm2d(4, affine=False)


def layernorm():
    return nn.LayerNorm(8)


def groupnorm():
    return nn.GroupNorm(2, 4)


def relu():
    return nn.ReLU()


def relu6():
    return nn.ReLU6()


def silu():
    return nn.SiLU()


def gelu():
    return nn.GELU()


def sigmoid():
    return nn.Sigmoid()


def softmax():
    return nn.Softmax(dim=-1)


def maxpool():
    return nn.MaxPool2d(3, 2)


def avgpool():
    return nn.AvgPool2d(2)


def adaptive():
    return nn.AdaptiveAvgPool2d(2)


def global_pooling():
    return nn.AdaptiveAvgPool2d(1)


def linear_of_rows():
    return nn.Linear(8, 5)


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(4 * 8 * 8, 5))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, x):
        return x + self.body(x)


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc(self.pool(x)))


class Functions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)

    def forward(self, x):
        x = nn.functional.relu(self.conv(x))
        x = nn.functional.max_pool2d(x, 2)
        x = torch.flatten(nn.functional.adaptive_avg_pool2d(x, (1, 1)), 1)
        return nn.functional.softmax(x, dim=1)


def residual():
    return Residual()


def gate():
    return Gate()


def functions():
    return Functions()


def conv1d():
    return nn.Conv1d(4, 6, 3)


def conv3d():
    return nn.Conv3d(4, 6, 3, padding=1)


def instancenorm():
    return nn.InstanceNorm2d(4, affine=True)


def prelu():
    return nn.PReLU()


def leaky_relu():
    return nn.LeakyReLU()


def elu():
    return nn.ELU()


def hardswish():
    return nn.Hardswish()


def tanh():
    return nn.Tanh()


def nearest():
    return nn.Upsample(scale_factor=2)


def bilinear():
    return nn.Upsample(scale_factor=2, mode="bilinear")


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def lstm():
    return Recurrent(nn.LSTM(16, 12, batch_first=True))


def lstm_of_two_layers():
    return Recurrent(nn.LSTM(16, 12, num_layers=2, bidirectional=True, bias=False, batch_first=True))


def gru():
    return Recurrent(nn.GRU(16, 12, batch_first=True))


def rnn():
    return Recurrent(nn.RNN(16, 12, batch_first=True))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


def attention():
    return Attention()


OTHERS = {
    conv1d: (4, 9), conv3d: (4, 5, 5, 5), instancenorm: (4, 8, 8), prelu: (4, 8, 8), leaky_relu: (4, 8, 8),
    elu: (4, 8, 8), hardswish: (4, 8, 8), tanh: (4, 8, 8), nearest: (4, 8, 8), bilinear: (4, 8, 8), lstm: (7, 16),
    lstm_of_two_layers: (7, 16), gru: (7, 16), rnn: (7, 16), attention: (7, 16),
}  # fmt: skip
"""Further modules, with the shapes of their inputs."""

MODELS = [
    conv, conv_without_bias, grouped, depthwise, transposed, batchnorm, batchnorm_without_affine, layernorm, groupnorm,
    relu, relu6, silu, gelu, sigmoid, softmax, maxpool, avgpool, adaptive, global_pooling, linear_of_rows, linear,
    residual, gate, functions,
]  # fmt: skip
SHAPE = (4, 8, 8)


def network_of(target, inputs=SHAPE, **params):
    from costcalc.pytorch.target import TorchModel

    return TorchModel(target).build(params, {"input": inputs}, None)


def printed_by(tool, make, shape):
    """The figure that a tool prints of a new model."""
    torch.manual_seed(0)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(TOOLS[tool](make().eval(), torch.randn(1, *shape)))
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("make", [*MODELS, *OTHERS])
@pytest.mark.parametrize("tool", TOOLS)
def test_single_modules(make, tool):
    shape = OTHERS.get(make, SHAPE)
    network = network_of(f"{__name__}:{make.__name__}", shape)
    sizes = 4 if (make, tool) == (attention, "torchprofile") else 0  # it counts products of two sizes in the trace
    assert read_as(network, convention(tool)).total + sizes == printed_by(tool, make, shape)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_version_that_a_convention_describes_is_the_one_that_is_run(tool):
    package = tool.removesuffix("-aten")
    pytest.importorskip(package)
    assert Version(version(package)).public == convention(tool).version


FIGURES = json.loads((Path(__file__).parents[1] / "conventions" / "figures.json").read_text())

EXCEPTED = {
    # torchprofile counts one for each product of two sizes in the trace of an attention.
    ("swin_t", "torchprofile"), ("swin_v2_t", "torchprofile"), ("maxvit_t", "torchprofile"),
    ("vit_b_16", "torchprofile"), ("vit_b_32", "torchprofile"),
    # The reasons are in docs/conventions.md.
    ("convnext_tiny", "torchinfo"), ("swin_v2_t", "torchinfo"), ("swin_v2_t", "ptflops"), ("maxvit_t", "ptflops"),
    ("maxvit_t", "fvcore"),
}  # fmt: skip


@pytest.mark.parametrize("model", FIGURES)
def test_models_of_torchvision(model, classifiers):
    """Each tool is run on torchvision's own models, and prints what the convention gives and figures.json holds.

    Tools that the extra does not install have only their figures in the file.
    """
    size = 299 if model == "inception_v3" else 224
    params = {"aux_logits": False, "init_weights": False} if model in ("googlenet", "inception_v3") else {}
    network = network_of(f"torchvision.models:{model}", (3, size, size), **params)
    printed = {tool: printed_by(tool, lambda: getattr(classifiers, model)(**params), (3, size, size)) for tool in TOOLS}
    assert FIGURES[model] | printed == FIGURES[model]
    for tool, figure in FIGURES[model].items():
        assert (read_as(network, convention(tool)).total == figure) is ((model, tool) not in EXCEPTED), tool


def test_the_table_of_torchvision(classifiers):
    """`num_params` and `_ops` of the metadata of all weights for classification: billions of multiply-adds."""
    from costcalc.analysis import analyze

    seen = 0
    for name in classifiers.list_models(module=classifiers):
        for weights in classifiers.get_model_weights(name):
            meta = weights.meta
            size = weights.transforms().crop_size[0]
            params = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
            params |= {"aux_logits": False} if name == "googlenet" else {}  # its weights are without the further heads
            params |= {"image_size": size} if name.startswith("vit") else {}
            network = network_of(f"torchvision.models:{name}", (3, size, size), **params)
            totals = analyze(network, in_bytes=False).totals
            unused = sum(
                int(remark.message.split(" has ")[1].split()[0].replace(",", "")) for remark in network.remarks
            )
            assert totals.params + unused == meta["num_params"], name
            assert abs(totals.macs / 1e9 - meta["_ops"]) < 0.0006, name
            seen += 1
    assert seen > 100
