"""A network of 100,000 layers, the most that a spec may have: what a command does with it is linear in them."""

from __future__ import annotations

import subprocess

import pytest

CHAIN = "input: [8, 8, 8]\nlayers:\n  - conv: {out: 8, kernel: 3, padding: 1}\n    repeat: 100000\n"
UNITS = """\
input: [8, 8, 8]
layers:
  - group:
      - residual: [conv: {out: 8, kernel: 3, padding: 1}]
      - relu
      - relu
    repeat: 25000
"""
LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
sys.exit(main({arguments}))
"""


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        pytest.param(CHAIN, ["explain"], id="explain"),
        pytest.param(UNITS, ["graph", "--depth", "9", "-o", "dot", "-o", "mermaid=large.mmd"], id="graph"),
        pytest.param(UNITS, ["compare", "--strategy", "separable"], id="compare"),
    ],
)
def test_a_command_ends(process, spec, tmp_path, text, arguments):
    command, *options = arguments
    call = LIMITED.format(arguments=[command, str(spec(text)), *options])
    done = process(call, stdout=subprocess.DEVNULL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
