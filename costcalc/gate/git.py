"""Reads a repository with git. Uses no shell, hook, filter or network, and does not change the work tree.

One process of `git cat-file --batch` reads all objects. Refs are resolved once; from then on, object ids are used.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from costcalc.errors import UsageError
from costcalc.gate.git_objects import MAX_OBJECT, Commit, GitError, TreeEntry, parse_commit, parse_tree
from costcalc.gate.git_refs import parse_ref

if TYPE_CHECKING:
    from types import TracebackType

    from costcalc.gate.git_refs import Ref

FETCH = "fetch the whole history: fetch-depth: 0 in actions/checkout, GIT_DEPTH: 0 in GitLab, or git fetch --unshallow"
PARTIAL = "a partial clone lacks what was filtered out: clone without --filter, or git fetch --refetch --no-filter"
MAX_CACHED = 200_000
"""The number of tree entries that are cached, so that memory is bounded."""
SECONDS = 300
"""The timeout of a git command. In usual repositories, each takes less than a second."""

_KEPT = (
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)
"""The general settings of a user. Other GIT_* variables may select another repository, or a program to run."""
_SET = {
    "GIT_ALLOW_PROTOCOL": "",  # no protocol, whatever protocol.NAME.allow is in a repository
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LANGUAGE": "C",
    "LC_ALL": "C",
}
_OPTIONS = (
    "--no-pager",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.attributesFile="),
    *("-c", "core.bigFileThreshold=16m"),  # a larger blob is streamed, not held in memory
    *("-c", "protocol.allow=never"),
    *("-c", "log.showSignature=false"),
)
"""With these, the configuration of a repository cannot make git run a program or use the network."""


def program() -> str:
    """Return the path of git. Raises `UsageError` if it is not installed.

    Uses only absolute folders of PATH, because a pull request may add a program `git` to the working folder.
    """
    name = "git.exe" if os.name == "nt" else "git"
    for folder in filter(os.path.isabs, os.get_exec_path()):
        path = os.path.join(folder, name)  # noqa: PTH118
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    raise UsageError(
        "git is not installed",
        help="install git, or compare with a file: costcalc check --base analysis.json",
    )


def environment() -> dict[str, str]:
    """Return the environment for git."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    return {**kept, **_SET}


def top(folder: Path) -> Path | None:
    """Return the nearest folder at or above a folder that contains a `.git`, or None. Does not run git.

    Symlinks are not resolved, so paths stay as the user wrote them.
    """
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)


class Repository:
    """A repository. Use it in a `with` statement, because it owns a process."""

    def __init__(self, folder: Path, *, bare: bool) -> None:
        """`bare` allows a bare repository."""
        self.folder = folder
        self.root: Path | None = None
        """The root of the work tree; None for a bare repository."""
        self.shallow = False
        self._safe = () if bare else ("-c", "safe.bareRepository=explicit")
        self.notices: list[str] = []
        """Warnings about ambiguous refs."""
        self._process: subprocess.Popen[bytes] | None = None
        self._trees: dict[str, dict[str, TreeEntry]] = {}
        self._cached = 0
        self._inside: dict[str, Repository] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the repository whose `.git` is at or above a folder. Raises `UsageError`.

        git is run in the folder that contains the `.git`. Below it, git would accept a folder with the files of a bare
        repository; a pull request can add such a folder, with its own base and configuration. A bare repository is
        used only if there is no `.git`, and it never has a work tree.
        """
        parent = top(folder)
        repository = cls(parent or folder, bare=parent is None)
        facts = repository.run("rev-parse", "--is-shallow-repository", "--absolute-git-dir").split("\n")
        repository.shallow = facts[0] == "true"
        repository.root = repository._work_tree(parent, Path(facts[1])) if parent else None
        return repository

    def _work_tree(self, parent: Path, git_dir: Path) -> Path | None:
        """Return the folder that contains the `.git`, with symlinks resolved; None for a bare repository.

        Raises `UsageError` if git uses another repository or another folder.
        """
        git_path = parent / ".git"
        if git_path.is_file():
            try:
                git_path = parent / git_path.read_text(encoding="utf-8", errors="surrogateescape")[8:].rstrip("\r\n")
            except OSError as error:
                raise UsageError("cannot read {}: {}", git_path, error.strerror or error) from None
        answer = self._answer("rev-parse", "--show-toplevel")
        root = Path(os.fsdecode(answer.stdout).removesuffix("\n")) if answer.returncode == 0 else None
        if not _same_folder(git_path, git_dir) or (root and not _same_folder(root, parent)):
            raise UsageError(
                "{} contains a .git, but git uses the repository {}, with the work tree {}",
                parent,
                git_dir,
                root or "none",
                help="remove the .git if it is not a repository, or remove core.worktree if it names another folder",
            )
        return root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes of this repository and its submodules."""
        for inside in self._inside.values():
            inside.close()
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # the process may have ended
                    if pipe:
                        pipe.close()
            process.kill()  # it only reads, and a graceful end may take long amid a large object
            process.wait()

    # Commands

    def run(self, *arguments: str) -> str:
        """Run git and return its output. Raises `UsageError` with the first line of its error message."""
        answer = self._answer(*arguments)
        if answer.returncode:
            raise self._failed(answer.stderr)
        return os.fsdecode(answer.stdout)

    def _command(self, *arguments: str) -> list[str]:
        return [program(), "-C", str(self.folder), *_OPTIONS, *self._safe, *arguments]

    def _answer(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                self._command(*arguments),
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise UsageError("git {} took longer than {} seconds", arguments[0], SECONDS) from None
        except OSError as error:
            raise UsageError("cannot run git: {}", error.strerror or error) from None

    def _failed(self, stderr: bytes) -> UsageError:
        text = os.fsdecode(stderr).strip()
        if "dubious ownership" in text:
            return UsageError(
                "git does not trust {}, which belongs to another user",
                self.folder,
                help=f"run git config --global --add safe.directory {self.folder}",
            )
        if "not a git repository" in text:
            return UsageError(
                "{} is not in a git repository",
                self.folder,
                help="run git init, or compare with a file: costcalc check --base analysis.json",
            )
        line = next((line for line in text.split("\n") if line.startswith(("fatal:", "error:"))), text[:300])
        help = PARTIAL if self.partial() else ""
        return UsageError("git: {}", line.partition(":")[2].strip() or line or "failed without a message", help=help)

    def partial(self) -> bool:
        """Return whether this is a partial clone, in which objects may be missing."""
        answer = self._answer("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$")
        return answer.returncode == 0

    def commit(self, text: str) -> str:
        """Return the commit of a ref. Raises `UsageError`."""
        ref = parse_ref(text)
        found = self._object_of(ref)
        if found:
            answer = self._answer(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{found}{ref.suffix}^{{commit}}"
            )
            commit = answer.stdout.decode().strip()
            if answer.returncode == 0 and commit:
                return commit
            if self.partial():
                raise UsageError("git cannot resolve the ref {}", text, help=PARTIAL)
        raise UsageError("unknown ref {}", text, help=FETCH if self.shallow else f"run git fetch origin, or {FETCH}")

    def _object_of(self, ref: Ref) -> str:
        """Return the object of a ref without its suffix, or an empty text."""
        if ref.is_head or ref.is_full_hash:
            return ref.name
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)", *ref.candidates)
        known = {name: id for id, _, name in (line.partition(" ") for line in lines.split("\n"))}
        branch, tag = (known.get(f"refs/{kind}/{ref.name}") for kind in ("heads", "tags"))
        if branch and tag and branch != tag:
            self.notices.append(
                f"{ref.name} is a branch and a tag: using the branch; write refs/tags/{ref.name} for the tag"
            )
        found = next((known[name] for name in ref.candidates if name in known), "")
        return found or (ref.name if ref.is_hash else "")

    def merge_base(self, commit: str, name: str) -> str:
        """Return the merge base of HEAD and another commit. Raises `UsageError`."""
        answer = self._answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        head = answer.stdout.decode().strip()
        if answer.returncode or not head:
            raise UsageError("the repository has no commit to compare with")
        answer = self._answer("merge-base", commit, head)
        found = answer.stdout.decode().strip()
        if answer.returncode == 0 and found:
            return found
        if answer.returncode > 1:
            raise self._failed(answer.stderr)
        if self.shallow:
            raise UsageError("the shallow clone does not contain the merge base of {} and HEAD", name, help=FETCH)
        raise UsageError("{} and HEAD have no common commit", name)

    def commits(self, paths: tuple[str, ...], start: str, since: str = "") -> list[str]:
        """Return the commits that changed any of the paths, newest first, without `since` and its ancestors."""
        exclude = [f"^{since}"] if since else []
        return self.run("rev-list", "--topo-order", start, *exclude, "--", *paths).split()

    # Objects

    def object(self, id: str, kind: str, most: int = MAX_OBJECT) -> bytes:
        """Return the content of an object of at most `most` bytes. Raises `GitError` and `UsageError`."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command("cat-file", "--batch"),
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests
        assert answers
        try:
            requests.write(id.encode() + b"\n")
            requests.flush()
            head = answers.readline().split()
        except OSError as error:
            raise GitError("git ended unexpectedly: {}", error.strerror or error) from None
        if len(head) != 3 or head[1] != kind.encode():
            self._end()
            raise GitError(
                "git cannot read the {} {}",
                kind,
                id,
                help=PARTIAL if self.partial() else "list the damaged objects with git fsck",
            )
        size = int(head[2])
        if size > most:
            self._end()  # do not read the rest
            raise UsageError("the {} {} has {:,} bytes; the maximum is {:,}", kind, id, size, most)
        content = answers.read(size + 1)
        if len(content) != size + 1:
            self._end()
            raise GitError("git ended before the end of the {} {}", kind, id, help="run git fsck")
        return content[:-1]

    def read_commit(self, id: str) -> Commit:
        """Return a commit. Raises `GitError`."""
        return parse_commit(id, self.object(id, "commit"))

    def parents(self, commit: Commit) -> tuple[str, ...]:
        """Return the parents of a commit. In a shallow clone, the oldest commits have none."""
        return tuple(self.run("rev-parse", f"{commit.id}^@").split()) if self.shallow else commit.parents

    def tree(self, id: str) -> dict[str, TreeEntry]:
        """Return the entries of a tree by name. Raises `GitError`."""
        found = self._trees.get(id)
        if found is None:
            found = parse_tree(id, self.object(id, "tree"))
            self._cached += len(found)
            while self._cached > MAX_CACHED and self._trees:
                self._cached -= len(self._trees.pop(next(iter(self._trees))))
            self._trees[id] = found
        return found

    def submodule(self, path: str) -> Repository:
        """Return the submodule at a path. Raises `GitError` if it is not checked out."""
        if path not in self._inside:
            folder = (self.root or self.folder) / path
            if not os.path.lexists(folder / ".git"):
                raise GitError("the submodule {} is not checked out", path, help="run git submodule update --init")
            self._inside[path] = Repository.open(folder)
        return self._inside[path]


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
