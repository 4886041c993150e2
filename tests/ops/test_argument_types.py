from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from costcalc.errors import ArgumentError
from costcalc.notation import MOST_CHARACTERS, MOST_SHOWN, show
from costcalc.ops import resize  # noqa: F401 - brings the type Mode
from costcalc.ops.argument_types import ARGUMENT_TYPES, integer

GOOD = [
    ("Positive", 24.000000000000004, 24),
    ("Positive", 1e3, 1000),
    ("Natural", 0, 0),
    ("Integer", -1, -1),
    ("Flag", True, True),
    ("Probability", 0.5, 0.5),
    ("Probability", 1, 1),
    ("Probability", 0, 0),
    ("Sizes", [3, 5.0], (3, 5)),
    ("Sizes", 3, 3),
    ("Margins", (0, 1), (0, 1)),
    ("Padding", "same", "same"),
    ("Padding", "valid", "valid"),
    ("Padding", [1, 0], (1, 0)),
    ("Integers", [-1, 3], (-1, 3)),
    ("Extents", 3, (3,)),
    ("Extents", [3, 4], (3, 4)),
    ("Extents", [1] * 4096, (1,) * 4096),
    ("Axes", "all", "all"),
    ("Axes", 2, 2),
    ("Amounts", 3, 3),
    ("Amounts", [[0, 1], (2, 3)], ((0, 1), (2, 3))),
    *(("Mode", mode, mode) for mode in ("nearest", "linear", "bilinear", "trilinear", "bicubic")),
]

BAD = [
    ("Positive", 0, "expected an integer of at least 1, got 0"),
    ("Positive", True, "expected an integer, got true"),
    ("Positive", None, "expected an integer, got nothing"),
    ("Positive", "64", "expected an integer, got 64"),
    ("Positive", "x" * 100_000, "xxx..."),
    ("Padding", "x" * 100_000, "xxx..."),
    ("Axes", "x" * 100_000, "xxx..."),
    ("Positive", 11.2, "expected an integer, got 11.2"),
    ("Positive", 24.0001, "expected an integer, got 24.0001"),
    ("Positive", float("inf"), "expected an integer, got inf"),
    ("Positive", float("nan"), "expected an integer, got nan"),
    ("Positive", [1, 2], "expected an integer, got [1, 2]"),
    ("Natural", -1, "expected an integer of at least 0, got -1"),
    ("Flag", 1, "expected true or false, got 1"),
    ("Flag", "yes", "expected true or false, got yes"),
    ("Probability", -0.5, "expected a number from 0 to 1, got -0.5"),
    ("Probability", 1.5, "expected a number from 0 to 1, got 1.5"),
    ("Probability", True, "expected a number from 0 to 1, got true"),
    ("Probability", float("nan"), "expected a number from 0 to 1, got nan"),
    ("Sizes", [3, 0], "expected an integer of at least 1, got 0"),
    ("Sizes", [], "expected a list of 1 to 8 values, got 0"),
    ("Sizes", [1] * 9, "expected a list of 1 to 8 values, got 9"),
    ("Sizes", [[1]], "expected an integer, got [1]"),
    ("Padding", "full", "expected a number, one per spatial dimension, same or valid, got full"),
    ("Padding", -1, "expected an integer of at least 0, got -1"),
    ("Extents", [1] * 4097, "expected a list of 1 to 4096 values, got 4097"),
    ("Extents", [2, -1], "expected an integer of at least 1, got -1"),
    ("Axes", "most", "expected an integer, or all, got most"),
    ("Axes", 0, "expected an integer of at least 1, got 0"),
    ("Amounts", [1, 2], "or a pair [before, after] for each spatial dimension, got [1, 2]"),
    ("Amounts", [], "or a pair [before, after] for each spatial dimension, got []"),
    ("Amounts", [[1, 2, 3]], "got [[1, 2, 3]]"),
    ("Amounts", [[1, -2]], "expected an integer of at least 0, got -2"),
    ("Amounts", [1] * 100_000, "got [1, 1, 1, 1"),
    ("Mode", "cubic", "expected one of nearest, linear, bilinear, trilinear, bicubic, got cubic"),
    ("Mode", ["nearest"], "got [nearest]"),
]


@pytest.mark.parametrize(("kind", "value", "kept"), GOOD)
def test_converts(kind, value, kept):
    found = ARGUMENT_TYPES[kind].convert(value)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(("kind", "value", "message"), BAD)
def test_rejects(kind, value, message):
    with pytest.raises(ArgumentError) as caught:
        ARGUMENT_TYPES[kind].convert(value)
    assert message in str(caught.value)
    assert caught.value.fault().message == str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("kind", ARGUMENT_TYPES.values(), ids=ARGUMENT_TYPES)
def test_argument_type_is_documented(kind):
    assert kind.takes
    assert kind.schema
    with pytest.raises(ArgumentError):
        kind.convert({})


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (24 * (1 + 0.9e-9), 24),
        (24 * (1 - 0.9e-9), 24),
        (24 * (1 + 1.1e-9), None),
        (24 * (1 - 1.1e-9), None),
        # a half is 1e-9 of 500 million: within it from there on
        (500_000_000.5, 500_000_000),
        (499_999_999.5, None),
        (-500_000_000.5, -500_000_000),
        (-499_999_999.5, None),
        (1e-12, None),  # relative: nothing but 0 is near 0
        (0.0, 0),
        (1e300, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_float_near_integer_is_integer(value, number):
    if number is None:
        with pytest.raises(ArgumentError, match="expected an integer"):
            integer(value)
    else:
        assert (integer(value), type(integer(value))) == (number, int)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
        ("x" * (MOST_CHARACTERS + 1), "x" * MOST_CHARACTERS + "..."),
        ([1] * MOST_SHOWN, f"[{'1, ' * (MOST_SHOWN - 1)}1]"),
        ([1] * (MOST_SHOWN + 1), f"[{'1, ' * MOST_SHOWN}...]"),
    ],
)
def test_only_what_is_long_is_cut(value, text):
    assert show(value) == text


@pytest.mark.parametrize("kind", ["Sizes", "Margins", "Integers", "Padding"])
@pytest.mark.parametrize(
    ("value", "valid"), [([], False), ([3], True), ([3, "a + 1"], True), ([[3]], False), (3, True)]
)
def test_the_schema_of_a_list(kind, value, valid):
    assert Draft202012Validator(ARGUMENT_TYPES[kind].schema).is_valid(value) is valid
