"""The work tree of a check: its configurations, and the specs that they name."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from costcalc.errors import SpecError, UsageError
from costcalc.gate.config import NAMES, parse
from costcalc.gate.git import top
from costcalc.globs import match
from costcalc.record import Entity, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costcalc.errors import Source
    from costcalc.gate.limits import Config

STDIN = "-"
SUFFIXES = (".yaml", ".yml")
_SECTION = re.compile(r"""(?:^|^\{[^}]*?)["']?(?:layers|extends)["']?\s*:""", re.MULTILINE)


class Settings(Entity):
    """A configuration, the folder that its globs are relative to, and its file."""

    folder: Path
    config: Config
    file: Path
    forced: bool = False
    """Whether `--config` names it. It then applies to every spec, and its globs are relative to the working folder."""


class NamedSpec(Record):
    """A spec: its name, its file and its configuration. A bundled spec and standard input have no file."""

    name: str
    path: Path | None = None
    settings: Settings | None = None
    text: Source | None = None

    @property
    def key(self) -> str:
        """The path relative to the configuration, which its globs are matched with."""
        if self.path is None or self.settings is None:
            return self.name
        return relative(self.path, self.settings.folder)


class Project:
    """The configurations and specs around a working folder. Each file is read once."""

    def __init__(self, folder: Path, root: Path | None) -> None:
        """`root` is the root of the repository."""
        self.folder = folder
        self.root = root
        self._known: dict[Path, Settings | None] = {}
        self._specs: dict[Settings, list[NamedSpec]] = {}
        self._forced: Settings | None = None

    @classmethod
    def open(cls, folder: Path, config: str | None = None) -> Self:
        """Return the project of a folder. `config` replaces all other configurations. Raises `CostcalcError`."""
        project = cls(folder, top(folder))
        if config is not None:
            path = Path(os.path.normpath(folder / config))
            parsed = project._read(path)
            if parsed is None:
                raise UsageError("{} has no [tool.costcalc]", config)
            project._forced = Settings(folder=folder, config=parsed, file=path, forced=True)
        return project

    def show(self, path: Path) -> str:
        """Return a path relative to the working folder."""
        return relative(path, self.folder)

    def settings(self, folder: Path) -> Settings | None:
        """Return the nearest configuration at or above a folder, up to the root of the repository."""
        if self._forced:
            return self._forced
        root = top(folder)
        for each in (folder, *folder.parents):
            if (settings := self._at(each)) is not None:
                return settings
            if each == root:
                break
        return None

    def assume(self, config: Config) -> None:
        """Use a configuration for the working folder, as if its file had been written."""
        self._known[self.folder] = Settings(folder=self.folder, config=config, file=self.folder / config.source.name)

    def _at(self, folder: Path) -> Settings | None:
        if folder not in self._known:
            found = [
                (name, config)
                for name in NAMES
                if os.path.lexists(folder / name) and (config := self._read(folder / name)) is not None
            ]
            if len(found) > 1:
                names = " and ".join(name for name, _ in found)
                help = "move the limits into one of them"
                raise UsageError("{} has two configurations: {}", self.show(folder), names, help=help)
            settings = [Settings(folder=folder, config=config, file=folder / name) for name, config in found]
            self._known[folder] = settings[0] if settings else None
        return self._known[folder]

    def _read(self, path: Path) -> Config | None:
        from costcalc.lang.reader import read_file

        self.inside(path)
        return parse(read_file(path)._replace(name=self.show(path)))

    def known(self) -> list[Settings]:
        """Return the configurations that have been read."""
        return [settings for settings in (self._forced, *self._known.values()) if settings is not None]

    def inside(self, path: Path) -> None:
        """Raise `UsageError` if a file of a repository is outside of it after symlinks are resolved.

        This includes symlinks to folders, whether or not the target is a repository itself.
        """
        real = Path(os.path.realpath(path))
        for folder in path.parents:
            if os.path.lexists(folder / ".git") and not real.is_relative_to(os.path.realpath(folder)):
                how = "a symlink" if path.is_symlink() else "reached by a symlink"
                raise UsageError("{} is {} that leads out of the repository", self.show(path), how)

    # Specs

    def named(self, name: str, text: Source | None = None) -> NamedSpec:
        """Return the spec of a path or of the name of a bundled network."""
        if text is not None:
            return NamedSpec(name=text.name, settings=self.settings(self.folder), text=text)
        if not os.path.lexists(self.folder / name) or os.path.isdir(self.folder / name):  # noqa: PTH112
            from costcalc.lang.library import named_network

            text = named_network(name)
            return NamedSpec(name=text.name, settings=self.settings(self.folder), text=text)
        path = Path(os.path.abspath(self.folder / name))  # noqa: PTH100 (symlinks are not resolved)
        self.inside(path)
        return NamedSpec(name=self.show(path), path=path, settings=self.settings(path.parent))

    def names(self, path: Path) -> bool:
        """Return whether a configuration above a file names it as a spec."""
        for folder in path.parents:
            settings = self._forced or self._at(folder)
            if settings and path.is_relative_to(settings.folder):
                key = relative(path, settings.folder)
                if any(match(glob, key, "/") for glob in spec_globs(settings.config)):
                    return True
            if self._forced or os.path.lexists(folder / ".git"):
                break
        return False

    def selected(self, name: str, text: Source | None = None) -> list[NamedSpec]:
        """Return the specs of an argument, which is a spec or a folder. Raises `UsageError`."""
        full = self.folder / name
        if text is None and os.path.isdir(full):  # noqa: PTH112 (does not fail for an invalid name)
            from costcalc.lang.library import Library

            if Library().bundled(name) is None:
                return self.inside_folder(Path(os.path.abspath(full)), name)  # noqa: PTH100
        return [self.named(name, text)]

    def inside_folder(self, folder: Path, name: str) -> list[NamedSpec]:
        """Return the configured specs below a folder, or every spec below it if none is configured."""
        settings = self.settings(folder)
        configured = self.specs(settings) if settings else []
        specs = [spec for spec in configured if spec.path and spec.path.is_relative_to(folder)]
        if not specs:
            specs = [self.named(self.show(folder / path)) for path in spec_files(folder)]
        if not specs:
            help = "name a folder with .yaml files that have layers or extends"
            raise UsageError("the folder {} contains no spec", name, help=help)
        return specs

    def configured(self) -> list[NamedSpec]:
        """Return the specs that the configuration of this folder names, in order."""
        settings = self.settings(self.folder)
        return [] if settings is None else self.specs(settings)

    def specs(self, settings: Settings) -> list[NamedSpec]:
        """Return the specs that a configuration names, each with its nearest configuration, which may be another."""
        if settings not in self._specs:
            specs = []
            for path in files(settings.folder, spec_globs(settings.config)):
                full = settings.folder / path
                self.inside(full)
                specs.append(
                    NamedSpec(name=self.show(full), path=full, settings=self.settings(full.parent) or settings)
                )
            self._specs[settings] = specs
        return self._specs[settings]


def spec_globs(config: Config) -> tuple[str, ...]:
    """Return the globs of a configuration's specs: `specs`, or else those of the budgets and increases."""
    return config.specs or tuple([entry.scope.spec for entry in config.entries if entry.scope.spec])


def files(folder: Path, globs: Iterable[str]) -> list[str]:
    """Return the files below a folder that globs match. Skips hidden folders and symlinks to folders."""
    paths: set[str] = set()
    for glob in globs:
        paths.update(path for path in _walk(folder, fixed(glob)) if match(glob, path, "/"))
    return sorted(paths)


def spec_files(folder: Path) -> list[str]:
    """Return the files below a folder that are specs, valid or not: YAML with the sections of a spec."""
    from costcalc.lang.reader import read_file

    found = []
    for path in yaml_files(folder):
        try:
            text = read_file(folder / path).text
        except SpecError as error:  # not UTF-8: decide from the part that can be decoded
            text = "".join([fault.span.source.text for fault in error.faults if fault.span])
        if is_spec(text):
            found.append(path)
    return found


def yaml_files(folder: Path) -> list[str]:
    """Return the YAML files below a folder, except in hidden folders."""
    return files(folder, [f"**/*{suffix}" for suffix in SUFFIXES])


def is_spec(text: str) -> bool:
    r"""Return whether a YAML text has the sections of a spec.

    >>> is_spec("input: [3]\nlayers: []"), is_spec("{layers: []}"), is_spec("job:\n  extends: .other")
    (True, True, False)
    """
    return _SECTION.search(text) is not None


def fixed(glob: str) -> str:
    """Return the folders at the beginning of a glob, up to its first star.

    >>> fixed("models/**/*.yaml"), fixed("*.yaml"), fixed("models/net.yaml")
    ('models', '', 'models')
    """
    parts = []
    for part in glob.split("/")[:-1]:
        if "*" in part:
            break
        parts.append(part)
    return "/".join(parts)


def _walk(folder: Path, start: str) -> Iterator[str]:
    stack = [start]
    while stack:
        inner = stack.pop()
        try:
            entries = list(os.scandir(folder / inner))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UsageError("cannot read {}: {}", inner or ".", error.strerror or error) from None
        for entry in entries:
            path = f"{inner}/{entry.name}" if inner else entry.name
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    stack.append(path)
            elif entry.is_file() or entry.is_symlink():
                yield path


def relative(path: Path, folder: Path) -> str:
    """Return a path relative to a folder, with slashes; with `..` if it is not below the folder."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return PurePosixPath(os.path.relpath(path, folder).replace(os.sep, "/")).as_posix()
