"""Where specs are found: files, the bundled networks, and what a spec may extend."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from costcalc.errors import UsageError, suggest

if TYPE_CHECKING:
    from costcalc.errors import Source

_PACKAGE = Path(__file__).resolve().parent.parent
SPECS = next(
    (folder for folder in (_PACKAGE / "specs", _PACKAGE.parent / "specs") if folder.is_dir()), _PACKAGE / "specs"
)
"""The folder of the bundled specs: inside the package once installed, beside it in a checkout."""


def bundled() -> list[str]:
    """The names of the bundled specs, in order."""
    return sorted(entry.name.removesuffix(".yaml") for entry in os.scandir(SPECS) if entry.name.endswith(".yaml"))


class Library:
    """Opens specs by path or by name. Its `open` and `extended` are all that reading a spec knows of files."""

    def open(self, name: str) -> Source:
        """The spec at a path; or, where no such file exists, the bundled one of this name. Raises `UsageError`."""
        from costcalc.spec.reader import read_file

        if os.path.lexists(name):
            return read_file(name)
        found = self.bundled(name)
        if found is None:
            raise UsageError(
                "no spec {}: neither a file nor a bundled network",
                name,
                help=suggest(
                    Path(name).name.removesuffix(".yaml"), bundled(), "costcalc specs lists the bundled networks"
                ),
            )
        return found

    def bundled(self, name: str) -> Source | None:
        """The bundled spec of this name, with or without `.yaml`."""
        from costcalc.spec.reader import read_file

        stem = name.removesuffix(".yaml")
        if (
            "/" in stem
            or "\\" in stem
            or "\0" in stem
            or stem.startswith(".")
            or not (SPECS / f"{stem}.yaml").is_file()
        ):
            return None
        return read_file(str(SPECS / f"{stem}.yaml"))._replace(name=f"{stem}.yaml")

    def extended(self, base: Source, name: str) -> Source:
        """What a spec extends: a file beside it or below it, or a bundled spec. Raises `UsageError`."""
        from costcalc.spec.reader import read_file

        home = SPECS if self._is_bundled(base) else Path(base.name).parent
        path = home / name
        if os.path.lexists(path) and not (Path(name).is_absolute() or ".." in Path(name).parts):
            if not path.resolve().is_relative_to(home.resolve()):
                raise UsageError("{} lies outside the folder of {}", name, base.name)
            source = read_file(str(path))
            return source._replace(name=name) if self._is_bundled(base) else source
        found = self.bundled(name)
        if found is None:
            outside = Path(name).is_absolute() or ".." in Path(name).parts
            raise UsageError(
                "{} lies outside the spec's own folder"
                if outside
                else "no spec {} beside this one, and no bundled one",
                name,
                help="a spec extends a file beside or below it, or a bundled spec"
                if outside
                else suggest(name.removesuffix(".yaml"), bundled()),
            )
        return found

    def _is_bundled(self, source: Source) -> bool:
        return not os.path.lexists(source.name) and (SPECS / source.name).is_file()
