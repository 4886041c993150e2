"""Files: keys, params and overrides, inputs and outputs, totals and limits, and the YAML subset."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import CostcalcError, Source, SpecError, UsageError
from costcalc.lang.loader import KEYS, open_spec

from .language import fault, faults, load, paths, shape, spec, wiring


def opened(text: str):
    return open_spec(Source("x.yaml", text))


def test_keys():
    network = costcalc.loads(
        """
        name: small
        description: free text
        source: "Somebody 2015, table 1"
        params: {classes: 10}
        input: [3]
        defaults: {linear: {bias: false}}
        blocks: {unit: [linear: classes]}
        layers: [unit]
        output: unit
        expect: {params: 30}
        budget: {macs: 1k}
        """
    )
    assert (network.name, network.description, network.source) == ("small", "free text", "Somebody 2015, table 1")
    assert network.params == {"classes": 10}
    assert paths(network) == ["unit.linear"]


@pytest.mark.parametrize(
    ("file", "name"), [("net.yaml", "net"), ("a/b/net.yaml", "net"), ("<stdin>", "stdin"), ("net", "net")]
)
def test_the_name_is_the_files_stem(file, name):
    assert costcalc.loads(spec("[relu]"), name=file).name == name


@pytest.mark.parametrize(("text", "name"), [("12", "12"), ("no", "no"), ("true", "true"), ('"a b"', "a b")])
def test_a_name_is_a_text(text, name):
    assert costcalc.loads(spec("[relu]", head=f"name: {text}\n")).name == name


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("layer", "layers"), ("inputs", "input"), ("param", "params"), ("outputs", "output"), ("extend", "extends"),
     ("Layers", "layers"), ("budgets", "budget"), ("default", "defaults"), ("block", "blocks"), ("expected", "expect")],
)  # fmt: skip
def test_an_unknown_key_is_an_error_with_a_suggestion(key, nearest):
    found = fault(spec("[relu]", head=f"{key}: 3\n"))
    assert (found.message, found.help) == (f"unknown key {key}", f"did you mean {nearest}?")
    assert found.span[1:] == (1, 1, len(key))


UNKNOWN = {
    "of an item": ("[{relu: , repaet: 3}]", "", "unknown key repaet beside relu", "did you mean repeat?"),
    "of an op": ("[linear: {uot: 3}]", "", "linear has no argument uot", "did you mean out?"),
    "of a block": ("[unit: {mdi: 3}]", "", "unit has no argument mdi", "did you mean mid?"),
    "of a built-in block": ("[mlp: {hiden: 3}]", "", "mlp has no argument hiden", "did you mean hidden?"),
    "of the defaults": ("[relu]", "defaults: {linear: {uot: 3}}", "linear has no argument uot", "did you mean out?"),
    "of a total": ("[relu]", "expect: {mac: 3}", "unknown figure mac", "did you mean macs?"),
    "of a limit": ("[relu]", "budget: [{parms: 3}]", "unknown figure parms", "did you mean params?"),
    "of what a limit is set at": ("[relu]", "params: {alpha: 1}\nbudget: {set: {alhpa: 3}}", "unknown param alhpa",
        "did you mean alpha?"),
    "of a residual": ("[{residual: [relu], shortcuts: []}]", "", "unknown key shortcuts beside residual",
        "did you mean shortcut?"),
    "of a concat": ("[{concat: [[], []], axes: 1}]", "", "unknown key axes beside concat", "did you mean axis?"),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "head", "message", "help"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_keys_are_errors_everywhere(layers, head, message, help):
    head = f"{head}\n" if head else ""
    found = fault(spec(layers, head=f"{head}blocks: {{'unit(mid=4)': [linear: mid]}}\n"))
    assert (found.message, found.help) == (message, help)


def test_the_set_of_keys():
    assert set(KEYS) == {
        "name", "description", "source", "extends", "params", "input", "defaults", "blocks", "layers", "output",
        "dtype", "allow", "expect", "budget",
    }  # fmt: skip


# Params

PARAMS = {
    "1": 1,
    "1_000": 1000,
    "1e3": 1000,
    "0.25": 0.25,
    "-3": -3,
    "true": True,
    "false": False,
    "relu": "relu",
    "none": "none",
    "[3, 4, 23, 3]": (3, 4, 23, 3),
    "[[1, 2], [relu, true]]": ((1, 2), ("relu", True)),
    "[]": (),
    "2 * a": 14,
    "[a, a + 1]": (7, 8),
    "max(a, 3)": 7,
    "a": 7,
    '"a > 3"': True,
    '"2 ** 10"': 1024,
    "b[1]": 5,
}


@pytest.mark.parametrize(("text", "value"), PARAMS.items())
def test_params(text, value):
    found = load("[relu]", head=f"params:\n  a: 7\n  b: [4, 5]\n  c: {text}\n").params
    assert found["c"] == value
    assert type(found["c"]) is type(value) or isinstance(value, str)


NO_PARAMS = {
    "a: ": "a value is missing",
    "a: b": "unknown name b",
    "a: a": "unknown name a",
    "a: b + 1\n  b: 2": "unknown name b",
    "a: in_channels": "in_channels has no value without an input tensor",
    "a: {relu: 3}": "expected a number, true or false, a word, a list or an expression, got a mapping",
    "1a: 3": "invalid name of a value: 1a",
    "a-b: 3": "invalid name of a value: a-b",
    "max: 3": "max is a reserved name",
    "in_channels: 3": "in_channels is a reserved name",
    "if: 3": "if is a reserved name",
    "a: 1 / 0": "division by zero",
    "a: 1e31": "number out of range: the limit is 10^30",
    "a: 3:22": "unexpected ':'",
    "a: ''": "the expression is empty",
}


@pytest.mark.parametrize(("text", "message"), NO_PARAMS.items())
def test_faults_of_params(text, message):
    found = fault(spec("[relu]", head=f"params:\n  {text}\n"))
    assert found.message == message
    assert found.span.line == 2


def test_params_is_a_mapping():
    assert fault(spec("[relu]", head="params: [1]\n")).message == "params must be a mapping"
    assert load("[relu]", head="params:\n").params == {}


OVERRIDES = [
    ({"width": 32}, 32, 64),
    ({"width": "32"}, 32, 64),
    ({"width": " 32 "}, 32, 64),
    ({"width": "2 * 16"}, 32, 64),
    ({"width": "1k"}, 1000, 2000),
    ({"width": "1_000"}, 1000, 2000),
    ({"width": "0.5M"}, 500_000, 1_000_000),
    ({"width": 2.5}, 2.5, 5.0),
    ({"double": 5}, 16, 5),
    ({"width": 3, "double": "7"}, 3, 7),
    ({}, 16, 32),
]


@pytest.mark.parametrize(("values", "width", "double"), OVERRIDES)
def test_overrides(values, width, double):
    """Expressions of other params use the overridden values."""
    found = opened(spec("[relu]", head="params: {width: 16, double: 2 * width}\n")).values(values)
    assert (found["width"], found["double"]) == (width, double)


WORDS = [
    ("relu", "relu"),
    ("true", True),
    ("false", False),
    (True, True),
    ("[3, 4, 23, 3]", (3, 4, 23, 3)),
    ([3, 4], (3, 4)),
    ((3, [relu := "relu"]), (3, (relu,))),
    ("[relu, none]", ("relu", "none")),
    ("-4.1G", -4_100_000_000),
    ("1e3", 1000),
    ("anything", "anything"),
]


@pytest.mark.parametrize(("given", "value"), WORDS)
def test_values_of_overrides(given, value):
    assert opened(spec("[relu]", head="params: {a: 1}\n")).values({"a": given}) == {"a": value}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("1 +", "a: unexpected end of the expression"),
        ("", "a: the expression is empty"),
        ("b.c", "a: unexpected '.'"),
        ("in_channels", "a: in_channels has no value outside of layers"),
        ("9**99", "a: result out of range: the limit is 10^30"),
        ("10000T" * 99, "a: invalid number 10000T"),
        ("[1", "a: expected ']' at the end of the expression"),
        (None, "a: expected a number, true or false, a list or a word, got None"),
        ({}, "a: expected a number, true or false, a list or a word, got {}"),
        (10**31, "a: number out of range: the limit is 10^30"),
        (float("nan"), "a: number out of range: the limit is 10^30"),
        (float("inf"), "a: number out of range: the limit is 10^30"),
        ([[None]], "a: expected a number, true or false, a list or a word, got None"),
    ],
)
def test_invalid_values_of_params(given, message):
    with pytest.raises(UsageError) as error:
        opened(spec("[relu]", head="params: {a: 1}\n")).values({"a": given})
    assert str(error.value).startswith(message)


def test_an_unknown_param():
    with pytest.raises(UsageError) as error:
        load("[relu]", head="name: x\nparams: {alpha: 1}\n", alhpa=2)
    assert (str(error.value), error.value.help) == ("unknown param alhpa of x", "did you mean alpha?")
    with pytest.raises(UsageError) as error:
        load("[relu]", head="name: x\n", alpha=2)
    assert error.value.help == "the spec has no params"


def test_a_fault_at_an_override_has_a_location():
    found = fault(spec("[linear: width]", head="params: {width: 16}\n"), width=2.5)
    assert found.message == "linear: out: expected an integer, got 2.5"
    assert found.span[1:] == (4, 12, 5)


# Inputs and outputs

INPUTS = {
    "[3, 224, 224]": {"input": (3, 224, 224)},
    "[16000]": {"input": (16000,)},
    "[3, 8, 64, 64]": {"input": (3, 8, 64, 64)},
    "[a, 2 * a, a // 2]": {"input": (7, 14, 3)},
    "{image: [3, 8, 8]}": {"image": (3, 8, 8)},
    "{left: [3, a], right: [a]}": {"left": (3, 7), "right": (7,)},
    "{input: [3], other: [4]}": {"input": (3,), "other": (4,)},
    "[1, 1, 1, 1, 1, 1, 1, 1]": {"input": (1,) * 8},
    "[24.000000000000004]": {"input": (24,)},
}


@pytest.mark.parametrize(("text", "shapes"), INPUTS.items())
def test_inputs(text, shapes):
    assert load("[]", text, "params: {a: 7}\n").inputs == shapes


NO_INPUTS = {
    "[]": "an input must be a list of 1 to 8 dimensions, without the batch",
    "[1, 1, 1, 1, 1, 1, 1, 1, 1]": "an input must be a list of 1 to 8 dimensions, without the batch",
    "224": "an input must be a list of 1 to 8 dimensions, without the batch",
    "3x224x224": "an input must be a list of 1 to 8 dimensions, without the batch",
    "": "an input must be a list of 1 to 8 dimensions, without the batch",
    "{}": "an input must be a list of 1 to 8 dimensions, without the batch",
    "{a: 5}": "an input must be a list of 1 to 8 dimensions, without the batch",
    "[3, 0]": "expected an integer of at least 1, got 0",
    "[3, -1]": "expected an integer of at least 1, got -1",
    "[3, 2.5]": "expected an integer, got 2.5",
    "[3, relu]": "expected an integer, got relu",
    "[3, true]": "expected an integer, got true",
    "[3, [4]]": "expected an integer, got [4]",
    "[3, x]": "unknown name x",
    "[3, in_channels]": "in_channels has no value without an input tensor",
    "[3, null]": "the size is open",
    "{prev: [3]}": "prev is a reserved name",
    "{a.b: [3]}": "invalid name 'a.b'",
}


@pytest.mark.parametrize(("text", "message"), NO_INPUTS.items())
def test_faults_of_inputs(text, message):
    found = fault(spec("[]", text))
    assert found.message == message
    assert found.span.line == 1


def test_inputs_are_overridden_by_name():
    text = spec("[{relu: , from: a}]", "{a: [3, 8], b: [4]}")
    assert costcalc.loads(text, inputs={"b": [5]}).inputs == {"a": (3, 8), "b": (5,)}
    assert costcalc.loads(spec("[relu]"), inputs={"input": (3, 4, 4)}).inputs == {"input": (3, 4, 4)}
    assert costcalc.loads(spec("[relu]", "{image: [3]}"), inputs={"input": (4,)}).inputs == {"image": (4,)}
    with pytest.raises(UsageError, match="unknown input c of"):
        costcalc.loads(text, inputs={"c": [5]})
    for shape_ in ([], [0], [2.5], ["x"], [1] * 9):
        with pytest.raises(CostcalcError):
            costcalc.loads(spec("[relu]"), inputs={"input": shape_})


OUTPUTS = {
    "the last layer": ("", "[relu, gelu]", {"gelu": "gelu"}),
    "the last layer's outputs": ("", "[split: 2]", {"split": "split.0", "split.1": "split.1"}),
    "the input, without layers": ("", "[]", {"input": "input"}),
    "a name": ("output: relu", "[relu, gelu]", {"relu": "relu"}),
    "several": ("output: [relu, gelu]", "[relu, gelu]", {"relu": "relu", "gelu": "gelu"}),
    "one of several outputs": ("output: split.1", "[split: 2, add]", {"split.1": "split.1"}),
    "all outputs": ("output: split", "[split: 2, add]", {"split": "split.0", "split.1": "split.1"}),
    "a copy": ("output: [relu.0, relu]", "[{relu: , repeat: 2}]", {"relu.0": "relu.0", "relu": "relu.1"}),
    "prev": ("output: prev", "[relu]", {"prev": "relu"}),
    "a group": ("output: group", "[{group: [relu]}, gelu]", {"group": "group.relu"}),
}


@pytest.mark.parametrize(("output", "layers", "expected"), OUTPUTS.values(), ids=OUTPUTS)
def test_outputs(output, layers, expected):
    network = load(layers, head=f"{output}\n")
    relu = load("[relu]").layers[0]
    assert list(network.outputs) == list(expected)
    origins = wiring(network._replace(layers=(*network.layers, *(
        relu._replace(name=label, inputs=(tensor,), tensors=(tensor._replace(layer=0),))
        for label, tensor in network.outputs.items()
    ))))  # fmt: skip
    assert origins[-len(expected) :] == [f"{label} < {origin}" for label, origin in expected.items()]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("nope", "layer nope is not defined before this one"),
        ("[]", "expected the name of a layer, got an empty list"),
        ("{a: b}", "expected the name of a layer"),
        ("relu.1", "unknown name relu.1: relu has 1 output, numbered from 0"),
        ("group.relu", "layer group.relu is not defined before this one"),
    ],
)
def test_faults_of_outputs(output, message):
    found = fault(spec("[relu]", head=f"output: {output}\n"))
    assert found.message == message
    assert found.span.line == 1


# Totals and limits


def limits(text: str, section: str = "budget"):
    found = opened(spec("[relu]", head=f"params: {{alpha: 1.0, kind: relu}}\n{section}: {text}\n"))
    return [({name: value for name, (value, _) in limit.values.items()}, dict(limit.set))
            for limit in getattr(found, section)]  # fmt: skip


LIMITS = {
    "{macs: 4.1G, params: 26M}": [({"macs": 4_100_000_000, "params": 26_000_000}, {})],
    "{macs: 4_089_184_256}": [({"macs": 4_089_184_256}, {})],
    "{params: 1k, buffers: 1K, flops: 2T, activations: 0.5M, layers: 3}":
        [({"params": 1000, "buffers": 1000, "flops": 2 * 10**12, "activations": 500_000, "layers": 3}, {})],
    "{macs: 1e3}": [({"macs": 1000}, {})],
    "{macs: '1.5k'}": [({"macs": 1500}, {})],
    "{macs: 0}": [({"macs": 0}, {})],
    "{macs: 0.1k}": [({"macs": 100}, {})],
    "[{macs: 1}, {macs: 2, set: {alpha: 0.5}}, {params: 3, set: {alpha: 2 ** -2, kind: gelu}}]":
        [({"macs": 1}, {}), ({"macs": 2}, {"alpha": 0.5}), ({"params": 3}, {"alpha": 0.25, "kind": "gelu"})],
    "{set: {alpha: [1, 2]}, macs: 1}": [({"macs": 1}, {"alpha": (1, 2)})],
    "[]": [],
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LIMITS.items())
def test_limits(text, expected):
    assert limits(text) == expected


@pytest.mark.parametrize("text", ["{params: 25_557_032, macs: 4_089_184_256}", "[{params: 1, set: {alpha: 0.5}}]"])
def test_totals_have_the_syntax_of_limits(text):
    assert limits(text, "expect") == limits(text, "budget")


def test_a_limit_has_a_location():
    (limit,) = opened("input: [3]\nlayers: [relu]\nbudget: {macs: 4.1G}\n").budget
    assert (limit.span.line, limit.values["macs"][1].column, limit.values["macs"][1].length) == (3, 16, 4)


NO_LIMITS = {
    "budget: 5": "budget must be a mapping of figures",
    "budget: [5]": "budget must be a mapping of figures",
    "budget: {macs: lots}": "expected a number, got 'lots'",
    "budget: {macs: 1.5}": "expected an integer of at least 0, got 1.5",
    "budget: {macs: 1.5555k}": "expected an integer of at least 0, got 1.5555k",
    "budget: {macs: -1}": "expected an integer of at least 0, got -1",
    "budget: {macs: true}": "expected an integer of at least 0, got true",
    "budget: {macs: [1]}": "expected an integer of at least 0, got a list",
    "budget: {macs: }": "expected an integer of at least 0, got ",
    "budget: {macs: 4.1g}": "expected a number, got '4.1g'",
    "budget: {macs: 4 G}": "expected a number, got '4 G'",
    "budget: {macs: 10000000000000000000000000000000T}": "number out of range: the limit is 10^30",
    "budget: {set: 5}": "set must be a mapping of params to values",
    "budget: {set: {alpha: beta}}": "unknown name beta",
    "budget: {set: {alpha: in_channels}}": "expected a constant value",
    "budget: {set: {alpha: alpha}}": "unknown name alpha",
    "expect: {macs: 4.1G}": "expected an integer of at least 0, got 4.1G",
    "expect: {macs: x}": "expected an integer of at least 0, got x",
}


@pytest.mark.parametrize(("text", "message"), NO_LIMITS.items())
def test_faults_of_limits(text, message):
    assert fault(spec("[relu]", head=f"params: {{alpha: 1}}\n{text}\n")).message == message


def test_analyze_does_not_enforce_them():
    assert costcalc.analyze(load("[relu]", head="expect: {macs: 7}\nbudget: {layers: 0}\n")).totals.macs == 0


# The YAML subset

YAML = {
    "1.2 booleans only": ("{macs: 1}\nname: no", "no"),
    "on": ("{macs: 1}\nname: on", "on"),
    "y": ("{macs: 1}\nname: y", "y"),
    "sexagesimal": ("{macs: 1}\nname: 3:22", "3:22"),
    "dates": ("{macs: 1}\nname: 2020-01-01", "2020-01-01"),
}


@pytest.mark.parametrize(("text", "name"), YAML.values(), ids=YAML)
def test_plain_strings(text, name):
    assert load("[relu]", head=f"budget: {text}\n").name == name


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "y", "False", "TRUE", "None"])
def test_other_words_are_not_booleans(word):
    found = fault(spec(f"[linear: {{out: 3, bias: {word}}}]"))
    assert found.message == f"unknown name {word}"
    if word not in ("y", "None"):
        assert found.help in ("did you mean true?", "did you mean false?")


def test_a_leading_zero_is_decimal_with_a_warning():
    found = opened(spec("[linear: 010]"))
    assert shape(found.build()) == [16, 8, 10]
    (warning,) = found.warnings
    assert (warning.severity, warning.span[1:]) == ("warning", (3, 12, 3))


FAULTS_OF_YAML = {
    "a hexadecimal number": ("input: [0x10]\nlayers: [relu]\n", 1, 9),
    "a duplicate key, at the second": ("input: [3]\nlayers: [relu]\ninput: [4]\n", 3, 1),
    "a duplicate argument": ("input: [3]\nlayers:\n  - linear: {out: 3, out: 4}\n", 3, 22),
    "two documents": ("input: [3]\nlayers: [relu]\n---\ninput: [3]\n", 3, 1),
    "a tag": ("input: [3]\nlayers: [!x relu]\n", 2, 10),
}


@pytest.mark.parametrize(("text", "line", "column"), FAULTS_OF_YAML.values(), ids=FAULTS_OF_YAML)
def test_faults_of_yaml(text, line, column):
    assert fault(text).span[1:3] == (line, column)


def test_anchors_and_aliases():
    text = "input: [3]\nlayers:\n  - &a {linear: {out: 3, act: relu}}\n  - *a\n  - group: &g [gelu]\n  - group: *g\n"
    names = ["linear", "relu", "linear_2", "relu_2", "group.gelu", "group_2.gelu"]
    assert paths(costcalc.loads(text)) == names


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("input: [3]\n", ["the key layers is missing"]),
        ("layers: [relu]\n", ["the key input is missing"]),
        ("name: x\n", ["the key input is missing", "the key layers is missing"]),
        ("", ["the spec is empty"]),
        ("# nothing\n", ["the spec is empty"]),
        ("[relu]", ["expected a mapping with the keys input and layers"]),
        ("resnet50", ["expected a mapping with the keys input and layers"]),
    ],
)
def test_required_keys(text, missing):
    found = faults(text)
    assert [one.message for one in found] == missing
    assert all(one.span and one.help for one in found)


def test_all_faults_at_once_in_their_order():
    text = """\
nam: x
params: {a: b}
input: [3, q]
defaults: {conv: {kernal: 3}}
blocks: {u: [rellu]}
layers:
  - relo
  - linear: {out: 3, bia: true}
    form: x
  - linear: w
output: [a b]
budget: {mac: 3}
"""
    with pytest.raises(SpecError) as error:
        costcalc.loads(text)
    assert [one.span.line for one in error.value.faults] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]


def test_at_most_a_hundred_faults_are_reported():
    assert len(faults(spec("".join(f"- relu{n}\n" for n in range(150))))) == 100


# Limits


def deep(inner: str) -> str:
    return f"{'{group: [' * 40}{inner}{']}' * 40}"


BEYOND = {
    "nesting": (spec("- " + "{group: [" * 60 + "relu" + "]}" * 60), "the spec is nested more than 100 levels deep"),
    "layers": (spec("[{relu: , repeat: 100_001}]"), "more than 100,000 layers"),
    "copies": (
        spec("[{relu: , repeat: 1_000_000_000_000}]"),
        "1,000,000,000,000 copies exceed the limit of 100,000 layers",
    ),
    "the length of an expression": (spec(f"[linear: '{'1 + ' * 300}1']"), "expression too long: 1,201 characters"),
    "the depth of an expression": (spec(f"[linear: '{'(' * 99}1{')' * 99}']"), "the expression is nested more than 25"),
    "a number": (spec("[linear: 1e31]"), "number out of range: the limit is 10^30"),
    "a result": (spec("[linear: 9 ** 9 ** 9 ** 9]"), "result out of range: the limit is 10^30"),
    "a name": (spec(f"[{{relu: , name: {'a' * 256}}}]"), "name too long: 256 characters, at most 255 are allowed"),
    "a block's name": (spec("[relu]", head=f"blocks: {{{'a' * 256}: [relu]}}\n"), "name too long: 256 characters"),
    "a path": (
        spec("- " + f"{{name: {'a' * 200}, group: [" * 6 + "relu" + "]}" * 6),
        "the path of the layer has more than 1,000",
    ),
    "arguments of a block": (
        spec("[relu]", head="blocks:\n  ? b(" + ", ".join(f"a{n}" for n in range(256)) + ")\n  : [relu]\n"),
        "the block has more than 255 arguments",
    ),
    "lists inside lists": (spec(f"[linear: {'[' * 9}in_channels{']' * 9}]"),
        "the list is nested more than 8 levels deep"),
    "groups inside blocks": (
        spec(f"- {deep('b')}", head=f"blocks:\n  b: [{deep('c')}]\n  c: [{deep('relu')}]\n"),
        "layers are nested more than 100 levels deep",
    ),
    "blocks inside blocks": (
        spec("[b0]", head="blocks:\n" + "".join(f"  b{n}: [b{n + 1}]\n" for n in range(106)) + "  b106: [relu]\n"),
        "blocks are nested more than 100 levels deep",
    ),
    "entries of lists inside lists": (
        spec("[relu]", head="params: {a: " + f"[{', '.join(['1'] * 200)}]" + f", b: '[{', '.join(['a'] * 60)}]'}}\n"),
        "the nested list has more than 10,000 entries in total",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BEYOND.values(), ids=BEYOND)
def test_exceeding_a_limit_names_it(text, message):
    found = fault(text)
    assert found.message.startswith(message)
    assert found.span


def test_the_limit_of_layers_can_be_raised():
    text = spec("[{relu: , repeat: n}]", head="params: {n: 12}\n")
    assert len(costcalc.loads(text, max_layers=12).layers) == 12
    with pytest.raises(SpecError, match="more than 11 layers") as error:
        costcalc.loads(text, max_layers=11)
    assert "--max-layers" in error.value.faults[0].help
    assert error.value.partial is None  # nobody wants to see as many as there may be
    assert len(costcalc.loads(text, n=100_001, max_layers=100_001).layers) == 100_001


PREVS = ", ".join(["prev"] * 99)
WORK = {
    "copies of nothing": "[{group: [], repeat: 1_000_000}]",
    "rows of nothing": f"[{{group: [{{group: [], for: {{a: [{', '.join('1' * 99)}]}}}}], repeat: 99}}]",
    "layers left out": "[{group: [{relu: , if: false}], repeat: 2000}]",
    "lets": "[{group: [let: {a: 1}], repeat: 2000}]",
    "no copies": "[{group: [{relu: , repeat: 0}], repeat: 2000}]",
    "calls of an empty block": "[{empty: , repeat: 2000}]",
    "connections": f"[{{group: [{{group: [], from: [{PREVS}]}}, {{group: [], from: [prev.0, prev]}}], repeat: 99}}]",
    "outputs": "[{group: [split: 99, concat], repeat: 20}]",
    "inputs": f"[{{group: [{{add: [{', '.join(['[]'] * 99)}]}}], repeat: 90}}]",
    "a long expression": f"[{{empty: {' + '.join(['in_features'] * 60)}, repeat: 400}}]",
    "a long list": f"[{{empty: [{', '.join(['i'] * 999)}], repeat: 400}}]",
    "a sum of a long list": "[{empty: sum(w), repeat: 400}]",
    "a list of long lists": f"[{{empty: '[{', '.join(['w'] * 9)}]', repeat: 400}}]",
    "lists compared": "[{empty: 'w == w', repeat: 400}]",
    "a default": "[{default: , repeat: 400}]",
}


@pytest.mark.parametrize("layers", WORK.values(), ids=WORK)
def test_work_that_adds_no_layer_is_limited_too(layers):
    head = (
        f"params: {{w: [{', '.join(['1'] * 999)}]}}\n"
        "blocks: {'empty(a=1)': [], 'default(a=sum(w))': []}\n"
    )  # fmt: skip
    text = spec(layers, "[99]", head)
    with pytest.raises(SpecError) as error:
        costcalc.loads(text, max_layers=100)
    (found,) = error.value.faults
    assert "too many steps" in found.message or "copies exceed the limit of 100 layers" in found.message
    assert found.span.line in (2, 5)


def test_the_characters_of_all_expressions_are_limited():
    text = spec("".join(f"- linear: {'1 - ' * 240}in_features + {n}\n" for n in range(400)))
    found = fault(text)
    assert found.message == "the distinct expressions have more than 300,000 characters in total"
    assert load("".join("- linear: " + "0 + " * 240 + "in_features\n" for _ in range(400))).layers  # the same ones
