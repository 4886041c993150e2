"""The cost gate on 200 specs of ResNet-50's size: none changed against the base, all changed, and one."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Figure, compiled, process, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

SPECS = 200
CLI = ("-c", "import sys; from costcalc.cli import main; sys.exit(main())")
LIMIT = 4 / 0.15
"""At most 4 seconds where a process of `analyze` takes 0.15."""
CONFIG = 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "5G"\n[[increase]]\nmacs = "100%"\n'


def check_of_200_specs() -> Iterator[Figure]:
    """Beside one `analyze` of ResNet-50: distinct specs, so that nothing is known from another."""
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
        analyze = process([*CLI, "analyze", "resnet50"], env)
        check = process(["-c", f"import os; os.chdir({folder!r}); {CLI[1]}", "check", "--base", "main"], env)
        for what, classes in (("unchanged", 1000), ("changed", 2000)):
            _write(root, text, classes)
            analyze(), check()
            one, all_of_them = min(seconds(analyze) for _ in range(5)), min(seconds(check) for _ in range(3))
            yield Figure(f"check of {SPECS} specs of ResNet-50's size, all {what}", all_of_them / one, "times", LIMIT)
            yield Figure("  the check", all_of_them * 1000, "ms")
            yield Figure("  analyze of one", one * 1000, "ms")


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
