"""The formats in which numbers are stored: those of weights and those of activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import UsageError, suggest
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

BITS = {
    "fp64": 64,
    "fp32": 32,
    "tf32": 32,
    "bf16": 16,
    "fp16": 16,
    "fp8": 8,
    "int64": 64,
    "int32": 32,
    "int16": 16,
    "int8": 8,
    "int4": 4,
    "int2": 2,
    "int1": 1,
}
"""The bits in which a number of each format is stored. tf32 computes with 19 bits and stores 32."""

DEFAULT = "fp32"
PARTS = ("weights", "activations")

_ALIASES = {
    "float": "fp32",
    "float64": "fp64",
    "double": "fp64",
    "float32": "fp32",
    "float16": "fp16",
    "half": "fp16",
    "bfloat16": "bf16",
    "float8": "fp8",
    "uint8": "int8",
    "binary": "int1",
    "bool": "int8",
}


class NumberFormats(NamedTuple):
    """The formats of weights and of activations. An empty text is that of the network, or the default."""

    weights: str = ""
    activations: str = ""

    def over(self, other: NumberFormats) -> NumberFormats:
        """Return these formats, with those of another one where these have none.

        >>> NumberFormats("int4").over(NumberFormats("fp16", "fp16"))
        NumberFormats(weights='int4', activations='fp16')
        """
        return NumberFormats(self.weights or other.weights, self.activations or other.activations)

    @classmethod
    def default(cls) -> NumberFormats:
        """Return the formats where nothing else is said."""
        return cls(DEFAULT, DEFAULT)

    def __str__(self) -> str:
        weights, activations = self
        if weights == activations:
            return weights
        return ",".join([f"{part}={name}" for part, name in zip(PARTS, self, strict=True) if name])


def formats(text: str) -> NumberFormats:
    """Return the formats of a text such as `int8`, or `weights=int4,activations=fp16`. Raises `UsageError`.

    >>> formats("int8"), formats("weights=int4")
    (NumberFormats(weights='int8', activations='int8'), NumberFormats(weights='int4', activations=''))
    """
    if "=" not in text:
        name = checked(text.strip())
        return NumberFormats(name, name)
    given: dict[str, str] = {}
    for entry in text.split(","):
        part, _, name = entry.partition("=")
        if part.strip() in given:
            raise UsageError("{} is given twice", part.strip())
        given[part.strip()] = name.strip()
    return of_parts(given)


def of_parts(given: Mapping[str, str]) -> NumberFormats:
    """Return the formats of a mapping such as `{weights: int4, activations: fp16}`. Raises `UsageError`."""
    for part in given:
        if part not in PARTS:
            raise UsageError("{} has no number format", part or "nothing", help=suggest(part, PARTS, _EXAMPLE))
    return NumberFormats(*[checked(given[part]) if part in given else "" for part in PARTS])


_EXAMPLE = "write int8, or weights=int4,activations=fp16"


def checked(name: str) -> str:
    """Return the name of a format if it is known. Raises `UsageError`.

    >>> checked("float16")
    Traceback (most recent call last):
    costcalc.errors.UsageError: unknown number format float16
    """
    if name not in BITS:
        alias = _ALIASES.get(name.lower())
        help = f"did you mean {alias}?" if alias else suggest(name, BITS, f"known: {', '.join(BITS)}")
        raise UsageError("unknown number format {}", name, help=help)
    return name


def stored_bytes(numbers: int, name: str) -> int:
    """Return the bytes of a tensor of some numbers, rounded up to whole bytes.

    >>> stored_bytes(1000, "fp32"), stored_bytes(5, "int4"), stored_bytes(9, "int1")
    (4000, 3, 2)
    """
    bits = BITS[name or DEFAULT]
    return numbers * (bits // 8) if bits % 8 == 0 else (numbers * bits + 7) // 8
