"""Darknet's configuration files: `[section]`, then `key=value`.

Sizes follow `make_convolutional_layer` and `make_maxpool_layer` of darknet: a max pool has its padding, by default
size - 1, at the end. What detection layers decode from their input is not counted.

Source: Redmon 2013-2018, https://pjreddie.com/darknet; Bochkovskiy's fork of it for groups, scale_channels and sam.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.translate.spec_text import SpecText

if TYPE_CHECKING:
    from collections.abc import Callable

    from costcalc.errors import Source

ACTIVATIONS = {
    "elu": "elu", "gelu": "gelu", "hard_mish": "hardswish", "leaky": "leaky_relu", "linear": "none",
    "logistic": "sigmoid", "mish": "mish", "relu": "relu", "relu6": "relu6", "selu": "selu", "swish": "silu",
    "tanh": "tanh",
}  # fmt: skip
DETECTION = ("yolo", "region", "detection", "gaussian_yolo", "cost")


class Section:
    """A section of the file: its kind, its values, and the line of each."""

    def __init__(self, kind: str, line: int) -> None:
        self.kind = kind
        self.line = line
        self.values: dict[str, tuple[str, int]] = {}


def spec_of(source: Source) -> Source:
    """Return the spec of a configuration. Raises `SpecError` with the line of what has no counterpart."""
    return _Darknet(source).spec()


class _Darknet:
    def __init__(self, source: Source) -> None:
        self.text = SpecText(source, "darknet")
        self.sections = self._sections(source)
        self.names: list[str] = []
        """The layer that has the output of each section."""
        self.kinds: dict[str, Callable[[Section, int], str]] = {
            "convolutional": self.convolution, "deconvolutional": self.deconvolution, "connected": self.connected,
            "maxpool": self.maxpool, "avgpool": self.avgpool, "upsample": self.upsample, "route": self.route,
            "shortcut": self.shortcut, "scale_channels": self.product, "sam": self.product, "reorg": self.reorg,
            "dropout": self.dropout, "softmax": self.softmax, "batchnorm": self.batchnorm,
            **dict.fromkeys(DETECTION, self.detection),
        }  # fmt: skip
        self.kinds["conv"] = self.convolution

    def _sections(self, source: Source) -> list[Section]:
        sections: list[Section] = []
        for line, text in enumerate(source.text.splitlines(), 1):
            plain = text.partition("#")[0].partition(";")[0].strip()
            if plain.startswith("[") and plain.endswith("]"):
                sections.append(Section(plain[1:-1].strip(), line))
            elif plain:
                key, equals, value = plain.partition("=")
                if not equals or not sections:
                    raise self.text.error(line, f"expected [section] or key=value, got {plain[:60]}", length=len(text))
                sections[-1].values[key.strip()] = value.strip(), line
        if not sections or sections[0].kind not in ("net", "network"):
            raise self.text.error(1, "expected [net], the first section of a darknet configuration")
        return sections

    def spec(self) -> Source:
        net, *layers = self.sections
        self.text.inputs["input"] = [self.number(net, name, default) for name, default in SIZES.items()]
        for index, section in enumerate(layers):
            make = self.kinds.get(section.kind)
            if make is None:
                known = ", ".join(sorted(self.kinds))
                raise self.text.error(
                    section.line, f"no counterpart of [{section.kind}]", f"known: {known}", length=len(section.kind) + 2
                )
            self.names.append(make(section, index))
        ends = [name for name, section in zip(self.names, layers, strict=True) if section.kind in DETECTION]
        return self.text.spec(ends if len(ends) > 1 else ())

    def number(self, section: Section, name: str, default: int) -> int:
        """Return a value as an integer."""
        text, line = section.values.get(name, (str(default), section.line))
        try:
            return int(text)
        except ValueError:
            raise self.text.error(line, f"{name}: expected an integer, got {text[:60]}", length=len(name)) from None

    def layers(self, section: Section, name: str, index: int) -> list[str]:
        """Return the layers that a value refers to: by number, or by a negative number from this one."""
        text, line = section.values.get(name, ("", section.line))
        found = []
        for entry in filter(None, map(str.strip, text.split(","))):
            place = int(entry) if entry.removeprefix("-").isdecimal() else len(self.names)
            place = place if place >= 0 else index + place
            if not 0 <= place < index:
                raise self.text.error(line, f"{name}: no layer {entry[:60]} before layer {index}", length=len(name))
            found.append(self.names[place])
        if not found:
            raise self.text.error(line, f"[{section.kind}] needs {name}, the numbers of layers")
        return found

    def previous(self) -> list[str]:
        return self.names[-1:] or list(self.text.inputs)

    def activation(self, section: Section, default: str) -> str:
        text, line = section.values.get("activation", (default, section.line))
        if text not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise self.text.error(line, f"no counterpart of activation={text[:60]}", f"known: {known}")
        return ACTIVATIONS[text]

    def add(self, section: Section, call: str, name: str, inputs: list[str], default: str = "linear") -> str:
        """Add a layer, and its activation as one of its own."""
        name = self.text.add(section.line, call, name, inputs)
        act = self.activation(section, default)
        return name if act == "none" else self.text.add(section.line, act, f"{name}_{act}", [name])

    def followers(self, section: Section) -> str:
        normal = self.number(section, "batch_normalize", 0)
        norm = "batchnorm" if normal else "none"
        act = self.activation(section, "logistic")
        return f"bias: {'false' if normal else 'true'}, norm: {norm}, act: {act}"

    def convolution(self, section: Section, index: int) -> str:
        size, dilation = self.number(section, "size", 1), self.number(section, "dilation", 1)
        stride = self.number(section, "stride", 1)
        high, wide = (self.number(section, f"stride_{axis}", stride) for axis in "yx")
        strides = high if high == wide else [high, wide]
        padding = size // 2 if self.number(section, "pad", 0) else self.number(section, "padding", 0)
        call = (
            f"conv: {{out: {self.number(section, 'filters', 1)}, kernel: {size}, stride: {strides}, "
            f"padding: {padding * dilation}, dilation: {dilation}, groups: {self.number(section, 'groups', 1)}, "
            f"{self.followers(section)}}}"
        )
        return self.text.add(section.line, call, f"conv_{index}", self.previous())

    def deconvolution(self, section: Section, index: int) -> str:
        size, normal = self.number(section, "size", 1), self.number(section, "batch_normalize", 0)
        padding = size // 2 if self.number(section, "pad", 0) else self.number(section, "padding", 0)
        call = (
            f"conv_transpose: {{out: {self.number(section, 'filters', 1)}, kernel: {size}, "
            f"stride: {self.number(section, 'stride', 1)}, padding: {padding}, bias: {'false' if normal else 'true'}}}"
        )
        name = self.text.add(section.line, call, f"deconv_{index}", self.previous())
        if normal:
            name = self.text.add(section.line, "batchnorm", f"{name}_batchnorm", [name])
        act = self.activation(section, "logistic")
        return name if act == "none" else self.text.add(section.line, act, f"{name}_{act}", [name])

    def connected(self, section: Section, index: int) -> str:
        flat = self.text.add(section.line, "flatten", f"flatten_{index}", self.previous())
        call = f"linear: {{out: {self.number(section, 'output', 1)}, {self.followers(section)}}}"
        return self.text.add(section.line, call, f"connected_{index}", [flat])

    def maxpool(self, section: Section, index: int) -> str:
        stride = self.number(section, "stride", 1)
        size = self.number(section, "size", stride)
        padding = self.number(section, "padding", size - 1)
        margin = f"[{padding // 2}, {padding - padding // 2}]"
        call = f"maxpool: {{kernel: {size}, stride: {stride}, padding: [{margin}, {margin}]}}"
        return self.text.add(section.line, call, f"maxpool_{index}", self.previous())

    def avgpool(self, section: Section, index: int) -> str:
        return self.text.add(section.line, "global_avgpool", f"avgpool_{index}", self.previous())

    def upsample(self, section: Section, index: int) -> str:
        call = f"upsample: {self.number(section, 'stride', 2)}"
        return self.text.add(section.line, call, f"upsample_{index}", self.previous())

    def route(self, section: Section, index: int) -> str:
        layers, groups = self.layers(section, "layers", index), self.number(section, "groups", 1)
        if groups > 1:
            part, parts = self.number(section, "group_id", 0), []
            for layer in layers:
                halves = self.text.add(section.line, f"split: {groups}", f"split_{index}", [layer], ", allow: CC203")
                parts.append(f"{halves}.{part}")
            layers = parts
        call = "concat: {axis: 0}" if len(layers) > 1 else "identity"
        return self.text.add(section.line, call, f"route_{index}", layers)

    def shortcut(self, section: Section, index: int) -> str:
        layers = self.layers(section, "from", index)
        return self.add(section, "add", f"shortcut_{index}", [*self.previous(), *layers])

    def product(self, section: Section, index: int) -> str:
        layers = self.layers(section, "from", index)
        return self.add(section, "mul", f"{section.kind}_{index}", [*layers, *self.previous()])

    def reorg(self, section: Section, index: int) -> str:
        call = f"pixel_unshuffle: {self.number(section, 'stride', 1)}"
        return self.text.add(section.line, call, f"reorg_{index}", self.previous())

    def dropout(self, section: Section, index: int) -> str:
        return self.text.add(section.line, "dropout", f"dropout_{index}", self.previous())

    def softmax(self, section: Section, index: int) -> str:
        return self.text.add(section.line, "softmax: 0", f"softmax_{index}", self.previous())

    def batchnorm(self, section: Section, index: int) -> str:
        return self.text.add(section.line, "batchnorm", f"batchnorm_{index}", self.previous())

    def detection(self, section: Section, index: int) -> str:
        return self.text.add(section.line, "identity", f"{section.kind}_{index}", self.previous())


SIZES = {"channels": 3, "height": 224, "width": 224}
