"""Opens model files that are not text: ONNX models and archives of Keras."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from costcalc.errors import UsageError

if TYPE_CHECKING:
    from costcalc.errors import Source

BINARY = (".onnx", ".keras")
"""The suffixes of these files."""


def read_model(path: str) -> Source:
    """Read a model from a regular file. Raises `UsageError` and `SpecError`."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise UsageError("{} is not a regular file", path)
        if path.endswith(".onnx"):
            from costcalc.onnx.files import read_model

            return read_model(path)
        from costcalc.translate.keras import config_source

        with open(path, "rb") as file:  # noqa: PTH123
            return config_source(file, path)
    except (OSError, ValueError) as error:
        raise UsageError("cannot read {}: {}", path, getattr(error, "strerror", None) or error) from None


def decode_model(data: bytes, name: str) -> Source:
    """Return the source of a model in memory. Raises `SpecError`."""
    if name.endswith(".onnx"):
        from costcalc.onnx.files import decode_model

        return decode_model(data, name)
    import io

    from costcalc.translate.keras import config_source

    return config_source(io.BytesIO(data), name)
