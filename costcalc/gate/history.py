"""What a spec cost at every commit that changed it or what it extends; each distinct content is analysed once."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc import run_budget
from costcalc.errors import CostcalcError, UsageError
from costcalc.gate.git_snapshot import Snapshot, SnapshotLibrary, at_commit
from costcalc.gate.rename_sides import SUFFIXES, snapshot_file
from costcalc.gate.renames import renames
from costcalc.gate.repositories import Repositories
from costcalc.model import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.git import Repository
    from costcalc.gate.git_objects import Commit


class Event(NamedTuple):
    """A commit that changed a spec: what it was called and cost then, or why nothing can be said of that."""

    commit: Commit
    path: str
    totals: Totals | None
    change: Totals | None = None
    """Against the commit before it in this list."""
    reason: str = ""


class History(NamedTuple):
    """The commits of a spec, the newest first. `cut`: the clone is shallow, so there may be more."""

    spec: str
    events: tuple[Event, ...]
    cut: bool = False


def history(spec: str, since: str, cache: AnalysisCache, values: Mapping[str, Any]) -> History:
    """The history of a spec of the work tree, or at HEAD, through renames. Raises `UsageError` where it has none."""
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
                "no commit{} has changed {}",
                f" since {since}" if since else "",
                spec,
                help="give the path of a spec that is committed; costcalc analyze tells what it costs now",
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
        """The events of a spec from a commit backwards, those under its earlier names too."""
        found: list[Event] = []
        while True:
            commits = self.commits(start, path)
            events = [event for commit in commits if (event := self.event(commit, path))]
            found += events
            born = next((event.commit for event in reversed(events) if event.totals or event.reason != _GONE), None)
            if born is None or not born.parents:
                return found
            old = self.renamed_from(born, path)
            if not old:
                return found
            start, path = born.parents[0], old

    def renamed_from(self, commit: Commit, path: str) -> str:
        """What the commit that brought a path called the spec before, or nothing."""
        if not self.repository.parents(commit):
            return ""
        now, then = (Snapshot(self.repository, id) for id in (commit.id, commit.parents[0]))
        found = now.file(path)
        if found is None:
            return ""
        suffixes = (*SUFFIXES, PurePosixPath(path).suffix)
        gone = [(old, then.file(old)) for old in then.removed(now) if old.endswith(suffixes)]
        files = [snapshot_file(SnapshotLibrary(then, ""), old, each, self.cache) for old, each in gone if each]
        return renames(files, [snapshot_file(SnapshotLibrary(now, ""), path, found, self.cache)]).get(path, "")

    def commits(self, start: str, path: str) -> list[str]:
        """The commits that changed a spec or anything that it extended at one of them."""
        paths: set[str] = {path}
        while True:
            commits = self.repository.commits(tuple(sorted(paths)), start, self.limit)
            known = {path, *[file for commit in commits for file in self.extended(commit, path)]}
            if known <= paths:
                return commits
            paths |= known

    def extended(self, commit: str, path: str) -> tuple[str, ...]:
        """The files of the repository that a spec was made of at a commit."""
        if (commit, path) not in self.files:
            run_budget.add_commit()
            library = SnapshotLibrary(Snapshot(self.repository, commit), commit[:10])
            spec = at_commit(library, path)
            files = () if spec is None or isinstance(spec, CostcalcError) else spec.files
            prefix = f"{library.label}:"
            own = [file.name.removeprefix(prefix) for file in files if file.name.startswith(prefix)]
            self.files[commit, path] = tuple(own)
        return self.files[commit, path]

    def event(self, id: str, path: str) -> Event | None:
        """What a commit made of a spec; None where it changed what another spec extends before this one was there."""
        commit = self.repository.read_commit(id)
        spec = at_commit(SnapshotLibrary(Snapshot(self.repository, id), id[:10]), path)
        if spec is None:
            there = any(Snapshot(self.repository, parent).find(path) for parent in self.repository.parents(commit))
            return Event(commit, path, None, reason=_GONE) if there else None
        if isinstance(spec, CostcalcError):
            return Event(commit, path, None, reason=spec.fault().message)
        try:
            return Event(commit, path, self.cache.analysis(spec, self.values).totals)
        except CostcalcError as error:
            return Event(commit, path, None, reason=error.fault().message)


_GONE = "deleted"


def _changes(events: list[Event]) -> tuple[Event, ...]:
    """Each event with its change against the one before it that has figures."""
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
