"""Finds specs: files, bundled networks, and the specs that a spec extends."""

from __future__ import annotations

import os
from os.path import abspath, basename, dirname, isabs, isdir, isfile, join, lexists, realpath
from typing import TYPE_CHECKING

from costcalc.errors import UsageError, nearest, suggest

if TYPE_CHECKING:
    from costcalc.errors import Source

SUFFIXES = (".yaml", ".yml", ".onnx", ".keras", ".cfg", ".prototxt")
"""The suffixes of the files that `open_spec` reads."""
_PACKAGE = dirname(dirname(abspath(__file__)))
SPECS = next((folder for folder in (join(_PACKAGE, "specs"), join(dirname(_PACKAGE), "specs")) if isdir(folder)), "")
"""The folder of the bundled specs: in the package if installed, beside it in a checkout."""


def bundled() -> list[str]:
    """Return the names of the bundled specs, sorted."""
    return sorted(entry.name.removesuffix(".yaml") for entry in os.scandir(SPECS) if entry.name.endswith(".yaml"))


class Library:
    """Opens specs by path or by name."""

    def open(self, name: str) -> Source:
        """Open the spec at a path or, if there is no file, the bundled spec of this name. Raises `UsageError`."""
        from costcalc.lang.reader import read_file

        exists = _exists(name)
        spec = None if exists and not isdir(name) else self.bundled(name)
        if spec is None and not exists:
            raise UsageError("unknown spec {}: neither a file nor a bundled network", name, help=_suggestion(name))
        if spec is None and name.endswith((".onnx", ".keras")):
            from costcalc.lang.model_files import read_model

            return read_model(name)
        return spec or read_file(name)

    def bundled(self, name: str) -> Source | None:
        """Return the bundled spec of this name, with or without `.yaml`, or None."""
        from costcalc.lang.reader import read_file

        stem = name.removesuffix(".yaml")
        path = join(SPECS, f"{stem}.yaml")
        if stem != basename(stem) or "\\" in stem or "\0" in stem or stem.startswith(".") or not isfile(path):
            return None
        return read_file(path)._replace(name=f"{stem}.yaml", bundled=True)

    def extended(self, base: Source, name: str) -> Source:
        """Open the spec that `base` extends: a file in its folder or below, or a bundled spec. Raises `UsageError`."""
        from costcalc.lang.reader import read_file

        folder = SPECS if base.bundled else dirname(base.name)
        path = join(folder, name)
        outside = isabs(name) or ".." in name.replace("\\", "/").split("/")
        if not outside and _exists(path) and not (isdir(path) and self.bundled(name)):
            if not join(realpath(path), "").startswith(join(realpath(folder or "."), "")):
                raise UsageError("{} is outside the folder of {}", name, base.name)
            source = read_file(path)
            return source._replace(name=name, bundled=True) if base.bundled else source
        spec = self.bundled(name)
        if spec is None and outside:
            help = "name a file in the folder of the spec or below, or a bundled spec"
            raise UsageError("{} is outside the folder of the spec", name, help=help)
        if spec is None:
            help = suggest(name.removesuffix(".yaml"), bundled())
            raise UsageError("unknown spec {}: neither a file in this folder nor a bundled network", name, help=help)
        return spec


def named_network(name: str) -> Source:
    """Open a bundled network by name. Raises `UsageError` if the name has a suffix or a folder, like a file.

    A command that expects a file must not use a bundled network instead of a file that was renamed.
    """
    if name.endswith((".yaml", ".yml")) or basename(name) != name:
        network = Library().bundled(name)
        bundled_name = name.removesuffix(".yaml")
        help = f"write {bundled_name}, without the suffix, for the bundled network" if network else _suggestion(name)
        if isdir(name):
            raise UsageError("expected a spec, got the folder {}", name, help=help)
        raise UsageError("cannot read {}: file not found", name, help=help)
    return Library().open(name)


def _exists(path: str) -> bool:
    """Return whether a path exists. Raises `UsageError` if access is denied."""
    try:
        os.lstat(path)
    except PermissionError:
        raise UsageError("cannot read {}: permission denied", path) from None
    except (OSError, ValueError):
        return False
    return True


def _suggestion(name: str) -> str:
    """Return help for an unknown spec."""
    if lexists(f"{name}.yaml"):
        return f"did you mean {name}.yaml?"
    folder = dirname(name)
    entries = [join(folder, entry) for entry in os.listdir(folder or ".")] if isdir(folder or ".") else []
    match = nearest(name, [entry for entry in entries if entry.endswith(SUFFIXES)])
    otherwise = "costcalc specs lists the bundled networks"
    return f"did you mean {match}?" if match else suggest(basename(name).removesuffix(".yaml"), bundled(), otherwise)
