"""The named tuples of `costcalc.record` behave as those of `typing`."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from costcalc.record import NamedTuple


class Ours(NamedTuple):
    """A shape and its name."""

    shape: tuple[int, ...]
    name: str
    line: int | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)


class Theirs(typing.NamedTuple):
    shape: tuple[int, ...]
    name: str
    line: int | None = None


CALLS = [
    (((1, 2), "conv"), {}),
    (((1, 2), "conv", 7), {}),
    (((1, 2),), {"name": "conv"}),
    ((), {"name": "conv", "line": 7, "shape": ()}),
]
WRONG = [
    ((), {}),
    (((1, 2),), {}),
    (((1, 2), "conv", 7, 8), {}),
    (((1, 2), "conv"), {"name": "conv"}),
    (((1, 2), "conv"), {"size": 3}),
]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_same_value(values, named):
    ours, theirs = Ours(*values, **named), Theirs(*values, **named)
    assert ours == theirs
    assert hash(ours) == hash(theirs)
    assert (ours.shape, ours.name, ours.line) == tuple(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._asdict() == theirs._asdict()
    assert ours._replace(line=1) == theirs._replace(line=1)
    assert ours.rank == len(theirs.shape)


@pytest.mark.parametrize(("values", "named"), WRONG)
def test_wrong_calls(values, named):
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*values, **named)


def test_copies():
    value = Ours((3, 4), "conv")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert (type(again), again) == (Ours, value)
    assert type(copy.deepcopy(value)) is Ours


def test_class():
    assert Ours._fields == Theirs._fields == Ours.__match_args__
    assert Ours._field_defaults == Theirs._field_defaults
    assert not hasattr(Ours((), "x"), "__dict__")
    with pytest.raises(AttributeError):
        Ours((), "x").name = "y"
    with pytest.raises(TypeError):
        Ours((), "x")._replace(size=1)


def test_subclass():
    class Larger(Ours):
        def area(self):
            return self.shape[0] * self.shape[1]

    assert Larger((3, 4), "conv").area() == 3 * 4
    assert Larger._fields == Ours._fields
