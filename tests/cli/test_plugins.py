"""An installed package with an op and a strategy of its own, as a person who uses it sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PLUGIN = """
from __future__ import annotations

from costcalc.formula import elements
from costcalc.model import Cost
from costcalc.ops.base import Op
from costcalc.ops.conv import Conv
from costcalc.ops.argument_types import ArgumentType, Positive, one_of, register
from costcalc.strategies import Strategy


class Blur(Op, name="blur"):
    '''Mean with the neighbours.

    Shapes: (C, *S) -> (C, *S).
    '''

    taps: Positive = 3

    def shape(self, inputs):
        return inputs

    def cost(self, inputs, outputs):
        return Cost(add=elements(outputs[0]) * (self.taps - 1))


register("Border", one_of("mirror", "wrap"))
register("Pattern", ArgumentType(str, "a text", {"type": "string"}, literal=True))


class Smooth(Op, name="smooth"):
    '''A norm with a word and a text among its arguments.

    Shapes: (C, *S) -> (C, *S).
    '''

    role = "norm"
    aliases = ("smoothing",)
    border: Border = "wrap"
    pattern: Pattern = ""

    def shape(self, inputs):
        return inputs

    def cost(self, inputs, outputs):
        return Cost(add=elements(outputs[0]))


def _write(cell, options):
    return {"conv": Conv(out=cell.out, kernel=1, stride=cell.stride)}


shrunk = Strategy("shrunk", "A kernel of 1.", _write)
"""
SPEC = "input: [8, 6, 6]\nlayers:\n  - conv: {out: 4, kernel: 3, padding: 1, bias: false}\n  - blur\n"


@pytest.fixture
def costcalc(tmp_path):
    """Run a command where that package is installed."""
    (tmp_path / "blurry.py").write_text(PLUGIN, encoding="utf-8")
    info = tmp_path / "blurry-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blurry\nVersion: 1.0\n", encoding="utf-8")
    entries = "[costcalc.ops]\nblurry = blurry\n[costcalc.strategies]\nblurry = blurry:shrunk\n"
    (info / "entry_points.txt").write_text(entries, encoding="utf-8")

    def run(*arguments, stdin=SPEC):
        return subprocess.run(
            [sys.executable, "-m", "costcalc", *arguments],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return run


def test_its_op_is_one_of_all(costcalc):
    assert costcalc("ops", "blur").stdout.startswith("blur(taps=3)\nMean with the neighbours.\n")
    assert "\n  blur  " in costcalc("ops").stdout
    assert "blur" in json.loads(costcalc("schema").stdout)["properties"]["defaults"]["properties"]
    totals = json.loads(costcalc("analyze", "-", "-o", "json").stdout)["totals"]
    assert totals["operations"]["add"] == 4 * 6 * 6 * (3 - 1)
    misspelt = costcalc("analyze", "-", stdin=SPEC.replace("blur", "blurr"))
    assert misspelt.returncode == 2
    assert "<stdin>:4:5: error: unknown op or block blurr\n" in misspelt.stderr
    assert "= help: did you mean blur?" in misspelt.stderr


def test_its_strategy_is_one_of_all(costcalc):
    document = json.loads(costcalc("compare", "-", "--strategy", "shrunk", "-o", "json").stdout)
    assert [(each["strategy"], each["macs"]) for each in document["strategies"]] == [
        ("as_is", 4 * 6 * 6 * 3 * 3 * 8),
        ("shrunk", 4 * 6 * 6 * 8),
    ]
    assert (
        "error: unknown strategy shrnk\n  = help: did you mean shrunk?"
        in costcalc("compare", "-", "--strategy", "shrnk").stderr
    )


def test_an_op_brings_its_words_texts_role_and_aliases(costcalc):
    spec = SPEC.replace("bias: false", "norm: {smooth: {border: mirror, pattern: 'b c -> c b'}}").replace(
        "- blur", "- relu"
    )
    written = costcalc("expand", "-", stdin=spec).stdout
    assert "norm: {smooth: {border: mirror, pattern: b c -> c b}}" in written
    assert costcalc("expand", "-", stdin=written).stdout == written
    assert "did you mean smooth?" in costcalc("analyze", "-", stdin=SPEC.replace("- blur", "- Smoothing")).stderr
    refused = costcalc("analyze", "-", stdin=SPEC.replace("- blur", "- smooth: {border: nearest}")).stderr
    assert "expected one of mirror, wrap, got nearest" in refused
