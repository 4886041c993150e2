"""Output files: all of a run are replaced, or none; a symlink is never followed.

An output path may stand in a folder that somebody else filled, such as the checkout of a pull request. So no path is
opened as a whole: its folders are opened one after the other, each relative to the one before, and the file is written
under a random name in the last of them and renamed. What is put in the way meanwhile is replaced, or refused, but never
followed. Windows has no such calls: there only the file itself is looked at.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager, suppress
from errno import EISDIR, ELOOP
from typing import IO, TYPE_CHECKING, Self

from costcalc.cli.interrupts import deferred
from costcalc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_RELATIVE = os.open in os.supports_dir_fd
"""Whether the system opens files relative to an open folder."""
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_WRITE = os.O_WRONLY | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
"""A folder as a place to start from; where the system has O_PATH, one that may be entered but not listed too."""
_MOST_LINKS = 40
_DESCRIPTOR = re.compile(r"/dev/(?:fd/(\d{1,9})|(stdout)|(stderr))")


class OutputFiles:
    """The files that a run writes. Use it in a `with`: what is not committed by its end is discarded."""

    def __init__(self) -> None:
        self._files: list[_OutputFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def open(self, path: str, *, new: bool = False) -> IO[bytes]:
        """A stream for the content of a file, which stays as it was until `commit`.

        A character device (`/dev/null`) and an open descriptor (`/dev/stderr`, `/dev/fd/3`) are written to at once.
        With `new` there must be nothing at the path, and the file is begun there. Raises `UsageError`.
        """
        with cannot_write(path), deferred():
            file = _OutputFile(path, new=new)
            self._files.append(file)
        return file.stream

    def write(self, path: str, content: str | bytes, *, new: bool = False) -> None:
        """Write all of a file. Raises `UsageError`."""
        stream = self.open(path, new=new)
        with cannot_write(path):
            stream.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
            stream.flush()

    def commit(self) -> None:
        """Replace every file, after all of them are on the disk. On an error the old ones are put back.

        Each file is replaced at once. Several are replaced one after the other: another process may see some new and
        some old for that moment, and they stay so where the machine stops or the process is killed by SIGKILL then.
        Raises `UsageError`.
        """
        for file in self._files:
            with cannot_write(file.path):
                file.close()
        several = len(self._files) > 1
        with deferred():
            try:
                for file in self._files:
                    with cannot_write(file.path):
                        file.replace(keep=several)
            except BaseException:
                for file in [file for file in self._files if not file.put_back()]:
                    raise UsageError("cannot put the old {} back: it is kept as {}", file.path, file.old) from None
                raise
            for file in self._files:
                file.finish()
            self._files.clear()

    def discard(self) -> None:
        """Leave every file that is not committed as it was."""
        with deferred():
            for file in self._files:
                file.discard()
            self._files.clear()


@contextmanager
def cannot_write(path: str) -> Iterator[None]:
    """Errors of the system as `UsageError`, with the reason. A closed pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError("cannot write {}: {}", path or "standard output", error.strerror or error) from None


class _OutputFile:
    """One file: a stream to a new one beside it, or to what is no file and is written to as it is."""

    def __init__(self, path: str, *, new: bool) -> None:
        self.path = path
        self.folder: _Folder | None = None
        self.temporary = ""
        """The name of what becomes the file; none where nothing is renamed."""
        self.unfinished = ""
        """What `discard` removes."""
        self.old = ""
        """The name that the old file has until all new ones are in their places."""
        self.replaced = False
        named = _DESCRIPTOR.fullmatch(path)
        if named:
            descriptor = os.dup(int(named[1]) if named[1] else 1 if named[2] else 2)
        else:
            head, self.name = os.path.split(path)
            if self.name in ("", os.curdir, os.pardir):
                raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
            self.folder = _Folder(head)
            try:
                descriptor = self._created() if new else self._beside(self.folder)
            except BaseException:
                if self.unfinished:
                    self.folder.remove(self.unfinished)
                self.folder.close()
                raise
        self.stream: IO[bytes] = os.fdopen(descriptor, "wb")

    def _created(self) -> int:
        assert self.folder
        descriptor = self.folder.open(self.name, _WRITE | os.O_CREAT | os.O_EXCL)
        self.unfinished = self.name
        return descriptor

    def _beside(self, folder: _Folder) -> int:
        """A new file in the same folder; or the device that is there. Raises `UsageError` for any other thing."""
        there = folder.stat(self.name)
        mode = there.st_mode if there else stat.S_IFREG
        if stat.S_ISLNK(mode):
            raise UsageError(
                "cannot write {}: it is a symlink to {}",
                self.path,
                folder.link(self.name),
                help="a symlink is not followed: name the file itself, or remove the symlink",
            )
        if stat.S_ISCHR(mode):
            return folder.open(self.name, _WRITE | getattr(os, "O_NOCTTY", 0))
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if not stat.S_ISREG(mode):
            kind = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(mode), "a device")
            raise UsageError(
                "cannot write {}: it is {}",
                self.path,
                kind,
                help="-o FORMAT to standard output, or -o FORMAT=/dev/fd/N, writes to a pipe",
            )
        if there:
            os.close(folder.open(self.name, _WRITE))  # raises where the file may not be written
        temporary = _random_name()
        # What replaces a file has its mode. The mode of a new one follows the umask, which the system applies.
        descriptor = folder.open(temporary, _WRITE | os.O_CREAT | os.O_EXCL, 0o600 if there else 0o666)
        self.temporary = self.unfinished = temporary
        if there and hasattr(os, "fchmod"):
            os.fchmod(descriptor, stat.S_IMODE(mode) & 0o777)
        return descriptor

    def close(self) -> None:
        """All of the content is on the disk, or with the device, when this returns."""
        self.stream.flush()
        if self.unfinished:
            os.fsync(self.stream.fileno())
        self.stream.close()

    def replace(self, *, keep: bool) -> None:
        """Put the new file in its place. With `keep`, the old one gets another name."""
        if self.folder is None or not self.temporary:
            return
        if keep and self.folder.stat(self.name):
            old = _random_name()
            self.folder.keep(self.name, old)
            self.old = old
        self.folder.rename(self.temporary, self.name)
        self.replaced = True
        self.unfinished = ""

    def put_back(self) -> bool:
        """Give the old file its place again, or leave none where there was none. Returns whether the system did it."""
        if self.folder is not None:
            try:
                if self.old:
                    self.folder.rename(self.old, self.name)
                    self.folder.remove(self.old)  # two names of one file are not renamed to each other
                elif self.replaced:
                    self.folder.remove(self.name)
            except OSError:
                return False
        return True

    def finish(self) -> None:
        """Forget the old file."""
        if self.folder is not None:
            if self.old:
                self.folder.remove(self.old)
            self.folder.close()

    def discard(self) -> None:
        """Remove what is unfinished."""
        with suppress(OSError):  # what the disk or the device did not take is not wanted any more
            self.stream.close()
        if self.folder is not None:
            if self.unfinished:
                self.folder.remove(self.unfinished)
            self.folder.close()


class _Folder:
    """An open folder. Its entries are named relative to it: nothing can come between."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = _enter(path) if _RELATIVE else None

    def _named(self, name: str) -> str:
        return name if _RELATIVE else os.path.join(self._path, name)  # noqa: PTH118 - no pathlib for one file

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """A descriptor of an entry."""
        return os.open(self._named(name), flags, mode, dir_fd=self._descriptor)

    def stat(self, name: str) -> os.stat_result | None:
        """What stands there, a symlink as such; None where nothing does."""
        try:
            return os.stat(self._named(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def link(self, name: str) -> str:
        """Where a symlink leads."""
        return os.readlink(self._named(name), dir_fd=self._descriptor)

    def keep(self, name: str, other: str) -> None:
        """Give a file a second name; where the file system has no hard links, another one."""
        try:
            os.link(
                self._named(name),
                self._named(other),
                src_dir_fd=self._descriptor,
                dst_dir_fd=self._descriptor,
                follow_symlinks=False,
            )
        except (OSError, NotImplementedError):
            self.rename(name, other)

    def rename(self, name: str, other: str) -> None:
        """Rename an entry, in place of what has the other name."""
        os.replace(self._named(name), self._named(other), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove an entry, where it is still there."""
        with suppress(FileNotFoundError):
            os.unlink(self._named(name), dir_fd=self._descriptor)

    def close(self) -> None:
        """No entry is reached any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _enter(path: str) -> int:
    """A descriptor of a folder, entered step by step. Raises `UsageError` at a symlink that leads out of its folder."""
    current = os.open("/" if path.startswith("/") else ".", _FOLDER)
    steps = path.split("/")[::-1]
    links = 0
    try:
        while steps:
            step = steps.pop()
            if step in ("", "."):
                continue
            try:
                inner = os.open(step, _FOLDER | _NOFOLLOW, dir_fd=current)
            except OSError:
                target = _target(step, current)
                if target is None:
                    raise
                if _of_the_system(step, current):
                    inner = os.open(step, _FOLDER, dir_fd=current)
                elif target.startswith("/") or ".." in target.split("/"):
                    raise UsageError(
                        "cannot write below {}: {} is a symlink that leads out of its folder, to {}",
                        path,
                        step,
                        target,
                        help="name the folder that it leads to",
                    ) from None
                else:
                    links += 1
                    if links > _MOST_LINKS:
                        raise OSError(ELOOP, os.strerror(ELOOP)) from None
                    steps += target.split("/")[::-1]
                    continue
            os.close(current)
            current = inner
    except BaseException:
        os.close(current)
        raise
    return current


def _target(name: str, folder: int) -> str | None:
    """Where a symlink leads; None where it is none."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None


def _of_the_system(link: str, folder: int) -> bool:
    """Whether a symlink is root's, in a folder that this user cannot change: no checkout of this user's put it there.

    `/var/run` and `/home/user` are often such symlinks. Root may change every folder, so it has to name the place.
    """
    owner = os.stat(link, dir_fd=folder, follow_symlinks=False).st_uid
    return owner == 0 != os.geteuid() and not os.access(".", os.W_OK, dir_fd=folder)


def _random_name() -> str:
    """A name that no other process has, whatever its process id is called in its own namespace."""
    return f".costcalc-{os.urandom(8).hex()}.tmp"
