"""The picture of a network: boxes, arrows, frames, folding, shares."""

from __future__ import annotations

from pathlib import Path

import pytest

import costcalc
from costcalc.errors import UsageError
from costcalc.graph import FEW, HEATS, Arrow, BlockFrame, TensorBox, draw
from costcalc.lang.library import bundled
from costcalc.report import dot, mermaid

SPECS = [*bundled(), *sorted(str(path) for path in (Path(__file__).parent.parent / "specs" / "extra").glob("*.yaml"))]


def picture(text, **options):
    return draw(costcalc.loads(text), **options)


def test_inception_as_its_authors_draw_it():
    found = draw(costcalc.load("inception"))
    assert found.direction == "LR"
    assert found.frames == (BlockFrame("b1"), BlockFrame("b3"), BlockFrame("b5"), BlockFrame("pool"))
    assert found.boxes == (
        TensorBox("28x28x192", ("input",)),
        TensorBox("28x28x64", frame=0),
        TensorBox("28x28x96", frame=1),
        TensorBox("28x28x128", frame=1),
        TensorBox("28x28x16", frame=2),
        TensorBox("28x28x32", frame=2),
        TensorBox("28x28x192", frame=3),
        TensorBox("28x28x32", frame=3),
        TensorBox("28x28x256", ("concat",), joined=True),
    )
    assert found.arrows == (
        Arrow(0, 1, ("1x1 (64 filters)", "relu")),
        Arrow(0, 2, ("1x1 (96 filters)", "relu")),
        Arrow(2, 3, ("3x3 (128 filters)", "relu")),
        Arrow(0, 4, ("1x1 (16 filters)", "relu")),
        Arrow(4, 5, ("5x5 (32 filters)", "relu")),
        Arrow(0, 6, ("3x3 maxpool",)),
        Arrow(6, 7, ("1x1 (32 filters)", "relu")),
        Arrow(1, 8),
        Arrow(3, 8),
        Arrow(5, 8),
        Arrow(7, 8),
    )


def test_a_residual_block():
    found = draw(costcalc.load("resnet50"), depth=9)
    assert found.frames[:5] == (
        BlockFrame("stage"), BlockFrame("stage.0", 0), BlockFrame("stage.0.0", 1), BlockFrame("body", 2),
        BlockFrame("shortcut", 2),
    )  # fmt: skip
    place = next(place for place, box in enumerate(found.boxes) if box.lines == ("add",))
    assert found.boxes[place] == TensorBox("56x56x256", ("add",), joined=True, frame=2)
    into = [arrow for arrow in found.arrows if arrow.target == place]
    assert [found.boxes[arrow.source].frame for arrow in into] == [3, 4]
    (out,) = [arrow for arrow in found.arrows if arrow.source == place]
    assert (out.lines, found.boxes[out.target]) == (("relu",), TensorBox("56x56x256", frame=2))


def test_depth_folds_what_lies_below():
    found = draw(costcalc.load("resnet50"), depth=2)
    assert found.direction == "TB"
    assert found.frames == (BlockFrame("stage"),)
    assert [box.shape for box in found.boxes] == [
        "224x224x3", "112x112x64", "56x56x64", "56x56x256", "28x28x512", "14x14x1024", "7x7x2048", "1x1x2048", "2048",
        "1000",
    ]  # fmt: skip
    assert [arrow.lines for arrow in found.arrows[2:6]] == [
        # a unit has 3 convolutions with norms and 2 activations, addition, relu: 10; the first of a stage, 2 more
        ("stage.0", f"{3 * 10 + 2} layers"),
        ("stage.1", f"{4 * 10 + 2} layers"),
        ("stage.2", f"{6 * 10 + 2} layers"),
        ("stage.3", f"{3 * 10 + 2} layers"),
    ]
    assert [arrow.lines[0] for arrow in draw(costcalc.load("resnet50"), depth=1).arrows] == [
        "7x7 (64 filters), /2", "3x3 maxpool, /2", "stage", "global_avgpool", "flatten", "linear(out=1000)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "depth"),
    [
        ("inception", 2),  # 9 boxes of ops
        ("resnet50", 2),  # 4 stages and 5 ops; at 3, 16 units and 5 ops
        ("resnet152", 2),
        ("mobilenet_v2", 2),  # 7 rows and 6 ops; at 3, 17 blocks
    ],
)
def test_without_a_depth_it_is_what_fits_on_a_page(spec, depth):
    assert FEW == 20
    assert draw(costcalc.load(spec)) == draw(costcalc.load(spec), depth=depth)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: Path(spec).stem)
@pytest.mark.parametrize("depth", [None, 1, 2, 3, 9])
def test_every_network_is_one_picture(spec, depth):
    """Nothing hangs in the air, arrows lead on, and the shares are the whole."""
    network = costcalc.load(spec)
    found = draw(network, depth=depth, heat="macs")
    first = len(network.inputs)
    targets = {arrow.target for arrow in found.arrows}
    assert targets == set(range(first, len(found.boxes)))
    assert all(arrow.source < arrow.target for arrow in found.arrows)
    assert found.total == costcalc.analyze(network).totals.macs
    assert sum(box.share for box in found.boxes if box.share is not None) == pytest.approx(1)
    assert all(box.share is None for box in found.boxes[:first])
    assert {box.frame for box in found.boxes} <= {None, *range(len(found.frames))}
    assert all(frame.parent is None or frame.parent < place for place, frame in enumerate(found.frames))


SPLIT = """
input: [64, 8, 8]
layers:
  - {split: 2, name: halves}
  - {dropout: 0.5, name: left, from: halves.0}
  - {dropout: 0.5, name: right, from: halves.1}
  - concat:
    from: [left, right]
"""


def test_an_op_of_several_outputs_has_a_box_for_each():
    found = picture(SPLIT, heat="activations")
    assert [box.shape for box in found.boxes] == ["8x8x64", "8x8x32", "8x8x32", "8x8x32", "8x8x32", "8x8x64"]
    assert found.arrows[:2] == (Arrow(0, 1, ("split(parts=2)",)), Arrow(0, 2, ("split(parts=2)",)))
    assert [box.share for box in found.boxes] == [None, 1 / 3, None, 1 / 6, 1 / 6, 1 / 3]


def test_a_part_of_several_inputs_is_said_in_its_box():
    found = picture(
        """
input: {a: [4], b: [4]}
layers:
  - group:
      - {linear: 8, name: x, from: a}
      - {linear: 8, name: y, from: b}
      - add:
        from: [x, y]
    name: meet
  - softmax
""",
        depth=1,
    )
    assert found.boxes == (
        TensorBox("4", ("a",)), TensorBox("4", ("b",)), TensorBox("8", ("meet", "3 layers"), joined=True),
        TensorBox("8"),
    )  # fmt: skip
    assert found.arrows == (Arrow(0, 2), Arrow(1, 2), Arrow(2, 3, ("softmax",)))


def test_every_output_of_the_network_has_a_box():
    found = picture("input: [4]\nlayers:\n  - {linear: 8, name: x}\n  - {linear: 2, name: y}\noutput: [x, y]")
    assert [box.shape for box in found.boxes] == ["4", "8", "2"]


def test_a_tensor_taken_twice_is_one_arrow():
    found = picture("input: [4]\nlayers:\n  - add:\n    from: [input, input]")
    assert found.arrows == (Arrow(0, 1, ("add",)),)


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        ("conv: {out: 64, kernel: 7, stride: 2, padding: 3}", "[3, 8, 8]", "7x7 (64 filters), /2"),
        ("conv: {out: 1, kernel: [3, 1], stride: [2, 1]}", "[3, 8, 8]", "3x1 (1 filter), /2x1"),
        ("conv: {out: 8, kernel: 3, groups: 4, dilation: 2}", "[4, 8, 8]", "3x3 (8 filters, 4 groups), dilation 2"),
        ("conv: {out: 8, kernel: 9}", "[4, 16]", "9 (8 filters)"),
        ("conv: {out: 8, kernel: 3}", "[4, 9, 9, 9]", "3x3x3 (8 filters)"),
        ("depthwise_conv: 3", "[4, 8, 8]", "3x3 depthwise"),
        ("depthwise_conv: {kernel: 3, multiplier: 2}", "[4, 8, 8]", "3x3 depthwise (2 filters each)"),
        ("conv_transpose: {out: 8, kernel: 2, stride: 2}", "[4, 8, 8]", "2x2 transposed (8 filters), x2"),
        ("conv_transpose: {out: 8, kernel: 3, stride: [2, 1]}", "[4, 8, 8]", "3x3 transposed (8 filters), x2x1"),
        ("conv_transpose: {out: 8, kernel: 3}", "[4, 8, 8]", "3x3 transposed (8 filters)"),
        ("maxpool: 2", "[4, 8, 8]", "2x2 maxpool, /2"),
        ("pixel_unshuffle: 2", "[4, 8, 8]", "2x2 pixel_unshuffle, /2"),
        ("attention: {heads: 2}", "[4, 8]", "attention(heads=2)"),
        ("relu", "[4, 8, 8]", "relu"),
    ],
)
def test_what_stands_on_an_arrow(layer, shape, said):
    (arrow,) = picture(f"input: {shape}\nlayers: [{layer}]").arrows
    assert arrow.lines == (said,)


@pytest.mark.parametrize("heat", HEATS)
def test_the_shares_are_of_any_cost(heat):
    found = draw(costcalc.load("resnet18"), heat=heat)
    assert found.total == getattr(costcalc.analyze("resnet18").totals, heat)
    assert sum(box.share or 0 for box in found.boxes) == pytest.approx(1)


def test_a_network_without_the_cost_has_no_shares():
    found = picture("input: [4]\nlayers: [relu]", heat="macs")
    assert [box.share for box in found.boxes] == [None, None]
    assert found.heat == ""
    assert "legend" not in mermaid.write(found) + dot.write(found)


def test_an_unknown_cost_is_an_error():
    with pytest.raises(UsageError, match="unknown cost mcas") as caught:
        draw(costcalc.load("lenet5"), heat="mcas")
    assert caught.value.help == "did you mean macs?"


@pytest.mark.parametrize(("spec", "direction"), [("inception", "LR"), ("resnet50", "TB")])
def test_a_direction_can_be_given(spec, direction):
    network = costcalc.load(spec)
    assert draw(network).direction == direction
    assert {draw(network, direction=each).direction for each in ("LR", "TB")} == {"LR", "TB"}
