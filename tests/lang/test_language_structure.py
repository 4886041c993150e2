"""Groups, residuals, branches, blocks, and default arguments."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.lang.builtin_blocks import builtin

from .language import fault, faults, load, params, paths, shape, spec, wiring

STRUCTURES = {
    "a group is a list under one name": (
        "[{group: [relu, gelu]}]",
        ["group.relu < input", "group.gelu < group.relu"],
    ),
    "a residual adds its input to the result of the list": (
        "[relu, {residual: [gelu, tanh]}]",
        ["relu < input", "body.gelu < relu", "body.tanh < body.gelu", "add < body.tanh relu"],
    ),
    "or the result of the shortcut": (
        "[relu, {residual: [gelu], shortcut: [tanh]}]",
        ["relu < input", "body.gelu < relu", "shortcut.tanh < relu", "add < body.gelu shortcut.tanh"],
    ),
    "an empty shortcut is the input itself": (
        "[relu, {residual: [gelu], shortcut: []}]",
        ["relu < input", "body.gelu < relu", "add < body.gelu relu"],
    ),
    "an empty body too": ("[{residual: []}]", ["add < input input"]),
    "without the addition there is no shortcut": (
        "[relu, {residual: [gelu], shortcut: [tanh], skip: false}]",
        ["relu < input", "body.gelu < relu"],
    ),
    "skip sees the input of the residual": (
        ("[{residual: [{conv: {out: 4, kernel: 1}}], skip: in_channels == 4},"
        " {residual: [{conv: {out: 4, kernel: 1}}], skip: in_channels == 4}]"),
        ["body.conv < input", "body_2.conv < body.conv", "add < body_2.conv body.conv"],
    ),
    "branches on the same input": (
        "[relu, {concat: {left: [gelu], right: [tanh]}}]",
        ["relu < input", "left.gelu < relu", "right.tanh < relu", "concat < left.gelu right.tanh"],
    ),
    "the same, unnamed": (
        "[relu, {mul: [[gelu], [tanh]]}]",
        ["relu < input", "branch0.gelu < relu", "branch1.tanh < relu", "mul < branch0.gelu branch1.tanh"],
    ),
    "an empty branch passes the input on": (
        "[relu, {add: [[gelu], []]}, {mul: {a: [], b: [], c: []}}]",
        ["relu < input", "branch0.gelu < relu", "add < branch0.gelu relu", "mul < add add add"],
    ),
    "one branch": ("[{concat: [[relu]]}]", ["branch0.relu < input", "concat < branch0.relu"]),
    "a branch of several outputs gives all of them": (
        "[{concat: [[split: 2], [relu]]}]",
        ["branch0.split < input", "branch1.relu < input",
         "concat < branch0.split.0 branch0.split.1 branch1.relu"],
    ),
    "without branches it joins what from lists": (
        "[relu, gelu, {concat: , from: [relu, gelu]}, {mul: , from: [prev, concat]}]",
        ["relu < input", "gelu < relu", "concat < relu gelu", "mul < concat concat"],
    ),
    "modifiers stand beside structures": (
        "[{residual: [relu], name: r, repeat: 2}, {concat: [[relu], []], name: c, if: false}, tanh]",
        ["r.0.body.relu < input", "r.0.add < r.0.body.relu input", "r.1.body.relu < r.0.add",
         "r.1.add < r.1.body.relu r.0.add", "tanh < r.1.add"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), STRUCTURES.values(), ids=STRUCTURES)
def test_structures(layers, expected):
    assert wiring(load(layers)) == expected


AXES = {
    "the channel axis": ("[{concat: [[], []]}]", [32, 8, 8]),
    "another": ("[{concat: [[], []], axis: 1}]", [16, 16, 8]),
    "from the end": ("[{concat: [[], []], axis: -1}]", [16, 8, 16]),
    "an expression": ("[{concat: [[], []], axis: len(in_shape) - 1}]", [16, 8, 16]),
    "without branches": ("[relu, {concat: , from: [relu, input], axis: 2}]", [16, 8, 16]),
    "of tensors by name, as an argument": ("[relu, {concat: {axis: 2}, from: [relu, input]}]", [16, 8, 16]),
    "of copies": ("[{concat: [[], []], axis: i, repeat: 2}]", [32, 16, 8]),
    "by default": ("[{concat: [[], []]}]", [16, 16, 8]),
    "the modifier before the default": ("[{concat: [[], []], axis: 0}]", [32, 8, 8]),
    "sums broadcast": ("[{add: [[], [global_avgpool]]}]", [16, 8, 8]),
    "products broadcast": ("[{mul: {a: [global_avgpool], b: []}}]", [16, 8, 8]),
}


@pytest.mark.parametrize(("name", "layers", "output"), [(name, *case) for name, case in AXES.items()], ids=AXES)
def test_shapes_of_joins(name, layers, output):
    head = "defaults: {concat: {axis: 1}}\n" if "default" in name else ""
    assert shape(load(layers, head=head)) == output


UNFIT = {
    "a residual that changes the channels": (
        "[{linear: 8}, {residual: [{conv: {out: 4, kernel: 1}}], name: r}]",
        "add cannot broadcast [4, 8, 8] and [16, 8, 8]",
        ["[4, 8, 8] from r.body.conv", "[16, 8, 8] from linear"],
        "shortcut: [conv: {out: 4, kernel: 1}]",
    ),
    "branches of different sizes": (
        "[{concat: [[{maxpool: 2}], [relu]]}]",
        "cannot concatenate [16, 4, 4] and [16, 8, 8] on axis 0",
        ["[16, 4, 4] from branch0.maxpool", "[16, 8, 8] from branch1.relu"],
        "padding",
    ),
    "addends by name": (
        "[{conv: {out: 4, kernel: 1}}, {add: , from: [prev, input]}]",
        "add cannot broadcast [4, 8, 8] and [16, 8, 8]",
        ["[4, 8, 8] from conv", "[16, 8, 8] from input"],
        "",
    ),
}


@pytest.mark.parametrize(("layers", "message", "seen", "help"), UNFIT.values(), ids=UNFIT)
def test_incompatible_shapes(layers, message, seen, help):
    found = fault(spec(layers))
    assert found.message.startswith(message)
    notes = "\n".join(found.notes)
    assert all(part in notes for part in seen)
    assert help in found.help
    assert found.help


BROKEN = {
    "group: relu": "expected a list of layers, got relu",
    "group:": "expected a list of layers",
    "group": "group needs a list of layers",
    "residual": "residual needs a list of layers",
    "residual: {body: [relu]}": "expected a list of layers, got a mapping",
    "concat: []": "concat needs branches",
    "mul: {}": "mul needs branches",
    "concat: [relu, gelu]": "each branch of concat must be a list of layers",
    "concat: {a: relu, b: []}": "expected a list of layers, got relu",
    "concat: {a: , b: []}": "expected a list of layers",
    "concat: {axis: 1, a: [], b: []}": "expected a branch, got axis",
    "add: {axis: 1}": "expected a list of layers, got 1",
    "concat: {a: relu, b: [gelu]}": "expected a list of layers, got relu",
    "add: 5": "add needs branches, got 5",
}


@pytest.mark.parametrize(("item", "message"), BROKEN.items())
def test_structures_without_their_lists(item, message):
    found = fault(spec(f"- {item}"))
    assert found.message == message


BESIDE = {
    "{group: [relu], shortcut: []}": "unknown key shortcut beside group",
    "{group: [relu], skip: true}": "unknown key skip beside group",
    "{relu: , shortcut: []}": "unknown key shortcut beside relu",
    "{add: [[], []], axis: 1}": "unknown key axis beside add",
    "{concat: [[], []], shortcut: []}": "unknown key shortcut beside concat",
    "{residual: [relu], axis: 1}": "unknown key axis beside residual",
    "{residual: [relu], group: [gelu]}": "unknown key group beside residual",
    "{relu: , gelu: }": "unknown key gelu beside relu",
}


@pytest.mark.parametrize(("item", "message"), BESIDE.items())
def test_keys_beside_a_structure(item, message):
    assert fault(spec(f"[{item}]")).message == message


# Blocks

BLOCKS = """
params: {w: 3}
blocks:
  none_given: [{linear: 5}]
  empty(): []
  one(a): [{linear: a}]
  two(a, b=2): [{linear: 10 * a + b}]
  chain(a, b=2 * a, c=a + b): [{linear: 100 * a + 10 * b + c}]
  word(act=relu): [{linear: {out: 5, act: act}}]
  sized(out=max(1, block_channels // 4)): [{linear: out}]
  outer(a): [{two: {a: a, b: 7}}]
  loops(n): [{linear: n + i, repeat: n}]
  sees: [{linear: w}]
  widths(ws): [{linear: w, for: {w: ws}}]
  pair(sizes=[4, 5]): [{linear: 'sizes[1]'}]
  normed(norm): [{conv: {out: 4, kernel: 1, norm: norm}}]
  entered: [{linear: 9}, {linear: block_features}, {linear: in_features + 1}]
  inside: [{linear: 9}, {group: [{linear: block_features}]}]
  shadow(w): [{linear: w}]
"""

CALLS = {
    "none_given": [16, 8, 5],
    "none_given:": [16, 8, 5],
    "none_given: {}": [16, 8, 5],
    "one: 4": [16, 8, 4],
    "one: {a: 4}": [16, 8, 4],
    "one: 2 * w": [16, 8, 6],
    "one: in_channels": [16, 8, 16],
    "two: 4": [16, 8, 42],
    "two: {b: 1, a: 4}": [16, 8, 41],
    "chain: 1": [16, 8, 123],
    "chain: {a: 1, b: 1}": [16, 8, 112],
    "word": [16, 8, 5],
    "sized": [16, 8, 4],
    "sized: 2": [16, 8, 2],
    "outer: 1": [16, 8, 17],
    "loops: 3": [16, 8, 5],
    "sees": [16, 8, 3],
    "widths: [4, 6]": [16, 8, 6],
    "widths: {ws: [w, 2 * w]}": [16, 8, 6],
    "pair": [16, 8, 5],
    "pair: [w, w]": [16, 8, 3],
    "normed: {norm: {groupnorm: 4}}": [4, 8, 8],
    "normed: batchnorm": [4, 8, 8],
    "normed: none": [4, 8, 8],
    "entered": [16, 8, 9],
    "inside": [16, 8, 8],
    "shadow: 6": [16, 8, 6],
}


@pytest.mark.parametrize(("call", "output"), CALLS.items())
def test_calls_of_blocks(call, output):
    assert shape(load(f"- {call}", head=BLOCKS)) == output


def test_a_block_without_layers_returns_its_input():
    assert wiring(load("[relu, empty, gelu]", head=BLOCKS)) == ["relu < input", "gelu < relu"]


NOT_CALLED = {
    "one": "one: missing argument: a",
    "one: {b: 3}": "one has no argument b",
    "none_given: 3": "none_given takes no arguments",
    "two: {b: 3}": "two: missing argument: a",
    "onee: 3": "unknown op or block onee",
    "one: {a: 3, stride: 2}": "one has no argument stride",
}


@pytest.mark.parametrize(("call", "message"), NOT_CALLED.items())
def test_calls_that_do_not_match_the_signature(call, message):
    found = faults(spec(f"- {call}", head=BLOCKS))
    assert message in [one.message for one in found]


CALLERS = {
    "a loop variable": "[{leak: , for: {x: [1]}}]",
    "its i": "[{leak_i: , repeat: 2}]",
    "a let name": "[let: {x: 1}, leak]",
    "an argument": "[{through: 1}]",
}


@pytest.mark.parametrize("layers", CALLERS.values(), ids=CALLERS)
def test_a_block_cannot_use_names_of_its_caller(layers):
    head = "blocks: {leak: [linear: x], leak_i: [linear: i], 'through(x)': [leak]}\n"
    found = faults(spec(layers, head=head))
    assert {one.message for one in found} == {"unknown name x", "unknown name i"}


def test_arguments_are_evaluated_by_the_caller():
    """Arguments are evaluated in the scope of the caller."""
    head = "blocks: {'b(norm, a)': [conv: {out: a, kernel: 1, norm: norm}]}\n"
    network = load("[let: {g: 2}, {b: {norm: {groupnorm: g * i + 2}, a: 4 + 4 * i}, repeat: 2}]", head=head)
    assert [str(layer.op) for layer in network.layers if layer.op.name == "groupnorm"] == [
        "groupnorm(groups=2)",
        "groupnorm(groups=4)",
    ]


CYCLES = {
    "itself": ("{a: [a]}", "a -> a"),
    "two": ("{a: [b], b: [a]}", "a -> b -> a"),
    "inside structures": ("{a: [{residual: [{group: [b]}]}], b: [{add: [[], [{a: , repeat: 2}]]}]}", "a -> b -> a"),
    "behind an if": ("{a: [{a: , if: false}]}", "a -> a"),
    "from the second": ("{a: [b], b: [c], c: [b]}", "b -> c -> b"),
    "not called": ("{a: [relu], b: [b]}", "b -> b"),
}


@pytest.mark.parametrize(("blocks", "cycle"), CYCLES.values(), ids=CYCLES)
def test_recursion_is_an_error_that_shows_the_cycle(blocks, cycle):
    assert fault(spec("[relu]", head=f"blocks: {blocks}\n")).message == f"recursive block: {cycle}"


SIGNATURES = {
    "'a b'": "invalid signature of a block",
    "'a('": "invalid signature of a block",
    "'a(b'": "invalid signature of a block",
    "'5'": "invalid signature of a block",
    "'a(b))'": "unbalanced bracket in the signature",
    "'a(b=(1)'": "unbalanced bracket in the signature",
    "'a(b, b)'": "duplicate argument b",
    "'a(1b)'": "invalid name of an argument",
    "'a(in_channels)'": "in_channels is a reserved name",
    "'a(max)'": "max is a reserved name",
    "'a(b=)'": "the default of b is missing",
    "'a(b, , c)'": "invalid name of an argument",
    "'a(b=c, c=1)'": "unknown name c",
    "'a(b=b)'": "unknown name b",
    "'a(b=1 +)'": "unexpected end of the expression",
    "'a(b=i)'": "unknown name i",
    "residual": "residual is a reserved name",
    "'concat(x)'": "concat is a reserved name",
    "let": "let is a reserved name",
    "repeat": "repeat is a reserved name",
    "none": "none is a reserved name",
}


@pytest.mark.parametrize(("key", "message"), SIGNATURES.items())
def test_signatures(key, message):
    found = fault(spec("[relu]", head=f"blocks:\n  {key}: [relu]\n"))
    assert message in found.message
    assert found.span.line == 2


def test_duplicate_blocks():
    found = fault(spec("[relu]", head="blocks:\n  a: [relu]\n  a(x): [gelu]\n"))
    assert (found.message, found.span.line) == ("duplicate block a", 3)


def test_unused_blocks_are_checked():
    assert fault(spec("[relu]", head="blocks: {a: [rellu]}\n")).message == "unknown op or block rellu"


# Built-in blocks, and blocks of the file with the same name


def conv(k, c, out, bias=False):
    return k * k * c * out + bias * out


BUILTIN = {
    # a depthwise and a pointwise convolution, each followed by a norm
    "depthwise_separable: 32": ([32, 8, 8], 9*16 + 2*16 + 16*32 + 2*32),
    "depthwise_separable: {out: 32, kernel: 5, stride: 2}": ([32, 4, 4], 25*16 + 2*16 + 16*32 + 2*32),
    "depthwise_separable: {out: 8, act: gelu}": ([8, 8, 8], 9*16 + 2*16 + 16*8 + 2*8),
    # 16 -> 4 -> 16 with biases
    "squeeze_excite": ([16, 8, 8], 16*4 + 4 + 4*16 + 16),
    "squeeze_excite: 8": ([16, 8, 8], 16*8 + 8 + 8*16 + 16),
    "squeeze_excite: {channels: 1, gate: hardsigmoid}": ([16, 8, 8], 16 + 1 + 16 + 16),
    # 16 -> 96 -> 96 -> 16, three norms
    "inverted_residual: {expand: 6, out: 16}": ([16, 8, 8], 16*96 + 2*96 + 9*96 + 2*96 + 96*16 + 2*16),
    "inverted_residual: {expand: 6, out: 24, stride: 2, kernel: 5}":
        ([24, 4, 4], 16*96 + 2*96 + 25*96 + 2*96 + 96*24 + 2*24),
    "inverted_residual: {expand: 1, out: 24}": ([24, 8, 8], 9*16 + 2*16 + 16*24 + 2*24),
    # 8 -> 32 -> 8 with biases
    "mlp: 32": ([16, 8, 8], 8*32 + 32 + 32*8 + 8),
    "mlp: {hidden: 32, act: relu}": ([16, 8, 8], 8*32 + 32 + 32*8 + 8),
    # three matrices without biases
    "swiglu: 32": ([16, 8, 8], 3*8*32),
    # 16 -> 64 -> 64 -> 16, three norms, a gate of 16 // 4 channels
    "mbconv: {expand: 4, out: 16}":
        ([16, 8, 8], 16*64 + 2*64 + 9*64 + 2*64 + 64*4 + 4 + 4*64 + 64 + 64*16 + 2*16),
    "mbconv: {expand: 1, out: 24, stride: 2, squeeze: 0}": ([24, 4, 4], 9*16 + 2*16 + 16*24 + 2*24),
    "fused_mbconv: {expand: 4, out: 16}": ([16, 8, 8], 9*16*64 + 2*64 + 64*16 + 2*16),
    "fused_mbconv: {expand: 1, out: 24, stride: 2}": ([24, 4, 4], 9*16*24 + 2*24),
    # 1x1 to 32, two bottlenecks of two 3x3 on 16, 1x1 from 16 + 16 + 2·16
    "c2f: {out: 32, bottlenecks: 2}": ([32, 8, 8], 16*32 + 2*32 + 2*2*(9*16*16 + 2*16) + 64*32 + 2*32),
    # two layernorms, four projections of 8 by 8 with biases, an mlp
    "transformer_encoder: {heads: 2, hidden: 32}":
        ([16, 8], 2*8 + 4*(8*8 + 8) + 2*8 + 8*32 + 32 + 32*8 + 8),
    "transformer_encoder: {heads: 2, hidden: 32, bias: false, norm: rmsnorm}": ([16, 8], 8 + 4*8*8 + 8 + 8*32 + 32*8),
    "transformer_encoder: {heads: 2, hidden: 32, norm: none}": ([16, 8], 4*(8*8 + 8) + 8*32 + 32 + 32*8 + 8),
}  # fmt: skip


@pytest.mark.parametrize(("call", "output", "count"), [(call, *case) for call, case in BUILTIN.items()])
def test_builtin_blocks(call, output, count):
    network = load(f"- {call}", "[16, 8]" if len(output) == 2 else "[16, 8, 8]")
    assert shape(network) == output
    assert params(network) == count


def test_the_set_of_builtin_blocks():
    assert list(builtin()) == [
        "depthwise_separable",
        "squeeze_excite",
        "inverted_residual",
        "mbconv",
        "fused_mbconv",
        "c2f",
        "mlp",
        "swiglu",
        "transformer_encoder",
        "transformer_decoder",
    ]


INNER = {  # a convolution that is left out has taken its name: the next keeps the number that it always has
    "depthwise_separable: 32": "depthwise_conv batchnorm relu conv batchnorm_2 relu_2",
    "inverted_residual: {expand: 6, out: 16}":
        "body.conv body.batchnorm body.relu6 body.depthwise_conv body.batchnorm_2 body.relu6_2 body.conv_2"
        " body.batchnorm_3 add",
    "inverted_residual: {expand: 1, out: 16, stride: 2}":
        "body.depthwise_conv body.batchnorm body.relu6 body.conv_2 body.batchnorm_2",
    "squeeze_excite": "gate.global_avgpool gate.conv gate.relu gate.conv_2 gate.sigmoid mul",
    "mlp: 4": "linear gelu linear_2",
}  # fmt: skip


@pytest.mark.parametrize(("call", "names"), INNER.items())
def test_layers_of_builtin_blocks(call, names):
    network = load(f"- {call if ':' in call else call + ':'}\n  name: b")
    assert paths(network) == [f"b.{name}" for name in names.split()]


def test_a_block_of_the_file_replaces_a_builtin_block():
    head = "blocks: {'mlp(n)': [linear: n], 'relu()': [gelu]}\n"
    network = load("[mlp: 3, relu]", head=head)
    assert paths(network) == ["mlp.linear", "relu.gelu"]
    assert paths(load("[{linear: {out: 3, act: relu}}]", head=head)) == ["linear", "relu.gelu"]


def test_a_block_of_the_file_is_used_in_builtin_blocks():
    network = load("[{mlp: 3}]", head="blocks: {gelu: [tanh]}\n")
    assert paths(network) == ["mlp.linear", "mlp.gelu.tanh", "mlp.linear_2"]


# Defaults

DEFAULTS = {
    "an argument": ("{linear: {bias: false}}", "[linear: 5]", 8*5),
    "what is written wins": ("{linear: {bias: false}}", "[linear: {out: 5, bias: true}]", 8*5 + 5),
    "a required argument": ("{linear: {out: 5}}", "[linear, linear: 2]", 8*5 + 5 + 5*2 + 2),
    "norm and act": ("{conv: {norm: batchnorm, act: relu}}", "[conv: {out: 4, kernel: 1}]", 16*4 + 4 + 2*4),
    "none turns a default off": ("{conv: {norm: batchnorm}}", "[conv: {out: 4, kernel: 1, norm: none}]", 16*4 + 4),
    "of an op that another brings": ("{batchnorm: {affine: false}}", "[conv: {out: 4, kernel: 1, norm: batchnorm}]",
        16*4 + 4),
    "a norm with arguments": ("{conv: {norm: {groupnorm: 2}}}", "[conv: {out: 4, kernel: 1}]", 16*4 + 4 + 2*4),
    "an expression of params": ("{linear: {out: 2 * w}}", "[linear]", 8*6 + 6),
    "of the tensor that enters the layer": ("{linear: {out: in_features + 1}}", "[linear, linear]",
        8*9 + 9 + 9*10 + 10),
    "of a block": ("{unit: {n: 3}}", "[unit]", 8*3 + 3),
    "of a built-in block": ("{mlp: {hidden: 3}}", "[mlp]", 8*3 + 3 + 3*8 + 8),
    "inside a block": ("{linear: {bias: false}}", "[unit: 3]", 8*3),
    "inside a built-in block, where nothing is written":
        ("{attention: {bias: false}, layernorm: {affine: false}}", "[transformer_encoder: {heads: 2, hidden: 3}]",
         4*8*8 + 8*3 + 3 + 3*8 + 8),
    "what a built-in block writes stays": ("{linear: {bias: true}, conv: {bias: true, norm: none}}",
        "[swiglu: 3, depthwise_separable: 4]", 2*8*3 + 3*8 + 9*16 + 2*16 + 16*4 + 2*4),
    "what a built-in block leaves open follows": ("{linear: {bias: false}}", "[mlp: 3]", 8*3 + 3*8),
    "in a branch and a group": ("{linear: {bias: false}}", "[{group: [{add: [[linear: 8], []]}]}]", 8*8),
    "seen from inside a block: params, not arguments": ("{linear: {out: w}}", "[shadow: 7]", 8*3 + 3),
    "not those of the layer around": ("{linear: {out: w}}", "[let: {w: 9}, {linear: , for: {w: [8]}}]", 8*3 + 3),
}  # fmt: skip


@pytest.mark.parametrize(("defaults", "layers", "count"), DEFAULTS.values(), ids=DEFAULTS)
def test_defaults(defaults, layers, count):
    shadow = ", 'shadow(w)': [linear]" if "shadow" in layers else ""
    head = f"params: {{w: 3}}\nblocks: {{'unit(n)': [linear: n]{shadow}}}\n"
    network = load(layers, "[16, 8]" if "transformer" in layers else "[16, 8, 8]", f"{head}defaults: {defaults}\n")
    assert params(network) == count


WRONG_DEFAULTS = {
    "{convv: {bias: false}}": ("unknown op or block convv", "did you mean conv?"),
    "{group: {bias: false}}": ("unknown op or block group", ""),
    "{conv: {kernal: 3}}": ("conv has no argument kernal", "did you mean kernel?"),
    "{relu: {name: 3}}": ("relu has no argument name", "write the modifier name beside relu"),
    "{unit: {m: 3}}": ("unit has no argument m", ""),
    "{conv: relu}": ("the defaults of conv must be a mapping", "defaults: {conv: {bias: false}}"),
    "{linear: {out: n}}": ("unknown name n", ""),
    "{linear: {out: i}}": ("unknown name i", ""),
    "[conv]": ("defaults must be a mapping", ""),
    "{linear: {out: 5, act: linear}}": ("recursive norm or act: linear", "set norm and act of linear explicitly"),
}


@pytest.mark.parametrize(("defaults", "message", "help"), [(key, *case) for key, case in WRONG_DEFAULTS.items()])
def test_faults_of_defaults(defaults, message, help):
    found = fault(spec("[linear: 4]", head=f"blocks: {{'unit(n)': [linear: n]}}\ndefaults: {defaults}\n"))
    assert found.message == message
    assert help in found.help
    assert found.span.line == 2


def test_a_recursive_act_through_a_block():
    found = fault(spec("[linear: 4]", head="defaults: {linear: {act: u}}\nblocks: {u: [linear: 4]}\n"))
    assert found.message == "blocks are nested more than 100 levels deep"


# norm and act

FOLLOWED = {
    "in that order": ("conv: {out: 4, kernel: 1, act: relu, norm: batchnorm}", "conv batchnorm relu"),
    "with arguments": ("conv: {out: 4, kernel: 1, norm: {groupnorm: 2}, act: {prelu: {per_channel: true}}}",
        "conv groupnorm prelu"),
    "any op": ("linear: {out: 4, norm: layernorm, act: {dropout: 0.1}}", "linear layernorm dropout"),
    "a block": ("linear: {out: 4, act: gate}", "linear gate.branch1.sigmoid gate.mul"),
    "a block with arguments": ("linear: {out: 4, act: {sized: 6}}", "linear sized.linear"),
    "a value of a param": ("linear: {out: 4, act: a}", "linear gelu"),
    "a choice": ("linear: {out: 4, act: relu if 1 > 2 else silu}", "linear silu"),
    "none": ("linear: {out: 4, norm: none, act: none}", "linear"),
    "with followers of its own": ("linear: {out: 4, act: {linear: {out: 5, act: relu}}}", "linear linear_2"),
}  # fmt: skip


@pytest.mark.parametrize(("layer", "names"), FOLLOWED.values(), ids=FOLLOWED)
def test_norm_and_act(layer, names):
    head = "params: {a: gelu}\nblocks: {gate: [{mul: [[], [sigmoid]]}], 'sized(n)': [linear: n]}\n"
    assert paths(load(f"- {layer}", head=head)) == names.split()


@pytest.mark.parametrize("follower", ["batchnorm", "{groupnorm: 2}", "{layernorm: {axes: all}}", "relu"])
def test_norm_equals_a_separate_layer(follower):
    behind = follower if follower[0] != "{" else follower[1:-1]
    brief = costcalc.analyze(load(f"[{{conv: {{out: 4, kernel: 1, norm: {follower}}}}}]"))
    written = costcalc.analyze(load(f"- conv: {{out: 4, kernel: 1}}\n- {behind}"))
    assert brief.totals.counts == written.totals.counts
    assert [row.name for row in brief.layers] == [row.name for row in written.layers]


NO_FOLLOWERS = {
    "linear: {out: 4, act: 5}": "expected an op, an op with arguments, or none",
    "linear: {out: 4, act: [relu]}": "expected an op, an op with arguments, or none",
    "linear: {out: 4, act: n}": "expected an op or none, got 3",
    "linear: {out: 4, act: rellu}": "unknown name rellu",
    "linear: {out: 4, act: same}": "unknown op or block same",
    "linear: {out: 4, act: linear}": "linear: missing argument: out",
    "linear: {out: 4, act: {relu: , gelu: }}": "expected one op or block with its arguments, got 2 keys",
    "linear: {out: 4, act: {}}": "expected one op or block with its arguments, got 0 keys",
    "linear: {out: 4, act: {relu: 3}}": "relu takes no arguments",
    "linear: {out: 4, act: w}": "linear: missing argument: out",
    "relu: {act: gelu}": "relu has no argument act",
}


@pytest.mark.parametrize(("layer", "message"), NO_FOLLOWERS.items())
def test_invalid_norm_and_act(layer, message):
    assert fault(spec(f"- {layer}", head="params: {n: 3, w: linear}\n")).message == message


ENCODER = """
blocks:
  encoder(norm=layernorm, bias=none):
    - norm
    - linear: {out: 8, bias: bias}
"""


@pytest.mark.parametrize(
    ("call", "names", "count"),
    [
        ("encoder", "layernorm linear", 2 * 8 + 8 * 8),  # the default of the spec: no bias
        ("encoder: {bias: true}", "layernorm linear", 2 * 8 + 8 * 8 + 8),
        ("encoder: {norm: rmsnorm}", "rmsnorm linear", 8 + 8 * 8),
        ("encoder: {norm: none}", "linear", 8 * 8),
        ("encoder: {norm: {layernorm: {bias: false}}}", "layernorm linear", 8 + 8 * 8),
    ],
)
def test_an_item_may_be_the_layer_that_an_argument_names(call, names, count):
    network = load(f"- {call}", "[16, 8]", f"{ENCODER}defaults: {{linear: {{bias: false}}}}\n")
    assert [layer.name.removeprefix("encoder.") for layer in network.layers] == names.split()
    assert params(network) == count
