"""Peak memory, tensors kept for the backward pass and its work, as PyTorch has them."""

from __future__ import annotations

import weakref

import pytest

import costcalc
from costcalc.memory.schedule import alive_at, schedule
from costcalc.model import Execution

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

pytestmark = pytest.mark.oracle

KEEPING = ("aten.native_batch_norm", "aten.max_pool2d_with_indices", "aten.native_layer_norm")
"""Operations that return statistics or indices, besides their output."""


class Memory(TorchDispatchMode):
    """Sums the storages of the tensors that are alive, and keeps the largest sum."""

    def __init__(self, known):
        self.alive = self.peak = 0
        self.sizes = {}
        self.known = known

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        outputs = tree_leaves(out)
        for tensor in outputs[:1] if str(func).startswith(KEEPING) else outputs:
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.known and storage._cdata not in self.sizes:
                    self.sizes[storage._cdata] = storage.nbytes()
                    self.alive += storage.nbytes()
                    self.peak = max(self.peak, self.alive)
                    weakref.finalize(storage, self.freed, storage._cdata)
        return out

    def freed(self, key):
        self.alive -= self.sizes.pop(key, 0)


class Block(nn.Module):
    def __init__(self, inner, out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.down = None
        if stride != 1 or inner != out:
            self.down = nn.Sequential(nn.Conv2d(inner, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.conv2(out)
        out = self.bn2(out)
        if self.down is not None:
            identity = self.down(x)
        out += identity
        return self.relu(out)


def residual():
    return nn.Sequential(
        nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        Block(16, 64), Block(64, 64), Block(64, 128, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def plain():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(8, 24, 3, padding=1), nn.ReLU(inplace=True),
        nn.MaxPool2d(2), nn.Conv2d(24, 8, 1), nn.Sigmoid(), nn.Flatten(), nn.Linear(8 * 32 * 32, 5),
    )  # fmt: skip


def gelu():
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), nn.Linear(256, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4)
    )


def dropout():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(3 * 64 * 64, 32), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(32, 4)
    )


MODELS = [residual, plain, gelu, dropout]
SHAPE = (3, 64, 64)


def network(make):
    """The network of a model, as costcalc reads it."""
    from costcalc.pytorch.target import TorchModel

    return TorchModel(f"{__name__}:{make.__name__}").build({}, {"input": SHAPE}, None)


def on_meta(make):
    with torch.device("meta"):
        return make()


def own(model):
    return {tensor.untyped_storage()._cdata for tensor in [*model.parameters(), *model.buffers()]}


@pytest.mark.parametrize("make", MODELS)
def test_peak(make):
    model = on_meta(make).eval()
    x = torch.empty(2, *SHAPE, device="meta")
    with torch.no_grad(), Memory(own(model) | {x.untyped_storage()._cdata}) as memory:
        model(x)
    execution = Execution(eager=True, in_place="activations")
    steps = schedule(network(make), execution, 2)
    alive = alive_at(steps, range(steps.length))
    # The caller owns the network's input, and PyTorch's sum does not have it.
    sums = [sum(buffer.size for buffer in buffers if buffer.layer >= 0) for buffers in alive.values()]
    assert max(sums) == memory.peak


@pytest.mark.parametrize("make", MODELS)
def test_saved_tensors(make):
    model = on_meta(make).train()
    known, saved = own(model), {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in known:
            saved[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(torch.empty(2, *SHAPE, device="meta"))
    found = costcalc.analyze(network(make), batch=2, optimizer="adam")
    assert found.totals.saved_bytes == sum(storage.nbytes() for storage in saved.values())


@pytest.mark.parametrize("make", MODELS)
def test_work_of_both_passes(make):
    model = on_meta(make).train()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(2, *SHAPE, device="meta")).sum().backward()
    found = costcalc.analyze(network(make), batch=2, optimizer="adam")
    assert 2 * found.totals.training_macs == counter.get_total_flops()


class Halved(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.linear = nn.Linear(16, 8)

    def forward(self, ids):
        return torch.softmax(self.linear(self.embedding(ids)).float(), -1)


def halved():
    return Halved().half()


def test_number_formats_are_those_of_the_model():
    from costcalc.pytorch import TypedShape
    from costcalc.pytorch.target import TorchModel

    network = TorchModel(f"{__name__}:halved").build({}, {"input": TypedShape((12,), "int64")}, None)
    assert tuple(network.formats) == ("fp16", "fp16")
    embedding, linear, softmax = (row.totals for row in costcalc.analyze(network).layers)
    assert (embedding.weight_bytes, linear.weight_bytes) == (100 * 16 * 2, (16 * 8 + 8) * 2)
    assert embedding.traffic_bytes == 12 * 8 + 2 * 12 * 16 * 2  # indices of 8 bytes
    assert softmax.traffic_bytes == 12 * 8 * 2 + 12 * 8 * 4
