"""Writes a first configuration with the current totals as budgets."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from costcalc.errors import Fault, Source, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache
from costcalc.gate.project import Project, spec_files, yaml_files
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from costcalc.model import Totals

_NAME = "costcalc.toml"
_HEAD = """\
# The limits of costcalc check. They are the current totals: raise those that may grow, and remove those not needed.

specs = [{specs}]
"""
_BUDGET = """
[[budget]]
spec = {spec}
macs = {macs:_}
params = {params:_}
"""


class Start(NamedTuple):
    """The text of a configuration, and the number of specs with budgets."""

    text: str
    specs: int


def survey(named: Sequence[str], today: date) -> Start:
    """Return a configuration for specs, or for those in folders; by default, for all below the working folder.

    Raises `UsageError` if there is no spec, or if a configuration exists; `SpecError` with the faults of all broken
    specs. The configuration is tried, so `costcalc check` accepts it.
    """
    folder = Path.cwd()
    project = Project.open(folder)
    existing = project.settings(folder)
    if existing and existing.folder == folder:
        raise UsageError("the configuration {} exists already", existing.config.source.name, help="add budgets to it")
    names = _names(folder, named)
    totals = _totals(project, names, existing.folder if existing else None, named)
    if not totals:
        raise UsageError("this folder contains no spec", help="name the specs: costcalc check --init SPEC...")
    text = _HEAD.format(specs=", ".join(map(quoted, _globs(names, yaml_files(folder)))))
    for name in sorted(totals):
        text += _BUDGET.format(spec=quoted(name), macs=totals[name].macs, params=totals[name].params)
    _try(text, project, today)
    return Start(text, len(totals))


def _names(folder: Path, named: Sequence[str]) -> list[str]:
    """Return the paths of the specs relative to the working folder."""
    outside = next((name for name in named if not _below(name)), None)
    if outside is not None:
        raise UsageError("{} is not below the working folder, which the configuration is for", outside)
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
    """Return the totals of each spec without a configuration of its own below. Raises `SpecError` with all faults."""
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
        note = () if named else ("costcalc check --init SPEC... uses only the specs that it names",)
        raise SpecError([fault._replace(notes=(*fault.notes, *note)) for fault in faults])
    return totals


def _globs(specs: Collection[str], files: Iterable[str]) -> list[str]:
    """Return globs of the folders in which every YAML file is a spec, and the paths of the other specs."""
    known = set(specs)
    mixed = {
        (parent, path.suffix)
        for path in [PurePosixPath(each) for each in files if each not in known]
        for parent in path.parents
    }
    globs = set()
    for name in specs:
        path = PurePosixPath(name)
        hidden = any(part.startswith(".") for part in path.parts)  # `files` has none of hidden folders
        whole = [] if hidden else [each for each in path.parents if (each, path.suffix) not in mixed]
        folder = next((each for each in reversed(whole) if each.name), None)
        globs.add(name if folder is None else f"{folder}/**/*{path.suffix}")
    return sorted(globs)


def _try(text: str, project: Project, today: date) -> None:
    """Run a check with the configuration. Raises `CostcalcError` if it is refused."""
    from costcalc.gate.check import Checking, Request
    from costcalc.gate.config import parse
    from costcalc.gate.repositories import Repositories

    config = parse(Source(_NAME, text))
    assert config
    project.assume(config)
    with Repositories(project.folder) as repositories:
        Checking.open(Request(today=today), project, repositories).check()


def quoted(text: str) -> str:
    r"""Return a text as a TOML string.

    >>> print(quoted('a "b"\n'))
    "a \"b\"\n"
    """
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
