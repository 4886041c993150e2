"""Tables in LaTeX: escaped text, and the shape of booktabs."""

from __future__ import annotations

import pytest

from costcalc.cli import main
from costcalc.report.booktabs import escape

TEXTS = {
    "batch_norm": r"batch\_norm",
    r"\input{x}": r"\textbackslash{}input\{x\}",
    "50% & $5 #1 ~ ^": r"50\% \& \$5 \#1 \textasciitilde{} \textasciicircum{}",
    "<a|b>": r"\textless{}a\textbar{}b\textgreater{}",
    "3×224": r"3$\times$224",
    "a -- b": "a -{}- b",
}


@pytest.mark.parametrize("text", TEXTS)
def test_escapes(text):
    assert escape(text) == TEXTS[text]


@pytest.mark.parametrize("command", [["analyze", "resnet18"], ["compare", "resnet18"], ["reconcile", "resnet18"]])
def test_tables(command, capsys):
    assert main([*command, "-o", "latex"]) == 0
    text = capsys.readouterr().out
    assert text.count("\\begin{table}") == text.count("\\end{table}") >= 1
    assert text.count("\\toprule") == text.count("\\bottomrule") >= 1
    assert "input 3$\\times$224$\\times$224" in text
    assert "batch 1" in text
    inside = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert inside
    assert all(line.count("{") == line.count("}") for line in text.splitlines() if "\\begin{tabular}" not in line)
