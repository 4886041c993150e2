"""A first configuration, with today's totals as budgets, for review."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import Fault, Source, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache
from costcalc.gate.project import Project, spec_files, yaml_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from costcalc.model import Totals

_NAME = "costcalc.toml"
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
    """The text of a configuration, and how many specs it has budgets for."""

    text: str
    specs: int


def survey(named: Sequence[str], today: date) -> Start:
    """A configuration for some specs, or for the specs in some folders; without any, for all below the working folder.

    Raises `UsageError` where there are none, or where there is a configuration already; `SpecError` with the faults of
    every spec that is broken. What it returns has been checked: `costcalc check` accepts it.
    """
    folder = Path.cwd()
    project = Project(folder)
    there = project.settings(folder)
    if there and there.folder == folder:
        raise UsageError("there is a configuration already: {}", there.config.source.name, help="add budgets to it")
    names = _names(folder, named)
    totals = _totals(project, names, there.folder if there else None, named)
    if not totals:
        raise UsageError("there is no spec below this folder", help="costcalc check --init SPEC...")
    text = _HEAD.format(specs=", ".join(map(quoted, _globs(names, yaml_files(folder)))))
    for name in sorted(totals):
        text += _BUDGET.format(spec=quoted(name), macs=totals[name].macs, params=totals[name].params)
    _rehearse(text, project, today)
    return Start(text, len(totals))


def _names(folder: Path, named: Sequence[str]) -> list[str]:
    """The specs, by their paths from the working folder."""
    outside = next((name for name in named if not _below(name)), None)
    if outside is not None:
        raise UsageError("{} is not below this folder, which the configuration would be for", outside)
    found: list[str] = []
    for name in named or (".",):
        path = PurePosixPath(Path(name).as_posix())
        below = spec_files(folder / path) if (folder / path).is_dir() else None
        found += [path.as_posix()] if below is None else [(path / each).as_posix() for each in below]
    return sorted(set(found))


def _below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _totals(project: Project, names: Iterable[str], above: Path | None, named: Sequence[str]) -> dict[str, Totals]:
    """The totals of each spec that no configuration below this folder holds. Raises `SpecError` with all faults."""
    from costcalc.lang.loader import open_spec
    from costcalc.lang.reader import read_file

    cache = AnalysisCache()
    totals = {}
    faults: list[Fault] = []
    for name in names:
        path = project.folder / name
        project.inside(path)
        nearest = project.settings(path.parent)
        if nearest and nearest.folder != above:
            continue
        try:
            totals[name] = cache.analysis(open_spec(read_file(name)), {}).totals
        except SpecError as error:
            faults += error.faults
    if any(fault.severity == "error" for fault in faults):
        note = () if named else ("costcalc check --init SPEC... takes only the specs that it names",)
        raise SpecError([fault._replace(notes=(*fault.notes, *note)) for fault in faults])
    return totals


def _globs(specs: Collection[str], there: Iterable[str]) -> list[str]:
    """The folders below which every YAML file is a spec, as globs; other specs one by one."""
    known = set(specs)
    mixed = {
        (parent, path.suffix)
        for path in [PurePosixPath(each) for each in there if each not in known]
        for parent in path.parents
    }
    globs = set()
    for name in specs:
        path = PurePosixPath(name)
        hidden = any(part.startswith(".") for part in path.parts)  # files of hidden folders are not among `there`
        whole = [] if hidden else [each for each in path.parents if (each, path.suffix) not in mixed]
        folder = next((each for each in reversed(whole) if each.name), None)
        globs.add(name if folder is None else f"{folder}/**/*{path.suffix}")
    return sorted(globs)


def _rehearse(text: str, project: Project, today: date) -> None:
    """Make the check that follows. Raises `CostcalcError` where it would refuse the configuration."""
    from costcalc.gate.check import Checking, Request
    from costcalc.gate.config import parse
    from costcalc.gate.repositories import Repositories

    config = parse(Source(_NAME, text))
    assert config
    project.assume(config)
    with Repositories(project.folder) as repositories:
        Checking(Request(today), project, repositories).check()


def quoted(text: str) -> str:
    r"""A text as TOML writes it.

    >>> print(quoted('a "b"\n'))
    "a \"b\"\n"
    """
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
