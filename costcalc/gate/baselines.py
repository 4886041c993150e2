"""Finds the version of a spec at a commit, and the specs and configurations of that commit."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from costcalc.errors import CostcalcError, Fault, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Subject
from costcalc.gate.base_spec import Before, Lost
from costcalc.gate.config import NAMES, parse
from costcalc.gate.git import top
from costcalc.gate.git_snapshot import Snapshot, SnapshotLibrary, at_commit, same_blobs
from costcalc.gate.project import fixed, relative, spec_globs
from costcalc.gate.rename_sides import SUFFIXES, snapshot_file, work_file
from costcalc.gate.renames import renames
from costcalc.gate.repositories import label
from costcalc.gate.requirements import entries, own_requirements
from costcalc.gate.results import MODIFIED, NEW, UNCHANGED, BaseInfo
from costcalc.globs import match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costcalc.gate.git import Repository
    from costcalc.gate.git_snapshot import Found
    from costcalc.gate.limits import Config
    from costcalc.gate.project import NamedSpec, Project, Settings
    from costcalc.gate.renames import File
    from costcalc.gate.repositories import Repositories


class GitBase:
    """The specs of a work tree at a commit."""

    info: BaseInfo

    def __init__(
        self,
        repositories: Repositories,
        project: Project,
        ref: str,
        cache: AnalysisCache,
        *,
        merge_base: bool,
        named_by_ci: bool = False,
    ) -> None:
        self.named_by_ci = named_by_ci
        self.repositories = repositories
        self.project = project
        self.ref = ref
        self.cache = cache
        self.merge_base = merge_base
        self._snapshots: dict[Repository, tuple[Snapshot, SnapshotLibrary]] = {}
        self._base_paths: dict[Repository, dict[str, str]] = {}
        """The path at the base of each spec of a repository, by its path now."""
        self._last: tuple[str, Before] | None = None
        self._configs: dict[tuple[Repository, str], Config | None] = {}

    @classmethod
    def open(
        cls,
        repositories: Repositories,
        project: Project,
        ref: str,
        cache: AnalysisCache,
        *,
        merge_base: bool,
        near: Path | None = None,
        named_by_ci: bool = False,
    ) -> Self:
        """Return the specs at a ref or, with `merge_base`, at its merge base with HEAD. Raises `UsageError`.

        `near` is a folder of the repository, used if the working folder is in no repository. `named_by_ci` means that
        the ref is the target branch of the repository that a CI has checked out.
        """
        base = cls(repositories, project, ref, cache, merge_base=merge_base, named_by_ci=named_by_ci)
        repository = repositories.main(near)
        if repository.root is None:
            raise UsageError("a bare repository has no work tree to check")
        base.info = BaseInfo(name=label(ref), commit=base.snapshot(repository)[0].commit)
        base.refuse_new_repository(repository.root)
        return base

    def refuse_new_repository(self, root: Path) -> None:
        """Raise `UsageError` if the repository was a folder of the repository around it, which has the ref as well.

        Otherwise a change could turn a folder into a submodule, and so supply the base that it is compared with.
        """
        if top(root.parent) is None:
            return
        try:
            outer = self.repositories.at(root.parent)
            outer.commit(self.ref)
        except UsageError:
            return  # an unrelated outer repository without the ref
        path = relative(root, outer.root) if outer.root else ""
        help = f"run costcalc check in {outer.root}"
        if path and self.snapshot(outer)[0].kind(path) not in ("", "commit"):
            raise UsageError(
                "{} is a repository, but it was a folder of {} at {}",
                root,
                outer.root,
                self.info.name,
                help=help,
            )
        if path and self.named_by_ci and Snapshot.open(outer, outer.commit("HEAD")).kind(path) == "commit":
            raise UsageError(
                "{} is a submodule, and {}, which the CI names, is a branch of the outer repository",
                root,
                self.info.name,
                help=f"{help}, or give --base",
            )

    def snapshot(self, repository: Repository) -> tuple[Snapshot, SnapshotLibrary]:
        """Return the files of a repository at the ref. Raises `UsageError`."""
        if repository not in self._snapshots:
            commit = repository.commit(self.ref)
            if self.merge_base:
                commit = repository.merge_base(commit, label(self.ref))
            snapshot = Snapshot.open(repository, commit)
            self._snapshots[repository] = snapshot, SnapshotLibrary(snapshot, label(self.ref))
        return self._snapshots[repository]

    def base_paths(self, repository: Repository) -> dict[str, str]:
        """Return the path at the base of each spec of a repository, by its path now."""
        return self._base_paths.setdefault(repository, {})

    # Specs

    def follow(self, specs: Sequence[NamedSpec]) -> None:
        """Find the path of each spec at the ref: by its path, or else by its content. Raises `UsageError`."""
        new: dict[Repository, list[tuple[str, NamedSpec]]] = {}
        for spec in specs:
            if spec.path is None:
                self.refuse_bundled(spec)
                continue
            repository, paths = self.repositories.paths(spec.path)
            snapshot, _ = self.snapshot(repository)
            base_path = next((path for path in paths if snapshot.file(path)), None)
            if base_path is not None:
                self.base_paths(repository)[paths[0]] = base_path
            elif spec.path.is_file():
                new.setdefault(repository, []).append((paths[0], spec))
        for repository, unmatched in new.items():
            like = self.snapshot(repository)[0].root.id
            sides = [work_file(path, spec.path, spec.name, like, self.cache) for path, spec in unmatched if spec.path]
            files = [file for file in sides if file is not None]
            self.base_paths(repository).update(renames(self.removed_files(repository), files))

    def refuse_bundled(self, spec: NamedSpec) -> None:
        """Raise `UsageError` if the name of a bundled network was a file at the ref."""
        if spec.text is None or not spec.text.bundled:
            return
        name = spec.name.removesuffix(".yaml")
        repository, path = self.repositories.locate(self.project.folder / name)
        if self.snapshot(repository)[0].file(path):
            raise UsageError(
                "{} was a file at {} and is now the name of a bundled network",
                name,
                self.info.name,
                help="restore the file, or remove the argument",
            )

    def removed_files(self, repository: Repository) -> Iterator[File]:
        """Yield the specs of a repository at the ref that do not exist, or are not specs, any more."""
        snapshot, library = self.snapshot(repository)
        root = repository.root
        assert root
        used = set(self.base_paths(repository).values())
        folders: dict[Path, bool] = {}

        def exists(path: str) -> bool:
            full = root / path
            if full.parent not in folders:
                folders[full.parent] = os.path.realpath(full.parent) == str(full.parent)
            return folders[full.parent] and os.path.lexists(full)

        unnamed = set()
        for settings in self.project.known():
            if self.covers(settings) and self.folder_of(settings)[0] is repository:
                unnamed |= {path for path in self.specs_at_base(settings) if not self.project.names(root / path)}
        for path, item in snapshot.files():
            removed = path in unnamed or (path.endswith(SUFFIXES) and not exists(path))
            if item.entry.kind == "blob" and path not in used and removed:
                yield snapshot_file(library, path, item, self.cache)

    def before(self, named: NamedSpec, subject: Subject) -> Before:
        """Return a spec at the base. The last result is cached. Raises `UsageError` if git fails."""
        if self._last is None or self._last[0] != named.name:
            self._last = named.name, self._before(named, subject)
        return self._last[1]

    def _before(self, named: NamedSpec, subject: Subject) -> Before:
        if named.path is None:
            return Before(status=NEW)
        repository, now = self.repositories.locate(named.path)
        snapshot, library = self.snapshot(repository)
        path = self.base_paths(repository).get(now, now)
        renamed = path != now
        home = path.rpartition("/")[0]
        paths: list[str | None] = [path]
        for file in subject.spec.files[1:]:
            inner = relative(Path(os.path.normpath(self.project.folder / file.name)), named.path.parent)
            paths.append(None if file.bundled else f"{home}/{inner}" if home else inner)
        if same_blobs(snapshot, paths, subject.spec):
            return Before(status=UNCHANGED, subject=subject, path=path, renamed=renamed)
        spec = at_commit(library, path)
        if spec is None:
            return Before(status=NEW)
        if isinstance(spec, CostcalcError):
            return Before(status=NEW, path=path, faults=_faults(spec))
        old = Subject(spec, self.cache)
        try:
            old.analysis({})
        except CostcalcError as error:
            return Before(status=NEW, path=path, faults=_faults(error))
        same = [file.text for file in spec.files] == [file.text for file in subject.spec.files]
        return Before(status=UNCHANGED if same else MODIFIED, subject=old, path=path, renamed=renamed)

    # Configurations

    def config(self, named: NamedSpec, path: str) -> tuple[Config | None, str]:
        """Return the configuration of a spec at the ref, and the path relative to it. Raises `SpecError`."""
        settings = named.settings
        if named.path is None:
            return None, path
        if settings and settings.forced:
            return self.forced_config(settings, path)
        return self.config_over(self.repositories.locate(named.path)[0], path)

    def forced_config(self, settings: Settings, path: str) -> tuple[Config | None, str]:
        """Return the `--config` configuration at the ref, and the path relative to it. Raises `SpecError`."""
        old = self.own_config(settings) if self.covers(settings) else None
        return (old[0], _below(old[1], path)) if old else (None, path)

    def config_over(self, repository: Repository, path: str) -> tuple[Config | None, str]:
        """Return the nearest configuration above a path at the ref, and the path relative to it. Raises `SpecError`."""
        nearest = self.nearest(repository, path.rpartition("/")[0])
        return (nearest[0], _below(nearest[1], path)) if nearest else (None, path)

    def nearest(self, repository: Repository, folder: str) -> tuple[Config, str] | None:
        """Return the nearest configuration at or above a folder at the ref, and its folder. Raises `SpecError`."""
        while True:
            for name in NAMES:
                config = self.config_at(repository, f"{folder}/{name}" if folder else name)
                if config is not None:
                    return config, folder
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def own_config(self, settings: Settings) -> tuple[Config, str] | None:
        """Return the configuration of a file at the ref, or else of its folder; and the folder of its globs.

        Raises `SpecError`.
        """
        home = self.folder_of(settings)[1]
        if settings.forced and not self.tracks(settings):
            return settings.config, home  # the file is not in this repository
        repository, path = self.repositories.locate(settings.file)
        config = self.config_at(repository, path)
        if settings.forced:
            return (config, home) if config else None
        folder = path.rpartition("/")[0]
        return (config, folder) if config else self.nearest(repository, folder)

    def config_at(self, repository: Repository, path: str) -> Config | None:
        """Return the configuration in a file at the ref; None if the file has none. Raises `SpecError`."""
        if (repository, path) not in self._configs:
            snapshot, library = self.snapshot(repository)
            self._configs[repository, path] = parse(library.open(path), path) if snapshot.file(path) else None
        return self._configs[repository, path]

    def covers(self, settings: Settings) -> bool:
        """Return whether the specs of a configuration are in a repository, so that they can have earlier versions."""
        return top(settings.folder) is not None

    def tracks(self, settings: Settings) -> bool:
        """Return whether the file of a configuration is in the repository of its specs."""
        if top(settings.file.parent) is None:
            return False
        return self.repositories.locate(settings.file)[0] is self.folder_of(settings)[0]

    def folder_of(self, settings: Settings) -> tuple[Repository, str]:
        """Return the repository of a configuration, and the folder of its globs relative to the root."""
        repository, path = self.repositories.locate(settings.folder / NAMES[0])
        return repository, path.rpartition("/")[0]

    # Specs of the base

    def specs_at_base(self, settings: Settings) -> dict[str, Found]:
        """Return the specs at the ref that a configuration names, or named then, by path from the root.

        An entry of the kind `commit` is a submodule that cannot be read, and may contain some.
        """
        repository, folder = self.folder_of(settings)
        snapshot, _ = self.snapshot(repository)
        globs = {(folder, glob) for glob in spec_globs(settings.config)}
        for old in self.configs_then(settings, repository):
            globs |= {(old[1], glob) for glob in spec_globs(old[0])}
        specs: dict[str, Found] = {}
        for home, glob in sorted(globs):
            start = fixed(glob)
            for path, each in snapshot.files("/".join(part for part in (home, start) if part)):
                inner = _below(home, path)
                hidden = any(part.startswith(".") for part in _below(start, inner).split("/")[:-1])
                if each.entry.kind == "commit":
                    wanted = _reaches(glob, inner)
                else:
                    wanted = match(glob, inner, "/") and snapshot.file(path) is not None
                if wanted and not hidden:
                    specs[path] = each
        return specs

    def configs_then(self, settings: Settings, repository: Repository) -> list[tuple[Config, str]]:
        """Return the configurations at the ref that a check would have read: the file's own, and the nearest one.

        Leaves out those that cannot be read, which are separate findings.
        """
        configs = []
        with suppress(SpecError):
            configs.append(self.own_config(settings))
        folder = self.project.folder
        if not settings.forced and top(folder) is not None and folder.is_relative_to(settings.folder):
            own, path = self.repositories.locate(folder / NAMES[0])
            with suppress(SpecError):
                configs.append(self.nearest(own, path.rpartition("/")[0]) if own is repository else None)
        return [each for each in configs if each]

    def lost(self, settings: Settings, compared: set[Path]) -> list[Lost]:
        """Return the specs of the base that no spec is compared with. `compared` are the files that are compared."""
        repository, _ = self.folder_of(settings)
        used = set(self.base_paths(repository).values())
        used |= {self.repositories.locate(path)[1] for path in compared}
        missing = {path: item for path, item in self.specs_at_base(settings).items() if path not in used}
        if not missing:
            return []
        head = Snapshot.open(repository, repository.commit("HEAD"))
        head_paths = {item.entry.id: path for path, item in head.files()}
        lost = []
        for path, item in missing.items():
            name, file = self.shown(repository, path)
            if item.entry.kind == "commit":
                if head.kind(path) != "commit":  # otherwise it is a submodule that is not checked out
                    note = "it was a submodule, which was removed"
                    lost.append(Lost(name=name, file=file, subject=None, limits=True, note=note))
                continue
            spec = at_commit(self.snapshot(repository)[1], path)
            subject = None if spec is None or isinstance(spec, CostcalcError) else Subject(spec, self.cache)
            note = ""
            if not os.path.lexists(file) and head.file(path):
                note = "HEAD has the file but the work tree does not, as in a sparse checkout"
            elif not os.path.lexists(file) and item.entry.id in head_paths:
                note = f"HEAD has the same file at {head_paths[item.entry.id]}, which is not checked"
            limits = self.had_limits(repository, settings, path, subject)
            lost.append(Lost(name=name, file=file, subject=subject, limits=limits, note=note))
        return sorted(lost, key=lambda each: each.name)

    def shown(self, repository: Repository, path: str) -> tuple[str, Path]:
        """Return the name of a file relative to the working folder, and its path."""
        assert repository.root
        file = repository.root / path
        real = os.path.realpath(self.project.folder)
        return relative(file, Path(real)), file

    def had_limits(self, repository: Repository, settings: Settings, path: str, subject: Subject | None) -> bool:
        """Return whether a spec had limits at the ref, its own or those of a configuration."""
        if subject and own_requirements(subject.spec):
            return True
        try:
            old = self.forced_config(settings, path) if settings.forced else self.config_over(repository, path)
        except SpecError:
            return True  # the configuration cannot be read
        return any(True for _ in entries(*old))


def _below(folder: str, path: str) -> str:
    """Return a path relative to a folder above it."""
    return path.removeprefix(f"{folder}/") if folder else path


def _reaches(glob: str, folder: str) -> bool:
    """Return whether a glob can match files below a folder."""
    parts = glob.split("/")[: folder.count("/") + 1]
    return "**" in parts or match("/".join(parts), folder, "/")


def _faults(error: CostcalcError) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, SpecError) else (error.fault(),)
