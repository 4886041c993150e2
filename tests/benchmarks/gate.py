"""The cost gate on 200 specs of ResNet-50's size: all as at the base, all changed, and all changed beyond a limit."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Figure, compiled, pairs, process, ratio, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPECS = 200
CLI = ("-c", "import sys; from costcalc.cli import main; sys.exit(main())")
LIMIT = 4 / 0.15
"""At most 4 seconds where a process of `analyze` takes 0.15."""
CONFIG = 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "5G"\n[[increase]]\nmacs = "100%"\n'


FAILING = CONFIG.replace('macs = "5G"', 'params = "26M"')
"""`classes` may be 1,216: 23,508,032 params without the last layer, and 2,049 for each class."""
FAILING_LIMIT = 3


@contextmanager
def _repository() -> Iterator[tuple[Path, str, dict[str, str]]]:
    """A repository with the specs as its first commit, their text, and the environment for commands."""
    text = (Path(__file__).parents[2] / "specs" / "resnet50.yaml").read_text()
    text = text[: text.index("expect:")]
    with compiled() as env, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "models").mkdir()
        (root / "costcalc.toml").write_text(CONFIG)
        _write(root, text, 1000)
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-qm", "first"]):
            subprocess.run(["git", *command], cwd=root, check=True)
        yield root, text, env


def _check(root: Path, env: dict[str, str], *options: str) -> Callable[[], object]:
    return process(["-c", f"import os; os.chdir({str(root)!r}); {CLI[1]}", "check", "--base", "main", *options], env)


def check_of_200_specs() -> Iterator[Figure]:
    """Beside one `analyze` of ResNet-50: distinct specs, so that nothing is known from another."""
    with _repository() as (root, text, env):
        analyze = process([*CLI, "analyze", "resnet50"], env)
        check = _check(root, env)
        for what, classes in (("unchanged", 1000), ("changed", 2000)):
            _write(root, text, classes)
            analyze(), check()
            one, all_of_them = min(seconds(analyze) for _ in range(5)), min(seconds(check) for _ in range(3))
            yield Figure(f"check of {SPECS} specs of ResNet-50's size, all {what}", all_of_them / one, "times", LIMIT)
            yield Figure("  the check", all_of_them * 1000, "ms")
            yield Figure("  analyze of one", one * 1000, "ms")


def failing_check_of_200_specs() -> Iterator[Figure]:
    """A run in which every spec fails, with the causes and the value that still fits, beside one in which all pass."""
    with _repository() as (root, text, env):
        _write(root, text, 2000)
        (root / "failing.toml").write_text(FAILING)
        failing = _check(root, env, "--config", "failing.toml", "--exit-zero")
        what = f"check of {SPECS} specs that all fail, to one in which they pass"
        yield from ratio(what, failing, _check(root, env), FAILING_LIMIT, times=3)


def alignment() -> Iterator[Figure]:
    """Two halves of a network that changed places, beside the network as it was; and a run of changed layers."""
    from costcalc.gate.align import align
    from costcalc.model import Row, Totals

    shape = ((8,),)
    rows = [Row(f"n{number}", "linear", 1, shape, shape, Totals(1, number)) for number in range(80_000)]
    swapped = rows[40_000:] + rows[:40_000]
    what = "80,000 layers whose halves changed places, to align them as they were"
    yield from ratio(what, lambda: align(rows, swapped), lambda: align(rows, rows), 10, times=3)
    before = [row._replace(name=f"linear_{number}", totals=Totals(1, number % 50)) for number, row in enumerate(rows)]
    after = [row._replace(totals=Totals(1, 100 + row.totals.params)) for row in before]
    what = "a run of 490 changed layers, to one of 49, by layer"
    measured, own, _ = pairs(lambda: align(before[:490], after[:490]), lambda: align(before[:49], after[:49]), times=5)
    yield Figure(what, measured / 10, "times", 5)
    yield Figure("  of 490, by layer", own / 490 * 1e6, "µs")


def _write(root: Path, text: str, classes: int) -> None:
    for number in range(SPECS):
        changed = text.replace("classes: 1000", f"classes: {classes + number}")
        (root / "models" / f"net{number:03}.yaml").write_text(changed)


def main() -> None:
    """Print the figures."""
    for figure in check_of_200_specs():
        print(f"{figure.what:<66} {figure.value:>8.2f} {figure.unit}")


if __name__ == "__main__":
    main()
