"""Today's totals as a first configuration, for review."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import Fault, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache
from costcalc.gate.project import Project, files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.model import Totals

SUFFIXES = (".yaml", ".yml")
_HEAD = """\
# The limits of costcalc check. They are today's totals: raise what may grow, and remove what need not be held.

specs = [{specs}]
"""
_BUDGET = """
[[budget]]
spec = {spec}
macs = {macs:_}
params = {params:_}
"""


class Start(NamedTuple):
    """The text of a configuration, how many specs it holds, and the specs that were left out."""

    text: str
    specs: int
    skipped: tuple[Fault, ...]


def survey(specs: Sequence[str]) -> Start:
    """A configuration for some specs; without any, for all below the working folder.

    Raises `UsageError` where there are none, or a configuration is here already; `SpecError` where one that is named is
    broken.
    """
    from costcalc.lang.loader import open_spec
    from costcalc.lang.reader import read_file

    folder = Path.cwd()
    project = Project(folder)
    there = project.settings(folder)
    if there and there.folder == folder:
        raise UsageError("there is a configuration already: {}", there.config.source.name, help="add budgets to it")
    outside = next((name for name in specs if not _below(name)), None)
    if outside is not None:
        raise UsageError("{} is not below this folder, which the configuration would be for", outside)
    found = {path: read_file(path) for path in specs or files(folder, [f"**/*{suffix}" for suffix in SUFFIXES])}
    totals: dict[str, Totals] = {}
    skipped = []
    cache = AnalysisCache()
    for name, source in found.items():
        project.inside(folder / name)
        if not specs and "layers" not in source.text and "extends" not in source.text:
            continue
        try:
            totals[PurePosixPath(name).as_posix()] = cache.analysis(open_spec(source), {}).totals
        except SpecError as error:
            if specs:
                raise
            skipped.append(error.faults[0]._replace(severity="warning"))
    if not totals:
        raise UsageError("there is no spec below this folder", help="costcalc check --init SPEC...")
    text = _HEAD.format(specs=", ".join(map(quoted, _globs(totals, [*found]))))
    for name in sorted(totals):
        text += _BUDGET.format(spec=quoted(name), macs=totals[name].macs, params=totals[name].params)
    return Start(text, len(totals), tuple(skipped))


def _below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _globs(totals: Mapping[str, Totals], names: Sequence[str]) -> list[str]:
    """The folders of which every file is a spec as globs, and other specs one by one."""
    globs = set()
    for name in totals:
        path = PurePosixPath(name)
        beside = [each for each in names if PurePosixPath(each).parent == path.parent and each.endswith(path.suffix)]
        whole = len(beside) > 1 and all(each in totals for each in beside)
        globs.add(str(path.with_name(f"*{path.suffix}")) if whole else name)
    return sorted(globs)


def quoted(text: str) -> str:
    r"""A text as TOML writes it.

    >>> print(quoted('a "b"\n'))
    "a \"b\"\n"
    """
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
