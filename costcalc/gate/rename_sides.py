"""The two sides of a rename: files of a commit and files of the work tree."""

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
    """Return a spec of the work tree; None if it is too large or cannot be read.

    `path` is relative to the root of the repository, `name` is the name of the spec, `like` any object id of it.
    """
    from costcalc.lang.files import MAX_BYTES
    from costcalc.lang.loader import open_spec

    try:
        if file.stat().st_size > MAX_BYTES:
            return None
        content = file.read_bytes()
    except OSError:
        return None  # the error is reported when the spec is read
    ids = [blob_id(content, like), blob_id(content.replace(b"\r\n", b"\n"), like)]
    build = partial(_built, partial(open_spec, name), cache)
    return File(path=path, ids=list(dict.fromkeys(ids)), text=partial(_text, file), analysis=build)


def snapshot_file(library: SnapshotLibrary, path: str, found: Found, cache: AnalysisCache) -> File:
    """Return a file of a snapshot."""
    build = partial(_built, partial(at_commit, library, path), cache)
    return File(path=path, ids=(found.entry.id,), text=partial(_blob_text, found), analysis=build)


def _built(read: Callable[[], Spec | CostcalcError | None], cache: AnalysisCache) -> Analysis | None:
    """Return the analysis of a spec; None if it does not exist or is not valid. Raises `GitError`."""
    try:
        spec = read()
        return None if spec is None or isinstance(spec, CostcalcError) else cache.analysis(spec, {})
    except GitError:
        raise
    except CostcalcError:
        return None


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _blob_text(found: Found) -> str:
    """Return the text of a blob; an empty text if it is larger than any spec. Raises `GitError`."""
    try:
        return found.snapshot.read(found).decode("utf-8", "replace")
    except GitError:
        raise
    except UsageError:
        return ""
