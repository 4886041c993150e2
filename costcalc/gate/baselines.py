"""Finds what a spec was at a commit of its repository, and which specs that commit held."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import CostcalcError, Fault, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Recorded, Subject
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
    from costcalc.gate.project import Named, Project, Settings
    from costcalc.gate.renames import File
    from costcalc.gate.repositories import Repositories


class Before(NamedTuple):
    """What a spec was: its status now against then; then's figures, path and faults, each where there are any."""

    status: str
    subject: Subject | Recorded | None = None
    path: str = ""
    faults: tuple[Fault, ...] = ()
    renamed: bool = False


class Lost(NamedTuple):
    """A spec of the base that no spec is compared with: its name, its file now, and what it was."""

    name: str
    file: Path
    subject: Subject | None
    limits: bool
    """Whether the base held it to any."""
    note: str = ""
    """What may have become of it."""

    @property
    def deleted(self) -> bool:
        """Whether nothing is at its path any more."""
        return not os.path.lexists(self.file)


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
        named_by_ci: bool = False,
    ) -> None:
        """With `merge_base`, the commit where HEAD left the ref; else the ref's own. Raises `UsageError`.

        `near` is where the repository is looked for when the working folder is in none. `named_by_ci` says that the
        ref is the target branch of the repository that a CI has checked out.
        """
        self.named_by_ci = named_by_ci
        self.repositories = repositories
        self.project = project
        self.ref = ref
        self.cache = cache
        self.merge_base = merge_base
        self._snapshots: dict[int, tuple[Snapshot, SnapshotLibrary]] = {}
        self._was: dict[tuple[int, str], str] = {}
        self._last: tuple[str, Before] | None = None
        self._configs: dict[tuple[int, str], Config | None] = {}
        self.repository = repositories.main(near)
        if self.repository.root is None:
            raise UsageError("this is a bare repository: there is no work tree to check")
        self.info = BaseInfo(label(ref), self.snapshot(self.repository)[0].commit)
        self.refuse_new_repository(self.repository.root)

    def refuse_new_repository(self, root: Path) -> None:
        """Raise `UsageError` where the repository was a folder of the one around it, which has the ref too.

        A change that makes a folder a submodule would otherwise bring the base along that it is compared with.
        """
        if top(root.parent) is None:
            return
        try:
            outer = self.repositories.at(root.parent)
            outer.commit(self.ref)
        except UsageError:
            return  # an unrelated repository around this one, without the ref
        path = relative(root, outer.root) if outer.root else ""
        help = f"run costcalc check in {outer.root}"
        if path and self.snapshot(outer)[0].kind(path) not in ("", "commit"):
            raise UsageError(
                "{} is a repository of its own, but was a folder of {} at {}",
                root,
                outer.root,
                self.info.name,
                help=help,
            )
        if path and self.named_by_ci and Snapshot(outer, outer.commit("HEAD")).kind(path) == "commit":
            raise UsageError(
                "{} is a submodule, and {} that the CI names is a branch of the repository around it",
                root,
                self.info.name,
                help=f"{help}, or give --base",
            )

    def snapshot(self, repository: Repository) -> tuple[Snapshot, SnapshotLibrary]:
        """The files of a repository at the ref. Raises `UsageError`."""
        if id(repository) not in self._snapshots:
            commit = repository.commit(self.ref)
            if self.merge_base:
                commit = repository.merge_base(commit, label(self.ref))
            snapshot = Snapshot(repository, commit)
            self._snapshots[id(repository)] = snapshot, SnapshotLibrary(snapshot, label(self.ref))
        return self._snapshots[id(repository)]

    # Specs

    def follow(self, specs: Sequence[Named]) -> None:
        """Find out what each spec was called at the ref: by its path, else by its content. Raises `UsageError`."""
        new: dict[int, list[tuple[str, Named]]] = {}
        for spec in specs:
            if spec.path is None:
                self.refuse_bundled(spec)
                continue
            repository, paths = self.repositories.places(spec.path)
            snapshot, _ = self.snapshot(repository)
            was = next((path for path in paths if snapshot.file(path)), None)
            if was is not None:
                self._was[id(repository), paths[0]] = was
            elif spec.path.is_file():
                new.setdefault(id(repository), []).append((paths[0], spec))
        for number, found in new.items():
            repository = self.repositories.places(found[0][1].path or Path())[0]
            like = self.snapshot(repository)[0].root.id
            sides = [work_file(path, spec.path, spec.name, like, self.cache) for path, spec in found if spec.path]
            files = [file for file in sides if file is not None]
            for path, old in renames(self.gone_files(repository), files).items():
                self._was[number, path] = old

    def refuse_bundled(self, spec: Named) -> None:
        """Raise `UsageError` where a name that stands for a bundled network was a file at the ref."""
        if spec.text is None or not spec.text.bundled:
            return
        name = spec.name.removesuffix(".yaml")
        repository, path = self.repositories.locate(self.project.folder / name)
        if self.snapshot(repository)[0].file(path):
            raise UsageError(
                "{} was a file at {}; without it, the bundled network of that name would be checked",
                name,
                self.info.name,
            )

    def gone_files(self, repository: Repository) -> Iterator[File]:
        """The specs of a repository at the ref that nothing stands for now."""
        snapshot, library = self.snapshot(repository)
        root = repository.root
        assert root
        used = {old for (number, _), old in self._was.items() if number == id(repository)}
        folders: dict[Path, bool] = {}

        def stands(path: str) -> bool:
            full = root / path
            if full.parent not in folders:
                folders[full.parent] = os.path.realpath(full.parent) == str(full.parent)
            return folders[full.parent] and os.path.lexists(full)

        held = set()
        for settings in self.project.known():
            if self.covers(settings) and self.folder_of(settings)[0] is repository:
                held |= {path for path in self.held(settings) if not self.project.names(root / path)}
        for path, found in snapshot.files():
            gone = path in held or (path.endswith(SUFFIXES) and not stands(path))
            if found.entry.kind == "blob" and path not in used and gone:
                yield snapshot_file(library, path, found, self.cache)

    def before(self, named: Named, subject: Subject) -> Before:
        """What a spec was; the last answer is kept. Raises `UsageError` where the repository cannot tell."""
        if self._last is None or self._last[0] != named.name:
            self._last = named.name, self._before(named, subject)
        return self._last[1]

    def _before(self, named: Named, subject: Subject) -> Before:
        if named.path is None:
            return Before(NEW)
        repository, now = self.repositories.locate(named.path)
        snapshot, library = self.snapshot(repository)
        path = self._was.get((id(repository), now), now)
        renamed = path != now
        home = path.rpartition("/")[0]
        paths: list[str | None] = [path]
        for file in subject.spec.files[1:]:
            inner = relative(Path(os.path.normpath(self.project.folder / file.name)), named.path.parent)
            paths.append(None if file.bundled else f"{home}/{inner}" if home else inner)
        if same_blobs(snapshot, paths, subject.spec):
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

    # Configurations

    def config(self, named: Named, path: str) -> tuple[Config | None, str]:
        """The configuration that held a spec at the ref, and the path that its globs saw. Raises `SpecError`."""
        settings = named.settings
        if named.path is None:
            return None, path
        if settings and settings.forced:
            return self.forced_config(settings, path)
        return self.config_over(self.repositories.locate(named.path)[0], path)

    def forced_config(self, settings: Settings, path: str) -> tuple[Config | None, str]:
        """What a configuration named by `--config` was, and the path that its globs saw. Raises `SpecError`."""
        old = self.own_config(settings) if self.covers(settings) else None
        return (old[0], _below(old[1], path)) if old else (None, path)

    def config_over(self, repository: Repository, path: str) -> tuple[Config | None, str]:
        """The nearest configuration above a path at the ref, and the path that its globs saw. Raises `SpecError`."""
        found = self.nearest(repository, path.rpartition("/")[0])
        return (found[0], _below(found[1], path)) if found else (None, path)

    def nearest(self, repository: Repository, folder: str) -> tuple[Config, str] | None:
        """The nearest configuration at or above a folder at the ref, and its folder. Raises `SpecError`."""
        while True:
            for name in NAMES:
                found = self.config_at(repository, f"{folder}/{name}" if folder else name)
                if found is not None:
                    return found, folder
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def own_config(self, settings: Settings) -> tuple[Config, str] | None:
        """What a configuration's file was at the ref, or what held its folder then; and where its globs start from.

        Raises `SpecError`.
        """
        home = self.folder_of(settings)[1]
        if settings.forced and not self.tracks(settings):
            return settings.config, home  # no commit of this repository changes it
        repository, path = self.repositories.locate(settings.file)
        found = self.config_at(repository, path)
        if settings.forced:
            return (found, home) if found else None
        folder = path.rpartition("/")[0]
        return (found, folder) if found else self.nearest(repository, folder)

    def config_at(self, repository: Repository, path: str) -> Config | None:
        """The configuration in a file of a repository at the ref. Raises `SpecError`."""
        if (id(repository), path) not in self._configs:
            snapshot, library = self.snapshot(repository)
            self._configs[id(repository), path] = parse(library.open(path), path) if snapshot.file(path) else None
        return self._configs[id(repository), path]

    def covers(self, settings: Settings) -> bool:
        """Whether a configuration is about specs in a repository, so that there can be earlier ones."""
        return top(settings.folder) is not None

    def tracks(self, settings: Settings) -> bool:
        """Whether the file of a configuration lies in the repository of its specs."""
        if top(settings.file.parent) is None:
            return False
        return self.repositories.locate(settings.file)[0] is self.folder_of(settings)[0]

    def folder_of(self, settings: Settings) -> tuple[Repository, str]:
        """The folder that a configuration's globs start from, in its repository."""
        repository, path = self.repositories.locate(settings.folder / NAMES[0])
        return repository, path.rpartition("/")[0]

    # Specs that the base held

    def held(self, settings: Settings) -> dict[str, Found]:
        """The specs that existed at the ref and that a configuration names, or named then, by path from the root.

        An entry of the kind `commit` is a submodule that cannot be read, and may have held some.
        """
        repository, folder = self.folder_of(settings)
        snapshot, _ = self.snapshot(repository)
        globs = {(folder, glob) for glob in spec_globs(settings.config)}
        for old in self.configs_then(settings, repository):
            globs |= {(old[1], glob) for glob in spec_globs(old[0])}
        found: dict[str, Found] = {}
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
                    found[path] = each
        return found

    def configs_then(self, settings: Settings, repository: Repository) -> list[tuple[Config, str]]:
        """The configurations at the ref that a check here would have read: the file's own, and the folder's nearest.

        Those that cannot be read are left out: that is a finding of its own.
        """
        found = []
        with suppress(SpecError):
            found.append(self.own_config(settings))
        folder = self.project.folder
        if not settings.forced and top(folder) is not None and folder.is_relative_to(settings.folder):
            here, path = self.repositories.locate(folder / NAMES[0])
            with suppress(SpecError):
                found.append(self.nearest(here, path.rpartition("/")[0]) if here is repository else None)
        return [each for each in found if each]

    def lost(self, settings: Settings, compared: set[Path]) -> list[Lost]:
        """The specs that the base held and that nothing is compared with; `compared` are files that are."""
        repository, _ = self.folder_of(settings)
        used = {old for (number, _), old in self._was.items() if number == id(repository)}
        used |= {self.repositories.locate(path)[1] for path in compared}
        missing = {path: found for path, found in self.held(settings).items() if path not in used}
        if not missing:
            return []
        head = Snapshot(repository, repository.commit("HEAD"))
        places = {found.entry.id: path for path, found in head.files()}
        lost = []
        for path, found in missing.items():
            if found.entry.kind == "commit":
                if head.kind(path) != "commit":  # else it is not checked out, neither then nor now
                    lost.append(Lost(*self.shown(repository, path), None, True, "it was a submodule, now removed"))
                continue
            spec = at_commit(self.snapshot(repository)[1], path)
            subject = None if spec is None or isinstance(spec, CostcalcError) else Subject(spec, self.cache)
            name, file = self.shown(repository, path)
            note = ""
            if not os.path.lexists(file) and head.file(path):
                note = "HEAD has the file and the work tree does not, as in a sparse checkout"
            elif not os.path.lexists(file) and found.entry.id in places:
                note = f"HEAD has the same file at {places[found.entry.id]}, which is not checked"
            lost.append(Lost(name, file, subject, self.had_limits(repository, settings, path, subject), note))
        return sorted(lost, key=lambda each: each.name)

    def shown(self, repository: Repository, path: str) -> tuple[str, Path]:
        """What a file of a repository is called from the working folder, and the file."""
        assert repository.root
        file = repository.root / path
        real = os.path.realpath(self.project.folder)
        return relative(file, Path(real)), file

    def had_limits(self, repository: Repository, settings: Settings, path: str, subject: Subject | None) -> bool:
        """Whether a spec, or the configuration over it, held it to anything at the ref."""
        if subject and own_requirements(subject.spec):
            return True
        try:
            old = self.forced_config(settings, path) if settings.forced else self.config_over(repository, path)
        except SpecError:
            return True  # the configuration cannot be read any more
        return any(True for _ in entries(*old))


def _below(folder: str, path: str) -> str:
    """A path from a folder above it."""
    return path.removeprefix(f"{folder}/") if folder else path


def _reaches(glob: str, folder: str) -> bool:
    """Whether a glob may match files below a folder."""
    parts = glob.split("/")[: folder.count("/") + 1]
    return "**" in parts or match("/".join(parts), folder, "/")


def _faults(error: CostcalcError) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, SpecError) else (error.fault(),)
