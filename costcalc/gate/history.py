"""The cost of a spec at every commit that changed it or a file that it extends."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from costcalc import run_budget
from costcalc.errors import CostcalcError, UsageError
from costcalc.gate.git_snapshot import Snapshot, SnapshotLibrary, at_commit
from costcalc.gate.rename_sides import SUFFIXES, snapshot_file
from costcalc.gate.renames import renames
from costcalc.gate.repositories import Repositories
from costcalc.model import Totals
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.git import Repository
    from costcalc.gate.git_objects import Commit


class Event(NamedTuple):
    """A commit that changed a spec: the path and the totals of the spec, or the reason why it has no totals."""

    commit: Commit
    path: str
    totals: Totals | None
    change: Totals | None = None
    """The change since the previous commit of the history."""
    reason: str = ""


class History(NamedTuple):
    """The commits of a spec, newest first. `cut` is true for a shallow clone, which may lack older commits."""

    spec: str
    events: tuple[Event, ...]
    cut: bool = False


def history(spec: str, since: str, cache: AnalysisCache, values: Mapping[str, Any]) -> History:
    """Return the history of a spec at HEAD, through renames. Raises `UsageError` if it has none."""
    with Repositories(Path.cwd()) as repositories:
        path = Path.cwd() / spec
        repository = repositories.at(repositories.folder)
        if repository.root is None:
            where = spec
        else:
            repository, where = repositories.locate(path)
        start = repository.commit("HEAD")
        limit = repository.commit(since) if since else ""
        events = _Walk(repository, limit, cache, values).events(start, where)
        if not events:
            raise UsageError(
                "no commit{} changed {}",
                f" since {since}" if since else "",
                spec,
                help="name a spec that is committed, or use costcalc analyze",
            )
        return History(spec, _changes(events), repository.shallow)


class _Walk:
    def __init__(self, repository: Repository, limit: str, cache: AnalysisCache, values: Mapping[str, Any]) -> None:
        self.repository = repository
        self.limit = limit
        self.cache = cache
        self.values = values
        self.files: dict[tuple[str, str], tuple[str, ...]] = {}

    def events(self, start: str, path: str) -> list[Event]:
        """Return the events of a spec from a commit backwards, including those of its earlier paths."""
        result: list[Event] = []
        while True:
            commits = self.commits(start, path)
            events = [event for commit in commits if (event := self.event(commit, path))]
            result += events
            born = next((event.commit for event in reversed(events) if event.totals or event.reason != _DELETED), None)
            if born is None or not born.parents:
                return result
            old = self.renamed_from(born, path)
            if not old:
                return result
            start, path = born.parents[0], old

    def renamed_from(self, commit: Commit, path: str) -> str:
        """Return the earlier path of the spec that a commit added, or an empty text."""
        if not self.repository.parents(commit):
            return ""
        now, then = (Snapshot.open(self.repository, id) for id in (commit.id, commit.parents[0]))
        found = now.file(path)
        if found is None:
            return ""
        suffixes = (*SUFFIXES, PurePosixPath(path).suffix)
        gone = [(old, then.file(old)) for old in then.removed(now) if old.endswith(suffixes)]
        files = [snapshot_file(SnapshotLibrary(then, ""), old, each, self.cache) for old, each in gone if each]
        return renames(files, [snapshot_file(SnapshotLibrary(now, ""), path, found, self.cache)]).get(path, "")

    def commits(self, start: str, path: str) -> list[str]:
        """Return the commits that changed a spec or a file that it extended at any of them."""
        paths: set[str] = {path}
        while True:
            commits = self.repository.commits(tuple(sorted(paths)), start, self.limit)
            known = {path, *[file for commit in commits for file in self.extended(commit, path)]}
            if known <= paths:
                return commits
            paths |= known

    def extended(self, commit: str, path: str) -> tuple[str, ...]:
        """Return the files of the repository that a spec consisted of at a commit."""
        if (commit, path) not in self.files:
            run_budget.add_commit()
            library = SnapshotLibrary(Snapshot.open(self.repository, commit), commit[:10])
            spec = at_commit(library, path)
            files = () if spec is None or isinstance(spec, CostcalcError) else spec.files
            prefix = f"{library.label}:"
            own = [file.name.removeprefix(prefix) for file in files if file.name.startswith(prefix)]
            self.files[commit, path] = tuple(own)
        return self.files[commit, path]

    def event(self, id: str, path: str) -> Event | None:
        """Return the event of a commit; None if the spec existed neither at the commit nor before it."""
        commit = self.repository.read_commit(id)
        spec = at_commit(SnapshotLibrary(Snapshot.open(self.repository, id), id[:10]), path)
        if spec is None:
            parents = self.repository.parents(commit)
            existed = any(Snapshot.open(self.repository, parent).find(path) for parent in parents)
            return Event(commit, path, None, reason=_DELETED) if existed else None
        if isinstance(spec, CostcalcError):
            return Event(commit, path, None, reason=spec.fault().message)
        try:
            return Event(commit, path, self.cache.analysis(spec, self.values).totals)
        except CostcalcError as error:
            return Event(commit, path, None, reason=error.fault().message)


_DELETED = "deleted"


def _changes(events: list[Event]) -> tuple[Event, ...]:
    """Return the events with the change since the previous event that has totals."""
    changed = []
    before: Totals | None = None
    for event in reversed(events):
        if event.totals is not None:
            if before is not None:
                difference = [now - then for now, then in zip(event.totals, before, strict=True)]
                event = event._replace(change=Totals(*difference))
            before = event.totals
        changed.append(event)
    return tuple(reversed(changed))
