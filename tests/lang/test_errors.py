"""Common mistakes, especially of users of PyTorch: the location, message and help of each error."""
# ruff: noqa: E501 (one line per error)

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import CostcalcError, SpecError
from costcalc.model import MEASURES

from .language import fault, faults, load, paths, spec

LAYERS = {
    "- Conv2d: {in_channels: 3, out_channels: 64, kernel_size: 3}": [
        (1, 3, "unknown op or block Conv2d", "did you mean conv?"),
    ],
    "- nn.Conv2d(3, 64, 3)": [
        (1, 3, "unknown op or block nn.Conv2d(3, 64, 3)", "write arguments after a colon, as in conv: {...}; conv(out, kernel,"),
    ],
    "- conv(64, 3)": [
        (1, 3, "unknown op or block conv(64, 3)", "write arguments after a colon, as in conv: {...}; conv(out, kernel,"),
    ],
    "- conv: (64, 3)": [
        (1, 3, "conv: missing argument: kernel", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
        (1, 12, "expected ')', got ','", "write a list in brackets: [1, 2]; write several arguments in braces"),
    ],
    "- conv: 64, 3": [
        (1, 3, "conv: missing argument: kernel", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
        (1, 11, "unexpected ','", "write a list in brackets: [1, 2]; write several arguments in braces"),
    ],
    "- conv: [64, 3]": [
        (1, 3, "conv: missing argument: kernel", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
    ],
    "- conv: {64, 3}": [
        (1, 10, "conv has no argument 64", "write arguments with their names: conv(out, kernel, stride=1,"),
        (1, 14, "conv has no argument 3", "write arguments with their names: conv(out, kernel, stride=1,"),
    ],
    "- conv: {out: 64, kernel: (3, 3)}": [
        (1, 27, "YAML splits this expression at its commas", "write - conv: {out: 64, kernel: [3, 3]}"),
    ],
    "- conv: {out: 64, kernel: 3x3}": [
        (1, 27, "invalid number 3x3", "write a decimal number, or a product with *, or a list for several"),
    ],
    "- conv: {out:64, kernel:3}": [
        (1, 10, "a space is missing after out:", "write - conv: {out: 64, kernel: 3}"),
        (1, 18, "a space is missing after kernel:", "write - conv: {out: 64, kernel: 3}"),
    ],
    "- conv: {out: 64 kernel: 3}": [
        (1, 15, "a comma is missing after 64", "write - conv: {out: 64, kernel: 3}"),
    ],
    "- conv {out: 64, kernel: 3}": [(1, 3, "a colon is missing after conv", "write - conv: {out: 64, kernel: 3}")],
    "- conv:{out: 64, kernel: 3}": [(1, 3, "a space is missing after conv:", "write - conv: {out: 64, kernel: 3}")],
    "- conv:\n  out: 64\n  kernel: 3": [
        (2, 3, "unknown key out beside conv", "indent the argument below conv, or write conv: {out: ...}"),
        (3, 3, "unknown key kernel beside conv", "indent the argument below conv, or write conv:"),
    ],
    "- conv: {out: 64, kernel: 3, stride=2}": [(1, 30, "conv has no argument stride=2", "write a colon instead of =: stride: 2")],
    "- conv: {out: 64, kernel: 3, act: swish}": [(1, 35, "unknown name swish", "did you mean silu?")],
    "- conv: {out: 64, kernel: 3, padding: SAME}": [(1, 39, "unknown name SAME", "did you mean same?")],
    "- conv: {out: 64, kernel: 3, bias: False}": [(1, 36, "unknown name False", "did you mean false?")],
    "- conv: {out: 64, kernel: 3, bias: no}": [(1, 36, "unknown name no", "did you mean false?")],
    "- conv: {out: 64, kernel: 3, bias: 0}": [
        (1, 36, "conv: bias: expected true or false, got 0", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
    ],
    "- conv: {out: 64, kernel: 3, activation: relu}": [
        (1, 30, "conv has no argument activation", "use act instead"),
    ],
    "- conv: {out: 64, kernel: 3, act: ReLU}": [(1, 35, "unknown name ReLU", "did you mean relu?")],
    "- conv: {out: 64, kernel: 3, norm: true}": [
        (1, 36, "expected an op, an op with arguments, or none", "for example norm: batchnorm"),
    ],
    "- conv: {out: 64, kernel: 3, norm: groupnorm}": [
        (1, 36, "groupnorm: missing argument: groups", "groupnorm(groups, affine=true, bias=true)"),
    ],
    "- conv: {out: 64, kernel: 3}\n  norm: batchnorm": [
        (2, 3, "unknown key norm beside conv", "indent the argument below conv, or write conv: {norm:"),
    ],
    "- conv: {out: 64, kernel: 3, name: stem}": [
        (1, 30, "conv has no argument name", "write the modifier name beside conv, not among its arguments"),
    ],
    "- conv: {out: 64, kernel: 3, groups: 2}": [
        (1, 3, "cannot divide 3 input channels into 2 groups", "round them with make_divisible(..., 2)"),
    ],
    "- conv: {out: 64, kernel: 33}": [
        (1, 3, "a window of 33 does not fit an input of 32 with padding 0", "use a smaller kernel, more padding, or smaller strides before it"),
    ],
    "- conv: {out: 64.5, kernel: 3}": [
        (1, 15, "conv: out: expected an integer, got 64.5", "write round(...), floor(...) or make_divisible(...)"),
    ],
    "- conv: {out: 'sixty', kernel: 3}": [(1, 16, "unknown name sixty", "did you mean split?")],
    "- conv: {out: width, kernel: 3}": [
        (1, 15, "unknown name width", "define it at the top of the file: params: {width: ...}"),
    ],
    "- conv: {out: 0, kernel: 3}": [
        (1, 15, "conv: out: expected an integer of at least 1, got 0", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
    ],
    "- conv: {out: 64, kernel: 3, stride: 0}": [
        (1, 38, "conv: stride: expected an integer of at least 1, got 0", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
    ],
    "- conv: {out: 64, kernel: [3, 3, 3]}": [
        (1, 3, "kernel has 3 values for 2 spatial dimensions", "write one number, or one for each dimension"),
    ],
    "- conv: {out: in_channel * 2, kernel: 3}": [(1, 15, "unknown name in_channel", "did you mean in_channels?")],
    "- conv: {out: in_channels * 0.7, kernel: 3}": [
        (1, 15, "conv: out: expected an integer, got 2.0999999999999996", "write round(...), floor(...) or make_divisible(...)"),
    ],
    "- conv: {out: max(64, 3), kernel: 3}": [
        (1, 15, "YAML splits this expression at its commas", 'write - conv: {out: "max(64, 3)", kernel: 3}'),
    ],
    "- conv: {out: 64, kernel: 3, kernel: 5}": [(1, 30, "duplicate key kernel", "")],
    "- conv": [
        (1, 3, "conv: missing arguments: out, kernel", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
    ],
    "- conv: {kernel: 3}": [
        (1, 3, "conv: missing argument: out", "conv(out, kernel, stride=1, padding=0, dilation=1, groups=1,"),
    ],
    "- flatten()": [(1, 3, "unknown op or block flatten()", "did you mean flatten?")],
    "- maxpool: {size: 2}": [
        (1, 3, "maxpool: missing argument: kernel", "maxpool(kernel, stride=kernel, padding=0, ceil=false, dilation=1)"),
        (1, 13, "maxpool has no argument size", "did you mean stride?"),
    ],
    "- maxpool": [
        (1, 3, "maxpool: missing argument: kernel", "maxpool(kernel, stride=kernel, padding=0, ceil=false, dilation=1)"),
    ],
    "- MaxPool2d(2, 2)": [
        (1, 3, "unknown op or block MaxPool2d(2, 2)", "write arguments after a colon, as in maxpool: {...}; maxpool(kernel,"),
    ],
    "- dropout: 50": [(1, 12, "dropout: p: expected a number from 0 to 1, got 50", "dropout(p=0.5)")],
    "- dropout: 50%": [(1, 14, "unexpected end of the expression", "")],
    "- relu\n- relu: {inplace: true}": [
        (2, 10, "relu has no argument inplace", "remove it: it changes no shape and no count"),
    ],
    "- relu: true": [(1, 9, "relu takes no arguments", "write - relu")],
    "- linear: 10, bias: false": [(1, 19, "unexpected second colon in a value", "in braces, each with its name: - linear: {NAME: 10, bias: false}")],
    "- linear: {in_features: 512, out_features: 10}": [
        (1, 12, "linear has no argument in_features", "remove it: the features follow from the input"),
        (1, 30, "linear has no argument out_features", "use out instead"),
    ],
    "- conv: {out: 8, kernel: 3}\n- reshape: [8, 900, 2]": [
        (2, 3, "cannot reshape [8, 30, 30] of 7200 elements to [8, 900, 2] of 14400", "write -1 for a size that follows from the others; shapes exclude the batch"),
    ],
    "- batchnorm: 64": [(1, 14, "batchnorm: affine: expected true or false, got 64", "batchnorm(affine=true, bias=true, buffers=true, axis=channels)")],
    "- Sequential: [relu]": [(1, 3, "unknown op or block Sequential", "did you mean group?")],
    "- residual: [conv: {out: 64, kernel: 3, padding: 1}]": [
        (1, 3, "add cannot broadcast [64, 32, 32] and [3, 32, 32]", "add a shortcut: shortcut: [conv: {out: 64, kernel: 1}]"),
    ],
    "- residual: [conv: {out: 3, kernel: 3}]": [
        (1, 3, "add cannot broadcast [3, 30, 30] and [3, 32, 32]", "keep the size 32x32 with padding: same, or kernel // 2"),
    ],
    "- residual:\n  - relu\n  shortcut: conv": [
        (3, 13, "expected a list of layers, got conv", "begin each layer with a dash and a space; write [] for an empty list"),
    ],
    "- residual:\n  relu": [(2, 3, "a colon is missing after a key", "end the key with a colon and a space")],
    "- shortcut: [relu]": [
        (1, 3, "unknown op or block shortcut", "write the modifier beside an op, a block or a structure"),
    ],
    "- add: [a, b]": [
        (1, 8, "each branch of add must be a list of layers", "to join tensors by name, write from: [a, b] beside add:"),
    ],
    "- add": [(1, 3, "add takes 2 or more inputs, got 1", "list the inputs in from:")],
    "- concat: {a: [relu], b: [maxpool: 2]}": [
        (1, 3, "cannot concatenate [3, 32, 32] and [3, 16, 16] on axis 0: the other axes differ", "use the same strides in all branches, and padding: same or kernel // 2"),
    ],
    "- concat: {a: relu, b: gelu}": [
        (1, 15, "expected a list of layers, got relu", "begin each layer with a dash and a space; write [] for an empty list"),
        (1, 24, "expected a list of layers, got gelu", "begin each layer with a dash and a space; write [] for an empty list"),
    ],
    "- relu:\n  from: rleu\n- relu:\n  name: rlu": [
        (2, 9, "layer rleu is not defined before this one", "name an earlier layer of this list, or of a list around it"),
    ],
    "- relu:\n  name: stem\n- gelu:\n  from: stme": [
        (4, 9, "layer stme is not defined before this one", "did you mean stem?"),
    ],
    "- split: 3\n- relu": [
        (2, 3, "relu cannot take all 3 outputs of a layer", "write from: NAME.0 beside it for the first output"),
    ],
    "- split: 2": [
        (1, 3, "cannot divide axis 0 of [3, 32, 32] into 2 equal parts", "write sizes: [...] with the size of each part"),
    ],
    "- relu:\n  repeat: two": [
        (2, 11, "unknown name two", "define it at the top of the file: params: {two: ...}; defined names: i"),
    ],
    "- relu:\n  repeat: -1": [(2, 11, "repeat: expected an integer of at least 0, got -1", "")],
    "- relu:\n  repeat: 2.5": [(2, 11, "repeat: expected an integer, got 2.5", "")],
    "- relu:\n  repeats: 2": [(2, 3, "unknown key repeats beside relu", "did you mean repeat?")],
    "- relu:\n  for: [1, 2, 3]": [
        (2, 8, "for must be columns, or a table with a header row", "write for: {w: [64, 128], n: [3, 4]}, or a list of rows with the"),
    ],
    "- linear: w\n  for: w in [1, 2]": [
        (1, 11, "unknown name w", "define it at the top of the file: params: {w: ...}; defined names: i, row"),
        (2, 8, "for must be columns, or a table with a header row", "write for: {w: [64, 128], n: [3, 4]}, or a list of rows with the"),
    ],
    "- linear: w\n  for: {w: [1, 2], v: [3]}": [
        (2, 8, "the columns of for differ in length: w has 2, v has 1", "write one value for each copy in every column"),
    ],
    "- linear: w\n  for: {w: 64}": [(2, 12, "column w: expected a list, got 64", "write one value for each copy")],
    "- linear: w\n  for:\n    - [w, v]\n    - [1]": [
        (4, 7, "the row has 1 value for 2 names", "write one value for each name of the header: w, v"),
    ],
    "- relu:\n  if: stride > 1": [
        (2, 7, "unknown name stride", "define it at the top of the file: params: {stride: ...}"),
    ],
    "- relu:\n  if: relu": [(2, 7, "expected true or false, got the word relu", "write a comparison: i > 0")],
    "- relu:\n  name: my layer": [
        (2, 9, "invalid name 'my layer'", "use letters, digits, _ and -, but not digits alone"),
    ],
    "- relu:\n  name: 1": [
        (2, 9, "invalid name '1'", "use letters, digits, _ and -, but not digits alone"),
    ],
    "- relu:\n  name: a\n- relu:\n  name: a": [
        (4, 9, "duplicate name a in this list", "choose another name for one of the layers"),
    ],
    "- relu:\n  share: a": [
        (2, 10, "layer a is not defined before this one", "name an earlier layer of this list, or of a list around it"),
    ],
    "- [relu, gelu]": [(1, 3, "expected a layer, got a list", "write group: [...] to use a list as a layer")],
    "- relu gelu": [(1, 3, "unknown op or block relu gelu", "did you mean relu?")],
    "- 5": [(1, 3, "expected a layer, got 5", "write the name of an op, a block or a structure")],
    "- ": [(1, 2, "a layer is missing", "write the name of an op, a block or a structure")],
    "- true": [(1, 3, "expected a layer, got true", "write the name of an op, a block or a structure")],
    "- let: {c: 3}\n  name: x": [(2, 3, "let must be the only key of its item", "write the layer as a separate item")],
    "- let: c": [(1, 8, "let must be a mapping of names to values", "write let: {c: in_channels}")],
    "- let: {max: 3}": [(1, 9, "max is a reserved name", "choose another name")],
    "relu": [
        (1, 1, "expected a list of layers, got relu", "begin each layer with a dash and a space; write [] for an empty list"),
    ],
    "conv: {out: 64, kernel: 3}": [
        (1, 1, "expected a list of layers, got a mapping", "begin each layer with a dash and a space; write [] for an empty list"),
    ],
    "- attention: {embed_dim: 512, num_heads: 8}": [
        (1, 15, "attention has no argument embed_dim", "remove it: the features follow from the input"),
        (1, 31, "attention has no argument num_heads", "use heads instead"),
    ],
    "- lstm: {hidden_size: 5, num_layers: 2}": [
        (1, 10, "lstm has no argument hidden_size", "use hidden instead"),
        (1, 26, "lstm has no argument num_layers", "use layers instead"),
    ],
    "- linear: a.b": [(1, 12, "unexpected '.'", "remove it: expressions have no attributes")],
    "- linear: 'a' if x else 'b'": [
        (1, 11, "YAML cannot read 'a' if x else 'b' without quotes", "write - linear: \"'a' if x else 'b'\""),
    ],
    "- linear: x^2": [(1, 12, "unexpected '^'", "write **")],
    "- linear: min(3": [(1, 15, "expected ')' at the end of the expression", "")],
    "- linear: w[0]": [
        (1, 11, "unknown name w", "define it at the top of the file: params: {w: ...}"),
    ],
    "- conv: {out: w[0], kernel: 3}": [
        (1, 15, "YAML cannot read w[0] without quotes", 'write - conv: {out: "w[0]", kernel: 3}'),
    ],
    "- pixel_shuffle: 2": [(1, 3, "cannot divide 3 channels into 4 groups", "round them with make_divisible(..., 4)")],
    "- norm: batchnorm": [
        (1, 3, "unknown op or block norm", "write it as an argument, as in conv: {..., norm: ...}, or name an op"),
    ],
}  # fmt: skip


FILES = {
    "input: 3, 224, 224\nlayers: [relu]": [
        (1, 8, "an input must be a list of 1 to 8 dimensions, without the batch", "write [3, 224, 224] for an image, [T, D] for tokens, or a mapping of names"),
    ],
    "input: (3, 224, 224)\nlayers: [relu]": [
        (1, 8, "an input must be a list of 1 to 8 dimensions, without the batch", "write [3, 224, 224] for an image, [T, D] for tokens, or a mapping of names"),
    ],
    "input: 3x224x224\nlayers: [relu]": [
        (1, 8, "an input must be a list of 1 to 8 dimensions, without the batch", "write [3, 224, 224] for an image, [T, D] for tokens, or a mapping of names"),
    ],
    "inputs: [3, 224, 224]\nlayers: [relu]": [(1, 1, "unknown key inputs", "did you mean input?")],
    "input: [3, 224, 224]\nlayer: [relu]": [(2, 1, "unknown key layer", "did you mean layers?")],
    "input: [3, 224, 224]\nmodel: [relu]": [
        (1, 1, "the key layers is missing", "add layers: [flatten, linear: 10]"),
        (2, 1, "unknown key model", "known: name, description, source, extends, params, input, defaults,"),
    ],
    "input_shape: [3, 224, 224]\nlayers: [relu]": [(1, 1, "unknown key input_shape", "did you mean input?")],
    "input: [3, -1, 224]\nlayers: [relu]": [
        (1, 12, "expected an integer of at least 1, got -1", "write every size as a number, without the batch dimension"),
    ],
    "input: [3, H, W]\nlayers: [relu]": [
        (1, 12, "unknown name H", "define it at the top of the file: params: {H: ...}"),
        (1, 15, "unknown name W", "define it at the top of the file: params: {W: ...}"),
    ],
    "input: {a: [3], b: [4]}\nlayers: [relu]": [
        (2, 10, "relu needs from: the network has several inputs", "write from: beside it, with one or more of a, b"),
    ],
    "params:\n  width=32\ninput: [3]\nlayers: [relu]": [(2, 3, "params must be a mapping", "write params: {width: 64}")],
    "params: width: 32\ninput: [3]\nlayers: [relu]": [
        (1, 14, "unexpected second colon in a value", "write the inner mapping in braces: params: {width: 32}"),
    ],
    "params: {depth: 2 * widht, width: 3}\ninput: [3]\nlayers: [relu]": [
        (1, 21, "unknown name widht", "did you mean width?"),
    ],
    "params: {a: }\ninput: [3]\nlayers: [relu]": [
        (1, 12, "a value is missing", "write a number, true or false, a word, a list or an expression"),
    ],
    "defaults: {conv: relu}\ninput: [3]\nlayers: [relu]": [
        (1, 18, "the defaults of conv must be a mapping", "write arguments per op or block: defaults: {conv: {bias: false}}"),
    ],
    "defaults: {act: relu}\ninput: [3]\nlayers: [relu]": [
        (1, 17, "the defaults of act must be a mapping", "write arguments per op or block: defaults: {conv: {bias: false}}"),
    ],
    "blocks:\n  unit(a, b):\n    - relu\ninput: [3]\nlayers: [unit]": [
        (5, 10, "unit: missing arguments: a, b", "unit(a, b)"),
    ],
    "blocks:\n  unit(a b): [relu]\ninput: [3]\nlayers: [relu]": [
        (2, 8, "invalid name of an argument: 'a b'", "use letters, digits and _, without a leading digit; separate arguments"),
    ],
    "blocks:\n  unit: {a: 3}\ninput: [3]\nlayers: [relu]": [
        (2, 9, "expected a list of layers, got a mapping", "begin each layer with a dash and a space; write [] for an empty list"),
    ],
    "blocks:\n  - unit: [relu]\ninput: [3]\nlayers: [relu]": [
        (2, 3, "blocks must be a mapping", "write blocks: and, below it, unit(width): with a list of layers"),
    ],
    "blocks: {unit: [unit]}\ninput: [3]\nlayers: [unit]": [
        (1, 17, "recursive block: unit -> unit", "use repeat to make copies of a layer"),
    ],
    "blocks: {'unit(n)': [linear: n]}\ninput: [3]\nlayers: [unit(5)]": [
        (3, 10, "unknown op or block unit(5)", "write arguments after a colon, as in unit: {...}; unit(n)"),
    ],
    "blocks: {'unit(n)': [linear: n]}\ninput: [3]\nlayers: [Unit: 5]": [
        (3, 10, "unknown op or block Unit", "did you mean unit?"),
    ],
    "extends: resnet5": [(1, 10, "unknown spec resnet5: neither a file in this folder nor a bundled network", "did you mean resnet50?")],
    "extends: ../x.yaml": [
        (1, 10, "../x.yaml is outside the folder of the spec", "name a file in the folder of the spec or below, or a bundled spec"),
    ],
    "input: [3]\nlayers: [relu]\nexpect: {macs: 4.1G}": [
        (3, 16, "expected an integer of at least 0, got 4.1G", "write an exact total: 4_089_184_256; only budget accepts 4.1G"),
    ],
    "input: [3]\nlayers: [relu]\nbudget: {macs: 4,1G}": [
        (3, 18, "unknown figure 1G", f"known: {', '.join(MEASURES)}, set"),
    ],
    "input: [3]\nlayers: [relu]\nbudget: {mac: 4}": [(3, 10, "unknown figure mac", "did you mean macs?")],
    "input: [3]\nlayers: [relu]\nbudget: 4G": [
        (3, 9, "budget must be a mapping of figures", "write budget: {macs: 4.1G, params: 26M}"),
    ],
    "input: [3]\nlayers: [relu]\noutput: out": [
        (3, 9, "layer out is not defined before this one", "name an earlier layer of this list, or of a list around it"),
    ],
    "input: [3]\nlayers:\n\t- relu": [(3, 1, "unexpected tab in the indentation", "indent with spaces")],
    "input: [3]\nlayers:\n  -relu\n  -gelu": [
        (3, 3, "expected a list of layers, got -relu -gelu", "begin each layer with a dash and a space; write [] for an empty list"),
    ],
    "input: [3]\nlayers: [relu": [(2, 9, "[ was never closed", "close it with ]")],
    "input [3]\nlayers: [relu]": [(2, 1, "a space is missing after layers:", "write layers: [relu]")],
}  # fmt: skip


def answers(text: str, lines: int = 0, columns: int = 0):
    return [(one.span.line - lines, one.span.column - columns, one.message, one.help) for one in faults(text)]


def check(found, expected):
    assert [(line, column, message) for line, column, message, _ in found] == [
        (line, column, message) for line, column, message, _ in expected
    ]
    for (*_, help), (*_, part) in zip(found, expected, strict=True):
        assert part in help
        assert part or not help


@pytest.mark.parametrize(("layers", "expected"), LAYERS.items())
def test_mistakes_in_layers(layers, expected):
    check(answers(spec(layers, "[3, 32, 32]"), lines=2, columns=2), expected)


@pytest.mark.parametrize(("text", "expected"), FILES.items())
def test_mistakes_in_a_file(text, expected):
    check(answers(text), expected)


def test_every_location_is_in_the_text():
    for layers in LAYERS:
        text = spec(layers, "[3, 32, 32]")
        found = faults(text)
        assert found
        for one in found:
            line = text.split("\n")[one.span.line - 1]
            assert 1 <= one.span.column <= max(1, len(line))
            assert one.span.column - 1 + one.span.length <= max(1, len(line))


def test_a_shape_error_names_shapes_layers_and_calls():
    text = """\
input: [3, 32, 32]
blocks:
  unit(n):
    - residual:
        - conv: {out: n, kernel: 3}
  stage(n): [{unit: n}]
layers:
  - stage: 3
    name: first
"""
    found = fault(text)
    assert found.span[1:] == (4, 7, 8)
    assert found.message == "add cannot broadcast [3, 30, 30] and [3, 32, 32]"
    assert found.notes == (
        "add in layer first.unit.add",
        "input: [3, 30, 30] from first.unit.body.conv, [3, 32, 32] from input",
        "block unit, called at <text>:6",
        "block stage, called at <text>:8",
    )


def test_an_error_in_a_builtin_block_shows_where_it_was_called():
    found = fault(spec("- depthwise_separable: {out: 8, kernel: 4, stride: 1}\n- residual:\n    - mlp: 3\n- squeeze_excite",
                       "[8]"))  # fmt: skip
    assert found.span.source.name == "<text>"
    assert found.span[1:] == (3, 5, 19)
    assert found.notes[-1] == "block depthwise_separable, called at <text>:3"


def test_a_fault_of_a_value_in_a_builtin_block_is_located_at_the_call():
    found = fault(spec("- inverted_residual: {expand: 1.3, out: 8}"))
    assert found.span[1:] == (3, 5, 17)
    assert found.message == "conv: out: expected an integer, got 20.8"
    assert found.notes[0].startswith("in block inverted_residual: - conv: {out: expand * in_channels, kernel: 1")


def test_many_inputs_are_not_all_listed():
    found = fault(
        spec("[relu, {linear: 3}, {add: , from: [relu, relu, relu, relu, relu, relu, relu, relu, relu, linear]}]")
    )
    assert found.notes[1].count("from relu") == 8


def test_the_network_up_to_the_fault():
    for layers in ("[relu, {conv: {out: 3, kernel: 9}}]", "[relu, {linear: 'in_shape[7]'}]", "[relu, {gelu: , from: x}]",
                   "[relu, {linear: 2.5 * in_channels + 0.1}]", "[relu, {relu: , repeat: in_channels - 99}]"):  # fmt: skip
        with pytest.raises(SpecError) as error:
            load(layers, head="name: n\nsource: s\nparams: {a: 1}\n")
        partial = error.value.partial
        assert (paths(partial), partial.name, partial.source, partial.params) == (["relu"], "n", "s", {"a": 1})
        assert costcalc.analyze(partial).totals.layers == 1


def test_no_partial_network_if_nothing_is_built():
    with pytest.raises(SpecError) as error:
        load("[rellu]")
    assert error.value.partial is None


def test_a_fault_of_a_default_is_located_at_the_default():
    found = fault(spec("[{linear: 3}, {linear: 4}]", head="defaults: {linear: {bias: 3}}\n"))
    assert (found.message, found.span[1:3]) == ("linear: bias: expected true or false, got 3", (1, 27))
    found = fault(spec("[{linear: 3}, {linear: 4}]", head="defaults: {linear: {act: {linear: in_channels / 3}}}\n"))
    assert found.span[1:3] == (1, 35)


def test_a_fault_of_an_argument_is_located_at_its_value():
    found = fault(spec("[unit: 3]", head="blocks: {'unit(n, bias=3)': [{linear: {out: n, bias: bias}}]}\n"))
    assert (found.message, found.span.line) == ("linear: bias: expected true or false, got 3", 1)


def test_the_text_of_the_error_has_one_line_per_fault():
    with pytest.raises(CostcalcError) as error:
        costcalc.loads(spec("[rellu, gellu]"), name="x.yaml")
    assert str(error.value) == (
        "x.yaml:3:4: error: unknown op or block rellu\nx.yaml:3:11: error: unknown op or block gellu"
    )


WITHOUT_PLACE_BEFORE = {
    "a value of a column": ("[{linear: w, for: {w: [1, relu]}}]", (4, 13)),
    "a value of a table": ("[{linear: w, for: [[w], [0]]}]", (4, 13)),
    "a condition": ("[{relu: , if: in_shape}]", (4, 17)),
    "skip": ("[{residual: [relu], skip: in_shape}]", (4, 29)),
    "a row": ("[{relu: , for: {a: [1], b: in_shape}}]", (4, 18)),
    "repeat": ("[{relu: , repeat: in_shape}]", (4, 21)),
    "share": ("[{relu: , share: x}]", (4, 20)),
    "from": ("[{relu: , from: x}]", (4, 19)),
    "axis": ("[{concat: [[], []], axis: 7}]", (4, 5)),
    "let": ("[let: {a: in_shape[9]}]", (4, 13)),
    "a signature's default": ("[unit]", (1, 18)),
}


@pytest.mark.parametrize(("layers", "place"), WITHOUT_PLACE_BEFORE.values(), ids=WITHOUT_PLACE_BEFORE)
def test_faults_during_the_build_have_locations(layers, place):
    found = fault(spec(layers, head="blocks: {'unit(a=in_shape[9])': [relu]}\n"))
    assert found.span[1:3] == place


def test_a_fault_of_the_command_line_has_no_location():
    assert fault(spec("[relu]"), alpha=3).span is None


def test_late_faults_do_not_affect_other_networks():
    """A word that is not a layer for some params is not an error for others."""
    from costcalc.errors import Source
    from costcalc.lang.loader import open_spec

    opened = open_spec(Source("x", spec("[{linear: {out: 3, act: a}}]", head="params: {a: relu}\n")))
    with pytest.raises(SpecError, match="unknown op or block nothing"):
        opened.build({"a": "nothing"})
    assert paths(opened.build()) == ["linear", "relu"]
    with pytest.raises(SpecError, match="linear: missing argument: out"):
        opened.build({"a": "linear"})
    assert paths(opened.build({"a": "none"})) == ["linear"]


MORE = {
    "- name: x": (1, 3, "expected an op, a block or a structure beside the modifiers", ""),
    "- linear:10": (1, 3, "unknown op or block linear:10", "add a space after the colon: linear: 10"),
    "- Sequential(relu)": (1, 3, "unknown op or block Sequential(relu)", "as in group: {...}; group: [...]"),
    "- linear: 3\n  share: [a, b]": (2, 10, "share must name one layer, block or group", ""),
    "- relu:\n  for: [[a, a], [1, 2]]": (2, 13, "duplicate column a", ""),
    "- mean: {axis: [0, 1, 2]}\n- linear: in_channels": (
        2,
        11,
        "in_channels has no value: the tensor has no dimensions",
        "",
    ),
    "- linear: {out: {relu: }}": (1, 17, "linear: out: expected a value, got a mapping", ""),
    "- linear: {out: 3, act: {b: {a: {relu: }}}}": (1, 15, "linear: out: expected an integer, got the layer relu", ""),
}


@pytest.mark.parametrize(("layers", "expected"), MORE.items())
def test_more_mistakes(layers, expected):
    found = fault(spec(layers, "[3, 32, 32]", "blocks: {'b(a)': [linear: {out: a}]}\n"))
    line, column, message, help = expected
    assert found.message.startswith(message)
    assert help in found.help
    if "b: {a" in layers:
        assert found.span.line == 1
    else:
        assert found.span[1:3] == (line + 3, column + 2)
