from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, make, row, table

ROWS = [
    row("identity", {}, (64, 7, 5), (64, 7, 5)),
    row("dropout", {}, (64,), (64,)),
    row("dropout", {"p": 0.2}, (64, 7), (64, 7)),
    row("flatten", {}, (512, 7, 7), (512*7*7,)),
    row("flatten", {"start": 1}, (512, 7, 7), (512, 7*7)),
    row("flatten", {"start": -2}, (2, 3, 4), (2, 3*4)),
    row("flatten", {"start": -1}, (9,), (9,)),
    row("reshape", {"shape": [768, -1]}, (768, 14, 14), (768, 14*14)),
    row("reshape", {"shape": -1}, (3, 4), (3*4,)),
    row("reshape", {"shape": [2, 6]}, (3, 4), (2, 6)),
    row("reshape", {"shape": [-1, 1, 1]}, (64,), (64, 1, 1)),
    row("permute", {"order": [1, 0]}, (768, 196), (196, 768)),
    row("permute", {"order": [2, 0, 1]}, (3, 4, 5), (5, 3, 4)),
    row("permute", {"order": [-1, 0, 1]}, (3, 4, 5), (5, 3, 4)),
    row("permute", {"order": 0}, (3,), (3,)),
    row("split", {"parts": 2}, (64, 7, 7), [(32, 7, 7)] * 2),
    row("split", {"sizes": [48, 12, 4]}, (64, 7), [(48, 7), (12, 7), (4, 7)]),
    row("split", {"parts": 3, "axis": -1}, (5, 9), [(5, 3)] * 3),
    row("split", {"parts": 4096}, (4096,), [(1,)] * 4096),  # the longest list
    row("split", {"sizes": 9, "axis": 1}, (5, 9), [(5, 9)]),
    row("slice", {"axis": 0, "stop": 1}, (197, 768), (1, 768)),
    row("slice", {"axis": 0, "start": 1}, (197, 768), (196, 768)),
    row("slice", {"axis": 1, "start": 1, "stop": 8, "step": 3}, (2, 10), (2, 3)),
    row("slice", {"axis": -1, "start": -3}, (2, 10), (2, 3)),
    row("slice", {"axis": -1, "start": -30, "stop": -1}, (2, 10), (2, 9)),
    # one position before the first
    row("slice", {"axis": 0, "start": -11}, (10,), (10,)),
    row("slice", {"axis": 0, "stop": 99}, (10,), (10,)),
    row("slice", {"axis": 0, "step": 99}, (10,), (1,)),
    row("pad", {"amount": 3}, (3, 224, 224), (3, 230, 230)),
    row("pad", {"amount": [[0, 1], [2, 2]]}, (3, 8, 8), (3, 8 + 0 + 1, 8 + 2 + 2)),
    row("pad", {"amount": [[0, 1]]}, (3, 8), (3, 9)),
    row("pad", {"amount": 1}, (3, 8, 8, 8), (3, 10, 10, 10)),
    row("crop", {"amount": 4}, (64, 64, 64), (64, 56, 56)),
    row("crop", {"amount": 4}, (3, 9), (3, 9 - 4 - 4)),
    row("crop", {"amount": [[0, 1], [2, 2]]}, (3, 8, 8), (3, 8 - 0 - 1, 8 - 2 - 2)),
    row("pixel_shuffle", {"factor": 2}, (64, 7, 5), (16, 14, 10)),
    row("pixel_shuffle", {"factor": 3}, (9, 7), (3, 21)),
    row("pixel_shuffle", {"factor": 2}, (8, 1, 2, 3), (1, 2, 4, 6)),
    row("pixel_unshuffle", {"factor": 2}, (16, 14, 10), (64, 7, 5)),
    row("pixel_unshuffle", {"factor": 3}, (3, 21), (9, 7)),
    row("channel_shuffle", {"groups": 3}, (240,), (240,)),
    row("channel_shuffle", {"groups": 3}, (240, 28, 28), (240, 28, 28)),
]  # fmt: skip

FAULTS = [
    fault("identity", {"p": 1}, (3,), "identity has no argument p", "identity takes no arguments"),
    fault("dropout", {"p": 2}, (3,), "expected a number from 0 to 1, got 2"),
    fault("dropout", {"p": "half"}, (3,), "expected a number from 0 to 1, got half"),
    fault("dropout", {"rate": 0.5}, (3,), "dropout has no argument rate", "known: p"),
    fault("flatten", {"start": 3}, (2, 3, 4), "start 3 is out of range for an input of 3 dimensions", "batch"),
    fault("flatten", {"start_dim": 1}, (2, 3), "no argument start_dim", "use start instead"),
    fault("reshape", {"shape": [5, -1]}, (3, 4), "cannot reshape [3, 4] of 12 elements to [5, -1]", "batch"),
    fault("reshape", {"shape": [5, 3]}, (3, 4), "cannot reshape [3, 4] of 12 elements to [5, 3] of 15", "-1"),
    fault("reshape", {"shape": [-1, -1]}, (3, 4), "expected -1 at most once, got it 2 times"),
    fault("reshape", {"shape": [0, -1]}, (3, 4), "expected sizes of at least 1, or -1 for the remaining size, got 0"),
    fault("reshape", {"shape": []}, (1,), "expected a list of 1 to 8 values, got 0"),
    fault("reshape", {"shape": [1] * 9}, (1,), "expected a list of 1 to 8 values, got 9"),
    fault("reshape", {}, (1,), "reshape needs shape", "reshape(shape)"),
    fault("permute", {"order": [0, 1]}, (3, 4, 5), "order [0, 1] must name each of the 3 axes of [3, 4, 5] once"),
    fault("permute", {"order": [0, 0, 1]}, (3, 4, 5), "order [0, 0, 1] must name each", "without the batch"),
    fault("permute", {"order": [0, 2, 3, 1]}, (3, 4, 5), "axis 3 is out of range for an input", "without the batch"),
    fault("permute", {"dims": [0, 1]}, (3, 4), "no argument dims", "use order instead"),
    fault("split", {"parts": 3}, (64, 7), "cannot divide axis 0 of [64, 7] into 3 equal parts", "sizes"),
    fault(
        "split", {"sizes": [3, 4]}, (64, 7), "sizes [3, 4] sum to 7, but axis 0 of [64, 7] has size 64", "must sum to"
    ),
    fault("channel_shuffle", {"groups": 3}, (), "channel_shuffle needs an input of at least 1 dimension, got []"),
    fault("split", {}, (64,), "expected parts or sizes", "parts: 3"),
    fault(
        "split",
        {"parts": 2, "sizes": [32, 32]},
        (64,),
        "expected either parts or sizes, got both",
        "sizes: [64, 32, 32]",
    ),
    fault("split", {"parts": 10**12}, (10**12,), "expected at most 4096 parts"),
    fault("split", {"chunks": 2}, (64,), "no argument chunks", "use parts instead"),
    fault("slice", {"axis": 0, "start": 5, "stop": 5}, (9,), "the slice of axis 0 of [9] from 5 to 5 is empty", "stop"),
    fault("slice", {"axis": 0, "start": 12}, (9,), "the slice of axis 0 of [9] from 9 to 9 is empty"),
    fault("slice", {"axis": 0, "step": -1}, (9,), "expected an integer of at least 1, got -1"),
    fault("slice", {"axis": 2}, (9, 2), "axis 2 is out of range"),
    fault("pad", {"amount": [1, 2]}, (3, 8), "a pair [before, after] for each spatial dimension, got [1, 2]"),
    fault(
        "pad",
        {"amount": [[1, 2]]},
        (3, 8, 8),
        "amount has 1 pair for the 2 spatial dimensions of [3, 8, 8]",
    ),
    fault("pad", {"amount": -1}, (3, 8), "expected an integer of at least 0, got -1"),
    fault("pad", {"amount": 1}, (3,), "pad needs an input of channels"),
    fault("pad", {"pad": 1}, (3, 8), "no argument pad", "use amount instead"),
    fault("crop", {"amount": 4}, (3, 8, 9), "cannot crop 4 and 4 positions from [3, 8, 9]"),
    fault("pixel_shuffle", {"factor": 2}, (10, 7, 7), "cannot divide 10 channels into 4 groups"),
    fault("pixel_shuffle", {"upscale_factor": 2}, (16, 7, 7), "no argument upscale_factor", "use factor instead"),
    fault("pixel_unshuffle", {"factor": 2}, (10, 7, 8), "size 7 in [10, 7, 8] is not divisible by 2", "pad"),
    fault("channel_shuffle", {"groups": 7}, (10, 8, 8), "cannot divide 10 channels into 7 groups"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@given(channels=st.integers(1, 6), factor=st.integers(1, 4), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_unshuffle_is_the_inverse_of_shuffle(channels, factor, sizes):
    shape = (channels * factor ** len(sizes), *sizes)
    shuffled = make("pixel_shuffle", {"factor": factor}).shape((shape,))
    assert make("pixel_unshuffle", {"factor": factor}).shape(shuffled) == (shape,)


@given(size=st.integers(1, 12), start=st.integers(-15, 15), stop=st.integers(-15, 15), step=st.integers(1, 5))
def test_slice_equals_list_slice(size, start, stop, step):
    kept = len(range(size)[start:stop:step])
    op = make("slice", {"axis": 0, "start": start, "stop": stop, "step": step})
    if kept:
        assert op.shape(((size,),)) == ((kept,),)
    else:
        check_fault(fault("slice", {"axis": 0, "start": start, "stop": stop, "step": step}, (size,), "is empty"))
