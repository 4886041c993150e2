"""Mermaid text: nothing in it acts, and Mermaid's own parser finds in it what the picture has.

The parser is run where `npm install` was done in this folder, and the tests of it are skipped elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costcalc
from costcalc.graph import Arrow, BlockFrame, NetworkPicture, TensorBox, draw
from costcalc.report.heat import LEVELS, level
from costcalc.report.mermaid import escape, write
from costcalc.report.table_data import percent
from costcalc.report.text import visible

from .test_graph import SPECS

HERE = Path(__file__).parent
CHECK = pytest.mark.skipif(
    not (shutil.which("node") and (HERE / "node_modules" / "mermaid").is_dir()),
    reason=f"needs node, and npm install in {HERE.parent.name}/{HERE.name}",
)
HOSTILE = [
    'a"] --> b', '"]; click n0 callback "', "end", "subgraph x", "%%{init: {'theme': 'dark'}}%%", "%% comment",
    "5%%{init: {}}%%", "5%{",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "`**markdown**`", "__bold__ _it_", "1. list",
    "- list", "# heading", "$$x^2$$", "fa:fa-car", "#35; &lt; #quot;", "style n0 fill:#f00;", "a\nb\r\nc\\nd",
    "[[x]] ((y)) {z} |p| >q]", "---\ntitle: x\n---", "\x1b[31m\u202e", "~~~", "click n0 href 'javascript:alert(1)'",
    "classDef default fill:#000", "n0@{ shape: rect }", "é 日本 😀", "",
]  # fmt: skip

INCEPTION = """\
---
title: "inception"
config:
  flowchart:
    wrappingWidth: 400
    subGraphTitleMargin: {bottom: 15}
---
flowchart LR
  n0["input<br/>28x28x192"]
  n8(["concat<br/>28x28x256"])
  subgraph g0["b1"]
    n1["28x28x64"]
  end
  subgraph g1["b3"]
    n2["28x28x96"]
    n3["28x28x128"]
  end
  subgraph g2["b5"]
    n4["28x28x16"]
    n5["28x28x32"]
  end
  subgraph g3["pool"]
    n6["28x28x192"]
    n7["28x28x32"]
  end
  n0 -- "1x1 (64 filters)<br/>relu" --> n1
  n0 -- "1x1 (96 filters)<br/>relu" --> n2
  n2 -- "3x3 (128 filters)<br/>relu" --> n3
  n0 -- "1x1 (16 filters)<br/>relu" --> n4
  n4 -- "5x5 (32 filters)<br/>relu" --> n5
  n0 -- "3x3 maxpool" --> n6
  n6 -- "1x1 (32 filters)<br/>relu" --> n7
  n1 --> n8
  n3 --> n8
  n5 --> n8
  n7 --> n8
"""


def everywhere(text):
    """A picture that has a text wherever one can stand."""
    boxes = (TensorBox("1", (text,)), TensorBox("2", (text, text), joined=True, frame=0, share=0.5))
    return NetworkPicture(text, "TB", boxes, (Arrow(0, 1, (text, text)),), (BlockFrame(text),), "macs", 10)


def test_the_text_of_inception():
    assert write(draw(costcalc.load("inception"))) == INCEPTION


def test_heat_colours_boxes_and_says_what_the_colours_mean():
    lines = write(draw(costcalc.load("inception"), heat="macs")).splitlines()
    share = 128 * 28 * 28 * 3 * 3 * 96 / 128_049_152
    assert f'    n3["28x28x128<br/>{share:.1%}"]:::heat7' in lines
    assert '    n6["28x28x192"]:::heat0' in lines  # a pool has no multiply-adds
    assert '  subgraph legend["share of 128,049,152 macs"]' in lines
    assert '    l7["50% and more"]:::heat7' in lines
    assert "  classDef heat7 fill:#800026,stroke:#666666,color:#ffffff" in lines
    assert lines[-1] == "  class legend,g0,g1,g2,g3 clear"


def luminance(color):
    """Relative luminance, WCAG 2.1."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("each", LEVELS, ids=lambda each: each.label)
def test_text_is_read_on_every_colour(each):
    dark, light = sorted(map(luminance, (each.fill, each.text)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.1, level AA


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0%"), (1e-9, "under 1%"), (0.01, "1% to 2%"), (0.0999, "5% to 10%"), (0.1, "10% to 20%"),
     (0.5, "50% and more"), (1.0, "50% and more")],
)  # fmt: skip
def test_the_level_of_a_share(share, said):
    assert LEVELS[level(share)].label == said


LABEL = r'"(?:[\w ().,/=+·-]|\d%(?!%)|#\d+;|<br/>)*"'
LINES = re.compile(
    "|".join(
        [
            rf" +n\d+(\[{LABEL}\]|\(\[{LABEL}\]\))(:::heat\d)?",
            rf" +l\d\[{LABEL}\]:::heat\d",
            rf" +subgraph (g\d+|legend)\[{LABEL}\]",
            r" +(end|direction LR)",
            rf"  n\d+( -- {LABEL})? --> n\d+",
            r"  classDef heat\d fill:#\w+,stroke:#\w+,color:#\w+",
            r"  classDef clear fill:none,stroke:#\w+",
            r"  class legend(,g\d+)* clear",
        ]
    )
)
TITLE = re.compile(r'title: "(?:[\w ().,/=+·-]|\d%(?!%)|\\U[0-9a-f]{8})*"')


def check_lines(text):
    start, title, *config, end, flowchart = text.split("\n")[:8]
    assert (start, end, flowchart) == ("---", "---", "flowchart TB")
    assert TITLE.fullmatch(title), title
    assert config == INCEPTION.split("\n")[2:6]
    for line in text.removesuffix("\n").split("\n")[8:]:
        assert LINES.fullmatch(line), line


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_acts(text):
    check_lines(write(everywhere(text)))


@given(st.text())
def test_no_text_whatever_acts(text):
    check_lines(write(everywhere(text)))


def test_ordinary_text_is_left_as_it_is():
    assert escape("5x5 (32 filters), /2") == "5x5 (32 filters), /2"
    assert escape("global_avgpool") == "global_avgpool"


def understood(files):
    """What Mermaid's parser found in each file."""
    command = ["node", str(HERE / "check_mermaid.mjs"), *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    reports = [json.loads(line) for line in run.stdout.splitlines()]
    assert [report.get("error") for report in reports] == [None] * len(files), run.stderr
    assert run.returncode == 0
    return reports


def said(box):
    return "\n".join([*box.lines, box.shape, *([percent(box.share)] if box.share else [])])


def check_understood(picture, report):
    heat = [LEVELS[each].label for each in sorted({level(box.share) for box in picture.boxes if box.share is not None})]
    boxes = {f"n{place}": said(box) for place, box in enumerate(picture.boxes)}
    found = {name: text for name, text in report["boxes"].items() if name.startswith("n")}
    assert found == boxes
    levels = [text for name, text in report["boxes"].items() if re.fullmatch(r"l\d", name)]
    assert levels == (heat if picture.heat else [])
    arrows = [[f"n{arrow.source}", f"n{arrow.target}", "\n".join(arrow.lines)] for arrow in picture.arrows]
    assert [arrow for arrow in report["arrows"] if arrow[1] != "legend"] == arrows
    titles = {name: title for name, (title, _) in report["frames"].items() if name != "legend"}
    assert titles == {f"g{place}": frame.title for place, frame in enumerate(picture.frames)}
    assert report["direction"] == picture.direction
    assert not report["clicks"]


@CHECK
def test_mermaid_understands_every_network(tmp_path):
    pictures, files = [], []
    for spec in SPECS:
        network = costcalc.load(spec)
        for depth, heat in ((None, ""), (2, "macs"), (9, "params")):
            pictures.append(draw(network, depth=depth, heat=heat))
            files.append(tmp_path / f"{len(files)}.mmd")
            files[-1].write_text(write(pictures[-1]), encoding="utf-8")
    for picture, report in zip(pictures, understood(files), strict=True):
        check_understood(picture, report)


@CHECK
def test_mermaid_takes_hostile_text_as_text(tmp_path):
    files = []
    for place, text in enumerate(HOSTILE):
        files.append(tmp_path / f"{place}.mmd")
        files[-1].write_text(write(everywhere(text)), encoding="utf-8")
    for text, report in zip(HOSTILE, understood(files), strict=True):
        clean = visible(" ".join(text.split()))
        assert report["boxes"]["n1"] == f"{clean}\n{clean}\n2\n50.0%"
        assert report["arrows"] == [["n0", "n1", f"{clean}\n{clean}"]]
        assert report["frames"]["g0"] == [clean, ["n1"]]
        assert not report["clicks"]


@CHECK
def test_the_check_refuses_what_is_broken(tmp_path):
    broken = tmp_path / "broken.mmd"
    broken.write_text('flowchart LR\n  n0["x" --> n1\n')
    command = ["node", str(HERE / "check_mermaid.mjs"), str(broken)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "error" in json.loads(run.stdout)


@CHECK
def test_katex_sets_every_formula_of_every_network(tmp_path):
    from costcalc.report.explanation import latex

    files = []
    for spec in SPECS:
        files.append(tmp_path / f"{len(files)}.md")
        files[-1].write_text(latex(costcalc.explain(spec, "**", batch=2)), encoding="utf-8")
    command = ["node", str(HERE / "check_katex.mjs"), *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stdout
