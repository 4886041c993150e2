"""The git repositories that a check reads, and the paths of files in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from costcalc.errors import UsageError
from costcalc.gate.git import FETCH, Repository, top
from costcalc.gate.project import relative

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


class Repositories:
    """The repositories that a check reads, each opened once. Use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[Path, Repository] = {}
        self._folders: dict[Path, tuple[Repository, tuple[str, ...]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for repository in set(self._open.values()):
            repository.close()

    def notices(self) -> list[str]:
        """Return the warnings about ambiguous refs."""
        return [notice for repository in self._open.values() for notice in repository.notices]

    def at(self, folder: Path) -> Repository:
        """Return the repository at or above a folder. Raises `UsageError`."""
        if folder not in self._open:
            repository = Repository.open(folder)
            known = [each for each in self._open.values() if repository.root and each.root == repository.root]
            self._open[folder] = known[0] if known else repository
        return self._open[folder]

    def main(self, near: Path | None = None) -> Repository:
        """Return the repository of the working folder or, if it has none, of `near`. Raises `UsageError`."""
        return self.at(near if near and top(self.folder) is None and top(near) else self.folder)

    def locate(self, path: Path) -> tuple[Repository, str]:
        """Return the repository of a file and its path from the root, with symlinks. Raises `UsageError`."""
        repository, paths = self.paths(path)
        return repository, paths[0]

    def paths(self, path: Path) -> tuple[Repository, tuple[str, ...]]:
        """Return the repository of a file and its paths from the root: with symlinks, then with folders resolved.

        The repository is that of the working folder if it contains the file. The path with symlinks comes first,
        because the target of a symlink may have changed since the base. Raises `UsageError`.
        """
        folder = path.parent
        if folder not in self._folders:
            real = Path(os.path.realpath(folder))
            repository = self.main(folder)
            if repository.root is None or not real.is_relative_to(repository.root):
                repository = self.at(folder)
            root = repository.root
            if root is None:
                raise UsageError("{} is not in the work tree of a repository", path)
            roots = [each for each in (folder, *folder.parents) if os.path.realpath(each) == str(root)]
            inner = [relative(folder, roots[-1])] if roots else []
            inner += [relative(real, root)]
            prefixes = ["" if each == "." else f"{each}/" for each in inner]
            self._folders[folder] = repository, tuple(dict.fromkeys(prefixes))
        repository, known = self._folders[folder]
        return repository, tuple([prefix + path.name for prefix in known])


def label(ref: str) -> str:
    """Return the short name of a ref.

    >>> label("refs/remotes/origin/main"), label("v1.0")
    ('main', 'v1.0')
    """
    return ref.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")


def first(repository: Repository, candidates: Sequence[str]) -> str:
    """Return the first of several refs that exists. Raises `UsageError` if none does."""
    for ref in candidates:
        try:
            repository.commit(ref)
        except UsageError:
            continue
        return ref
    raise UsageError("the target branch that the CI names does not exist: {}", label(candidates[0]), help=FETCH)
