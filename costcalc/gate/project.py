"""The work tree of a check: configurations, the specs that they name, and where each spec lies."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import SpecError, UsageError
from costcalc.gate.config import NAMES, parse
from costcalc.gate.git import top
from costcalc.globs import match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costcalc.errors import Source
    from costcalc.gate.limits import Config

STDIN = "-"
SUFFIXES = (".yaml", ".yml")
_SECTION = re.compile(r"""(?:^|^\{[^}]*?)["']?(?:layers|extends)["']?\s*:""", re.MULTILINE)


class Settings(NamedTuple):
    """A configuration, the folder that its globs start from, and its file."""

    folder: Path
    config: Config
    file: Path
    forced: bool = False
    """Named by `--config`: it holds every spec, and its globs start from the working folder."""


class Named(NamedTuple):
    """A spec as it is called, its file, and what holds it to something. A bundled spec and a text have no file."""

    name: str
    path: Path | None = None
    settings: Settings | None = None
    text: Source | None = None

    @property
    def key(self) -> str:
        """The path that globs of the configuration see."""
        if self.path is None or self.settings is None:
            return self.name
        return relative(self.path, self.settings.folder)


class Project:
    """The files around a working folder. Reads, and keeps what it has read."""

    def __init__(self, folder: Path, config: str | None = None) -> None:
        """`config` is a configuration file that stands in for every other."""
        self.folder = folder
        self.root = top(folder)
        self._known: dict[Path, Settings | None] = {}
        self._specs: dict[int, list[Named]] = {}
        self._forced: Settings | None = None
        if config is not None:
            path = Path(os.path.normpath(self.folder / config))
            found = self._read(path)
            if found is None:
                raise UsageError("{} has no [tool.costcalc]", config)
            self._forced = Settings(folder, found, path, True)

    def show(self, path: Path) -> str:
        """A path as a user of this folder would write it."""
        return relative(path, self.folder)

    def settings(self, folder: Path) -> Settings | None:
        """The nearest configuration at or above a folder, up to the repository's root."""
        if self._forced:
            return self._forced
        root = top(folder)
        for each in (folder, *folder.parents):
            if (found := self._at(each)) is not None:
                return found
            if each == root:
                break
        return None

    def assume(self, config: Config) -> None:
        """Take a configuration for the one of the working folder, as if its file had been written."""
        self._known[self.folder] = Settings(self.folder, config, self.folder / config.source.name)

    def _at(self, folder: Path) -> Settings | None:
        if folder not in self._known:
            found = [
                (name, config)
                for name in NAMES
                if os.path.lexists(folder / name) and (config := self._read(folder / name)) is not None
            ]
            if len(found) > 1:
                names = " and ".join(name for name, _ in found)
                help = "keep one, so that no limit goes unseen"
                raise UsageError("two configurations in {}: {}", self.show(folder), names, help=help)
            self._known[folder] = Settings(folder, found[0][1], folder / found[0][0]) if found else None
        return self._known[folder]

    def _read(self, path: Path) -> Config | None:
        from costcalc.lang.reader import read_file

        self.inside(path)
        return parse(read_file(path)._replace(name=self.show(path)))

    def known(self) -> list[Settings]:
        """The configurations that have been read."""
        found = [self._forced, *self._known.values()]
        return [settings for settings in found if settings is not None]

    def inside(self, path: Path) -> None:
        """Raise `UsageError` where a file of a repository is a symlink that leads out of it.

        Nor may a symlink to a folder lead out, whether or not that folder is a repository as well.
        """
        real = Path(os.path.realpath(path))
        for folder in path.parents:
            if os.path.lexists(folder / ".git") and not real.is_relative_to(os.path.realpath(folder)):
                how = "a symlink" if path.is_symlink() else "reached by a symlink"
                raise UsageError("{} is {} that leads out of the repository", self.show(path), how)

    # Specs

    def named(self, name: str, text: Source | None = None) -> Named:
        """A spec that a user names: a path, or the name of a bundled one."""
        if text is not None:
            return Named(text.name, None, self.settings(self.folder), text)
        if not os.path.lexists(self.folder / name) or os.path.isdir(self.folder / name):  # noqa: PTH112
            from costcalc.lang.library import named_network

            text = named_network(name)
            return Named(text.name, None, self.settings(self.folder), text)
        path = Path(os.path.abspath(self.folder / name))  # noqa: PTH100 (symlinks stay as they are named)
        self.inside(path)
        return Named(self.show(path), path, self.settings(path.parent))

    def names(self, path: Path) -> bool:
        """Whether a configuration above a file names it as a spec."""
        for folder in path.parents:
            settings = self._forced or self._at(folder)
            if settings and path.is_relative_to(settings.folder):
                key = relative(path, settings.folder)
                if any(match(glob, key, "/") for glob in spec_globs(settings.config)):
                    return True
            if self._forced or os.path.lexists(folder / ".git"):
                break
        return False

    def selected(self, name: str, text: Source | None = None) -> list[Named]:
        """The specs that a user names: one spec, or a folder and so the specs in it. Raises `UsageError`."""
        full = self.folder / name
        if text is None and os.path.isdir(full):  # noqa: PTH112 (answers for a name that no file can have)
            from costcalc.lang.library import Library

            if Library().bundled(name) is None:
                return self.inside_folder(Path(os.path.abspath(full)), name)  # noqa: PTH100
        return [self.named(name, text)]

    def inside_folder(self, folder: Path, name: str) -> list[Named]:
        """The configured specs below a folder; where the configuration names none there, every spec below it."""
        settings = self.settings(folder)
        configured = self.specs(settings) if settings else []
        found = [spec for spec in configured if spec.path and spec.path.is_relative_to(folder)]
        if not found:
            found = [self.named(self.show(folder / path)) for path in spec_files(folder)]
        if not found:
            raise UsageError("no spec is in the folder {}", name, help="a spec is a .yaml file with layers or extends")
        return found

    def configured(self) -> list[Named]:
        """The specs that the configuration of this folder names, in order."""
        settings = self.settings(self.folder)
        return [] if settings is None else self.specs(settings)

    def specs(self, settings: Settings) -> list[Named]:
        """The specs that a configuration names, each with the nearest one above it, which may be another."""
        if id(settings) not in self._specs:
            found = []
            for path in files(settings.folder, spec_globs(settings.config)):
                full = settings.folder / path
                self.inside(full)
                found.append(Named(self.show(full), full, self.settings(full.parent) or settings))
            self._specs[id(settings)] = found
        return self._specs[id(settings)]


def spec_globs(config: Config) -> tuple[str, ...]:
    """The globs that say which specs there are: `specs`; without it, those of the budgets and increases."""
    return config.specs or tuple([entry.scope.spec for entry in config.entries if entry.scope.spec])


def files(folder: Path, globs: Iterable[str]) -> list[str]:
    """The files below a folder that globs match. Neither hidden folders nor symlinks to folders are looked into."""
    found: set[str] = set()
    for glob in globs:
        start = fixed(glob)
        found.update(path for path in _walk(folder, start) if match(glob, path, "/"))
    return sorted(found)


def spec_files(folder: Path) -> list[str]:
    """The files below a folder that are specs: YAML whose sections are those of a spec, valid or not."""
    from costcalc.lang.reader import read_file

    found = []
    for path in yaml_files(folder):
        try:
            text = read_file(folder / path).text
        except SpecError as error:  # not UTF-8: what can be read of it tells whether it is a spec, which is then broken
            text = "".join([fault.span.source.text for fault in error.faults if fault.span])
        if is_spec(text):
            found.append(path)
    return found


def yaml_files(folder: Path) -> list[str]:
    """The YAML files below a folder; those in hidden folders are not looked for."""
    return files(folder, [f"**/*{suffix}" for suffix in SUFFIXES])


def is_spec(text: str) -> bool:
    r"""Whether a YAML text has the sections of a spec, so that it is meant as one.

    >>> is_spec("input: [3]\nlayers: []"), is_spec("{layers: []}"), is_spec("job:\n  extends: .other")
    (True, True, False)
    """
    return _SECTION.search(text) is not None


def fixed(glob: str) -> str:
    """The folders that a glob begins with, up to its first star.

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
    """A path from a folder, with slashes; through parents where it lies beside."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return PurePosixPath(os.path.relpath(path, folder).replace(os.sep, "/")).as_posix()
