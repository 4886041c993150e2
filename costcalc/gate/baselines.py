"""Finds what a spec was: at a commit of its repository, or in an earlier report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from costcalc.errors import CostcalcError, Fault, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Recorded, Subject
from costcalc.gate.config import NAMES, parse
from costcalc.gate.git import FETCH, Repository, Snapshot, top
from costcalc.gate.git_snapshot import SnapshotLibrary, at_commit, renames, same_blobs
from costcalc.gate.project import fixed, relative, spec_globs
from costcalc.gate.results import MODIFIED, NEW, UNCHANGED, BaseInfo
from costcalc.globs import match

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from costcalc.gate.limits import Config
    from costcalc.gate.project import Named, Project, Settings

SUFFIXES = (".yaml", ".yml")


class Before(NamedTuple):
    """What a spec was: its status now against then; then's figures, path and faults, each where there are any."""

    status: str
    subject: Subject | Recorded | None = None
    path: str = ""
    faults: tuple[Fault, ...] = ()
    renamed: bool = False


class Repositories:
    """The repositories that a check reads, each opened once. Use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[Path, Repository] = {}
        self._folders: dict[Path, tuple[Repository, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for repository in {id(each): each for each in self._open.values()}.values():
            repository.close()

    def at(self, folder: Path) -> Repository:
        """The repository at or above a folder. Raises `UsageError`."""
        if folder not in self._open:
            repository = Repository(folder)
            known = [each for each in self._open.values() if repository.root and each.root == repository.root]
            self._open[folder] = known[0] if known else repository
        return self._open[folder]

    def main(self, near: Path | None = None) -> Repository:
        """The working folder's repository; where it is in none, that of another folder. Raises `UsageError`."""
        return self.at(near if near and top(self.folder) is None and top(near) else self.folder)

    def locate(self, path: Path) -> tuple[Repository, str]:
        """A file's repository and its path from the root there: the working folder's, where it lies in that one."""
        folder = path.parent
        if folder not in self._folders:
            real = Path(os.path.realpath(folder))
            repository = self.main(folder)
            if repository.root is None or not real.is_relative_to(repository.root):
                repository = self.at(folder)
            if repository.root is None:
                raise UsageError("{} is not in the work tree of a repository", path)
            inner = relative(real, repository.root)
            self._folders[folder] = repository, "" if inner == "." else f"{inner}/"
        repository, inner = self._folders[folder]
        return repository, inner + path.name


class GitBase:
    """The specs of a work tree as they were at a commit."""

    def __init__(
        self,
        repositories: Repositories,
        project: Project,
        ref: str,
        cache: AnalysisCache,
        *,
        merge_base: bool,
        near: Path | None = None,
    ) -> None:
        """With `merge_base`, the commit where HEAD left the ref; else the ref's own. Raises `UsageError`.

        `near` is where the repository is looked for when the working folder is in none.
        """
        self.repositories = repositories
        self.project = project
        self.ref = ref
        self.cache = cache
        self.merge_base = merge_base
        self._snapshots: dict[int, tuple[Snapshot, SnapshotLibrary]] = {}
        self._renamed: dict[tuple[int, str], str] = {}
        self._last: tuple[str, Before] | None = None
        self._configs: dict[tuple[int, str], Config | None] = {}
        repository = repositories.main(near)
        if repository.root is None:
            raise UsageError("this is a bare repository: there is no work tree to check")
        self.info = BaseInfo(label(ref), self.snapshot(repository)[0].commit)

    def snapshot(self, repository: Repository) -> tuple[Snapshot, SnapshotLibrary]:
        """The files of a repository at the ref."""
        if id(repository) not in self._snapshots:
            commit = repository.commit(self.ref)
            if self.merge_base:
                commit = repository.merge_base(commit, label(self.ref))
            snapshot = Snapshot(repository, commit)
            self._snapshots[id(repository)] = snapshot, SnapshotLibrary(snapshot, label(self.ref))
        return self._snapshots[id(repository)]

    def follow(self, specs: Sequence[Named]) -> None:
        """Find out what those specs were called that have no file of their name at the ref."""
        new: dict[int, dict[str, bytes]] = {}
        of: dict[int, Repository] = {}
        for spec in specs:
            if spec.path is not None and spec.path.is_file():
                repository, path = self.repositories.locate(spec.path)
                if self.snapshot(repository)[0].find(path) is None:
                    new.setdefault(id(repository), {})[path] = spec.path.read_bytes()
                    of[id(repository)] = repository
        for number, contents in new.items():
            repository = of[number]
            root = repository.root
            assert root
            gone = {
                path: entry
                for path, entry in self.snapshot(repository)[0].files().items()
                if path.endswith(SUFFIXES) and not os.path.lexists(root / path)
            }
            for path, old in renames(self.snapshot(repository)[0], gone, contents).items():
                self._renamed[number, path] = old

    def before(self, named: Named, subject: Subject) -> Before:
        """What a spec was; the last answer is kept. Raises `UsageError` where the repository cannot tell."""
        if self._last is None or self._last[0] != named.name:
            self._last = named.name, self._before(named, subject)
        return self._last[1]

    def _before(self, named: Named, subject: Subject) -> Before:
        if named.path is None:
            return Before(NEW)
        repository, path = self.repositories.locate(named.path)
        snapshot, library = self.snapshot(repository)
        was = self._renamed.get((id(repository), path), path)
        renamed, path = was != path, was
        home = named.path.parent
        paths = [path]
        root = repository.root
        assert root
        for file in subject.spec.files[1:]:
            full = Path(os.path.normpath(self.project.folder / file.name))
            own = os.path.lexists(full) and full.is_relative_to(home)
            paths.append(relative(Path(os.path.realpath(full.parent)) / full.name, root) if own else "")
        if same_blobs(snapshot, [each or None for each in paths], subject.spec):
            return Before(UNCHANGED, subject, path, (), renamed)
        spec = at_commit(library, path)
        if spec is None:
            return Before(NEW)
        if isinstance(spec, CostcalcError):
            return Before(NEW, None, path, _faults(spec))
        old = Subject(spec, self.cache)
        try:
            old.analysis({})
        except CostcalcError as error:
            return Before(NEW, None, path, _faults(error))
        same = [file.text for file in spec.files] == [file.text for file in subject.spec.files]
        return Before(UNCHANGED if same else MODIFIED, old, path, (), renamed)

    def config(self, named: Named, path: str) -> tuple[Config | None, str]:
        """The configuration that held a spec at the ref, and the path that its globs saw. Raises `SpecError`."""
        settings = named.settings
        if named.path is None:
            return None, path
        if settings and settings.forced:
            if not self.covers(settings):
                return None, path
            repository, folder = self.folder_of(settings)
            return self.own_config(settings), path.removeprefix(f"{folder}/" if folder else "")
        repository, _ = self.repositories.locate(named.path)
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            for name in NAMES:
                found = self.config_at(repository, f"{folder}/{name}" if folder else name)
                if found is not None:
                    return found, path.removeprefix(f"{folder}/" if folder else "")
        return None, path

    def own_config(self, settings: Settings) -> Config | None:
        """What a configuration's file was at the ref; or what held its folder then. Raises `SpecError`."""
        repository, path = self.repositories.locate(settings.file)
        found = self.config_at(repository, path)
        if found is None and not settings.forced:
            folder = path.rpartition("/")[0]
            others = [self.config_at(repository, f"{folder}/{name}" if folder else name) for name in NAMES]
            found = next((each for each in others if each is not None), None)
        return found

    def config_at(self, repository: Repository, path: str) -> Config | None:
        """The configuration in a file of a repository at the ref. Raises `SpecError`."""
        if (id(repository), path) not in self._configs:
            _, library = self.snapshot(repository)
            found = library.find(path)
            there = found is not None and found.entry.kind == "blob"
            self._configs[id(repository), path] = parse(library.open(path)) if there else None
        return self._configs[id(repository), path]

    def covers(self, settings: Settings) -> bool:
        """Whether a configuration lies in a repository, so that there can be an earlier one."""
        return top(settings.file.parent) is not None and top(settings.folder) is not None

    def folder_of(self, settings: Settings) -> tuple[Repository, str]:
        """The folder that a configuration's globs start from, in its repository."""
        repository, path = self.repositories.locate(settings.folder / NAMES[0])
        return repository, path.rpartition("/")[0]

    def named(self, settings: Settings) -> dict[str, str]:
        """The specs that a configuration names, or named, as far as they existed at the ref: paths now and then."""
        repository, folder = self.folder_of(settings)
        snapshot, _ = self.snapshot(repository)
        globs = {*spec_globs(settings.config)} | {*self.globs(settings)}
        prefix = f"{folder}/" if folder else ""
        return {
            path.removeprefix(prefix): path
            for glob in sorted(globs)
            for path in snapshot.files(f"{prefix}{fixed(glob)}".rstrip("/"))
            if match(glob, path.removeprefix(prefix), "/")
        }

    def globs(self, settings: Settings) -> tuple[str, ...]:
        """The globs of specs that a configuration had at the ref; none where it was not there or cannot be read."""
        try:
            old = self.own_config(settings)
        except SpecError:
            return ()
        return spec_globs(old) if old else ()

    def deleted(self, settings: Settings, alive: set[str]) -> list[tuple[str, Subject | None]]:
        """The specs that a configuration names, or named, that existed then and do not now; `alive` by their names."""
        _, library = self.snapshot(self.folder_of(settings)[0])
        followed = set(self._renamed.values())
        found = {}
        for name, path in self.named(settings).items():
            full = settings.folder / name
            if path not in followed and not os.path.lexists(full) and self.project.show(full) not in alive:
                spec = at_commit(library, path)
                subject = None if spec is None or isinstance(spec, CostcalcError) else Subject(spec, self.cache)
                found[self.project.show(full)] = subject
        return sorted(found.items())


def _faults(error: CostcalcError) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, SpecError) else (error.fault(),)


class FileBase:
    """The figures of an earlier `analyze -o json`, found by a network's name."""

    def __init__(self, path: str, cache: AnalysisCache) -> None:
        from costcalc.gate.baseline_json import read

        self.analyses = read(path)
        self.cache = cache
        self.info = BaseInfo(path, file=True)

    def follow(self, specs: Sequence[Named]) -> None:
        """A network keeps its name: there is nothing to follow."""

    def before(self, named: Named, subject: Subject) -> Before:
        """What the report says of a network of this name."""
        found = [analysis for analysis in self.analyses if analysis.network == subject.spec.name]
        if not found:
            return Before(NEW)
        recorded = Recorded(found)
        old, now = recorded.analysis({}), subject.analysis({})
        same = old is not None and now is not None and old.totals == now.totals
        return Before(UNCHANGED if same else MODIFIED, recorded)


def label(ref: str) -> str:
    """A ref as one speaks of it.

    >>> label("refs/remotes/origin/main"), label("v1.0")
    ('main', 'v1.0')
    """
    return ref.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")


def first(repository: Repository, candidates: Sequence[str]) -> str:
    """The first of some refs that the repository has. Raises `UsageError` where it has none of them."""
    for ref in candidates:
        try:
            repository.commit(ref)
        except UsageError:
            continue
        return ref
    raise UsageError("the target branch that the CI names is not here: {}", label(candidates[0]), help=FETCH)
