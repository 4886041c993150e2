"""Specs and figures that several tests use. The figures are written out from the shapes."""

from __future__ import annotations

INCEPTION = """\
name: inception
description: The Inception module with dimension reductions, at the sizes of GoogLeNet's 3a.
source: "Szegedy et al. 2014, arXiv:1409.4842, figure 2b and table 1"
params: {b1: 64, r3: 96, b3: 128, r5: 16, b5: 32, pool: 32}
input: [192, 28, 28]
defaults: {conv: {padding: same, act: relu}}
layers:
  - concat:
      b1:
        - conv: {out: b1, kernel: 1}
      b3:
        - conv: {out: r3, kernel: 1}
        - conv: {out: b3, kernel: 3}
      b5:
        - conv: {out: r5, kernel: 1}
        - conv: {out: b5, kernel: 5}
      pool:
        - maxpool: {kernel: 3, stride: 1, padding: 1}
        - conv: {out: pool, kernel: 1}
"""

PIXELS = 28 * 28


def macs(r5: int = 16, b5: int = 32) -> int:
    """The multiply-adds of INCEPTION: each convolution's pixels, taps, inputs and outputs."""
    b3 = PIXELS * (192 * 96 + 9 * 96 * 128)
    return PIXELS * 192 * 64 + b3 + PIXELS * (192 * r5 + 25 * r5 * b5) + PIXELS * 192 * 32


NET = "input: [3, 8, 8]\nparams: {width: 16}\nlayers:\n  - conv: {out: width, kernel: 3, padding: 1, bias: false}\n"


def net_macs(width: int = 16) -> int:
    """The multiply-adds of NET."""
    return 8 * 8 * 9 * 3 * width
