"""Limits on bytes: budgets and increases, in specs, in the configuration and on the command line."""

from __future__ import annotations

import json

import pytest

import costcalc
from costcalc.cli import main

NET = """
input: [1, 49, 10]
dtype: int8
layers:
  - conv: {{out: {out}, kernel: [10, 4], stride: 2, padding: same, act: relu}}
{budget}"""
# 64 maps of 25×5, and the input, each in multiples of 16 bytes.
ARENA = 64 * 25 * 5 + 496


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(out=64, budget="", toml=""):
        (tmp_path / "net.yaml").write_text(NET.format(out=out, budget=budget))
        (tmp_path / "costcalc.toml").write_text(f'specs = ["*.yaml"]\n{toml}')

    return write


LIMITS = {  # just enough, and one too few
    "arena_bytes": ("8_496", "8_495"),
    "peak_bytes": ("8_490", "8_489"),
    "weight_bytes": ("2_624", "2_623"),
    "conv_activations": ("8k", "7_999"),
    "traffic_bytes": ("11_114", "11_113"),  # 490 + 8,000 + 2,624
    "bops": ("20_480k", "20_479k"),  # 320,000 multiply-adds of 8 by 8 bits
}


@pytest.mark.parametrize("metric", LIMITS)
def test_budgets(net, metric, capsys):
    enough, few = LIMITS[metric]
    for limit, status in ((enough, 0), (few, 1)):
        net(budget=f"budget: {{{metric}: {limit}}}")
        assert main(["check", "net.yaml"]) == status
        net(toml=f'[[budget]]\n{metric} = "{limit.replace("_", "")}"\n')
        assert main(["check"]) == status
        net()
        assert main(["check", "net.yaml", "--max", f"{metric}={limit}"]) == status
    assert metric in capsys.readouterr().out


def test_a_limit_of_the_intensity(net, capsys):
    """A ratio is compared as it is: 640,000 operations and 8,000 of the bias and relu each, for 11,114 bytes."""
    ratio = (2 * 320_000 + 2 * 8_000) / 11_114
    assert 59 < ratio < 60
    for limit, status in ((60, 0), (59, 1)):
        net(toml=f"[[budget]]\nintensity = {limit}\n")
        assert main(["check"]) == status
    net(toml='[[increase]]\nintensity = "2%"\n')
    assert main(["analyze", "net.yaml", "-o", "json=base.json"]) == 0
    assert main(["check", "--base", "base.json"]) == 0
    capsys.readouterr()
    assert main(["diff", "net.yaml", "net.yaml", "-o", "json"]) == 0
    figures = json.loads(capsys.readouterr().out)["diffs"][0]["totals"]["intensity"]
    assert figures == {"base": ratio, "value": ratio, "change": 0}


def test_binary_suffixes(net):
    net(toml='[[budget]]\narena_bytes = "8Ki"\n')
    assert main(["check"]) == 1
    net(toml='[[budget]]\narena_bytes = "9Ki"\n')
    assert main(["check"]) == 0


def test_increases_against_a_report(net, capsys):
    net(toml='[[increase]]\narena_bytes = "+100"\n')
    assert main(["analyze", "net.yaml", "-o", "json=base.json"]) == 0
    assert main(["check", "--base", "base.json"]) == 0
    net(out=65, toml='[[increase]]\narena_bytes = "+100"\n')
    assert main(["check", "--base", "base.json"]) == 1
    assert f"over {ARENA:,} at base.json" in capsys.readouterr().out


def test_a_report_of_an_earlier_version_has_no_bytes(net, tmp_path, capsys):
    net(toml="[[increase]]\narena_bytes = 0\nmacs = 0\n")
    assert main(["analyze", "net.yaml", "-o", "json=base.json"]) == 0
    document = json.loads((tmp_path / "base.json").read_text())
    for figures in (document["totals"], *document["layers"]):
        for name in (*LIMITS, "intensity"):
            del figures[name]
    (tmp_path / "base.json").write_text(json.dumps(document))
    assert main(["check", "--base", "base.json"]) == 0
    assert "the report base.json has no arena_bytes; write it again" in capsys.readouterr().out
    assert main(["check", "--base", "base.json", "--strict"]) == 1


def test_another_layer_changes_the_peak_and_not_a_layer():
    """A diff lists layers that differ themselves, not those that run while others are in memory."""
    from costcalc.gate.diff import diff

    text = "input: [4, 8, 8]\nlayers:\n  - conv: {{out: 4, kernel: 1}}\n  - conv: {{out: {out}, kernel: 1, name: x}}\n"
    text = text.replace(", name: x", "")
    old, new = (costcalc.analyze(costcalc.loads(text.format(out=out))) for out in (4, 9))
    assert [line.name for line in diff("a", new, "b", old).moved] == ["conv_2"]
