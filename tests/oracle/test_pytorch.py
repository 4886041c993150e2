"""PyTorch models against PyTorch: its parameters, the multiply-adds of its counter, and the shapes of its outputs."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import costcalc  # noqa: E402
from costcalc.pytorch.recorder import record  # noqa: E402
from costcalc.pytorch.target import TorchModel  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::UserWarning")]


class Residual(nn.Module):
    def __init__(self, channels=16, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, groups=4)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Conv2d(channels, channels, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.conv2(self.relu(self.bn1(self.conv1(x))))
        y += self.down(x)
        return self.relu(y)


class Excite(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)

    def forward(self, x):
        gate = functional.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(functional.silu(self.fc1(gate))))


class SelfAttention(nn.Module):
    """Attention as Hugging Face and timm write it: projections, views, and the fused product."""

    def __init__(self, fused):
        super().__init__()
        self.qkv, self.out, self.fused = nn.Linear(32, 96), nn.Linear(32, 32), fused

    def forward(self, x):
        batch, steps, _ = x.shape
        q, k, v = self.qkv(x).reshape(batch, steps, 3, 4, 8).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = functional.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * 8**-0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(batch, steps, 32))


class Classifier(nn.Module):
    """A vision transformer in little: patches, a class token, positions, an encoder."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.token, self.positions = nn.Parameter(torch.zeros(1, 1, 32)), nn.Parameter(torch.zeros(1, 17, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu", norm_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(32, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.encoder(x)[:, 0])


class Functional(nn.Module):
    """Weights without modules."""

    def __init__(self):
        super().__init__()
        self.kernel, self.matrix = nn.Parameter(torch.zeros(8, 3, 3, 3)), nn.Parameter(torch.zeros(5, 8))
        self.scale, self.gain = nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(8))

    def forward(self, x):
        x = functional.conv2d(x, self.kernel / 2, stride=2)
        x = functional.layer_norm(x.permute(0, 2, 3, 1), (8,), self.gain) * self.scale
        return functional.linear(functional.gelu(x.mean((1, 2))), self.matrix)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(50, 16), nn.Linear(16, 50, bias=False)
        self.head.weight, self.twice = self.words.weight, nn.Linear(16, 16)

    def forward(self, ids):
        return self.head(self.twice(torch.tanh(self.twice(self.words(ids)))))


IMAGE, TOKENS = {"input": (1, 3, 32, 32)}, {"input": (1, 9, 32)}
MODELS = {
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU6(), nn.Conv2d(16, 16, 3, 1, 1, groups=16),
            nn.MaxPool2d(2), nn.ConvTranspose2d(16, 8, 2, 2), nn.Upsample(scale_factor=2), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(8, 5),
        ),
        IMAGE,
    ),
    "residual": (lambda: nn.Sequential(nn.Conv2d(3, 16, 3), Residual(), Residual(stride=2)), IMAGE),
    "gate": (lambda: nn.Sequential(nn.Conv2d(3, 16, 3), Excite()), IMAGE),
    "attention": (lambda: SelfAttention(fused=False), TOKENS),
    "fused attention": (lambda: SelfAttention(fused=True), TOKENS),
    "multihead": (lambda: nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), TOKENS),
    "sequence first": (lambda: nn.TransformerEncoderLayer(32, 4, 64), {"input": (9, 1, 32)}),
    "classifier": (Classifier, IMAGE),
    "functional": (Functional, IMAGE),
    "lstm": (lambda: nn.LSTM(32, 8, 2, batch_first=True, bidirectional=True), TOKENS),
    "norms": (
        lambda: nn.Sequential(nn.GroupNorm(4, 16), nn.InstanceNorm2d(16, affine=True), nn.Dropout()),
        {"input": (1, 16, 8, 8)},
    ),
}  # fmt: skip


def recorded(make, inputs, dtype=torch.float32):
    with torch.device("meta"):
        model = make().eval()
        tensors = {name: torch.empty(shape, dtype=dtype) for name, shape in inputs.items()}
    network = record(model, tensors, "it", "", 100_000)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = model(*tensors.values())
    return network, model, counter.get_total_flops(), outputs


@pytest.mark.parametrize("name", MODELS)
def test_counts_are_those_of_pytorch(name):
    network, model, flops, outputs = recorded(*MODELS[name])
    totals = costcalc.analyze(network).totals
    assert 2 * totals.macs == flops > 0 or name == "norms"
    assert totals.params == sum(parameter.numel() for parameter in model.parameters())
    first = outputs[0] if isinstance(outputs, tuple) else outputs
    assert network.layers[-1].outputs[0] in (tuple(first.shape[1:]), tuple(first.shape))
    assert network.uncounted == ()


def test_a_network_of_modules_has_ops_of_its_own():
    network, *_ = recorded(*MODELS["convolutions"])
    assert " ".join(layer.op.name for layer in network.layers) == (
        "conv batchnorm relu6 depthwise_conv maxpool conv_transpose upsample global_avgpool flatten linear"
    )
    assert [layer.name for layer in network.layers] == [str(place) for place in range(10)]
    assert [layer.host for layer in network.layers][:3] == [None, 0, 0]


def test_formulas_and_rewrites_work():
    network, *_ = recorded(*MODELS["residual"])
    (layer,) = costcalc.explain(network, "1.conv1").layers
    assert layer.counts["macs"].value == 16 * 30 * 30 * 9 * 16
    comparison = costcalc.compare(network, layer="1.conv1", strategies=["separable"])
    assert [cell.name for cell in comparison.cells] == ["1.conv1"]
    change = 16 * 30 * 30 * (9 * 16 - 9 - 16)  # a depthwise and a 1x1 convolution in its place
    assert comparison.candidate("separable").analysis.totals.macs == costcalc.analyze(network).totals.macs - change


def test_shared_weights_are_counted_once():
    network, model, _, _ = recorded(Tied, {"input": (1, 7)}, torch.int64)
    totals = costcalc.analyze(network).totals
    assert totals.params == sum(parameter.numel() for parameter in model.parameters()) == 50 * 16 + 16 * 16 + 16
    assert totals.macs == 7 * (2 * 16 * 16 + 16 * 50)


class Idle(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.aux = nn.Linear(4, 4), nn.Linear(4, 7)

    def forward(self, x):
        return self.used(x)


def test_modules_that_did_not_run_are_named():
    network, *_ = recorded(Idle, {"input": (1, 4)})
    assert [remark.message for remark in network.remarks] == ["aux has 35 parameters and did not run"]
    assert costcalc.analyze(network).totals.params == 4 * 4 + 4


def test_what_has_no_rule_is_listed():
    class Sorted(nn.Module):
        def forward(self, x):
            return torch.sort(x)[0]

    network, *_ = recorded(Sorted, {"input": (1, 4)})
    analysis = costcalc.analyze(network)
    assert (analysis.partial, analysis.uncounted) == (True, ("sort",))


FILE = """
import torch
from torch import nn

def net(width=8, bias=True):
    return nn.Sequential(nn.Conv2d(3, width, 3, bias=bias), nn.Flatten())

def reads():
    sizes = torch.linspace(4, 8, 2).int().tolist()
    return nn.Linear(3, sizes[1])

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)
    def forward(self, image, ids=None):
        return image.sum() + self.words(ids)

def broken():
    raise ValueError("no good")

module, five = nn.ReLU(), 5
"""


@pytest.fixture
def target(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("models", None)


@pytest.mark.parametrize(
    ("name", "params", "shape", "count"),
    [
        ("models.py:net", {"width": "16", "bias": "false"}, (3, 8, 8), 3 * 16 * 9),
        ("models:net", {}, (3, 8, 8), 3 * 8 * 9 + 8),
        ("models.py:reads", {}, (3,), 3 * 8 + 8),
        ("models.py:module", {}, (3,), 0),
    ],
)
def test_targets(target, name, params, shape, count):
    network = costcalc.load(name, inputs={"input": shape}, **params)
    assert costcalc.analyze(network).totals.params == count


def test_several_inputs_with_formats(target):
    from costcalc.pytorch import TypedShape

    shapes = {"input": (4,), "ids": TypedShape((6,), "int64")}
    network = costcalc.load("models.py:Two", inputs=shapes)
    assert network.inputs == {"input": (4,), "ids": (6,)}
    assert costcalc.analyze(network).totals.params == 40


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("models.py:broken", (3,), "models.py:broken cannot be made: ValueError: no good"),
        ("models.py:five", (3,), "models.py:five is neither a module nor callable"),
        ("models.py:nett", (3,), "models.py:nett: no attribute nett"),
        ("models.py:net", (4, 8, 8), "models.py:net does not run on these inputs"),
        ("nowhere:net", (3,), "nowhere:net: no module nowhere"),
        ("nowhere.py:net", (3,), "cannot read nowhere.py: file not found"),
        ("models.py:net", None, "models.py:net needs --input, the shape without the batch"),
    ],
)
def test_faults(target, name, shape, message):
    with pytest.raises(costcalc.errors.CostcalcError) as caught:
        TorchModel(name).build({}, {"input": shape} if shape else {})
    assert message in str(caught.value)


@pytest.mark.filterwarnings("ignore:The default weight initialization:FutureWarning")
def test_every_classifier_of_torchvision(classifiers):
    """All of them: parameters and multiply-adds to the digit."""
    for name in classifiers.list_models(module=classifiers):
        side = 299 if name == "inception_v3" else 224
        made = TorchModel(f"torchvision.models:{name}")
        network = made.build({}, {"input": (3, side, side)})
        model = made.model({}).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.empty(1, 3, side, side, device="meta"))
        idle = sum(int(remark.message.split()[2].replace(",", "")) for remark in network.remarks)
        totals = costcalc.analyze(network).totals
        assert 2 * totals.macs == counter.get_total_flops(), name
        assert totals.params + idle == sum(parameter.numel() for parameter in model.parameters()), name
