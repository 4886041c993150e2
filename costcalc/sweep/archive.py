"""A sweep as an NPZ archive of numpy arrays, written with a small, constant amount of memory."""

from __future__ import annotations

import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from costcalc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from costcalc.sweep.axis import Axis
    from costcalc.sweep.run import Rows
    from costcalc.sweep.session import Array

PIECE = 1 << 16


class Archive:
    """Collects arrays in temporary files, and writes them to an archive.

    The archive of a whole grid has the values of each axis, an array in the shape of the grid for each metric, with -1
    for invalid points (int64; float64 for `intensity`), and the mask `invalid`. The archive of selected points has the
    values of each axis and the metrics as columns, and `position`, the index of each point in the grid.
    """

    def __init__(self, folder: Path, axes: Sequence[Axis], metrics: Sequence[str], *, whole: bool) -> None:
        self.folder = folder
        self.axes = axes
        self.metrics = metrics
        self.whole = whole
        self.rows = 0
        self.dtypes: dict[str, np.dtype[Any]] = {
            name: np.dtype(np.float64 if name == "intensity" else np.int64) for name in metrics
        }
        self.dtypes |= {"invalid": np.dtype(bool)} if whole else {"position": np.dtype(np.int64)}
        self.dtypes |= {axis.name: np.dtype(axis.dtype) for axis in axes}

    def add(self, rows: Rows) -> None:
        """Append rows. Raises `UsageError` for a value beyond int64."""
        for name in self.metrics:
            if rows.figures[name].dtype.kind == "O":
                raise UsageError("cannot write {} to npz: a value is above 2^63", name, help="use csv or json")
            self._append(name, rows.figures[name])
        if self.whole:
            self._append("invalid", np.array([bool(reason) for reason in rows.invalid], bool))
        else:
            self._append("position", rows.positions)
            for axis, values in zip(self.axes, rows.values, strict=True):
                self._append(axis.name, _array(values.tolist(), self.dtypes[axis.name]))
        self.rows += len(rows.positions)

    def _append(self, name: str, values: Array) -> None:
        with self._file(name).open("ab") as stream:
            stream.write(np.ascontiguousarray(values, self.dtypes[name]).tobytes())

    def _file(self, name: str) -> Path:
        return self.folder / f"{list(self.dtypes).index(name)}.raw"

    def write(self, stream: IO[bytes], points: int) -> None:
        """Write the archive of all rows. The arrays of an incomplete grid are flat and contain its first points."""
        shape = tuple([axis.size for axis in self.axes]) if self.whole and self.rows == points else (self.rows,)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            if self.whole:
                for axis in self.axes:
                    starts = range(0, axis.size, PIECE)
                    pieces = (axis.between(start, min(start + PIECE, axis.size)) for start in starts)
                    self._entry(archive, axis.name, (axis.size,), self._encoded(axis.name, pieces))
            else:
                for axis in self.axes:
                    self._entry(archive, axis.name, shape, self._stored(axis.name))
            for name in (*self.metrics, "invalid" if self.whole else "position"):
                self._entry(archive, name, shape, self._stored(name))

    def _entry(
        self, archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], content: Callable[[], Iterable[bytes]]
    ) -> None:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
            described = {"descr": self.dtypes[name].str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(entry, described)
            for piece in content():
                entry.write(piece)

    def _encoded(self, name: str, pieces: Iterable[list[Any]]) -> Callable[[], Iterable[bytes]]:
        return lambda: (_array(piece, self.dtypes[name]).tobytes() for piece in pieces)

    def _stored(self, name: str) -> Callable[[], Iterable[bytes]]:
        def pieces() -> Iterable[bytes]:
            if self._file(name).exists():
                with self._file(name).open("rb") as stream:
                    while piece := stream.read(1 << 20):
                        yield piece

        return pieces


def _array(values: list[Any], dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "U":
        return np.array([str(list(value) if isinstance(value, tuple) else value) for value in values], dtype)
    return np.array(values, dtype)
