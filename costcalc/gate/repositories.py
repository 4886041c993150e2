"""The git repositories that a check reads, and where files lie in them."""

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
        for repository in {id(each): each for each in self._open.values()}.values():
            repository.close()

    def notices(self) -> list[str]:
        """What a reader should know about how refs were understood."""
        return [notice for repository in self._open.values() for notice in repository.notices]

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
        """A file's repository and its path from the root there, as it is named. Raises `UsageError`."""
        repository, paths = self.places(path)
        return repository, paths[0]

    def places(self, path: Path) -> tuple[Repository, tuple[str, ...]]:
        """A file's repository and its paths from the root: as it is named, then without symlinks to folders.

        The repository is the working folder's, where the file lies in that one. What a file was is looked up by its
        name first: where a symlink leads today says nothing of what was there. Raises `UsageError`.
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
            holders = [each for each in (folder, *folder.parents) if os.path.realpath(each) == str(root)]
            inner = [relative(folder, holders[-1])] if holders else []
            inner += [relative(real, root)]
            prefixes = ["" if each == "." else f"{each}/" for each in inner]
            self._folders[folder] = repository, tuple(dict.fromkeys(prefixes))
        repository, prefixes_found = self._folders[folder]
        return repository, tuple([prefix + path.name for prefix in prefixes_found])


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
