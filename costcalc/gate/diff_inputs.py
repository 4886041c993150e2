"""The inputs of `diff`: two specs, each a path, `REF:path` or a bundled name; or a project and a ref."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from costcalc.errors import CostcalcError, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Subject
from costcalc.gate.baselines import GitBase
from costcalc.gate.diff import Difference, diff
from costcalc.gate.git_snapshot import Snapshot, SnapshotLibrary
from costcalc.gate.project import STDIN, Project, relative
from costcalc.gate.repositories import Repositories
from costcalc.gate.results import UNCHANGED
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.errors import Source
    from costcalc.gate.git import Repository
    from costcalc.lang.spec import Spec


class DiffOptions(NamedTuple):
    """The params of the networks, and the depth of the groups."""

    values: Mapping[str, Any] = {}
    depth: int = 1


def two(one: str, other: str, cache: AnalysisCache, options: DiffOptions, stdin: Source | None = None) -> Difference:
    """Return the difference of two specs, each a path, `REF:path` or a bundled name. Raises `CostcalcError`.

    `-` is standard input, if `stdin` is given.
    """
    with Repositories(Path.cwd()) as repositories:
        base, now = (_spec(name, repositories, stdin) for name in (one, other))
        before = cache.analysis(base, options.values)
        return diff(other, cache.analysis(now, options.values), one, before, options.depth)


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
        raise UsageError("{} has no path", name, help="write REF:path/from/root.yaml, or REF:./path/from/folder.yaml")
    repository = repositories.at(repositories.folder)
    snapshot = Snapshot.open(repository, repository.commit(ref))
    return open_spec(rooted(repository, repositories.folder, path), SnapshotLibrary(snapshot, ref))


def rooted(repository: Repository, folder: Path, path: str) -> str:
    """Return a path relative to the root. A path that begins with `./` or `../` is relative to the folder."""
    if not path.startswith(("./", "../")) or repository.root is None:
        return str(PurePosixPath(path))
    full = Path(os.path.normpath(Path(os.path.realpath(folder)) / path))
    return relative(full, repository.root)


def project(ref: str, cache: AnalysisCache, options: DiffOptions) -> list[Difference]:
    """Return the difference of every configured spec since a ref. Raises `CostcalcError`."""
    from costcalc.lang.loader import open_spec

    work = Project.open(Path.cwd())
    settings = work.settings(work.folder)
    if settings is None:
        raise UsageError(
            "this folder has no costcalc.toml, which names the specs",
            help="compare two specs: costcalc diff A B",
        )
    with Repositories(work.folder) as repositories:
        base = GitBase.open(repositories, work, ref, cache, merge_base=False)
        specs = work.configured()
        base.follow(specs)
        differences = []
        for named in specs:
            subject = Subject(open_spec(named.name), cache)
            now = subject.analysis(options.values)
            before = base.before(named, subject)
            if before.faults:
                raise SpecError(before.faults)
            old = now if before.status == UNCHANGED else before.subject and before.subject.analysis(options.values)
            differences.append(diff(named.name, now, before.path or named.name, old, options.depth))
        compared = {named.path for named in specs if named.path}
        for lost in base.lost(settings, compared) if base.covers(settings) else []:
            if lost.deleted:
                try:
                    old = lost.subject and lost.subject.analysis(options.values)
                except CostcalcError:
                    old = None
                differences.append(diff("", None, lost.name, old, options.depth))
        if not differences:
            raise UsageError("no file matches the specs of {}", settings.config.source.name)
        return differences
