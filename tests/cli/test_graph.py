"""`graph`: formats, folding, colours, and what cannot be drawn."""

from __future__ import annotations

import pytest


def test_mermaid_is_the_default(cli):
    status, out, err = cli("graph", "inception")
    assert (status, err) == (0, "")
    assert out == cli("graph", "inception", "-o", "mermaid").out
    assert '  n4 -- "5x5 (32 filters)<br/>relu" --> n5\n' in out


def test_both_formats_at_once(cli, tmp_path):
    mermaid, dot = tmp_path / "a.mmd", tmp_path / "a.dot"
    assert cli("graph", "resnet50", "-o", f"mermaid={mermaid}", "-o", f"dot={dot}") == (0, "", "")
    assert mermaid.read_text().startswith('---\ntitle: "resnet50"\n')
    assert dot.read_text().startswith('digraph "resnet50" {\n  rankdir=TB\n')


def test_options_reach_the_picture(cli):
    out = cli("graph", "resnet50", "--depth", 1, "--direction", "LR", "--input", "3x192x192", "--set", "classes=10").out
    assert "flowchart LR\n" in out
    assert 'n0["input<br/>192x192x3"]' in out
    assert "10 layers" not in out
    assert "linear(out=10)" in out
    macs = 192 * 192 // 4 * 64 * 7 * 7 * 3
    assert f"{macs / 1e6:.0f}" == "87"
    assert ":::heat" in cli("graph", "resnet50", "--heat", "params").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inception", "--heat", "mcas"], "did you mean macs?"),
        (["inception", "--depth", "0"], "--depth"),
        (["inception", "--direction", "UP"], "--direction"),
        (["inception", "-o", "svg"], "unknown format svg"),
        (["inception", "-o", "mermaid", "-o", "dot"], "more than one format for standard output"),
        (["incepton"], "did you mean inception?"),
    ],
)
def test_what_cannot_be_drawn(cli, arguments, said):
    status, out, err = cli("graph", *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_more_arrows_than_mermaid_takes_are_said(cli, tmp_path):
    spec = tmp_path / "deep.yaml"
    spec.write_text("input: [4]\nlayers:\n  - linear: 4\n    repeat: 501\n")
    status, out, err = cli("graph", spec, "--depth", 2)
    assert (status, out.count(" --> ")) == (0, 501)
    assert "warning: the graph has 501 arrows; Mermaid draws at most 500 by default" in err
    assert cli("graph", spec).err == ""
    assert cli("graph", spec, "--depth", 2, "-o", "dot").err == ""


def test_hostile_names_stay_in_their_labels(cli, tmp_path):
    spec = tmp_path / "bad.yaml"
    spec.write_text(
        'name: "\\"]; click n0 \\e[31m %%{init: {}}%%"\ninput: [4]\nlayers: [linear: 2]\n', encoding="utf-8"
    )
    plain = tmp_path / "plain.yaml"
    plain.write_text("input: [4]\nlayers: [linear: 2]\n")
    for form in ("mermaid", "dot"):
        out = cli("graph", spec, "-o", form).out
        assert "\x1b" not in out
        assert out.count("\n") == cli("graph", plain, "-o", form).out.count("\n")
        assert '"]' not in out.splitlines()[1]
