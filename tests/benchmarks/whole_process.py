"""From the shell to the last character: what a person waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        yield from ratio("analyze resnet50 -o json, to importing click and yaml", ours, bare, 1.8)


def compare_table() -> Iterator[Figure]:
    """The network in three strategies beside the network."""
    with compiled() as env:
        ours = process([*CLI, "compare", "resnet152"], env)
        yield from ratio(
            "compare resnet152, to analyze resnet152", ours, process([*CLI, "analyze", "resnet152"], env), 3
        )
