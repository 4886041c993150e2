"""Writes the text of a spec, each layer on a given line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.errors import Fault, Source, Span, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RESERVED = ("input", "prev", "output", "i", "row")
MAX_LAYERS = 100_000


class SpecText:
    """The layers of a spec, written in the flow style of YAML."""

    def __init__(self, source: Source, description: str) -> None:
        self.source = source
        self.description = description
        self.inputs: dict[str, Sequence[int]] = {}
        self._lines: dict[int, list[str]] = {}
        self._names: dict[str, int] = {}
        self._count = 0

    def name(self, wanted: str) -> str:
        """Return a valid name of a layer that is not yet taken: letters, digits, _ and -.

        >>> text = SpecText(Source("x", ""), "")
        >>> text.name("fire2/squeeze"), text.name("fire2/squeeze"), text.name("7"), text.name("input")
        ('fire2_squeeze', 'fire2_squeeze_2', 'layer_7', 'layer_input')
        """
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted)[:200].strip("_-") or "layer"
        if plain.isdecimal() or plain in RESERVED:
            plain = f"layer_{plain}"
        while True:
            number = self._names[plain] = self._names.get(plain, 0) + 1
            if number == 1:
                return plain
            plain = f"{plain}_{number}"

    def add(self, line: int, call: str, name: str, inputs: Iterable[str], more: str = "") -> str:
        """Add a layer: the call of an op, the names of its inputs, and further modifiers. Return its name."""
        self._count += 1
        if self._count > MAX_LAYERS:
            raise self.error(line, f"more than {MAX_LAYERS:,} layers")
        name, inputs = self.name(name), list(inputs)
        call = call if ":" in call else f"{call}: "
        sources = f", from: [{', '.join(inputs)}]" if inputs else ""
        self._lines.setdefault(line, []).append(f"{{{call}, name: {name}{sources}{more}}},")
        return name

    def error(self, line: int, message: str, help: str = "", column: int = 1, length: int = 1) -> SpecError:
        """Return an error at a line of the original."""
        return SpecError([Fault(message, Span(self.source, line, column, length), (), help)])

    def spec(self, outputs: Sequence[str] = (), head: Mapping[str, str] | None = None) -> Source:
        """Return the source of the spec. `head` are further sections, in the flow style."""
        inputs = ", ".join([f"{name}: [{', '.join(map(str, shape))}]" for name, shape in self.inputs.items()])
        sections = {"source": f'"{self.description}"', "input": f"{{{inputs}}}", **(head or {})}
        start = "{" + ", ".join([f"{key}: {value}" for key, value in sections.items()]) + ", layers: ["
        end = "]" + (f", output: [{', '.join(outputs)}]" if outputs else "") + "}"
        lines = [" ".join(self._lines.get(number, ())) for number in range(1, max(self._lines, default=1) + 1)]
        lines[0] = f"{start} {lines[0]}"
        lines[-1] += end
        return self.source._replace(text="\n".join(lines) + "\n")
