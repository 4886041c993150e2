"""The unique paths of layers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costcalc
from costcalc.lang.names import Segments

from .language import fault, load, paths, spec

TABLE = {
    "an op's segment is its name, else its op": (
        """
        - relu
        - gelu:
          name: act
        """,
        "relu act",
    ),
    "the second and later of one segment get numbers": ("[relu, relu, gelu, relu]", "relu relu_2 gelu relu_3"),
    "numbers skip names that are given, above and below": (
        """
        - relu
        - relu
        - relu:
          name: relu_2
        - relu
        - relu:
          name: relu_4
        """,
        "relu relu_3 relu_2 relu_5 relu_4",
    ),
    "a segment that is given is not given out": (
        """
        - relu
        - gelu:
          name: relu
        """,
        "relu_2 relu",
    ),
    "a name with digits, _ and -": (
        """
        - relu:
          name: 1st_act-A
        """,
        "1st_act-A",
    ),
    "a group puts its segment before what is inside": (
        """
        - group: [relu, relu]
        - group: [relu]
          name: head
        - group: [relu]
        """,
        "group.relu group.relu_2 head.relu group_2.relu",
    ),
    "a block puts its segment before what is inside": (
        """
        - unit
        - unit:
          name: stem
        - unit
        """,
        "unit.relu unit.gelu stem.relu stem.gelu unit_2.relu unit_2.gelu",
    ),
    "an unnamed structure adds no segment; a residual's paths are body and shortcut": (
        """
        - residual: [relu]
          shortcut: [gelu]
        - residual: [relu, relu]
        """,
        "body.relu shortcut.gelu add body_2.relu body_2.relu_2 add_2",
    ),
    "a named structure puts its segment before what is inside": (
        """
        - residual: [relu]
          name: res
          shortcut: [gelu]
        - concat: [[relu], []]
          name: cat
        """,
        "res.body.relu res.shortcut.gelu res.add cat.branch0.relu cat.concat",
    ),
    "a branch adds its name, or branch0, branch1": (
        """
        - concat: {left: [relu], right: [gelu]}
        - add: [[relu], [gelu]]
        - mul: [[relu], [gelu]]
        """,
        "left.relu right.gelu concat branch0.relu branch1.gelu add branch0_2.relu branch1_2.gelu mul",
    ),
    "the branches of a second structure are numbered": (
        """
        - concat: {a: [relu], b: [relu]}
        - add: {a: [relu], b: [relu]}
        """,
        "a.relu b.relu concat a_2.relu b_2.relu add",
    ),
    "a branch's name is a name that is given": (
        """
        - relu
        - concat: {relu: [relu], other: []}
        """,
        "relu_2 relu.relu concat",
    ),
    "copies of repeat add their number": (
        """
        - relu:
          repeat: 2
        - relu:
          repeat: 1
        - group: [relu, relu]
          repeat: 2
        """,
        "relu.0 relu.1 relu_2.0 group.0.relu group.0.relu_2 group.1.relu group.1.relu_2",
    ),
    "copies of for add theirs, before those of repeat": (
        """
        - relu:
          for: {n: [2, 0, 1]}
          repeat: n
        - gelu:
          for: {a: [1, 1]}
        """,
        "relu.0.0 relu.0.1 relu.2.0 gelu.0 gelu.1",
    ),
    "numbers also stand behind the norm and act": (
        """
        - conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}
          repeat: 2
        - conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}
        - conv: {out: 4, kernel: 1, act: relu}
          for: {a: [1]}
          repeat: 2
        """,
        (
            "conv.0 batchnorm.0 relu.0 conv.1 batchnorm.1 relu.1 conv_2 batchnorm_2 relu_2"
            " conv_3.0.0 relu_3.0.0 conv_3.0.1 relu_3.0.1"
        ),
    ),
    "norm and act are numbered with the layers that one writes": (
        """
        - batchnorm
        - conv: {out: 4, kernel: 1, norm: batchnorm}
          name: stem
        - batchnorm
        """,
        "batchnorm stem batchnorm_2 batchnorm_3",
    ),
    "an unnamed structure that is repeated takes its op as segment": (
        """
        - residual: [relu]
          repeat: 2
        - concat: {left: [relu], right: []}
          repeat: 2
        - concat: {left: [relu], right: []}
          for: {a: [1]}
        - add: {left: [relu], right: []}
        """,
        (
            "residual.0.body.relu residual.0.add residual.1.body.relu residual.1.add"
            " concat.0.left.relu concat.0.concat concat.1.left.relu concat.1.concat"
            " concat_2.0.left.relu concat_2.0.concat left.relu add"
        ),
    ),
    "the third convolution in the body of the third copy in row 0": (
        """
        - residual: [{conv: {out: 16, kernel: 1}}, {conv: {out: 16, kernel: 1}}, {conv: {out: 16, kernel: 1}}]
          name: stage
          for: {n: [3]}
          repeat: n
        """,
        " ".join(
            f"stage.0.{copy}.{layer}"
            for copy in range(3)
            for layer in ("body.conv", "body.conv_2", "body.conv_3", "add")
        ),
    ),
    "scopes are numbered by themselves": (
        "[relu, group: [relu, group: [relu, relu], relu], relu]",
        "relu group.relu group.group.relu group.group.relu_2 group.relu_2 relu_2",
    ),
    "a structure that joins tensors by name is an op": (
        """
        - relu
        - relu
        - concat:
          from: [relu, relu_2]
          name: both
        """,
        "relu relu_2 both",
    ),
    "without an addition there is no add": (
        """
        - residual: [relu]
          skip: false
        - residual: [relu]
        """,
        "body.relu body_2.relu add",
    ),
    "what is left out takes a segment and adds no layer": (
        """
        - relu
        - relu:
          if: false
        - relu
        """,
        "relu relu_3",
    ),
    "nothing, copied or not": ("[group: []]", ""),
}


@pytest.mark.parametrize(("layers", "names"), TABLE.values(), ids=TABLE)
def test_names(layers, names):
    network = load(layers, head="blocks: {unit: [relu, gelu]}\n")
    assert paths(network) == names.split()
    assert len(set(paths(network))) == len(network.layers)


def test_the_page_of_a_paper():
    """The stages of ResNet-50, with the names of its spec."""
    names = paths(costcalc.load("resnet50"))
    assert {"stage.0.2.body.conv_3", "stage.3.2.body.batchnorm_3", "stage.1.0.shortcut.conv"} <= set(names)
    assert "stage.1.1.shortcut.conv" not in names


def test_inception_module():
    """An unnamed concat of named branches: 14 layers, seven of them activations."""
    names = paths(costcalc.load(Path(__file__).parents[2] / "specs" / "inception.yaml"))
    assert len(names) == 14
    assert names[-1] == "concat"
    assert [name for name in names if name.startswith("b5.")] == ["b5.conv", "b5.relu", "b5.conv_2", "b5.relu_2"]


GIVEN = {
    "two layers": "[{relu: , name: a}, {relu: , name: a}]",
    "a layer and a group": "[{relu: , name: a}, {group: [relu], name: a}]",
    "a layer and a branch": "[{concat: {a: [], b: []}}, {relu: , name: a}]",
    "a branch and a layer": "[{relu: , name: a}, {concat: {a: [], b: []}}]",
    "copies": "[{relu: , name: a, repeat: 2}, {relu: , name: a, for: {x: [1]}}]",
    "one of them left out": "[{relu: , name: a, if: false}, {relu: , name: a}]",
    "in a branch": "[{concat: [[], [{relu: , name: a}, {relu: , name: a}]]}]",
}


@pytest.mark.parametrize("layers", GIVEN.values(), ids=GIVEN)
def test_names_are_unique_in_a_scope(layers):
    found = fault(spec(layers))
    assert found.message == "duplicate name a in this list"
    assert found.notes == ("first used at line 3",)


def test_names_of_inputs_are_reserved():
    inputs = "{relu: [3], a: [3]}"
    assert paths(load("[{relu: , from: a}, {relu: , from: relu}]", inputs)) == ["relu_2", "relu_3"]
    assert paths(load("[{group: [{relu: , name: a, from: a}]}]", inputs)) == ["group.a"]
    found = fault(spec("[{relu: , name: a, from: relu}]", inputs))
    assert (found.message, found.notes) == ("duplicate name a in this list", ("first used at line 1",))


def test_a_name_may_be_given_again_in_another_scope():
    network = load("[{relu: , name: a}, {group: [{relu: , name: a}]}, {concat: {b: [{relu: , name: a}], c: []}}]")
    assert paths(network) == ["a", "group.a", "b.a", "concat"]


NO_NAMES = ("'12'", "12", "a.b", "'a b'", "''", "é", "'[red]'", "a/b")


@pytest.mark.parametrize(
    "layers",
    [
        *(f"[{{relu: , name: {name}}}]" for name in (*NO_NAMES, "[a]", "{a: b}")),
        *(f"[{{concat: {{{name}: [], b: []}}}}]" for name in NO_NAMES),
    ],
)
def test_invalid_names(layers):
    found = fault(spec(layers))
    assert found.message == "expected a name" or found.message.startswith("invalid name '")
    assert "not digits alone" in found.help


@pytest.mark.parametrize("name", ["prev", "input"])
def test_reserved_names(name):
    for layers in (f"[{{relu: , name: {name}}}]", f"[{{concat: {{{name}: [], b: []}}}}]"):
        assert fault(spec(layers)).message == f"{name} is a reserved name"


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        (["a", "a", "a"], [], ["a", "a_2", "a_3"]),
        (["a", "a"], ["a"], ["a_2", "a_3"]),
        (["a", "a", "a"], ["a_2"], ["a", "a_3", "a_4"]),
        (["a", "a", "a"], ["a_2", "a_3"], ["a", "a_4", "a_5"]),
        # automatic names can collide with an op or a block named a_2
        (["a_2", "a", "a"], [], ["a_2", "a", "a_3"]),
        (["a", "a", "a_2"], [], ["a", "a_2", "a_2_2"]),
        (["a_3", "a", "a", "a"], [], ["a_3", "a", "a_2", "a_4"]),
        (["a_2", "a_2", "a", "a"], [], ["a_2", "a_2_2", "a", "a_3"]),
        (["a", "a", "a_2", "a_2"], ["a_2_2"], ["a", "a_2", "a_2_3", "a_2_4"]),
    ],
)
def test_automatic_segments(wanted, given, expected):
    segments = Segments("", given)
    assert [segments.take(each) for each in wanted] == expected


SEGMENTS = st.sampled_from(["a", "a_2", "a_3", "a_2_2", "b"])


@given(st.lists(SEGMENTS, max_size=12), st.sets(SEGMENTS))
def test_automatic_segments_are_unique(wanted, given):
    segments = Segments("", given)
    taken = [segments.take(each) for each in wanted]
    assert len({*taken, *given}) == len(taken) + len(given)
    for each, segment in zip(wanted, taken, strict=True):
        assert re.fullmatch(rf"{each}(_\d+)?", segment)


def test_blocks_whose_names_end_in_numbers_keep_unique_paths():
    text = "blocks: {unit(): [relu], unit_2(): [gelu]}\ninput: [3, 8, 8]\nlayers: [unit, unit, unit_2, unit]\n"
    names = [layer.name for layer in costcalc.loads(text).layers]
    assert names == ["unit.relu", "unit_2.relu", "unit_2_2.gelu", "unit_3.relu"]
