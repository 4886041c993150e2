"""Mixtures of experts."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.cli import main
from costcalc.errors import CostcalcError

MIXTRAL = """
params: {D: 4096, F: 14336, L: 32, V: 32000, T: 128}
input: {ids: [T]}
blocks:
  layer:
    - residual: [rmsnorm, attention: {heads: 32, kv_heads: 8, bias: false, causal: true}]
    - residual:
        - rmsnorm
        - moe: [swiglu: F]
          experts: 8
          active: 2
layers:
  - embedding: {vocab: V, dim: D}
    from: ids
  - layer:
    repeat: L
  - rmsnorm
  - linear: {out: V, bias: false}
"""


def test_mixtral():
    """Jiang et al. 2024, arXiv:2401.04088: 47B parameters, of which a token uses 13B."""
    analysis = costcalc.analyze(costcalc.loads(MIXTRAL))
    rest = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 4096 * 8 + 2 * 4096
    expert, ends = 3 * 4096 * 14336, 2 * 32000 * 4096 + 4096
    assert analysis.totals.params == 32 * (rest + 8 * expert) + ends == 46_702_792_704
    assert analysis.active_params == 32 * (rest + 2 * expert) + ends == 12_879_925_248
    assert analysis.to_dict()["active_params"] == 12_879_925_248
    tokens = 128
    attention = tokens * (2 * 4096 * 4096 + 2 * 4096 * 1024) + 2 * (tokens * (tokens + 1) // 2) * 4096
    experts = tokens * 4096 * 8 + 2 * tokens * expert
    assert analysis.totals.macs == 32 * (attention + experts) + tokens * 4096 * 32000


def load(layers, shape="{tokens: [6, 8]}"):
    return costcalc.loads(f"input: {shape}\nlayers:\n{layers}")


def test_shared_experts():
    """DeepSeekMoE (Dai et al. 2024, arXiv:2401.06066): experts that every token goes to."""
    network = load("  - moe: [linear: 8]\n    experts: 4\n    active: 3\n    shared: [linear: {out: 8, bias: false}]\n")
    analysis = costcalc.analyze(network)
    assert [layer.name for layer in network.layers] == [
        "moe.router", "moe.softmax", "moe.dispatch", "moe.expert.linear", "moe.combine", "moe.shared.linear", "moe.add",
    ]  # fmt: skip
    assert analysis.totals.params == 8 * 4 + 4 * (64 + 8) + 64
    assert analysis.active_params == 8 * 4 + 3 * (64 + 8) + 64
    assert analysis.totals.macs == 6 * 8 * 4 + 3 * 6 * 64 + 6 * 64
    combine = network.layers[4].cost
    assert (combine.mul.value, combine.add.value) == (3 * 6 * 8, 2 * 6 * 8)


def test_a_block_is_not_replayed_from_outside_an_expert():
    """The same block on the same shape has other weights as an expert."""
    layers = "  - mlp: 4\n  - {moe: [mlp: 4], experts: 5, active: 1}\n  - mlp: 4\n"
    network = load(layers)
    one = 8 * 4 + 4 + 4 * 8 + 8
    assert costcalc.analyze(network).totals.params == one + 5 * one + 8 * 5 + one


def test_without_experts_there_are_no_active_params():
    analysis = costcalc.analyze(load("  - linear: 4\n"))
    assert analysis.active_params is None
    assert analysis.totals.active_params == analysis.totals.params
    assert "active_params" not in analysis.to_dict()


def test_a_written_network_has_the_same_experts():
    from costcalc.lang.expand import write

    network = costcalc.loads(MIXTRAL, L=2)
    again = costcalc.analyze(costcalc.loads(write(network)))
    assert again.totals == costcalc.analyze(network).totals
    assert again.active_params == costcalc.analyze(network).active_params


FAULTS = [
    ("  - moe: [linear: 8]\n", "moe needs experts and active beside it"),
    ("  - moe: [linear: 8]\n    experts: 4\n", "moe needs active beside it"),
    ("  - {moe: [linear: 8], experts: 2, active: 3}\n", "active: expected 1 to 2, got 3"),
    ("  - {moe: [linear: 8], experts: 2, active: 0}\n", "active: expected 1 to 2, got 0"),
    ("  - {moe: [linear: 8], experts: -1, active: 0}\n", "experts: expected an integer of at least 0, got -1"),
    ("  - {moe: [{lstm: 8}], experts: 2, active: 1}\n", "lstm has weights, and cannot be a part of an expert"),
    ("  - linear: {out: 8, active: 2}\n", "expected at most 1 experts, got 2"),
]


@pytest.mark.parametrize(("layers", "message"), FAULTS)
def test_faults(layers, message):
    with pytest.raises(CostcalcError) as caught:
        load(layers)
    assert message in str(caught.value)


def test_experts_in_a_sweep(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("params: {e: 2}\ninput: {tokens: [6, 8]}\nlayers: [linear: {out: 8, experts: e}]\n")
    found = costcalc.sweep(path, e=[1, 2, 3])
    assert found.params.tolist() == [72, 144, 216]
    assert found.macs.tolist() == [6 * 64] * 3


def test_active_params_are_a_metric(tmp_path, monkeypatch):
    """A token uses the router and 1 of 4 experts: in columns, budgets and sweeps."""
    monkeypatch.chdir(tmp_path)
    text = "params: {k: 1}\ninput: [5, 8]\nlayers: [{moe: [{linear: {out: 8, bias: false}}], experts: 4, active: k}]\n"
    (tmp_path / "net.yaml").write_text(text)
    assert [costcalc.analyze("net.yaml", k=k).totals.active_params for k in (1, 4)] == [32 + 64, 32 + 4 * 64]
    found = costcalc.sweep("net.yaml", metrics=["active_params", "params"], k=[1, 2, 3, 4])
    assert found.active_params.tolist() == [32 + k * 64 for k in (1, 2, 3, 4)]
    assert found.params.tolist() == [32 + 4 * 64] * 4
    for limit, status in ((96, 0), (95, 1)):
        assert main(["check", "net.yaml", "--max", f"active_params={limit}"]) == status
