"""costcalc: what a neural network costs, before anyone trains it.

    >>> import costcalc
    >>> network = costcalc.load("resnet50", classes=10)
    >>> costcalc.analyze(network).totals.macs
    4087156736

Importing costcalc imports neither numpy nor rich; each function imports what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from costcalc.explanation import Explanation
    from costcalc.model import Analysis, Network
    from costcalc.strategies import Choice, Comparison, Convolution
    from costcalc.sweep.api import Sweep as Sweep
    from costcalc.sweep.api import sweep as sweep

__version__ = "0.1.0"


def load(
    source: str | PathLike[str],
    /,
    *,
    inputs: Mapping[str, Sequence[int]] | None = None,
    max_layers: int | None = None,
    **params: Any,
) -> Network:
    """The network of a spec: a path, or the name of a bundled spec, at the params given.

    Shapes in `inputs` replace those of the spec, by the input's name. Raises `SpecError` with every fault found and its
    place, `UsageError` where there is no such spec, param or input.
    """
    from os import fspath

    from costcalc.lang.loader import open_spec

    return open_spec(fspath(source)).build(params, inputs, max_layers)


def loads(
    text: str,
    /,
    *,
    name: str = "<text>",
    inputs: Mapping[str, Sequence[int]] | None = None,
    max_layers: int | None = None,
    **params: Any,
) -> Network:
    """The network of a spec given as text, as `load` gives it."""
    from costcalc.errors import Source
    from costcalc.lang.loader import open_spec

    return open_spec(Source(name, text)).build(params, inputs, max_layers)


def analyze(network: Network | str | PathLike[str], /, *, batch: int = 1, **params: Any) -> Analysis:
    """What a network, or the network of a spec, costs for a batch of examples.

    Raises `UsageError` for a batch that is no integer of at least 1.
    """
    from costcalc.analysis import analyze
    from costcalc.model import Network

    return analyze(network if isinstance(network, Network) else load(network, **params), batch=batch)


def explain(
    network: Network | str | PathLike[str],
    /,
    *layers: str,
    quantities: Sequence[str] = (),
    batch: int = 1,
    **params: Any,
) -> Explanation:
    """The counts of a network's layers, each a formula that knows its symbols, its numbers and its value.

    `layers` are globs of names: `*` is one segment, `**` any number. Without any, the layers that make up 80% of the
    cost. `quantities` chooses among macs, params, buffers, add, mul, div, cmp, exp, flops and activations.

    >>> (layer,) = explain("inception", "b5.conv_2").layers
    >>> layer.counts["macs"].symbols(), layer.counts["macs"].value == 32*28*28 * 5*5*16
    ('C_out·H_out·W_out·K_h·K_w·C_in', True)
    """
    from costcalc.explanation import explain
    from costcalc.model import Network

    network = network if isinstance(network, Network) else load(network, **params)
    return explain(network, layers, quantities=quantities, batch=batch)


def compare(
    subject: Network | Convolution | str | PathLike[str],
    /,
    *,
    strategies: Sequence[str | Choice] = ("normal", "bottleneck", "separable"),
    layer: str | None = None,
    stem: bool = False,
    cheapest: bool = False,
    batch: int = 1,
    **params: Any,
) -> Comparison:
    """The convolutions of a network, or of a spec's network, in every strategy; or one convolution by itself.

    A strategy is written `separable` or `bottleneck:reduce=16`. Of a network, `layer` is a glob that restricts this to
    some cells, `stem` rewrites the convolution on the image too, and `cheapest` adds the network whose every cell has
    its cheapest form.
    """
    from costcalc.model import Network
    from costcalc.strategies import Convolution, compare, compare_convolution

    if isinstance(subject, Convolution):
        return compare_convolution(subject, strategies=strategies, batch=batch)
    network = subject if isinstance(subject, Network) else load(subject, **params)
    return compare(network, strategies=strategies, layer=layer, stem=stem, cheapest=cheapest, batch=batch)


def __getattr__(name: str) -> Any:
    """`costcalc.sweep`, a package that can be called: imported when it is asked for, as it imports numpy."""
    if name != "sweep":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("costcalc.sweep")
