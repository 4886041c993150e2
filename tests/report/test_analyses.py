"""What analyses look like. Every figure follows from `report.analyses`; the texts are for the look."""

from __future__ import annotations

import pytest

from costcalc.errors import UsageError
from costcalc.model import LARGEST
from costcalc.outline import outline
from costcalc.report import table
from costcalc.report.analyses import COLUMNS, choose, layers, networks
from costcalc.report.table_data import Remark, full
from report.analyses import MACS, MAP, SMALL, STEM, analysis, row

PIPED = """\
small: A network as small as it can be.
Nobody 2026, table 1
input 3×32×32 · batch 1 · width=8 · depths=[1, 2] · wide=false

layer            op                       output    params       MACs  share
────────────────────────────────────────────────────────────────────────────────────────
stem             conv · batchnorm · relu  8×32×32      232    221,184  13.2%  █▉
unit.0
  body
    conv         conv                     16×32×32     144    131,072   7.8%  █▏
    conv_2       conv                     8×32×32    1,160  1,179,648  70.2%  ██████████
  shortcut.conv  conv                     8×32×32       72     65,536   3.9%  ▌
  add            add                      8×32×32        0          0
head.linear      linear                   8×32×10      330     81,920   4.9%  ▊
────────────────────────────────────────────────────────────────────────────────────────
total            8 layers                            1,938  1,679,360   100%

3,426,816 FLOPs · 68,096 activations · 0 buffers
norm and act share their layer's row; --full lists them
"""

AT_70 = """\
small: A network as small as it can be.
Nobody 2026, table 1
input 3×32×32 · batch 1 · width=8 · depths=[1, 2] · wide=false

layer            op       output    params       MACs  share
────────────────────────────────────────────────────────────
stem             conv +2  8×32×32      232    221,184  13.2%
unit.0
  body
    conv                  16×32×32     144    131,072   7.8%
    conv_2                8×32×32    1,160  1,179,648  70.2%
  shortcut.conv           8×32×32       72     65,536   3.9%
  add                     8×32×32        0          0
head.linear               8×32×10      330     81,920   4.9%
────────────────────────────────────────────────────────────
total            8 layers            1,938  1,679,360   100%

3,426,816 FLOPs · 68,096 activations · 0 buffers
norm and act share their layer's row; --full lists them
"""

AT_50 = """\
small: A network as small as it can be.
Nobody 2026, table 1
input 3×32×32 · batch 1 · width=8 · depths=[1, 2]
wide=false

layer          op      output   params      MACs
────────────────────────────────────────────────
stem           conv +2 8×32×32     232   221,184
unit.0
 body
  conv                 16×32×32    144   131,072
  conv_2               8×32×32   1,160 1,179,648
 shortcut.conv         8×32×32      72    65,536
 add                   8×32×32       0         0
head.linear            8×32×10     330    81,920
────────────────────────────────────────────────
total          8 layers          1,938 1,679,360

3,426,816 FLOPs · 68,096 activations · 0 buffers
norm and act share their layer's row; --full lists
  them
"""

AT_40 = """\
small: A network as small as it can be.
Nobody 2026, table 1
input 3×32×32 · batch 1 · width=8
depths=[1, 2] · wide=false

layer          output   params      MACs
────────────────────────────────────────
stem           8×32×32     232   221,184
unit.0
 body
  conv         16×32×32    144   131,072
  conv_2       8×32×32   1,160 1,179,648
 shortcut.conv 8×32×32      72    65,536
 add           8×32×32       0         0
head.linear    8×32×10     330    81,920
────────────────────────────────────────
total                    1,938 1,679,360

3,426,816 FLOPs · 68,096 activations
0 buffers
norm and act share their layer's row;
  --full lists them
"""

TOP_AT_80 = """\
small: A network as small as it can be.
Nobody 2026, table 1
input 3×32×32 · batch 1 · width=8 · depths=[1, 2] · wide=false

layer               op                       output   params       MACs  share
──────────────────────────────────────────────────────────────────────────────
unit.0.body.conv_2  conv                     8×32×32   1,160  1,179,648  70.2%
stem                conv · batchnorm · relu  8×32×32     232    221,184  13.2%
everything else     4 layers                             546    278,528  16.6%
──────────────────────────────────────────────────────────────────────────────
total               8 layers                           1,938  1,679,360   100%

3,426,816 FLOPs · 68,096 activations · 0 buffers
norm and act share their layer's row; --full lists them
"""

OPERATIONS = """\
small: A network as small as it can be.
Nobody 2026, table 1
input 3×32×32 · batch 1 · width=8 · depths=[1, 2] · wide=false

layer  op                       output   params     add    mul    cmp
─────────────────────────────────────────────────────────────────────
stem   conv · batchnorm · relu  8×32×32     232   8,192  8,192  8,192
unit   4 layers                 8×32×32   1,376  40,960      0      0
head   linear                   8×32×10     330   2,560      0      0
─────────────────────────────────────────────────────────────────────
total  8 layers                           1,938  51,712  8,192  8,192

1,679,360 MACs · 3,426,816 FLOPs · 68,096 activations · 0 buffers
norm and act share their layer's row; --full lists them
"""

REMARK = Remark("norm and act share their layer's row; --full lists them")

SEVERAL = """\
network    input    layers  params       MACs      FLOPs
────────────────────────────────────────────────────────────────────
small      3×32×32       8   1,938  1,679,360  3,426,816  ██████████
stem only  3×32×32       3     232    221,184    466,944  █▍
"""


@pytest.mark.parametrize(
    ("width", "expected"),
    [(None, PIPED), (200, PIPED), (100, PIPED), (88, PIPED), (70, AT_70), (60, AT_70), (50, AT_50), (40, AT_40)],
)
def test_a_network_at_widths(width, expected):
    result = layers(SMALL, outline(SMALL))
    if width == 60:  # as at 70, with the facts above on two lines
        expected = expected.replace(" · wide=false", "\nwide=false")
    assert table.render(result, width=width) == expected


def test_the_bar_becomes_shorter_before_it_goes():
    result = layers(SMALL, outline(SMALL))
    assert "70.2%  ████████\n" in table.render(result, width=86)
    assert "70.2%\n" in table.render(result, width=81)


def test_the_rest_of_a_cut():
    assert table.render(layers(SMALL, outline(SMALL, top=2)), width=80) == TOP_AT_80


def test_chosen_columns_of_a_folded_tree():
    assert table.render(layers(SMALL, outline(SMALL, depth=1), ("params", "add", "mul", "cmp"))) == OPERATIONS


def test_several_networks():
    assert table.render(networks([SMALL, analysis(*STEM, network="stem only")], ["a", "b"])) == SEVERAL


def test_networks_of_one_name_are_told_apart_by_their_specs():
    rows = networks([SMALL, SMALL, analysis(*STEM, network="other")], ["a.yaml", "b.yaml", "c.yaml"]).rows
    assert [entry.cells[0] for entry in rows] == ["small (a.yaml)", "small (b.yaml)", "other"]


def test_the_batch_of_several_networks_is_said():
    assert networks([SMALL._replace(batch=1000)] * 2, ["a", "b"]).notes == ("", "batch 1,000")


@pytest.mark.parametrize("arrangement", [{}, {"full": True}, {"depth": 1}, {"sort": "add"}, {"top": 2}])
def test_figures_of_rows_sum_to_those_of_the_total(arrangement):
    columns = choose(",".join(name for name in COLUMNS if name not in ("share", "params_share", "intensity")))
    for tree in (True, False):
        result = layers(SMALL, outline(SMALL, **arrangement), columns, tree=tree)
        figures = [entry.cells[3:] for entry in result.rows if entry.role in ("", "rest")]
        combined = [
            (max if name in LARGEST else sum)(column)
            for name, column in zip(columns, zip(*figures, strict=True), strict=True)
        ]
        assert combined == list(result.rows[-1].cells[3:])


def test_the_largest_share_fills_the_bar():
    result = layers(SMALL, outline(SMALL, full=True))
    bars = {entry.cells[0].full.strip(): entry.cells[-1] for entry in result.rows if entry.role == ""}
    assert bars["conv_2"] == 1.0
    assert bars["stem"] == (MAP * 8 * 27 / MACS) / (MAP * 8 * 16 * 9 / MACS)
    assert bars["add"] == 0.0


def test_a_partial_analysis_says_what_it_leaves_out():
    partial = SMALL._replace(partial=True, uncounted=("stft", "einsum"))
    assert "partial: no rule for stft, einsum" in layers(partial, outline(partial)).notes


def test_a_line_below_the_table_says_that_norm_and_act_have_no_row_of_their_own():
    assert REMARK in layers(SMALL, outline(SMALL)).notes
    assert REMARK not in layers(SMALL, outline(SMALL, full=True)).notes
    assert "\x1b[2mnorm and act share" in table.render(layers(SMALL, outline(SMALL)), color=True)


def test_the_rest_of_a_cut_is_called_alike_whatever_the_rows_are():
    rest = layers(SMALL, outline(SMALL, full=True, top=2), tree=False).rows[-2]
    assert rest.cells[:3] == ("everything else", None, None)


def test_the_last_lines_stand_below_one_for_all_before():
    lines = layers(SMALL, outline(SMALL, last=2)).rows
    assert [(full(line.cells[0]), full(line.cells[1])) for line in lines] == [
        ("4 lines before", "6 layers"), ("unit.0.add", "add"), ("head.linear", "linear"), ("total", "8 layers"),
    ]  # fmt: skip
    assert layers(SMALL, outline(SMALL, last=3)) == layers(SMALL, outline(SMALL))


def test_several_inputs_and_outputs_are_named():
    split = row("split", "split", (4, 8))._replace(outputs=((4, 8), (4, 8)))
    two = analysis(split, inputs={"left": (4, 8), "right": (2,)})
    result = layers(two, outline(two))
    assert result.heading[-1] == "input left 4×8, right 2 · batch 1"
    assert result.rows[0].cells[2] == "2 of 4×8"


@pytest.mark.parametrize(
    ("names", "said", "help"),
    [
        ("parms", "unknown column parms", "did you mean params?"),
        ("macs,FLOP", "unknown column FLOP", "did you mean flops?"),
        (" , ", "--columns: expected at least one column", "known: params"),
    ],
)
def test_an_unknown_column_is_an_error_with_the_nearest(names, said, help):
    with pytest.raises(UsageError) as caught:
        choose(names)
    assert caught.value.fault().message == said
    assert caught.value.fault().help.startswith(help)
