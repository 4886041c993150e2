"""From text to totals, without the start of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from .measure import Figure, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIT = """\
input: [64, 8, 8]
defaults: {conv: {bias: false, norm: batchnorm, act: relu}}
layers:
"""
ITEM = """\
  - group:
      - residual:
          - conv: {out: 16, kernel: 1}
          - conv: {out: 16, kernel: 3, padding: 1}
          - conv: {out: 64, kernel: 1, act: none}
      - relu
"""
LAYERS_OF_ITEM = 3 + 3 + 2 + 1 + 1
"""Two convolutions with norm and act, one with a norm, the addition, the relu."""


def text_to_totals() -> Iterator[Figure]:
    """Beside libyaml composing the nodes of the same text."""
    import yaml

    import costcalc
    from costcalc.lang.library import SPECS

    text = Path(SPECS, "resnet50.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    yield from ratio(
        f"ResNet-50 from text to totals, to yaml.compose with {loader.__name__}",
        lambda: costcalc.analyze(costcalc.loads(text)).totals,
        lambda: yaml.compose(text, loader),
        30,
        times=200,
    )


CHILD = dedent("""
    import resource, sys, time
    import costcalc
    from costcalc.cli import main
    costcalc.analyze("lenet5")
    text = sys.stdin.read()
    begin = time.perf_counter()
    totals = costcalc.analyze(costcalc.loads(text)).totals
    taken = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(totals.layers, taken, peak)
""")


def large(text: str) -> tuple[int, float, float]:
    """Layers, seconds and peak megabytes of a spec in a process of its own."""
    done = subprocess.run([sys.executable, "-c", CHILD], input=text, capture_output=True, text=True, check=True)
    layers, taken, peak = map(float, done.stdout.split())
    return int(layers), taken, peak


def looped(items: int) -> str:
    """A short spec that a loop makes long."""
    return f"{UNIT}{ITEM}    repeat: {items}\n"


def written_out(items: int) -> str:
    """A long spec."""
    return UNIT + ITEM * items


def many_layers() -> Iterator[Figure]:
    """100,000 layers: time by layer, peak memory, and the time by layer beside that of a quarter as many."""
    for what, text in (("by a loop", looped), ("written out", written_out)):
        by_layer = []
        for count in (25_000, 50_000, 100_000):
            layers, taken, peak = min([large(text(count // LAYERS_OF_ITEM)) for _ in range(3)], key=lambda run: run[1])
            assert layers == count
            by_layer.append(taken / layers * 1e6)
            yield Figure(f"{count:,} layers {what}", by_layer[-1], "µs a layer", 60)
        yield Figure("  at 100,000, to 25,000", by_layer[-1] / by_layer[0], "times", 1.5)
        yield Figure("  peak memory at 100,000", peak, "MB", 400)
