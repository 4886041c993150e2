"""Names and options of strategies, and strategies of installed packages."""

from __future__ import annotations

import importlib.metadata

import pytest

import costcalc
from costcalc.errors import CostcalcError, UsageError
from costcalc.ops.conv import Conv
from costcalc.ops.shuffle import ChannelShuffle
from costcalc.strategies import NotExpressibleError, Strategy, base, choose, registered


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("normal", "normal", {}),
        ("depthwise_separable", "separable", {}),
        ("bottleneck:reduce=16", "bottleneck", {"reduce": 16}),
        (" bottleneck : reduce = 1_6 ", "bottleneck", {"reduce": 16}),
        ("grouped:groups=2k", "grouped", {"groups": 2000}),
    ],
)
def test_choices(text, name, options):
    choice = choose(text)
    assert (choice.strategy.name, choice.options) == (name, options)


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("seperable", "unknown strategy seperable", "did you mean separable?"),
        ("", "unknown strategy ", "known: "),
        ("normal:reduce=1", "normal has no option reduce", "normal takes no options"),
        ("bottleneck:reduced=1", "bottleneck has no option reduced", "did you mean reduce?"),
        ("bottleneck:", "bottleneck: expected NAME=VALUE after the colon", ""),
        ("bottleneck:reduce", "bottleneck: expected reduce=VALUE", ""),
        ("bottleneck:reduce=0", "bottleneck: reduce: expected an integer of at least 1, got 0", ""),
        ("bottleneck:reduce=-3", "bottleneck: reduce: expected an integer of at least 1, got -3", ""),
        ("bottleneck:reduce=1.5", "bottleneck: reduce: expected an integer, got 1.5", ""),
        ("bottleneck:reduce=half", "bottleneck: reduce: ", ""),
        ("bottleneck:reduce=2,reduce=3", "bottleneck: option reduce is given twice", ""),
    ],
)
def test_bad_choices(text, message, help):
    with pytest.raises(UsageError) as caught:
        choose(text)
    assert str(caught.value).startswith(message)
    assert caught.value.fault().help.startswith(help)


@pytest.mark.parametrize("reduce", [192, 200])
@pytest.mark.parametrize("subject", ["inception", costcalc.strategies.Convolution(192, (28, 28), 32, 5)])
def test_reduce_not_less_than_channels(subject, reduce):
    with pytest.raises(UsageError, match=f"reduce {reduce} must be less than the 192 input channels"):
        costcalc.compare(subject, strategies=[f"bottleneck:reduce={reduce}"])


@pytest.mark.parametrize(
    ("strategy", "channels", "kernel", "message"),
    [
        ("spatial", 16, 4, "spatial: the kernel 4×4 is even"),
        ("grouped:groups=5", 16, 3, "grouped:groups=5: cannot divide 16 input channels into 5 groups"),
        ("normal", 16, 1, "expected a kernel above 1, got 1"),
        ("normal", 16, 99, "a window of 99 does not fit"),
    ],
)
def test_convolution_not_expressible(strategy, channels, kernel, message):
    with pytest.raises(CostcalcError, match=message):
        costcalc.compare(costcalc.strategies.Convolution(channels, (8, 8), 32, kernel), strategies=[strategy])


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("bottleneck", "reduce 32 must be less than the 3 input channels"),
        ("grouped", "cannot divide 3 input channels into 4 groups"),
    ],
)
def test_default_not_expressible_is_reported(strategy, reason):
    convolution = costcalc.strategies.Convolution(3, (8, 8), 64, 3)
    comparison = costcalc.compare(convolution, strategies=["normal", strategy])
    assert comparison.candidate(strategy).reason == reason
    document = comparison.to_dict()["strategies"][1]
    assert (document["reason"], document["macs"], document["layers"]) == (reason, None, [])


def test_strategy_with_different_options():
    comparison = costcalc.compare(
        "inception", strategies=["bottleneck:reduce=8", "bottleneck:reduce=16", "normal", "normal"]
    )
    assert [candidate.label for candidate in comparison.candidates] == [
        "as_is",
        "bottleneck:reduce=8",
        "bottleneck:reduce=16",
        "normal",
    ]


def _write(cell, options):
    """A unit as in ShuffleNet: grouped 1×1, shuffle, and a dense convolution on fewer channels."""
    if cell.channels % 2:
        raise NotExpressibleError("{} is odd", cell.channels)
    return {
        "squeeze": Conv(out=4, kernel=1, groups=2, bias=cell.inner.bias),
        "shuffle": ChannelShuffle(groups=options.get("groups", 2)),
        "conv": Conv(out=cell.out, kernel=cell.kernel, padding=cell.padding, bias=cell.last.bias),
    }


shuffled = Strategy("shuffled", "For tests.", _write, options=("groups",))


class Entry:
    """An entry point of an installed package."""

    dist = None

    def __init__(self, value, found):
        self.name, self.value, self.found = "x", value, found

    def load(self):
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


@pytest.fixture
def installed(monkeypatch):
    """Install strategies, as packages would."""

    def install(*found):
        monkeypatch.setattr(base, "_plugins_loaded", False)
        monkeypatch.setattr(base, "_known", {})
        entries = [Entry(f"package:{number}", each) for number, each in enumerate(found)]
        monkeypatch.setattr(
            importlib.metadata, "entry_points", lambda group: entries if group == "costcalc.strategies" else []
        )

    yield install
    monkeypatch.undo()


def test_strategy_of_installed_package(installed):
    installed(shuffled)
    assert "shuffled" in registered()
    comparison = costcalc.compare("inception", strategies=["shuffled:groups=4"], layer="b5.**")
    layers = [(layer.name, layer.op.name) for layer in comparison.candidates[1].network.layers]
    start = layers.index(("b5.conv_2.squeeze", "conv"))
    assert layers[start : start + 5] == [
        ("b5.conv_2.squeeze", "conv"),
        ("b5.conv_2.relu", "relu"),
        ("b5.conv_2.shuffle", "channel_shuffle"),
        ("b5.conv_2.conv", "conv"),
        ("b5.relu_2", "relu"),
    ]
    assert comparison.cells[0].figures["shuffled"].macs == 28 * 28 * (192 * 4 // 2 + 25 * 4 * 32)


def test_plugins_are_loaded_only_for_unknown_names(installed):
    installed(RuntimeError("never loaded"))
    costcalc.compare("inception", strategies=["normal", "spatial"])
    with pytest.raises(
        CostcalcError, match="cannot load a strategy of the installed package package:0: RuntimeError: never loaded"
    ):
        choose("other")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("a text", "installed package package:0: expected a costcalc.strategies.Strategy, got str"),
        (shuffled._replace(name="normal"), "cannot define the strategy normal: the name is taken"),
        (SystemExit(3), "cannot load a strategy of the installed package package:0: SystemExit: 3"),
    ],
)
def test_package_with_invalid_strategy(installed, found, message):
    installed(found)
    with pytest.raises(CostcalcError, match=message):
        registered()


def test_strategy_without_layers(installed):
    installed(shuffled._replace(write=lambda cell, options: {}))
    with pytest.raises(CostcalcError, match=r"shuffled writes no layers for b3\.conv_2"):
        costcalc.compare("inception", strategies=["shuffled"])
