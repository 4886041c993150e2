"""Where specs are found: files, the bundled networks, and what a spec may extend."""

from __future__ import annotations

import os
from os.path import abspath, basename, dirname, isabs, isdir, isfile, join, lexists, realpath
from typing import TYPE_CHECKING

from costcalc.errors import UsageError, nearest, suggest

if TYPE_CHECKING:
    from costcalc.errors import Source

_PACKAGE = dirname(dirname(abspath(__file__)))
SPECS = next((folder for folder in (join(_PACKAGE, "specs"), join(dirname(_PACKAGE), "specs")) if isdir(folder)), "")
"""The folder of the bundled specs: inside the package once installed, beside it in a checkout."""


def bundled() -> list[str]:
    """The names of the bundled specs, in order."""
    return sorted(entry.name.removesuffix(".yaml") for entry in os.scandir(SPECS) if entry.name.endswith(".yaml"))


class Library:
    """Opens specs by path or by name. Its `open` and `extended` are all that reading a spec knows of files."""

    def open(self, name: str) -> Source:
        """The spec at a path; or, where no such file exists, the bundled one of this name. Raises `UsageError`."""
        from costcalc.lang.reader import read_file

        exists = _exists(name)
        found = None if exists and not isdir(name) else self.bundled(name)
        if found is None and not exists:
            raise UsageError("no spec {}: neither a file nor a bundled network", name, help=_like(name))
        return found or read_file(name)

    def bundled(self, name: str) -> Source | None:
        """The bundled spec of this name, with or without `.yaml`."""
        from costcalc.lang.reader import read_file

        stem = name.removesuffix(".yaml")
        path = join(SPECS, f"{stem}.yaml")
        if stem != basename(stem) or "\\" in stem or "\0" in stem or stem.startswith(".") or not isfile(path):
            return None
        return read_file(path)._replace(name=f"{stem}.yaml", bundled=True)

    def extended(self, base: Source, name: str) -> Source:
        """What a spec extends: a file beside it or below it, or a bundled spec. Raises `UsageError`."""
        from costcalc.lang.reader import read_file

        home = SPECS if base.bundled else dirname(base.name)
        path = join(home, name)
        outside = isabs(name) or ".." in name.replace("\\", "/").split("/")
        if not outside and _exists(path) and not (isdir(path) and self.bundled(name)):
            if not join(realpath(path), "").startswith(join(realpath(home or "."), "")):
                raise UsageError("{} lies outside the folder of {}", name, base.name)
            source = read_file(path)
            return source._replace(name=name, bundled=True) if base.bundled else source
        found = self.bundled(name)
        if found is None and outside:
            help = "a spec extends a file beside or below it, or a bundled spec"
            raise UsageError("{} lies outside the spec's own folder", name, help=help)
        if found is None:
            help = suggest(name.removesuffix(".yaml"), bundled())
            raise UsageError("no spec {} beside this one, and no bundled one", name, help=help)
        return found


def named_network(name: str) -> Source:
    """The bundled network of a name. Raises `UsageError` where the name is that of a file: with a suffix or a folder.

    For commands that a bundled network must not answer in the place of a file that was renamed.
    """
    if name.endswith((".yaml", ".yml")) or basename(name) != name:
        network = Library().bundled(name)
        help = f"{name.removesuffix('.yaml')}, without the suffix, is the bundled network" if network else _like(name)
        if isdir(name):
            raise UsageError("{} is a folder, not a spec", name, help=help)
        raise UsageError("no spec {}: there is no such file", name, help=help)
    return Library().open(name)


def _exists(path: str) -> bool:
    """Whether there is something at a path. Raises `UsageError` where it may not be looked at."""
    try:
        os.lstat(path)
    except PermissionError:
        raise UsageError("cannot read {}: permission denied", path) from None
    except (OSError, ValueError):
        return False
    return True


def _like(name: str) -> str:
    """What a name that stands for no spec was probably meant to be."""
    if lexists(f"{name}.yaml"):
        return f"did you mean {name}.yaml?"
    folder = dirname(name)
    beside = [join(folder, entry) for entry in os.listdir(folder or ".")] if isdir(folder or ".") else []
    found = nearest(name, [entry for entry in beside if entry.endswith((".yaml", ".yml"))])
    return f"did you mean {found}?" if found else suggest(basename(name).removesuffix(".yaml"), bundled(), _LISTED)


_LISTED = "costcalc specs lists the bundled networks"
