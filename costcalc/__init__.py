"""Compute the cost of a neural network from its spec.

    >>> import costcalc
    >>> network = costcalc.load("resnet50", classes=10)
    >>> costcalc.analyze(network).totals.macs
    4087156736

Importing costcalc does not import numpy or rich. Each function imports the modules that it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from costcalc.explanation import Explanation
    from costcalc.model import Analysis, Execution, Network
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
    """Load the network of a spec, given as a path or as the name of a bundled spec, with some params set.

    The target of a PyTorch model, such as `torchvision.models:resnet50`, is imported and run, with `inputs` as shapes
    without the batch: `inputs={"input": [3, 224, 224]}`.

    `inputs` replaces the shapes of inputs by name. Raises `SpecError` with all faults of the spec, and `UsageError` for
    an unknown spec, param or input.
    """
    from os import fspath

    from costcalc.lang.loader import open_spec
    from costcalc.pytorch import is_target

    name = fspath(source)
    if is_target(name):
        from costcalc.pytorch.target import TorchModel

        return TorchModel(name).build(params, inputs, max_layers)
    return open_spec(name).build(params, inputs, max_layers)


def loads(
    text: str,
    /,
    *,
    name: str = "<text>",
    inputs: Mapping[str, Sequence[int]] | None = None,
    max_layers: int | None = None,
    **params: Any,
) -> Network:
    """Load the network of a spec given as text; see `load`."""
    from costcalc.errors import Source
    from costcalc.lang.loader import open_spec

    return open_spec(Source(name, text)).build(params, inputs, max_layers)


def analyze(
    network: Network | str | PathLike[str],
    /,
    *,
    batch: int = 1,
    execution: Execution | None = None,
    in_bytes: bool = True,
    optimizer: str = "",
    read_as: str = "",
    **params: Any,
) -> Analysis:
    """Return the cost of a network, or of the network of a spec, for a batch of examples.

    `execution` is how it is run, for the figures in bytes: `Execution(formats("int8"), in_place="all")`, with the
    class from `costcalc.model` and the function from `costcalc.number_formats`. Without `in_bytes`, the figures from
    `weight_bytes` to `bops` are left out; with an `optimizer` (sgd, momentum or adam), those of a step of training are
    added; with `read_as`, the figure by the convention of another tool, such as fvcore. Raises `UsageError` for an
    unknown one, and unless the batch is an integer of at least 1.
    """
    from costcalc.analysis import analyze
    from costcalc.model import Execution, Network
    from costcalc.suspicions import suspicions

    network = network if isinstance(network, Network) else load(network, **params)
    analysis = analyze(
        network,
        batch=batch,
        execution=execution or Execution(),
        in_bytes=in_bytes,
        optimizer=optimizer,
        read_as=read_as,
    )
    return analysis._replace(suspicions=suspicions(network))


def explain(
    network: Network | str | PathLike[str],
    /,
    *layers: str,
    quantities: Sequence[str] = (),
    batch: int = 1,
    execution: Execution | None = None,
    **params: Any,
) -> Explanation:
    """Explain the counts of a network's layers as formulas with symbols, numbers and a value.

    `layers` are globs of names: `*` matches one segment, `**` any number. The default is the layers that make up 80% of
    the cost. `quantities` are among macs, params, buffers, add, mul, div, cmp, exp, flops and activations.

    >>> (layer,) = explain("inception", "b5.conv_2").layers
    >>> layer.counts["macs"].symbols(), layer.counts["macs"].value == 32*28*28 * 5*5*16
    ('C_out·H_out·W_out·K_h·K_w·C_in', True)
    """
    from costcalc.explanation import explain
    from costcalc.model import Execution, Network

    network = network if isinstance(network, Network) else load(network, **params)
    return explain(network, layers, quantities=quantities, batch=batch, execution=execution or Execution())


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
    """Compare strategies for the convolutions of a network, or for a single convolution.

    A strategy is given as `separable` or `bottleneck:reduce=16`. For a network, `layer` is a glob that restricts the
    rewritten cells, `stem` also rewrites the convolution on the image, and `cheapest` adds the network with each cell
    in its cheapest form.
    """
    from costcalc.model import Network
    from costcalc.strategies import Convolution, compare, compare_convolution

    if isinstance(subject, Convolution):
        return compare_convolution(subject, strategies=strategies, batch=batch)
    network = subject if isinstance(subject, Network) else load(subject, **params)
    return compare(network, strategies=strategies, layer=layer, stem=stem, cheapest=cheapest, batch=batch)


def __getattr__(name: str) -> Any:
    """Import `costcalc.sweep`, a callable package, on first use, because it imports numpy."""
    if name != "sweep":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("costcalc.sweep")
