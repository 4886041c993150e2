"""Model files of Ultralytics: YOLOv5 and YOLOv8, as YAML with the keys `nc`, `backbone` and `head`.

An entry is `[from, repeats, module, arguments]`. Channels are `ceil(min(c, max_channels)·width / 8)·8`, and a repeat
above 1 is `max(round(repeat·depth), 1)`. With several scales these are expressions of the param `scale`.

Source: https://github.com/ultralytics/ultralytics, `parse_model` in `nn/tasks.py`, and `nn/modules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.translate.spec_text import SpecText

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from costcalc.errors import Source

SECTIONS = ("backbone", "head")
SIZE = 640
"""The side of the square image that the published figures are for."""
REG_MAX = 16
"""The bins of each side of a box in YOLOv8."""
NO_LIMIT = 10**9
BLOCKS = {
    "Conv(out, kernel=1, stride=1, padding=kernel // 2)": (
        "[conv: {out: out, kernel: kernel, stride: stride, padding: padding, bias: false, norm: batchnorm, act: silu}]"
    ),
    "C3(out, n, skip)": (
        "[concat: {main: [Conv: {out: out // 2}, {residual: [Conv: {out: out // 2}, Conv: {out: out // 2, kernel: 3}],"
        " skip: skip, repeat: n, name: m}], side: [Conv: {out: out // 2}]}, Conv: {out: out}]"
    ),
    "SPPF(out, kernel=5)": (
        "[{Conv: {out: in_channels // 2}, name: x}, {maxpool: {kernel: kernel, stride: 1, padding: kernel // 2},"
        " repeat: 3, name: m}, {concat: {axis: 0}, from: [x, m.*]}, Conv: {out: out}]"
    ),
}  # fmt: skip


def is_model(keys: Sequence[str]) -> bool:
    """Return whether a YAML mapping with these keys is a model file of Ultralytics."""
    return {"nc", *SECTIONS} <= set(keys)


class Entry:
    """An entry of the backbone or the head."""

    def __init__(self, text: SpecText, node: Any) -> None:
        self.line = node.span.line
        values = node.value if node.kind == "list" else []
        if len(values) != 4 or values[3].kind != "list":
            raise text.error(self.line, "expected [from, repeats, module, [arguments]]", column=node.span.column)
        sources, repeats, module, arguments = values
        numbers = [item.text for item in (sources.value if sources.kind == "list" else [sources])]
        if not all(number.removeprefix("-").isdecimal() for number in (*numbers, repeats.text)):
            raise text.error(self.line, "from and repeats must be integers", column=node.span.column)
        self.sources = [int(number) for number in numbers]
        self.repeats = int(repeats.text)
        self.module = module.text.removeprefix("nn.").removeprefix("torch.nn.")
        self.arguments = [argument.text for argument in arguments.value]

    def argument(self, place: int, default: str) -> str:
        """Return an argument as text."""
        return self.arguments[place] if place < len(self.arguments) else default


def spec_of(source: Source, root: Any) -> tuple[Source, dict[str, dict[str, int]]]:
    """Return the spec of a model, and the names of the values of its params. Raises `SpecError`."""
    return _Ultralytics(source, root).spec()


class _Ultralytics:
    def __init__(self, source: Source, root: Any) -> None:
        self.text = SpecText(source, "ultralytics")
        self.sections = {key.text: value for key, value in root.value}
        self.scales = {key.text: value for key, value in self._pairs("scales")}
        self.classes = self.sections["nc"].text
        self.anchors = "anchors" in self.sections
        self.names: list[str] = []
        self.channels: list[str] = []
        self.modules: dict[str, Callable[[Entry, int, list[int]], tuple[str, str]]] = {
            "C2f": self.c2f, "C3": self.c3, "Concat": self.concat, "Conv": self.convolution, "SPPF": self.sppf,
            "Upsample": self.upsample,
        }  # fmt: skip

    def _pairs(self, name: str) -> list[tuple[Any, Any]]:
        node = self.sections.get(name)
        return node.value if node is not None and node.kind == "map" else []

    def spec(self) -> tuple[Source, dict[str, dict[str, int]]]:
        self.text.inputs["input"] = (3, SIZE, SIZE)
        entries = [node for section in SECTIONS for node in self._entries(section)]
        ends: list[str] = []
        for index, node in enumerate(entries):
            entry = Entry(self.text, node)
            places = [index + source if source < 0 else source for source in entry.sources]
            if not all(-1 <= place < index for place in places):
                raise self.text.error(entry.line, f"entry {index} reads a later entry")
            if entry.module == "Detect":
                ends += self.detect_with_anchors(entry, places) if self.anchors else self.detect(entry, places)
                continue
            make = self.modules.get(entry.module)
            if make is None:
                known = ", ".join([*self.modules, "Detect"])
                raise self.text.error(entry.line, f"no counterpart of {entry.module}", f"known: {known}")
            call, channels = make(entry, index, places)
            inputs = [self.names[place] if place >= 0 else "input" for place in places]
            self.names.append(self.text.add(entry.line, call, f"{entry.module.lower()}_{index}", inputs))
            self.channels.append(channels)
        blocks = ", ".join([f'"{name}": {body}' for name, body in BLOCKS.items()])
        head = {"params": f"{{{self.params()}}}", "blocks": f"{{{blocks}}}"}
        choices = {"scale": {name: place for place, name in enumerate(self.scales)}} if self.scales else {}
        return self.text.spec(ends, head), choices

    def _entries(self, section: str) -> list[Any]:
        node = self.sections[section]
        if node.kind != "list":
            raise self.text.error(node.span.line, f"{section}: expected a list of [from, repeats, module, arguments]")
        return list(node.value)

    def params(self) -> str:
        """Return the params of the spec: the number of classes, and the scales or the multiples."""
        for scale in self.scales.values():
            if scale.kind != "list" or len(scale.value) != 3:
                raise self.text.error(scale.span.line, "expected name: [depth, width, max_channels]")
        columns = [[item.text for item in scale.value] for scale in self.scales.values()]
        if self.scales:
            depth, width, most = [f"[{', '.join(column)}]" for column in zip(*columns, strict=True)]
            return f"nc: {self.classes}, scale: 0, depth: {depth}, width: {width}, max_channels: {most}"
        multiples = [self.sections.get(f"{name}_multiple") for name in ("depth", "width")]
        depth, width = [multiple.text if multiple is not None else "1" for multiple in multiples]
        return f"nc: {self.classes}, depth: {depth}, width: {width}"

    def width(self, channels: str) -> str:
        """Return the channels of a layer as an expression."""
        if channels == "nc":
            return channels
        if not self.scales:
            return f"ceil({channels} * width / 8) * 8"
        return f"ceil(min({channels}, max_channels[scale]) * width[scale] / 8) * 8"

    def repeats(self, entry: Entry) -> str:
        """Return the number of repetitions as an expression."""
        depth = "depth[scale]" if self.scales else "depth"
        return f"max(round({entry.repeats} * {depth}), 1)" if entry.repeats > 1 else str(entry.repeats)

    def convolution(self, entry: Entry, index: int, places: list[int]) -> tuple[str, str]:
        out, kernel = self.width(entry.argument(0, "?")), entry.argument(1, "1")
        padding = entry.argument(3, "None")
        more = "" if padding in ("None", "null") else f", padding: {padding}"
        return f'Conv: {{out: "{out}", kernel: {kernel}, stride: {entry.argument(2, "1")}{more}}}', out

    def c3(self, entry: Entry, index: int, places: list[int]) -> tuple[str, str]:
        out, skip = self.width(entry.argument(0, "?")), entry.argument(1, "True").lower()
        return f'C3: {{out: "{out}", n: "{self.repeats(entry)}", skip: {skip}}}', out

    def c2f(self, entry: Entry, index: int, places: list[int]) -> tuple[str, str]:
        out, skip = self.width(entry.argument(0, "?")), entry.argument(1, "False").lower()
        return f'c2f: {{out: "{out}", bottlenecks: "{self.repeats(entry)}", skip: {skip}}}', out

    def sppf(self, entry: Entry, index: int, places: list[int]) -> tuple[str, str]:
        out = self.width(entry.argument(0, "?"))
        return f'SPPF: {{out: "{out}", kernel: {entry.argument(1, "5")}}}', out

    def upsample(self, entry: Entry, index: int, places: list[int]) -> tuple[str, str]:
        return f"upsample: {entry.argument(1, '2')}", self.channels[places[0]]

    def concat(self, entry: Entry, index: int, places: list[int]) -> tuple[str, str]:
        return "concat: {axis: 0}", " + ".join([f"({self.channels[place]})" for place in places])

    def detect_with_anchors(self, entry: Entry, places: list[int]) -> list[str]:
        """Add the head of YOLOv5: for each level and each of its anchors a box, an objectness and the classes."""
        levels = self.sections["anchors"]
        anchors = (
            next((item.value for item in levels.value if item.kind == "list"), ()) if levels.kind == "list" else ()
        )
        call = f'conv: {{out: "{len(anchors) // 2} * (nc + 5)", kernel: 1, act: sigmoid}}'
        names = [self.names[place] for place in places]
        return [self.text.add(entry.line, call, f"detect_{name}", [name]) for name in names]

    def detect(self, entry: Entry, places: list[int]) -> list[str]:
        """Add the head of YOLOv8: the distribution of each side of a box, its expectation, and the classes."""
        first = self.channels[places[0]]
        sides, classes = f"max(16, ({first}) // 4, {4 * REG_MAX})", f"max({first}, min(nc, 100))"
        parts: dict[str, list[str]] = {"box": [], "class": []}
        for place in places:
            level = self.names[place]
            for part, width, out in (("box", sides, str(4 * REG_MAX)), ("class", classes, "nc")):
                body = (
                    f'group: [Conv: {{out: "{width}", kernel: 3}}, Conv: {{out: "{width}", kernel: 3}}, '
                    f"conv: {{out: {out}, kernel: 1}}, reshape: [{out}, -1]]"
                )
                parts[part].append(self.text.add(entry.line, body, f"{part}_{level}", [level]))
        boxes = self.text.add(entry.line, "concat: {axis: 1}", "boxes", parts["box"])
        bins = (
            f"group: [reshape: [4, {REG_MAX}, -1], permute: [1, 0, 2], softmax: 0, "
            "conv: {out: 1, kernel: 1, bias: false}]"
        )
        scores = self.text.add(entry.line, "concat: {axis: 1}", "scores", parts["class"])
        return [
            self.text.add(entry.line, bins, "distances", [boxes]),
            self.text.add(entry.line, "sigmoid", "classes", [scores]),
        ]
