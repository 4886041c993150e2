"""Output files. A run replaces all of its files or none, and never follows a symlink.

An output path may be in an untrusted folder, such as the checkout of a pull request. Therefore the folders of the path
are opened one by one, each relative to the previous one, and the file is written under a random name in the last folder
and renamed. A symlink that another process creates meanwhile is replaced or rejected, never followed. Windows does not
support this: there only the file itself is checked.
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
from costcalc.report.formats import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costcalc.report.formats import Text

_RELATIVE = os.open in os.supports_dir_fd
"""Whether the system can open files relative to an open folder."""
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_WRITE = os.O_WRONLY | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
"""Flags to open a folder. O_PATH, where it exists, requires no permission to list the folder."""
_MOST_LINKS = 40
_DESCRIPTOR = re.compile(r"/dev/(?:fd/(\d{1,9})|(stdout)|(stderr))")


class OutputFiles:
    """The output files of a run. Use it in a `with` statement: files not committed at its end are discarded."""

    def __init__(self) -> None:
        self._files: list[_OutputFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def open(self, path: str, *, new: bool = False) -> IO[bytes]:
        """Open a stream for the new content of a file. The file does not change until `commit`.

        Character devices (`/dev/null`) and open descriptors (`/dev/stderr`, `/dev/fd/3`) are written to directly. With
        `new`, the path must not exist, and the file is created there directly. Raises `UsageError`.
        """
        with cannot_write(path), deferred():
            file = _OutputFile(path, new=new)
            self._files.append(file)
        return file.stream

    def write(self, path: str, content: Text, *, new: bool = False) -> None:
        """Write the content of a file. Raises `UsageError`."""
        stream = self.open(path, new=new)
        for piece in pieces(content):
            with cannot_write(path):
                stream.write(piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace"))
        with cannot_write(path):
            stream.flush()

    def commit(self) -> None:
        """Replace all files, after the new ones are on the disk. Restore the old files after an error.

        Replacing one file is atomic. Several files are replaced one after the other: during that time, other processes
        may see new and old files together, and if the machine stops or SIGKILL ends the process, they stay that way.
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
                for file in [file for file in self._files if not file.restore()]:
                    raise UsageError("cannot restore {}: the old file is now {}", file.path, file.old) from None
                raise
            for file in self._files:
                file.finish()
            self._files.clear()

    def discard(self) -> None:
        """Discard the new content of files that are not committed."""
        with deferred():
            for file in self._files:
                file.discard()
            self._files.clear()


@contextmanager
def cannot_write(path: str) -> Iterator[None]:
    """Convert an `OSError` in the block to `UsageError`, except `BrokenPipeError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError("cannot write {}: {}", path or "standard output", error.strerror or error) from None


class _OutputFile:
    """One output: a stream to a temporary file in the same folder, or to a device or descriptor."""

    def __init__(self, path: str, *, new: bool) -> None:
        self.path = path
        self.folder: _Folder | None = None
        self.temporary = ""
        """The name of the temporary file. Empty if nothing is renamed."""
        self.unfinished = ""
        """The name of the file that `discard` removes."""
        self.old = ""
        """The name of the old file until all files are replaced."""
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
        """Open a temporary file in the same folder, or the device at the path. Raises `UsageError` for other types."""
        existing = folder.stat(self.name)
        mode = existing.st_mode if existing else stat.S_IFREG
        if stat.S_ISLNK(mode):
            raise UsageError(
                "cannot write {}: it is a symlink to {}",
                self.path,
                folder.link(self.name),
                help="write the path of the file itself, or remove the symlink",
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
                help="to write to a pipe, use standard output (-o FORMAT), or -o FORMAT=/dev/fd/N",
            )
        if existing:
            os.close(folder.open(self.name, _WRITE))  # fails without permission to write the file
        temporary = _random_name()
        # A replaced file keeps its mode. A new one gets its mode from the umask, which the system applies.
        descriptor = folder.open(temporary, _WRITE | os.O_CREAT | os.O_EXCL, 0o600 if existing else 0o666)
        self.temporary = self.unfinished = temporary
        if existing and hasattr(os, "fchmod"):
            os.fchmod(descriptor, stat.S_IMODE(mode) & 0o777)
        return descriptor

    def close(self) -> None:
        """Write all of the content to the disk or the device, and close the stream."""
        self.stream.flush()
        if self.unfinished:
            os.fsync(self.stream.fileno())
        self.stream.close()

    def replace(self, *, keep: bool) -> None:
        """Rename the new file to its path. With `keep`, keep the old file under another name."""
        if self.folder is None or not self.temporary:
            return
        if keep and self.folder.stat(self.name):
            old = _random_name()
            self.folder.keep(self.name, old)
            self.old = old
        self.folder.rename(self.temporary, self.name)
        self.replaced = True
        self.unfinished = ""

    def restore(self) -> bool:
        """Restore the old file, or remove the new one if there was no old file. Return whether this succeeded."""
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
        """Remove the old file."""
        if self.folder is not None:
            if self.old:
                self.folder.remove(self.old)
            self.folder.close()

    def discard(self) -> None:
        """Remove the unfinished file."""
        with suppress(OSError):  # content that the disk or the device could not take is discarded anyway
            self.stream.close()
        if self.folder is not None:
            if self.unfinished:
                self.folder.remove(self.unfinished)
            self.folder.close()


class _Folder:
    """An open folder. Its entries are opened relative to it, so changes of the path have no effect."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = _enter(path) if _RELATIVE else None

    def _named(self, name: str) -> str:
        return name if _RELATIVE else os.path.join(self._path, name)  # noqa: PTH118 - no pathlib for one file

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open an entry and return its descriptor."""
        return os.open(self._named(name), flags, mode, dir_fd=self._descriptor)

    def stat(self, name: str) -> os.stat_result | None:
        """Return the status of an entry without following symlinks, or None if it does not exist."""
        try:
            return os.stat(self._named(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def link(self, name: str) -> str:
        """Return the target of a symlink."""
        return os.readlink(self._named(name), dir_fd=self._descriptor)

    def keep(self, name: str, other: str) -> None:
        """Add a hard link to a file. Rename the file if the file system does not support hard links."""
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
        """Rename an entry, and replace the entry with the other name."""
        os.replace(self._named(name), self._named(other), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove an entry if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._named(name), dir_fd=self._descriptor)

    def close(self) -> None:
        """Close the descriptor of the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _enter(path: str) -> int:
    """Open a folder step by step, and return its descriptor.

    Raises `UsageError` for a symlink to a target outside its folder.
    """
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
                        "cannot write in {}: {} is a symlink to {}, outside its folder",
                        path,
                        step,
                        target,
                        help="write the path of the target",
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
    """Return the target of a symlink, or None for another type of entry."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None


def _of_the_system(link: str, folder: int) -> bool:
    """Return whether root owns a symlink and this user cannot change its folder, so that no checkout created it.

    `/var/run` and `/home/user` are often such symlinks. Root can change every folder, so this is never true for root.
    """
    owner = os.stat(link, dir_fd=folder, follow_symlinks=False).st_uid
    return owner == 0 != os.geteuid() and not os.access(".", os.W_OK, dir_fd=folder)


def _random_name() -> str:
    """Return a unique name. A process id would not be unique across namespaces."""
    return f".costcalc-{os.urandom(8).hex()}.tmp"
