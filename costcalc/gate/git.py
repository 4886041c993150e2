"""Reads a git repository: commits, trees, blobs. Never a shell, a hook, a filter, the network, or the work tree.

One `git cat-file --batch` answers for every object; refs are resolved once, and object ids are used from then on.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, Self

from costcalc.errors import UsageError

if TYPE_CHECKING:
    from types import TracebackType

FETCH = "fetch the whole history: fetch-depth: 0 in actions/checkout, GIT_DEPTH: 0 in GitLab, or git fetch --unshallow"
MAX_OBJECT = 64 * 2**20
"""An object that is larger is not read: a spec has at most 16 MiB, and no folder of specs needs more than that."""
MAX_LINKS = 10

_KEPT = (
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)
"""What a user says about git as such. Every other GIT_* names a repository, or something to run, of somebody else's."""
_SAID = {
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
    *("-c", "protocol.allow=never"),
    *("-c", "log.showSignature=false"),
    *("-c", "diff.renameLimit=2000"),
)
"""Nothing in a repository's configuration can make git run a program here, or reach for a network."""


class Entry(NamedTuple):
    """What a path of a tree leads to."""

    mode: str
    id: str

    @property
    def kind(self) -> str:
        """`blob`, `tree`, `link` (a symlink) or `commit` (a submodule)."""
        return {"40000": "tree", "120000": "link", "160000": "commit"}.get(self.mode, "blob")


class Commit(NamedTuple):
    """A commit: its id, its tree's, those of its parents, when it was made (ISO 8601) and its subject."""

    id: str
    tree: str
    parents: tuple[str, ...]
    date: str
    subject: str


class GitError(UsageError):
    """A repository that cannot answer: it lacks an object that it should have, or a submodule is not there."""


def environment() -> dict[str, str]:
    """The environment that git runs in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    return {**kept, **_SAID}


def top(folder: Path) -> Path | None:
    """The folder at or above this one that holds a `.git`; None where there is none. Runs nothing.

    The folder's own name is kept as it was given, so that paths stay as their user knows them.
    """
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)


class Repository:
    """One repository. Use it in a `with`, as it holds a process."""

    def __init__(self, folder: Path) -> None:
        """The repository at or above a folder. Raises `UsageError` where there is none, or no git."""
        self.folder = folder
        inside, shallow = self.run("rev-parse", "--is-inside-work-tree", "--is-shallow-repository").split()
        self.shallow = shallow == "true"
        self.root = Path(self.run("rev-parse", "--show-toplevel").removesuffix("\n")) if inside == "true" else None
        self._process: subprocess.Popen[bytes] | None = None
        self._trees: dict[str, dict[str, Entry]] = {}
        self._inside: dict[str, Repository] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that answer for this repository and its submodules."""
        for inside in self._inside.values():
            inside.close()
        if self._process is not None:
            process, self._process = self._process, None
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # the process may have gone first
                    if pipe:
                        pipe.close()
            process.kill()  # it only reads; one that hangs would keep an interrupt waiting
            process.wait()

    # Questions to git

    def run(self, *arguments: str) -> str:
        """What git prints. Raises `UsageError` with the first line of what it says went wrong."""
        answer = self._answer(*arguments)
        if answer.returncode:
            raise self._failed(answer.stderr)
        return os.fsdecode(answer.stdout)

    def _answer(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self.folder), *_OPTIONS, *arguments]
        try:
            return subprocess.run(
                command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        except FileNotFoundError:
            raise UsageError(
                "there is no git here",
                help="install git; without it, costcalc check --base analysis.json compares with a file",
            ) from None
        except OSError as error:
            raise UsageError("git cannot be run: {}", error.strerror or error) from None

    def _failed(self, stderr: bytes) -> UsageError:
        said = os.fsdecode(stderr).strip()
        if "dubious ownership" in said:
            return UsageError(
                "git does not trust {}: it belongs to another user",
                self.folder,
                help=f"git config --global --add safe.directory {self.folder}",
            )
        if "not a git repository" in said:
            return UsageError(
                "{} is not in a git repository",
                self.folder,
                help="without git, costcalc check --base analysis.json compares with a file",
            )
        line = next((line for line in said.split("\n") if line.startswith(("fatal:", "error:"))), said[:300])
        return UsageError("git: {}", line.partition(":")[2].strip() or line or "failed without a word")

    def commit(self, ref: str) -> str:
        """The commit that a ref names. Raises `UsageError`."""
        if not ref or ref.startswith("-") or not ref.isprintable() or len(ref) > 1000:
            raise UsageError("{} cannot be a ref", repr(ref[:60]), help="a branch, a tag or a commit")
        for name in (ref, f"refs/remotes/origin/{ref}"):
            answer = self._answer("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            found = answer.stdout.decode().strip()
            if answer.returncode == 0 and found:
                return found
        raise UsageError("there is no ref {}", ref, help=FETCH if self.shallow else f"git fetch origin; {FETCH}")

    def merge_base(self, commit: str, name: str) -> str:
        """The commit from which HEAD and another one went apart. Raises `UsageError`."""
        answer = self._answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        head = answer.stdout.decode().strip()
        if answer.returncode or not head:
            raise UsageError("there is no commit yet, so nothing to compare with")
        answer = self._answer("merge-base", commit, head)
        found = answer.stdout.decode().strip()
        if answer.returncode == 0 and found:
            return found
        if answer.returncode > 1:
            raise self._failed(answer.stderr)
        if self.shallow:
            raise UsageError("this is a shallow clone without the merge base of {} and HEAD", name, help=FETCH)
        raise UsageError("{} and HEAD have no commit in common", name)

    def commits(self, paths: tuple[str, ...], start: str, since: str = "") -> list[str]:
        """The commits that changed any of the paths, the newest first; those of `since` and before it left out."""
        exclude = [f"^{since}"] if since else []
        return self.run("rev-list", "--topo-order", start, *exclude, "--", *paths).split()

    def renamed_from(self, commit: str, path: str) -> str:
        """What a commit renamed to this path, or nothing."""
        arguments = ("diff-tree", "-r", "-z", "-M", "--no-ext-diff", "--no-textconv", "--root", "--no-commit-id")
        words = iter(self.run(*arguments, "--diff-filter=R", "--name-status", commit).split("\0"))
        for status in words:
            if status.startswith("R"):
                old, new = next(words), next(words)
                if new == path:
                    return old
        return ""

    # Objects

    def object(self, id: str, kind: str) -> bytes:
        """The content of an object. Raises `GitError`."""
        if self._process is None:
            command = ["git", "-C", str(self.folder), *_OPTIONS, "cat-file", "--batch"]
            self._process = subprocess.Popen(
                command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests
        assert answers
        try:
            requests.write(id.encode() + b"\n")
            requests.flush()
            head = answers.readline().split()
        except OSError as error:
            raise GitError("git ended early: {}", error.strerror or error) from None
        if len(head) != 3 or head[1] != kind.encode():
            help = "a partial clone lacks what was filtered out: fetch without --filter" if head else "git fsck"
            raise GitError("git has no {} {}", kind, id, help=help)
        size = int(head[2])
        content = answers.read(min(size, MAX_OBJECT))
        left = size - len(content) + 1
        while left > 0 and (part := answers.read(min(left, 2**20))):
            left -= len(part)
        if size > MAX_OBJECT:
            raise UsageError("the {} {} has {:,} bytes, too much for a spec", kind, id, size)
        return content

    def read_commit(self, id: str) -> Commit:
        """A commit's own figures."""
        head, _, message = self.object(id, "commit").partition(b"\n\n")
        lines = [line.partition(b" ")[::2] for line in head.split(b"\n")]
        committer = next(value for name, value in lines if name == b"committer")
        tree = next(value for name, value in lines if name == b"tree").decode()
        parents = tuple([value.decode() for name, value in lines if name == b"parent"])
        return Commit(id, tree, parents, _iso(committer), message.partition(b"\n")[0].decode("utf-8", "replace"))

    def parents(self, commit: Commit) -> tuple[str, ...]:
        """The parents of a commit that are here: a shallow clone lacks those of its oldest commits."""
        return tuple(self.run("rev-parse", f"{commit.id}^@").split()) if self.shallow else commit.parents

    def tree(self, id: str) -> dict[str, Entry]:
        """The entries of one folder by name."""
        if id not in self._trees:
            content = self.object(id, "tree")
            width = len(id) // 2
            entries = {}
            at = 0
            while at < len(content):
                space = content.index(b" ", at)
                end = content.index(b"\0", space)
                name = os.fsdecode(content[space + 1 : end])
                entries[name] = Entry(content[at:space].decode(), content[end + 1 : end + 1 + width].hex())
                at = end + 1 + width
            self._trees[id] = entries
        return self._trees[id]

    def submodule(self, path: str) -> Repository:
        """The repository checked out at a path of this one."""
        if path not in self._inside:
            folder = (self.root or self.folder) / path
            if not os.path.lexists(folder / ".git"):
                raise GitError("the submodule {} is not checked out", path, help="git submodule update --init")
            self._inside[path] = Repository(folder)
        return self._inside[path]


class Found(NamedTuple):
    """What stands at a path of a snapshot, its path once symlinks are followed, and whose it is."""

    repository: Repository
    entry: Entry
    path: str


class Snapshot:
    """The files of a repository as they were at a commit; those of a submodule as that commit names it."""

    def __init__(self, repository: Repository, commit: str) -> None:
        self.repository = repository
        self.commit = commit
        self._root = Entry("40000", repository.read_commit(commit).tree)

    def find(self, path: str) -> Found | None:
        """What stands at a path, through symlinks that stay inside. None where nothing does."""
        parts = list(PurePosixPath(path).parts)
        for _ in range(MAX_LINKS):
            step = self._walk(parts)
            if not isinstance(step, list):
                return step
            parts = step
        return None

    def read(self, found: Found) -> bytes:
        """The content of a blob."""
        return found.repository.object(found.entry.id, "blob")

    def _walk(self, parts: list[str]) -> Found | list[str] | None:
        """What stands at a path, or the path that a symlink on the way leads to."""
        entry = self._root
        for index, name in enumerate(parts):
            if entry.kind != "tree":
                return None
            inner = self.repository.tree(entry.id).get(name)
            if inner is None:
                return None
            entry, rest = inner, parts[index + 1 :]
            if entry.kind == "link":
                return _joined(parts[:index], os.fsdecode(self.repository.object(entry.id, "blob")), rest)
            if entry.kind == "commit":
                return self._within("/".join(parts[: index + 1]), entry.id, "/".join(rest))
        return Found(self.repository, entry, "/".join(parts))

    def _within(self, submodule: str, commit: str, path: str) -> Found | None:
        inside = self.repository.submodule(submodule)
        try:
            found = Snapshot(inside, commit).find(path)
        except GitError:
            raise GitError(
                "the submodule {} lacks its commit {}",
                submodule,
                commit,
                help=f"git submodule update --init; in a shallow one, git -C {submodule} fetch --unshallow",
            ) from None
        return found and found._replace(path=f"{submodule}/{found.path}")

    def files(self, folder: str = "") -> dict[str, Entry]:
        """Every file below a folder, by its path from the root. Neither symlinks nor submodules are followed."""
        found = self.find(folder)
        if found is None or found.entry.kind != "tree" or found.repository is not self.repository:
            return {}
        files: dict[str, Entry] = {}
        stack = [(f"{folder}/" if folder else "", found.entry.id)]
        while stack:
            prefix, id = stack.pop()
            for name, entry in self.repository.tree(id).items():
                if entry.kind == "tree":
                    stack.append((f"{prefix}{name}/", entry.id))
                elif entry.kind == "blob":
                    files[prefix + name] = entry
        return files


def _joined(folder: list[str], target: str, rest: list[str]) -> list[str] | None:
    """Where a symlink in a folder leads; None where that is out of the repository."""
    if target.startswith("/"):
        return None
    parts = list(folder)
    for part in (*PurePosixPath(target).parts, *rest):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return parts


def _iso(committer: bytes) -> str:
    """When a commit was made, from the end of its line: seconds since 1970, and the offset of the place from UTC.

    >>> _iso(b"A <a@example.org> 1700000000 +0130")
    '2023-11-14T23:43:20+01:30'
    """
    from datetime import UTC, datetime, timedelta, timezone

    try:
        seconds, offset = map(int, committer.rsplit(b" ", 2)[-2:])
        minutes = abs(offset) // 100 * 60 + abs(offset) % 100
        zone = timezone(timedelta(minutes=minutes if offset > 0 else -minutes))
        return datetime.fromtimestamp(seconds, zone).isoformat()
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC).isoformat()  # a commit whose date no calendar knows


def blob_id(content: bytes, like: str) -> str:
    """The id that git gives to a file's content, by the same hash as another id.

    >>> blob_id(b"", "0" * 40)
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    import hashlib

    algorithm = hashlib.sha1 if len(like) == 40 else hashlib.sha256  # git's own naming of objects, not a safeguard
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()
