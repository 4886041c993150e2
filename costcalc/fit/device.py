"""Devices: their memory, their bandwidth and their peak rates. Each is a YAML file, with its datasheet as source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError, ExpressionError, Fault, SpecError, UsageError, suggest
from costcalc.number_formats import BITS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.lang.reader import Node

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "devices")  # noqa: PTH100, PTH118, PTH120
KEYS = ("name", "description", "source", "memory", "storage", "bandwidth", "peak")
NEEDED = ("memory", "bandwidth", "peak")
EXAMPLE = "write memory: 320Ki, bandwidth: 1.7G and peak: {int8: 864M, fp32: 432M}"

WIDER = {
    "fp64": (),
    "fp32": ("fp64",),
    "tf32": ("fp32", "fp64"),
    "bf16": ("fp16", "tf32", "fp32", "fp64"),
    "fp16": ("bf16", "tf32", "fp32", "fp64"),
    "fp8": ("fp16", "bf16", "tf32", "fp32", "fp64"),
    "int64": (),
    "int32": ("int64",),
    "int16": ("int32", "fp32", "fp64"),
    "int8": ("int16", "int32", "fp16", "fp32", "fp64"),
    "int4": ("int8", "int16", "int32", "fp16", "fp32", "fp64"),
    "int2": ("int4", "int8", "int16", "int32", "fp16", "fp32", "fp64"),
    "int1": ("int2", "int4", "int8", "int16", "int32", "fp16", "fp32", "fp64"),
}
"""The formats in which a device computes instead, the nearest first, if it has no rate for a format."""


class Device(NamedTuple):
    """A device: bytes of memory for tensors, bytes a second, and operations a second by number format.

    Weights are in `storage`, such as flash, or, if it is None, in memory with the tensors.
    """

    name: str
    memory: int
    storage: int | None
    bandwidth: int
    peak: Mapping[str, int]
    description: str = ""
    source: str = ""

    def rate(self, format: str) -> tuple[str, int]:
        """Return the format in which it computes numbers of a format, and the operations a second in it.

        Raises `UsageError` if it has no format that is wide enough.
        """
        for name in (format, *WIDER[format]):
            if name in self.peak:
                return name, self.peak[name]
        raise UsageError(
            "{} has no rate for {}", self.name, format, help=f"its formats: {', '.join(self.peak)}; choose --dtype"
        )


def bundled() -> list[str]:
    """Return the names of the devices that come with costcalc."""
    return sorted(entry.name.removesuffix(".yaml") for entry in os.scandir(FOLDER) if entry.name.endswith(".yaml"))


def open_device(name: str) -> Device:
    """Return a device by its name, or from a YAML file. Raises `UsageError`, and `SpecError` with all faults."""
    from costcalc.lang.reader import read, read_file

    own = os.path.join(FOLDER, f"{name}.yaml")  # noqa: PTH118
    if name in bundled():
        source = read_file(own)._replace(name=f"{name}.yaml", bundled=True)
    elif os.path.exists(name):  # noqa: PTH110
        source = read_file(name)
    else:
        help = suggest(name, bundled(), f"known: {', '.join(bundled())}; or write the path of a YAML file")
        raise UsageError("unknown device {}: neither a file nor a bundled device", name, help=help)
    root, _ = read(source)
    return _Reader(root).device(name)


class _Reader:
    def __init__(self, root: Node) -> None:
        self.root = root
        self.faults: list[Fault] = []

    def device(self, name: str) -> Device:
        entries = self.map(self.root, "a device must be a mapping")
        for key, node in entries.items():
            if key not in KEYS:
                self.fault(node, f"unknown key {key}", suggest(key, KEYS))
        for key in NEEDED:
            if key not in entries and self.root.kind == "map":
                self.fault(self.root, f"the key {key} is missing", EXAMPLE)
        peak = {}
        for format, node in self.map(entries.get("peak"), "peak must be a mapping of formats to rates").items():
            if format not in BITS:
                self.fault(node, f"unknown number format {format}", suggest(format, BITS))
            peak[format] = self.number(node)
        if "peak" in entries and not peak and not self.faults:
            self.fault(entries["peak"], "peak has no format", EXAMPLE)
        numbers = {key: self.number(entries[key]) for key in ("memory", "storage", "bandwidth") if key in entries}
        texts = {key: entries[key].text for key in ("name", "description", "source") if key in entries}
        if self.faults:
            raise SpecError(self.faults)
        return Device(
            texts.get("name", name),
            numbers["memory"],
            numbers.get("storage"),
            numbers["bandwidth"],
            peak,
            texts.get("description", ""),
            texts.get("source", ""),
        )

    def map(self, node: Node | None, message: str) -> dict[str, Node]:
        if node is None:
            return {}
        if node.kind != "map":
            self.fault(node, message, EXAMPLE)
            return {}
        return {key.text: value for key, value in node.value}

    def number(self, node: Node) -> int:
        from costcalc.lang.expression import suffixed

        value: object = node.value if node.kind == "scalar" else None
        try:
            number = suffixed(value) if isinstance(value, str) else value
        except ExpressionError:
            number = None
        if type(number) is float and number.is_integer():
            number = int(number)
        if type(number) is not int or number < 1:
            self.fault(
                node, f"expected a whole number of at least 1, got {node.text or node.kind}", "write 320Ki or 68G"
            )
            return 1
        return number

    def fault(self, node: Node, message: str, help: str = "") -> None:
        self.faults.append(CostcalcError("{}", message, help=help).fault(node.span))
