"""From the shell to the last character: what a person waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .in_process import LAYERS_OF_ITEM, looped
from .measure import Figure, compiled, process, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI = ("-c", "import sys; from costcalc.cli import main; sys.exit(main())")

BARE_TABLE = """
import click, yaml
from rich.console import Console
from rich.table import Table
table = Table()
for name in ("layer", "op", "output", "params", "MACs", "share", ""):
    table.add_column(name)
row = ("conv · batchnorm · relu", "256×56×56", "16,896", "51,380,224", "1.3%", "████")
for number in range({rows}):
    table.add_row(f"stage.0.{{number}}.conv_3", *row)
Console(width=200).print(table)
"""


def lines() -> int:
    """The lines of the table of ResNet-50."""
    import costcalc
    from costcalc.outline import outline

    return len(outline(costcalc.analyze("resnet50")))


def analyze_table() -> Iterator[Figure]:
    """Beside a process that prints a table of rich, with as many rows and columns."""
    with compiled() as env:
        bare = process(["-c", BARE_TABLE.format(rows=lines())], env)
        for color in ("never", "always"):
            ours = process([*CLI, "analyze", "resnet50", "--color", color], env)
            yield from ratio(f"analyze resnet50 --color {color}, to a bare table of rich", ours, bare, 1.5)


def analyze_json() -> Iterator[Figure]:
    """Beside a process that imports the two libraries which it cannot do without."""
    with compiled() as env:
        ours = process([*CLI, "analyze", "resnet50", "-o", "json"], env)
        bare = process(["-c", "import click, yaml"], env)
        yield from ratio("analyze resnet50 -o json, to importing click and yaml", ours, bare, 1.5)


def compare_table() -> Iterator[Figure]:
    """The network in three strategies beside the network."""
    with compiled() as env:
        ours = process([*CLI, "compare", "resnet152"], env)
        yield from ratio(
            "compare resnet152, to analyze resnet152", ours, process([*CLI, "analyze", "resnet152"], env), 3
        )


REPORTS = [
    ["analyze", "large.yaml"],
    ["analyze", "large.yaml", "-o", "json"],
    ["explain", "large.yaml", "**"],
    ["explain", "large.yaml", "**", "-o", "json"],
    ["explain", "large.yaml", "**", "-o", "csv"],
    ["compare", "large.yaml"],
    ["compare", "large.yaml", "-o", "json"],
    ["expand", "large.yaml"],
    ["diff", "large.yaml", "wider.yaml"],
    ["diff", "large.yaml", "wider.yaml", "-o", "json"],
]


def large_reports(layers: int = 100_000) -> Iterator[Figure]:
    """Every report of a network of so many layers: processor time by layer, and peak memory."""
    with compiled() as env, tempfile.TemporaryDirectory() as folder:
        text = looped(layers // LAYERS_OF_ITEM)
        Path(folder, "large.yaml").write_text(text)
        Path(folder, "wider.yaml").write_text(text.replace("out: 16", "out: 24"))
        for arguments in REPORTS:
            child = subprocess.Popen([sys.executable, *CLI, *arguments], env=env, cwd=folder, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            assert child.returncode == 0
            taken = usage.ru_utime + usage.ru_stime
            peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
            yield Figure(" ".join(arguments), taken / layers * 1e6, "µs a layer", 100)
            yield Figure("  peak memory", peak, "MB", 400)
