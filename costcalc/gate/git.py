"""Asks git about a repository. Never a shell, a hook, a filter, the network, or the work tree.

One `git cat-file --batch` answers for every object; refs are resolved once, and object ids are used from then on.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from costcalc.errors import UsageError
from costcalc.gate.git_objects import Commit, Entry, GitError, parse_commit, parse_tree
from costcalc.gate.git_refs import parse_ref

if TYPE_CHECKING:
    from types import TracebackType

    from costcalc.gate.git_refs import Ref

FETCH = "fetch the whole history: fetch-depth: 0 in actions/checkout, GIT_DEPTH: 0 in GitLab, or git fetch --unshallow"
PARTIAL = "a partial clone lacks what was filtered out: clone without --filter, or git fetch --refetch --no-filter"
MAX_OBJECT = 16 * 2**20
"""Bytes of the largest object that is read: the largest spec."""
MAX_CACHED = 200_000
"""Entries of trees that are kept, so that a repository of any size takes bounded memory."""
SECONDS = 300
"""How long git may take over one question. None takes a second in a usual repository."""

_KEPT = (
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)
"""What a user says about git as such. Every other GIT_* names a repository, or something to run, of somebody else's."""
_SAID = {
    "GIT_ALLOW_PROTOCOL": "",  # no protocol at all, whatever protocol.NAME.allow says in a repository
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
"""Nothing in a repository's configuration can make git run a program here, or reach for a network."""


def program() -> str:
    """The path of git. Raises `UsageError` where there is none.

    Only absolute folders of PATH count: the working folder holds what a pull request wrote, and may hold a `git` too.
    """
    name = "git.exe" if os.name == "nt" else "git"
    for folder in filter(os.path.isabs, os.get_exec_path()):
        path = os.path.join(folder, name)  # noqa: PTH118
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    raise UsageError(
        "there is no git here",
        help="install git; without it, costcalc check --base analysis.json compares with a file",
    )


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
        """The repository whose `.git` is at or above a folder. Raises `UsageError` where there is none, or no git.

        git is run in the folder that holds the `.git`. Below it, git would take a folder with the files of a bare
        repository for one; a pull request can add such a folder, with a base and a configuration of its own. Only where
        there is no `.git` at all is a bare repository one, and it never has a work tree.
        """
        holder = top(folder)
        self.folder = holder or folder
        self._safe = ("-c", "safe.bareRepository=explicit") if holder else ()
        facts = self.run("rev-parse", "--is-shallow-repository", "--absolute-git-dir").split("\n")
        self.shallow = facts[0] == "true"
        self.root = self._work_tree(holder, Path(facts[1])) if holder else None
        self.notices: list[str] = []
        """What a reader should know about how refs were understood."""
        self._process: subprocess.Popen[bytes] | None = None
        self._trees: dict[str, dict[str, Entry]] = {}
        self._cached = 0
        self._inside: dict[str, Repository] = {}

    def _work_tree(self, holder: Path, git_dir: Path) -> Path | None:
        """The folder that holds the `.git`, without symlinks; None of a bare repository.

        Raises `UsageError` where git takes another repository or another folder than that.
        """
        lead = holder / ".git"
        if lead.is_file():
            try:
                lead = holder / lead.read_text(encoding="utf-8", errors="surrogateescape")[8:].rstrip("\r\n")
            except OSError as error:
                raise UsageError("cannot read {}: {}", lead, error.strerror or error) from None
        answer = self._answer("rev-parse", "--show-toplevel")
        root = Path(os.fsdecode(answer.stdout).removesuffix("\n")) if answer.returncode == 0 else None
        if not _same_folder(lead, git_dir) or (root and not _same_folder(root, holder)):
            raise UsageError(
                "{} holds a .git, but git takes {} for the repository, with the work tree {}",
                holder,
                git_dir,
                root or "none",
                help="remove the .git if it is not a repository, or core.worktree if it names another folder",
            )
        return root

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
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # the process may have gone first
                    if pipe:
                        pipe.close()
            process.kill()  # it only reads; one that hangs, or is amid a large object, would keep everybody waiting
            process.wait()

    # Questions to git

    def run(self, *arguments: str) -> str:
        """What git prints. Raises `UsageError` with the first line of what it says went wrong."""
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
        help = PARTIAL if self.partial() else ""
        return UsageError("git: {}", line.partition(":")[2].strip() or line or "failed without a message", help=help)

    def partial(self) -> bool:
        """Whether this is a partial clone, which lacks objects that it would fetch when they are needed."""
        answer = self._answer("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$")
        return answer.returncode == 0

    def commit(self, text: str) -> str:
        """The commit that a ref names. Raises `UsageError`."""
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
                raise UsageError("git cannot follow the ref {}", text, help=PARTIAL)
        raise UsageError("there is no ref {}", text, help=FETCH if self.shallow else f"git fetch origin; {FETCH}")

    def _object_of(self, ref: Ref) -> str:
        """The object that a ref's name stands for, without its suffix; nothing where there is none."""
        if ref.is_head or ref.is_full_hash:
            return ref.name
        said = self.run("for-each-ref", "--format=%(objectname) %(refname)", *ref.candidates)
        known = {name: id for id, _, name in (line.partition(" ") for line in said.split("\n"))}
        branch, tag = (known.get(f"refs/{kind}/{ref.name}") for kind in ("heads", "tags"))
        if branch and tag and branch != tag:
            self.notices.append(
                f"{ref.name} is a branch and a tag: the branch is used, and refs/tags/{ref.name} would be the tag"
            )
        found = next((known[name] for name in ref.candidates if name in known), "")
        return found or (ref.name if ref.is_hash else "")

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

    # Objects

    def object(self, id: str, kind: str) -> bytes:
        """The content of an object. Raises `GitError`."""
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
            raise GitError("git ended early: {}", error.strerror or error) from None
        if len(head) != 3 or head[1] != kind.encode():
            self._end()
            raise GitError(
                "git has no {} {}", kind, id, help=PARTIAL if self.partial() else "git fsck lists the damaged objects"
            )
        size = int(head[2])
        if size > MAX_OBJECT:
            self._end()  # rather than read what may be very much
            raise UsageError("the {} {} has {:,} bytes, too much for a spec", kind, id, size)
        content = answers.read(size + 1)
        if len(content) != size + 1:
            self._end()
            raise GitError("git ended before the end of the {} {}", kind, id, help="git fsck")
        return content[:-1]

    def read_commit(self, id: str) -> Commit:
        """A commit's own figures. Raises `GitError`."""
        return parse_commit(id, self.object(id, "commit"))

    def parents(self, commit: Commit) -> tuple[str, ...]:
        """The parents of a commit that are here: a shallow clone lacks those of its oldest commits."""
        return tuple(self.run("rev-parse", f"{commit.id}^@").split()) if self.shallow else commit.parents

    def tree(self, id: str) -> dict[str, Entry]:
        """The entries of one folder by name. Raises `GitError`."""
        found = self._trees.get(id)
        if found is None:
            found = parse_tree(id, self.object(id, "tree"))
            self._cached += len(found)
            while self._cached > MAX_CACHED and self._trees:
                self._cached -= len(self._trees.pop(next(iter(self._trees))))
            self._trees[id] = found
        return found

    def submodule(self, path: str) -> Repository:
        """The repository checked out at a path of this one. Raises `GitError` where there is none."""
        if path not in self._inside:
            folder = (self.root or self.folder) / path
            if not os.path.lexists(folder / ".git"):
                raise GitError("the submodule {} is not checked out", path, help="git submodule update --init")
            self._inside[path] = Repository(folder)
        return self._inside[path]


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
