"""Files of a commit and of the work tree, as the two sides of a rename."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError, UsageError
from costcalc.gate.git_objects import GitError, blob_id
from costcalc.gate.git_snapshot import at_commit
from costcalc.gate.renames import File

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.git_snapshot import Found, SnapshotLibrary
    from costcalc.lang.spec import Spec
    from costcalc.model import Analysis

SUFFIXES = (".yaml", ".yml")


def work_file(path: str, file: Path, name: str, like: str, cache: AnalysisCache) -> File | None:
    """A spec of the work tree; None where it is too large for one, or cannot be read.

    `path` is from the root of the repository, `name` is what the spec is called, `like` any id of an object there.
    """
    from costcalc.lang.files import MAX_BYTES
    from costcalc.lang.loader import open_spec

    try:
        if file.stat().st_size > MAX_BYTES:
            return None
        content = file.read_bytes()
    except OSError:
        return None  # reading it as a spec says so
    ids = [blob_id(content, like), blob_id(content.replace(b"\r\n", b"\n"), like)]
    return File(path, list(dict.fromkeys(ids)), partial(_text, file), partial(_built, partial(open_spec, name), cache))


def snapshot_file(library: SnapshotLibrary, path: str, found: Found, cache: AnalysisCache) -> File:
    """A file of a snapshot."""
    build = partial(_built, partial(at_commit, library, path), cache)
    return File(path, (found.entry.id,), partial(_text_then, found), build)


def _built(read: Callable[[], Spec | CostcalcError | None], cache: AnalysisCache) -> Analysis | None:
    """The analysis of a spec; None where there is no spec, or no network. Raises `GitError`."""
    try:
        spec = read()
        return None if spec is None or isinstance(spec, CostcalcError) else cache.analysis(spec, {})
    except GitError:
        raise
    except CostcalcError:
        return None


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _text_then(found: Found) -> str:
    """The text of a blob; nothing where it is larger than any spec. Raises `GitError`."""
    try:
        return found.snapshot.read(found).decode("utf-8", "replace")
    except GitError:
        raise
    except UsageError:
        return ""
