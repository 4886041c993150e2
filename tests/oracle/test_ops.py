"""Every op against PyTorch: shapes, parameters, buffers, multiply-adds, and which configurations are refused."""

from __future__ import annotations

from math import prod

import pytest

torch = pytest.importorskip("torch")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from costcalc.errors import CostcalcError  # noqa: E402
from costcalc.ops import find, registered  # noqa: E402

from .cases import CASES  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::UserWarning")]

BATCH = 2
EXAMPLES = 100
WEIGHTY = {"conv", "depthwise_conv", "conv_transpose", "attention", "maxpool", "avgpool", "matmul"}
"""Ops of many arguments, which get more examples."""


def flops(function, *inputs):
    """What PyTorch's own counter says: two for each multiply-add."""
    with FlopCounterMode(display=False) as counter:
        outputs = function(*inputs)
    return outputs, counter.get_total_flops()


def by_torch(case):
    """Output shapes, parameters, buffers, multiply-adds; None where PyTorch refuses."""
    lead = (BATCH,) if case.batch else ()
    with torch.device("meta"):
        try:
            reference = case.reference()
            outputs, count = flops(reference, *(torch.empty(*lead, *shape) for shape in case.inputs))
        except (RuntimeError, ValueError, IndexError, NotImplementedError):
            return None
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    shapes = [tuple(output.shape)[len(lead) :] for output in outputs]
    if any(prod(shape) == 0 for shape in shapes):
        return None
    params = buffers = 0
    if isinstance(reference, nn.Module):
        params = sum(parameter.numel() for parameter in reference.parameters())
        named = reference.named_buffers()
        buffers = sum(buffer.numel() for name, buffer in named if not name.endswith("num_batches_tracked"))
    macs, rest = divmod(count, 2 * prod(lead))
    assert rest == 0
    return shapes, params, buffers, macs - case.surplus


def by_costcalc(name, case):
    """The same by the rules."""
    try:
        op = find(name)(**case.arguments)
        outputs = op.shape(tuple(case.inputs))
    except CostcalcError:
        return None
    cost = op.cost(tuple(case.inputs), outputs)
    return list(outputs), cost.params.value, cost.buffers.value, cost.macs.value


def test_every_op_has_an_oracle():
    assert sorted(CASES) == list(registered())


@pytest.mark.parametrize("name", sorted(CASES))
def test_agrees_with_torch(name):
    refused = []

    @settings(
        max_examples=EXAMPLES * (4 if name in WEIGHTY else 1),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def compare(data):
        case = CASES[name](data.draw)
        theirs = by_torch(case)
        refused.append(theirs is None)
        assert by_costcalc(name, case) == theirs, case

    compare()
    assert sum(refused) < 0.7 * len(refused), "most configurations are refused, so little is compared"


def test_recurrent_layers_are_counted_only_where_they_are_taken_apart():
    """On the CPU an LSTM is one operation without a rule: 0. On the meta device it is matrix products."""
    with torch.device("cpu"):
        assert flops(nn.LSTM(16, 32), torch.empty(5, 1, 16))[1] == 0
    with torch.device("meta"):
        assert flops(nn.LSTM(16, 32), torch.empty(5, 1, 16))[1] == 2 * 5 * 4 * 32 * (16 + 32)


def test_fused_attention_is_not_counted_on_the_cpu():
    """Its kernel has no rule in the counter, so both products are missed."""
    q = torch.empty(1, 2, 5, 4)
    assert flops(functional.scaled_dot_product_attention, q, q, q)[1] == 0
    assert flops(functional.scaled_dot_product_attention, *[q.to("meta")] * 3)[1] == 2 * 2 * 2 * 5 * 5 * 4


def test_causal_attention_is_counted_as_the_full_square():
    """By the rules it is T(T+1)/2 pairs: of 5 tokens 15, where the counter says 25."""
    q = torch.empty(1, 2, 5, 4, device="meta")
    causal = flops(lambda q: functional.scaled_dot_product_attention(q, q, q, is_causal=True), q)[1]
    assert causal == 2 * 2 * 2 * 25 * 4
    rules = find("attention")(heads=2, causal=True)
    assert rules.cost(((5, 8),), ((5, 8),)).macs.value == 4 * 5 * 8 * 8 + 2 * 15 * 8
