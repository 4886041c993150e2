"""Networks in the text formats of other tools, translated to specs.

A translator returns the text of a spec in which each layer stands on the line where the original has it. So every
command, parameter and limit of specs works for these files, and a message names the right line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.errors import Source

SUFFIXES = {".cfg": "darknet", ".prototxt": "caffe", ".keras": "keras"}
"""The formats that a file has by its suffix, and their modules."""


def is_yaml(name: str) -> bool:
    """Return whether a file is a spec in YAML, by its name, and not a file of another tool."""
    return not name.endswith((*SUFFIXES, ".onnx"))


def translated(source: Source) -> Source:
    """Return the spec of a file of another tool, or the source itself if it is a spec. Raises `SpecError`."""
    if source.bundled:
        return source
    format = next((module for suffix, module in SUFFIXES.items() if source.name.endswith(suffix)), "")
    if not format:
        return source
    from importlib import import_module

    spec: Source = import_module(f"costcalc.translate.{format}").spec_of(source)
    return spec
