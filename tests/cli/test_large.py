"""Networks of 100,000 layers, the default limit, and of half of them: the time of a command is linear in the layers."""

from __future__ import annotations

import pytest

CHAIN = "input: [8, 8, 8]\nlayers:\n  - conv: {out: 8, kernel: 3, padding: 1}\n    repeat: 100000\n"
UNITS = """\
input: [8, 8, 8]
layers:
  - group:
      - residual: [conv: {out: 8, kernel: 3, padding: 1}]
      - relu
      - relu
    repeat: 12500
"""
PROGRAM = "import sys\nfrom costcalc.cli import main\nsys.exit(main({arguments}))"


@pytest.mark.parametrize(
    ("text", "seconds", "megabytes", "arguments"),
    [
        pytest.param(CHAIN, 20, 1024, ["explain"], id="explain"),
        pytest.param(UNITS, 10, 600, ["graph", "--depth", "9", "-o", "dot", "-o", "mermaid=large.mmd"], id="graph"),
        pytest.param(UNITS, 10, 600, ["compare", "--strategy", "separable"], id="compare"),
    ],
)
def test_a_command_ends(forks, spec, tmp_path, text, seconds, megabytes, arguments):
    command, *options = arguments
    program = PROGRAM.format(arguments=[command, str(spec(text)), *options])
    done = forks.run(program, seconds=seconds, megabytes=megabytes, folder=tmp_path)
    assert done.returncode == 0, done.stderr
