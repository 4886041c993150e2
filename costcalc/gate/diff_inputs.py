"""What `diff` and `history` are asked about: a path, `REF:path`, a bundled name, or a whole project at a ref."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.errors import CostcalcError, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Subject
from costcalc.gate.baselines import GitBase
from costcalc.gate.diff import Difference, diff
from costcalc.gate.git_snapshot import Snapshot, SnapshotLibrary
from costcalc.gate.project import STDIN, Project, relative
from costcalc.gate.repositories import Repositories
from costcalc.gate.results import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.errors import Source
    from costcalc.gate.git import Repository
    from costcalc.lang.spec import Spec


class Asked(NamedTuple):
    """At which params, and how deep groups are."""

    values: Mapping[str, Any] = {}
    depth: int = 1


def two(one: str, other: str, cache: AnalysisCache, asked: Asked, stdin: Source | None = None) -> Difference:
    """The difference between two specs, each a path, `REF:path` or a bundled name. Raises `CostcalcError`.

    Where there is a standard input, `-` names it.
    """
    with Repositories(Path.cwd()) as repositories:
        base, now = (_spec(name, repositories, stdin) for name in (one, other))
        before = cache.analysis(base, asked.values)
        return diff(other, cache.analysis(now, asked.values), one, before, asked.depth)


def _spec(name: str, repositories: Repositories, stdin: Source | None) -> Spec:
    from costcalc.lang.library import named_network
    from costcalc.lang.loader import open_spec

    if stdin and name == STDIN:
        return open_spec(stdin)
    ref, colon, path = name.partition(":")
    if os.path.lexists(name) or not colon:
        folder = os.path.isdir(name)  # noqa: PTH112
        return open_spec(name if os.path.lexists(name) and not folder else named_network(name))
    if not path:
        raise UsageError("{} names no file", name, help="REF:path/from/the/root.yaml, or REF:./path/from/here.yaml")
    repository = repositories.at(repositories.folder)
    snapshot = Snapshot(repository, repository.commit(ref))
    return open_spec(rooted(repository, repositories.folder, path), SnapshotLibrary(snapshot, ref))


def rooted(repository: Repository, folder: Path, path: str) -> str:
    """A path of `REF:path` from the repository's root: as it is, or from the working folder where it says `./`."""
    if not path.startswith(("./", "../")) or repository.root is None:
        return str(PurePosixPath(path))
    full = Path(os.path.normpath(Path(os.path.realpath(folder)) / path))
    return relative(full, repository.root)


def project(ref: str, cache: AnalysisCache, asked: Asked) -> list[Difference]:
    """The difference of every configured spec to what it was at a ref. Raises `CostcalcError`."""
    from costcalc.lang.loader import open_spec

    work = Project(Path.cwd())
    settings = work.settings(work.folder)
    if settings is None:
        raise UsageError(
            "no costcalc.toml is here, so no specs are known",
            help="costcalc diff A B compares two specs, REF:path among them",
        )
    with Repositories(work.folder) as repositories:
        base = GitBase(repositories, work, ref, cache, merge_base=False)
        specs = work.configured()
        base.follow(specs)
        found = []
        for named in specs:
            subject = Subject(open_spec(named.name), cache)
            now = subject.analysis(asked.values)
            before = base.before(named, subject)
            if before.faults:
                raise SpecError(before.faults)
            old = now if before.status == UNCHANGED else before.subject and before.subject.analysis(asked.values)
            found.append(diff(named.name, now, before.path or named.name, old, asked.depth))
        compared = {named.path for named in specs if named.path}
        for lost in base.lost(settings, compared) if base.covers(settings) else []:
            if lost.deleted:
                try:
                    old = lost.subject and lost.subject.analysis(asked.values)
                except CostcalcError:
                    old = None
                found.append(diff("", None, lost.name, old, asked.depth))
        if not found:
            raise UsageError("no file matches what {} names as specs", settings.config.source.name)
        return found
