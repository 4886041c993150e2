"""CC104: a spec must agree with a model file."""

from __future__ import annotations

import json
import subprocess

import pytest

from costcalc.cli import main

SPEC = "input: [3, 8, 8]\nlayers:\n  - conv: {out: 4, kernel: 3}\n  - relu\n  - flatten\n  - linear: 10\n"
CONFIG = 'specs = ["net.yaml"]\n[[budget]]\nmacs = "1M"\n[[match]]\nspec = "*.yaml"\nmodel = "net.cfg"\n'
MODEL = """[net]
width=8
height=8
channels=3
[convolutional]
filters={filters}
size=3
activation=relu
[connected]
output=10
activation=linear
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    (tmp_path / "costcalc.toml").write_text(CONFIG)
    (tmp_path / "net.cfg").write_text(MODEL.format(filters=4))
    return tmp_path


def test_a_spec_that_agrees_passes(project):
    assert main(["check"]) == 0


def test_a_spec_that_differs_fails_and_the_layers_are_named(project, capsys):
    (project / "net.cfg").write_text(MODEL.format(filters=5))
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    one, other = 9 * 3 * 4 + 4 + 144 * 10 + 10, 9 * 3 * 5 + 5 + 180 * 10 + 10
    assert f"costcalc.toml:4:1: CC104 net.yaml: params {one:,}, and {other:,} in net.cfg" in out
    assert "CC104 net.yaml: macs 5,328, and 6,660 in net.cfg" in out
    assert "the first layers that differ: conv (112 params, 3,888 MACs); conv_0 (140 params, 4,860 MACs)" in out
    assert main(["check", "-o", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["rule"] for finding in findings] == ["CC104", "CC104"]


def test_a_layer_more_has_no_counterpart(project, capsys):
    (project / "net.yaml").write_text(SPEC + "  - linear: 10\n")
    assert main(["check"]) == 1
    assert "linear_2 has no counterpart" in capsys.readouterr().out


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_text("[crnn]")])
def test_a_model_that_cannot_be_read_fails(project, capsys, change):
    change(project / "net.cfg")
    assert main(["check"]) == 1
    assert "CC104 net.yaml: cannot be compared with net.cfg: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[match]]\nspec = "net.yaml"\n', "the match has no model"),
        ('[[match]]\nmodel = "net.cfg"\n', "the match has no spec"),
        ('[[match]]\nspec = "net.yaml"\nmodel = "../net.cfg"\n', "../net.cfg leads out of the folder of this file"),
        ('[[match]]\nspec = "net.yaml"\nmodel = "net.cfg"\nfile = 1\n', "unknown key file"),
    ],
)
def test_faults_of_a_match(project, capsys, text, message):
    (project / "costcalc.toml").write_text(f'specs = ["net.yaml"]\n{text}')
    assert main(["check"]) == 2
    output = capsys.readouterr()
    assert message in output.out + output.err


def test_a_match_that_is_removed_is_reported(project, capsys):
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *command], cwd=project, check=True)
    assert main(["check", "--base", "HEAD"]) == 0
    (project / "costcalc.toml").write_text(CONFIG.partition("[[match]]")[0])
    capsys.readouterr()
    assert main(["check", "--base", "HEAD", "--strict"]) == 1
    assert "net.yaml: CC106 the comparison with net.cfg was removed, against HEAD" in capsys.readouterr().out
