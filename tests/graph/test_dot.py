"""DOT text, and that Graphviz reads it, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import costcalc
from costcalc.graph import draw
from costcalc.report.dot import quote, write

from .test_graph import SPECS
from .test_mermaid import HOSTILE, everywhere

GRAPHVIZ = pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")

CONV = 2 * 3 * 8 * 8 * 3 * 3 * 3 + 3 * 8 * 8
ADD = 3 * 8 * 8
SPEC = "name: small\ninput: [3, 8, 8]\nlayers: [residual: [conv: {out: 3, kernel: 3, padding: 1}]]"
DOT = f"""\
digraph "small" {{
  rankdir=LR
  label="small"
  labelloc=t
  graph [fontname="Helvetica", color="#aaaaaa"]
  node [fontname="Helvetica", shape=box, style=filled, fillcolor="#ffffff"]
  edge [fontname="Helvetica", fontsize=11]
  n0 [label="input\\n8x8x3"]
  n2 [label="add\\n8x8x3\\n{ADD / (CONV + ADD):.1%}", style="filled,rounded", fillcolor="#ffeda0", fontcolor="#000000"]
  subgraph cluster_0 {{
    label="body"
    n1 [label="8x8x3\\n{CONV / (CONV + ADD):.1%}", fillcolor="#800026", fontcolor="#ffffff"]
  }}
  n0 -> n1 [label="3x3 (3 filters)"]
  n1 -> n2
  n0 -> n2
  subgraph cluster_legend {{
    label="share of {CONV + ADD:,} flops"
    l2 [label="1% to 2%", fillcolor="#ffeda0", fontcolor="#000000"]
    l7 [label="50% and more", fillcolor="#800026", fontcolor="#ffffff"]
  }}
  n2 -> l2 [style=invis]
  n2 -> l7 [style=invis]
}}
"""


def test_the_text():
    assert write(draw(costcalc.loads(SPEC), heat="flops")) == DOT


def test_quoting():
    assert quote(['a"b\\c', "d&e"]) == '"a\\"b\\\\c\\nd&amp;e"'


def plain(text):
    return subprocess.run(
        ["dot", "-Tplain"], input=text, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout.splitlines()


@GRAPHVIZ
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: Path(spec).stem)
def test_graphviz_reads_every_network(spec):
    picture = draw(costcalc.load(spec), heat="macs")
    kinds = [line.split()[0] for line in plain(write(picture))]
    levels = sum(line.startswith("    l") and " [label" in line for line in write(picture).splitlines())
    assert kinds.count("node") == len(picture.boxes) + levels
    assert kinds.count("edge") == len(picture.arrows) + (levels if picture.direction == "LR" else 0)


@GRAPHVIZ
@pytest.mark.parametrize("text", HOSTILE)
def test_graphviz_takes_hostile_text_as_text(text):
    kinds = [line.split()[0] for line in plain(write(everywhere(text)))]
    assert (kinds.count("node"), kinds.count("edge")) == (2 + 1, 1)
