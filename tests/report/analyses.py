"""A small analysis whose every figure is written out, for the look of reports."""

from __future__ import annotations

from costcalc.model import Analysis, Row, Totals


def row(name, op, output, params=0, macs=0, host=None, **operations):
    activations = 1
    for size in output:
        activations *= size
    figures = Totals(
        layers=1,
        params=params,
        macs=macs,
        flops=2 * macs + sum(operations.values()),
        activations=activations,
        buffers=operations.pop("buffers", 0),
        **operations,
    )
    return Row(name, op, 1, ((3, 32, 32),), (output,), figures, host)


def analysis(*rows, **values):
    totals = Totals(*map(sum, zip(*[one.totals for one in rows], strict=True)))
    known = {
        "network": "small",
        "source": "",
        "description": "",
        "params": {},
        "inputs": {"input": (3, 32, 32)},
        "batch": 1,
        "totals": totals,
        "layers": rows,
    }
    return Analysis(**{**known, **values})


MAP = 32 * 32

STEM = (
    row("stem", "conv", (8, 32, 32), params=8 * 3 * 3 * 3, macs=MAP * 8 * 3 * 3 * 3),
    row("batchnorm", "batchnorm", (8, 32, 32), params=2 * 8, host=0, mul=8 * MAP, add=8 * MAP),
    row("relu", "relu", (8, 32, 32), host=0, cmp=8 * MAP),
)
UNITS = (
    row("unit.0.body.conv", "conv", (16, 32, 32), params=16 * 8 + 16, macs=MAP * 16 * 8, add=16 * MAP),
    row("unit.0.body.conv_2", "conv", (8, 32, 32), params=8 * 16 * 9 + 8, macs=MAP * 8 * 16 * 9, add=8 * MAP),
    row("unit.0.shortcut.conv", "conv", (8, 32, 32), params=8 * 8 + 8, macs=MAP * 8 * 8, add=8 * MAP),
    row("unit.0.add", "add", (8, 32, 32), add=8 * MAP),
)
HEAD = (row("head.linear", "linear", (8, 32, 10), params=32 * 10 + 10, macs=8 * 32 * 32 * 10, add=8 * 32 * 10),)
SMALL = analysis(
    *STEM,
    *UNITS,
    *HEAD,
    description="A network as small as it can be.",
    source="Nobody 2026, table 1",
    params={"width": 8, "depths": (1, 2), "wide": False},
)
MACS = MAP * (8 * 27 + 16 * 8 + 8 * 16 * 9 + 8 * 8) + 8 * 32 * 32 * 10
