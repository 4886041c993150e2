"""Paths and computed names in `from`, layers as values, blocks of several inputs and outputs, `map` and `branches`."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import SpecError

from .language import fault, load, params, spec, wiring

BLOCKS = """
blocks:
  decoder(x, memory; act=relu):
    - add:
      from: [x, memory]
    - act_of: {act: act}
  act_of(act):
    - {relu: , if: act == relu, else: [gelu]}
  up(skip):
    - upsample: 2
    - concat:
      from: [prev, skip]
  twice(skip):
    - up: {skip: skip}
      name: u
    - output: [u, input]
  deep:
    - {relu: , name: r}
    - residual: [{gelu: , name: g}]
    - {concat: {left: [tanh], right: [sigmoid, relu]}, name: c}
"""

REFERENCES = {
    "a layer of a group": (
        "[{group: [gelu, tanh], name: g}, {add: , from: [g.gelu, input]}]",
        "g.gelu < input, g.tanh < g.gelu, add < g.gelu input",
    ),
    "a branch, and a layer of it": (
        "[{concat: {left: [relu, gelu], right: [tanh]}}, {add: , from: [left, left.relu, right.tanh]}]",
        (
            "left.relu < input, left.gelu < left.relu, right.tanh < input, concat < left.gelu right.tanh,"
            " add < left.gelu left.relu right.tanh"
        ),
    ),
    "the body of a residual": (
        "[{residual: [gelu]}, {tanh: , from: body.gelu}]",
        "body.gelu < input, add < body.gelu input, tanh < body.gelu",
    ),
    "layers of blocks, also of a block that repeats an earlier one": (
        (
            "[{deep: , name: a}, {deep: , name: b, from: input}, {add: , from: [a.c.right.relu, b.r, b.body.g]},"
            " {add: , from: [b.c.left, prev]}]"
        ),
        (
            "a.r < input, a.body.g < a.r, a.add < a.body.g a.r, a.c.left.tanh < a.add, a.c.right.sigmoid < a.add,"
            " a.c.right.relu < a.c.right.sigmoid, a.c.concat < a.c.left.tanh a.c.right.relu,"
            " b.r < input, b.body.g < b.r, b.add < b.body.g b.r, b.c.left.tanh < b.add, b.c.right.sigmoid < b.add,"
            " b.c.right.relu < b.c.right.sigmoid, b.c.concat < b.c.left.tanh b.c.right.relu,"
            " add < a.c.right.relu b.r b.body.g, add_2 < b.c.left.tanh add"
        ),
    ),
    "a layer of a copy": (
        "[{group: [relu, gelu], repeat: 2, name: g}, {add: , from: [g.0.relu, prev]}]",
        "g.0.relu < input, g.0.gelu < g.0.relu, g.1.relu < g.0.gelu, g.1.gelu < g.1.relu, add < g.0.relu g.1.gelu",
    ),
    "all copies, and a layer of each": (
        "[{group: [relu, gelu], repeat: 2, name: g}, {concat: , from: g.*}, {add: , from: g.*.relu}]",
        (
            "g.0.relu < input, g.0.gelu < g.0.relu, g.1.relu < g.0.gelu, g.1.gelu < g.1.relu,"
            " concat < g.0.gelu g.1.gelu, add < g.0.relu g.1.relu"
        ),
    ),
    "all outputs": ("[{split: 2, name: s}, {concat: , from: [s.*, s.0]}]", "s < input, concat < s.0 s.1 s.0"),
    "a computed copy, in the copies of another layer": (
        "[{relu: , name: enc, repeat: 3}, {add: , from: [prev, 'enc[2 - i]'], repeat: 3}]",
        "enc.0 < input, enc.1 < enc.0, enc.2 < enc.1, add.0 < enc.2 enc.2, add.1 < add.0 enc.1, add.2 < add.1 enc.0",
    ),
    "the copy before is prev, also behind a computed name": (
        "[{relu: , name: enc, repeat: 2}, {sub: , from: ['enc[i]', prev], repeat: 2}]",
        "enc.0 < input, enc.1 < enc.0, sub.0 < enc.0 enc.1, sub.1 < enc.1 sub.0",
    ),
    "a computed output, from the end": (
        "[{split: 4, name: s}, {relu: , from: 's[-1]'}, {gelu: , from: 's[i + 1].0', for: {n: [1, 2]}}]",
        "s < input, relu < s.3, gelu.0 < s.1, gelu.1 < s.2",
    ),
    "a layer as an argument of a block": (
        "[{maxpool: 2, name: e}, {maxpool: 2}, {up: {skip: e}}, {relu: , name: f}, {up: {skip: input}, name: v}]",
        (
            "e < input, maxpool < e, up.upsample < maxpool, up.concat < up.upsample e, f < up.concat,"
            " v.upsample < f, v.concat < v.upsample input"
        ),
    ),
    "passed on to another block": (
        "[{relu: , name: e}, {maxpool: 2}, {twice: {skip: e}, name: t}, {add: , from: [t.1, t.1]}]",
        "e < input, maxpool < e, t.u.upsample < maxpool, t.u.concat < t.u.upsample e, add < maxpool maxpool",
    ),
    "a layer as a loop variable": (
        "[{relu: , name: a}, {gelu: , name: b}, {add: , from: [prev, s], for: {s: [b, a]}}]",
        "a < input, b < a, add.0 < b b, add.1 < add.0 a",
    ),
    "in a table, passed to a block": (
        "[{relu: , name: a}, {maxpool: 2, name: b}, maxpool: 2, {up: {skip: s}, for: [[s, n], [b, 1], [a, 2]]}]",
        (
            "a < input, b < a, maxpool < b, up.0.upsample < maxpool, up.0.concat < up.0.upsample b,"
            " up.1.upsample < up.0.concat, up.1.concat < up.1.upsample a"
        ),
    ),
    "a block of two inputs": (
        "[{relu: , name: m}, {decoder: {act: gelu}, from: [input, m]}]",
        "m < input, decoder.add < input m, decoder.act_of.gelu < decoder.add",
    ),
    "its first input is wired from copy to copy, the second goes to all": (
        "[{relu: , name: m}, {decoder: , from: [input, m], repeat: 2, name: d}]",
        (
            "m < input, d.0.add < input m, d.0.act_of.relu < d.0.add, d.1.add < d.0.act_of.relu m,"
            " d.1.act_of.relu < d.1.add"
        ),
    ),
    "an input by its name": (
        "[{relu: , name: m}, tanh, {decoder: {memory: m}}]",
        "m < input, tanh < m, decoder.add < tanh m, decoder.act_of.relu < decoder.add",
    ),
    "a list on each tensor": (
        "[{split: 2, name: s}, {map: [relu, gelu], name: m}, {add: , from: [m.0, m.1.relu]}]",
        "s < input, m.0.relu < s.0, m.0.gelu < m.0.relu, m.1.relu < s.1, m.1.gelu < m.1.relu, add < m.0.gelu m.1.relu",
    ),
    "equal branches": (
        "[{concat: [{gelu: , if: i == 0}, relu], branches: 2, name: c}, {tanh: , from: c.branch0}]",
        (
            "c.branch0.gelu < input, c.branch0.relu < c.branch0.gelu, c.branch1.relu < input,"
            " c.concat < c.branch0.relu c.branch1.relu, tanh < c.branch0.relu"
        ),
    ),
    "what stands in place of a layer": (
        "[relu, {gelu: , name: x, from: input, if: false, else: [tanh, sigmoid]}, {add: , from: [x, relu]}]",
        "relu < input, tanh < input, sigmoid < tanh, add < sigmoid relu",
    ),
    "copy by copy": (
        "[{gelu: , if: i == 1, else: [tanh], repeat: 3}]",
        "tanh < input, gelu.1 < tanh, tanh_2 < gelu.1",
    ),
    "a list of several outputs": (
        "[{group: [{relu: , name: a}, {gelu: , name: b}, output: [a, b]], name: g}, {add: , from: g.*}]",
        "g.a < input, g.b < g.a, add < g.a g.b",
    ),
}


@pytest.mark.parametrize(("layers", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_names_reach_into_layers(layers, expected):
    assert wiring(load(layers, head=BLOCKS)) == expected.split(", ")


def test_a_for_keeps_an_outer_i():
    network = load("[{group: [{linear: 10 * i + n, for: {n: [1, 2]}}], repeat: 2}]", "[4]")
    assert [layer.outputs for layer in network.layers] == [((1,),), ((2,),), ((11,),), ((12,),)]


def test_a_for_alone_counts_its_rows():
    network = load("[{linear: 10 * i + n, for: {n: [1, 2]}}]", "[4]")
    assert [layer.outputs for layer in network.layers] == [((1,),), ((12,),)]


def test_tied_copies_share_their_weights():
    assert params(load("[{linear: 16, repeat: 3}]")) == 3 * (8 * 16 + 16) + 2 * (16 * 16 + 16) - 2 * (8 * 16 + 16)
    assert params(load("[{linear: 16}, {linear: 16, repeat: 3, tied: true}]")) == 8 * 16 + 16 + 16 * 16 + 16
    assert (
        params(load("[{deep: , repeat: 2}, {group: [linear: 8, batchnorm], repeat: 3, tied: true}]", head=BLOCKS))
        == 8 * 8 + 8 + 2 * 64
    )


def test_outputs_of_a_network_by_paths():
    text = spec("[{group: [{relu: , name: a}, gelu], name: g}, {tanh: , repeat: 2, name: t}]") + "output: [g.a, t.*]\n"
    network = costcalc.loads(text)
    assert {name: tensor.layer for name, tensor in network.outputs.items()} == {"g.a": 0, "t.0": 2, "t.1": 3}


FAULTS = {
    "one name for several copies": (
        "[{relu: , name: x, repeat: 3}, {concat: , from: x}]",
        "x has 3 copies, and concat takes several inputs", "write x.* for all of them, or x.2 for the last",
    ),
    "a number": ("[relu, {gelu: , from: -1}]", "layer -1 is not defined before this one",
        "write prev for the layer before this one"),
    "no layer of a group": ("[{group: [relu], name: g}, {gelu: , from: g.reul}]",
        "unknown name g.reul: g has no layer reul", "did you mean relu?"),
    "a computed name that is no number": ("[{relu: , repeat: 2, name: x}, {gelu: , from: 'x[relu]'}]",
        "expected the number of a copy or an output, got relu", ""),
    "out of range": ("[{relu: , repeat: 2, name: x}, {gelu: , from: 'x[2]'}]",
        "unknown name x.2: x has 2 copies, numbered from 0", ""),
    "no name": ("[relu, {gelu: , from: 'x['}]", "expected the name of a layer",
        "write from: stem, or from: [left, right]; quote a computed number: from: 'x[i + 1]'"),
    "too few inputs": ("[{decoder: }]", "decoder takes 2 inputs: x, memory; got 1",
        "write from: [x, memory] beside it, with the names of layers"),
    "too many": ("[{decoder: , from: [input, input, input]}]", "decoder takes 2 inputs: x, memory; got 3",
        "write from: [x, memory] beside it, with the names of layers"),
    "else alone": ("[{relu: , else: [gelu]}]", "else needs if", "write if: CONDITION beside it"),
    "tied alone": ("[{linear: 8, tied: true}]", "tied needs repeat",
        "write repeat: N beside it, or share: NAME to use the weights of NAME"),
    "tied and shared": ("[{linear: 8, name: a}, {linear: 8, tied: true, repeat: 2, share: a}]",
        "tied cannot stand beside share", "remove one of them"),
    "copies that cannot be tied": ("[{linear: 16, tied: true, repeat: 2}]",
        "cannot share weights of a different shape: expected 144 parameters, got 272",
        "both inputs must have the same number of channels or features"),
    "an output in the middle": ("[{group: [relu, {output: relu}, gelu]}]",
        "output must be the last item of a list", ""),
    "a tensor as a value": ("[relu, {add: relu}]", "add needs branches, got relu",
        "write add: and, beside it, from: [prev, relu]"),
    "a constant": ("[{mul: 0.5}]", "mul needs branches, got 0.5", "write scale: {by: 0.5} for a constant"),
    "from below the structure": ("[relu, {add: {from: [relu, prev]}}]", "expected a branch, got from",
        "write from: beside add:, not below it"),
    "a layer that is not there": ("[{up: {skip: e}}]", "layer e is not defined before this one",
        "name an earlier layer of this list, or of a list around it"),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "message", "help"), FAULTS.values(), ids=FAULTS)
def test_faults(layers, message, help):
    found = fault(spec(layers, head=BLOCKS))
    assert (found.message, found.help) == (message, help)


UNET = """
input: [1, {size}, {size}]
defaults: {{conv: {{kernel: 3, padding: same}}}}
layers:
  - conv: 32
  - maxpool: 2
  - conv: 64
  - maxpool: 2
  - {{conv: 128, name: skip}}
  - maxpool: 2
  - conv: 256
  - {{conv_transpose: {{out: 128, kernel: 2, stride: 2}}, name: up}}
  - concat:
    from: [up, skip]
"""


def test_an_odd_size_on_the_way_down_is_answered_with_sizes_that_fit():
    """358 -> 179 -> 89 -> 44, and 88 on the way up. Multiples of 4 do not do: 356 -> 178 -> 89."""
    with pytest.raises(SpecError) as caught:
        costcalc.loads(UNET.format(size=358))
    assert caught.value.faults[0].help == (
        "an odd size was rounded on the way; input sizes that are multiples of 8 fit: 352 or 360; "
        "or write pad, crop or output_padding: 1"
    )
    for size in (352, 360):
        assert costcalc.loads(UNET.format(size=size)).outputs["concat"].shape == (256, size // 4, size // 4)


@pytest.mark.parametrize("batch", ["null", "~", "-1", "None", '"?"'])
def test_an_open_batch_is_answered(batch):
    with pytest.raises(SpecError) as caught:
        costcalc.loads(f"input: [{batch}, 3, 224, 224]\nlayers: [relu]")
    (fault,) = caught.value.faults
    assert fault.message == "the batch is open"
    assert fault.help == "remove it: shapes are without the batch, which --batch N sets"
