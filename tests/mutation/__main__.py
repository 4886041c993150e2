"""Change the product a little, again and again, and print the changes that no test notices.

Ends with 1 where fewer than 95 % of a module's mutants are noticed. Works on a copy of the project, which is removed at
the end.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from .equivalent import Equivalent, read
from .mutants import Mutant, mutants, mutated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
WANTED = 95
"""Percent of a module's mutants, without those known to be equivalent, that tests have to notice."""
SECONDS = 600
"""CPU time of one run of the tests in a new process."""


class Target(NamedTuple):
    """Modules, and the tests that have to notice a change in them."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


GATE = ("requirements", "evaluate", "limits", "waivers", "weakened_limits", "causes", "align", "results")
GATE_TESTS = ("requirements", "waivers", "weakened_limits", "results", "align", "reading", "trials", "check")
TARGETS = {
    "formula": Target(("costcalc/formula.py",), ("costcalc/formula.py", "tests/test_formula.py", "tests/ops")),
    "ops": Target(
        ("costcalc/ops/*.py",),
        ("costcalc/ops", "tests/ops", "tests/test_explanation.py", "tests/graph/test_graph.py", "tests/test_layout.py"),
    ),
    "gate": Target(
        tuple(f"costcalc/gate/{name}.py" for name in GATE),
        ("costcalc/gate", *(f"tests/gate/test_{name}.py" for name in GATE_TESTS)),
    ),
    "sweep": Target(
        tuple(f"costcalc/sweep/{name}.py" for name in ("totals", "partition", "lanes")),
        # The tests of a cluster wait for other processes, and could fail on a loaded machine.
        ("costcalc/sweep", "tests/sweep", "--ignore=tests/sweep/test_cluster.py"),
    ),
}


def main(arguments: list[str]) -> int:
    """Run the mutants of the targets that are named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TARGETS)}, or a file of theirs")
    parser.add_argument("--sample", type=int, help="so many mutants of each file, always the same ones")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="how many run at once")
    options = parser.parse_args(arguments)
    chosen = {name: [*_files(target, options.names, name)] for name, target in TARGETS.items()}
    known = {name for name, target in TARGETS.items()} | {file for target in TARGETS.values() for file in _all(target)}
    if unknown := set(options.names) - known:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    os.nice(5)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    equivalent = read()
    passed = True
    for name, files in chosen.items():
        for file in files:
            passed &= run(file, TARGETS[name].tests, equivalent, options.workers, options.sample)
    return 0 if passed else 1


def _all(target: Target) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for pattern in target.files for path in ROOT.glob(pattern))


def _files(target: Target, names: list[str], name: str) -> Iterable[str]:
    return (file for file in _all(target) if not names or name in names or file in names)


def run(file: str, tests: Sequence[str], equivalent: Equivalent, workers: int, sample: int | None) -> bool:
    """Run the mutants of a file, and print who survived and the score; whether that is enough."""
    every = mutants(file, (ROOT / file).read_text(encoding="utf-8"))
    found = equivalent.without(file, every)
    excused = len(every) - len(found)
    if sample is not None and sample < len(found):
        found = sorted(random.Random(file).sample(found, sample), key=lambda mutant: mutant.index)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        trees = [Path(folder) / str(number) for number in range(workers)]
        for tree in trees:
            _copy(tree)
        outcomes = _forked(trees[0], tests, found, workers)
        left = [mutant for mutant in found if outcomes[mutant.index] != "killed"]
        survivors = [mutant for mutant, noticed in zip(left, _anew(trees, tests, left), strict=True) if not noticed]
    for mutant in survivors:
        print(mutant)
    score = 100 * (len(found) - len(survivors)) / len(found) if found else 100.0
    print(f"{file}: {score:.1f} % of {len(found)} noticed; {excused} equivalent", flush=True)
    return score >= WANTED


def _copy(tree: Path) -> None:
    """What git would take of the project, with its compiled modules checked by content, not by time."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    compiled = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "costcalc"]
    subprocess.run(compiled, cwd=tree, check=True)


def _pytest(tree: Path, tests: Sequence[str], *options: str) -> int:
    plain = ["-x", "-s", "-p", "no:cacheprovider", "-p", "tests.mutation.fork", "--hypothesis-profile", "mutation"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *plain, *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate()
    finally:
        process.terminate()
        process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a mutant may leave processes behind
    if "--mutants" in options and process.returncode:
        sys.exit(f"{said.decode(errors='replace')[-2000:]}\nthe tests must pass before they can judge")
    return process.returncode


def _forked(tree: Path, tests: Sequence[str], found: list[Mutant], workers: int) -> dict[int, str]:
    outcomes = tree / "outcomes.json"
    job = {"mutants": [(mutant.file, mutant.index) for mutant in found], "workers": workers, "outcomes": str(outcomes)}
    path = tree / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    _pytest(tree, tests, "--mutants", str(path))
    return {int(index): said for index, said in json.loads(outcomes.read_text(encoding="utf-8")).items()}


def _anew(trees: list[Path], tests: Sequence[str], left: list[Mutant]) -> list[bool]:
    """Run mutants in new processes: nothing that was imported before the change can hide it. Which are noticed."""
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def is_noticed(mutant: Mutant) -> bool:
        tree = free.get()
        path = tree / mutant.file
        text = path.read_text(encoding="utf-8")
        own = [str(each.relative_to(ROOT)) for each in sorted((ROOT / "tests").rglob(f"test_{path.stem}.py"))]
        try:
            path.write_text(ast.unparse(mutated(text, mutant.index)), encoding="utf-8")
            return any(_pytest(tree, run, "--cpu", str(SECONDS)) for run in (own, tests) if run)
        finally:
            path.write_text(text, encoding="utf-8")
            free.put(tree)

    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(is_noticed, left))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
