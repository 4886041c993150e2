"""Imports a target and makes its module.

The target's code is run. So a target is imported only if it stands on the command line or in a call.
"""

from __future__ import annotations

import sys
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costcalc.engine import MAX_LAYERS
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.model import Network

_SMALL = 1024
"""The largest tensor, in elements, that a constructor makes for real where the meta device does not do."""


class TorchModel:
    """A target, which builds a network as a spec does."""

    def __init__(self, target: str) -> None:
        self.target = target

    def build(
        self,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Sequence[int]] | None = None,
        max_layers: int | None = None,
    ) -> Network:
        """Return the network of the model, made with `params` as keyword arguments. Raises `CostcalcError`."""
        try:
            import torch
        except ImportError:
            raise UsageError("{} needs PyTorch", self.target, help="pip install torch") from None
        if not inputs:
            raise UsageError("{} needs --input, the shape without the batch", self.target, help="--input 3x224x224")
        from costcalc.pytorch.recorder import record

        made = self.model(dict(params or {}))
        tensors = {name: _input(torch, name, shape) for name, shape in inputs.items()}
        name = self.target.rpartition(":")[2].rpartition(".")[2]
        try:
            return record(made.eval(), tensors, name, self.target, max_layers or MAX_LAYERS)
        except CostcalcError:
            raise
        except Exception as error:
            raise self.failed("does not run on these inputs", error) from error

    def model(self, params: dict[str, Any]) -> Any:
        """Return the module of the target, on the meta device."""
        import torch
        from torch import nn

        attribute = self.attribute()
        if isinstance(attribute, nn.Module):
            if params:
                raise UsageError("{} is a module, and takes no --set", self.target)
            return attribute.to("meta")
        if not callable(attribute):
            raise UsageError("{} is neither a module nor callable", self.target)
        from costcalc.lang.spec import normal

        values = {name: _plain(normal(name, value)) for name, value in params.items()}
        try:
            try:
                with torch.device("meta"):
                    made = attribute(**values)
            except (NotImplementedError, RuntimeError):  # the constructor reads numbers, which the meta device has not
                with _large_on_meta():
                    made = attribute(**values)
        except CostcalcError:
            raise
        except Exception as error:
            raise self.failed("cannot be made", error) from error
        if not isinstance(made, nn.Module):
            raise UsageError("{} returned {}, not a module", self.target, type(made).__name__)
        return made.to("meta")

    def attribute(self) -> Any:
        """Import the module of the target, and return its attribute."""
        place, _, path = self.target.rpartition(":")
        try:
            found: Any = _file(place) if place.endswith(".py") else _module(place)
        except ModuleNotFoundError as error:
            raise UsageError(
                "{}: no module {}", self.target, error.name or place, help="install it, or name a file"
            ) from None
        except CostcalcError:
            raise
        except Exception as error:
            raise self.failed("cannot be imported", error) from error
        for step in path.split("."):
            if not hasattr(found, step):
                help = suggest(
                    step, [name for name in dir(found) if not name.startswith("_")], f"{place} has no such name"
                )
                raise UsageError("{}: no attribute {}", self.target, step, help=help)
            found = getattr(found, step)
        return found

    def failed(self, what: str, error: Exception) -> SpecError:
        """Return the error of a target whose code failed, with the last place in it."""
        trace, place = error.__traceback__, ""
        while trace is not None:
            file = Path(trace.tb_frame.f_code.co_filename)
            if not {"torch", "costcalc"}.intersection(file.parts):
                place = f"{file.parent.name}/{file.name}:{trace.tb_lineno}"
            trace = trace.tb_next
        text = " ".join(str(error).split())[:300]
        notes = (f"raised in {place}",) if place else ()
        return SpecError([Fault(f"{self.target} {what}: {type(error).__name__}: {text}", None, notes)])


def _module(name: str) -> Any:
    """Import a module, also from the current folder."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return import_module(name)


def _file(path: str) -> Any:
    """Import a file as a module of its own. Modules beside it can be imported by it."""
    name = Path(path).stem
    spec = util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise UsageError("cannot read {}: file not found", path)
    sys.path.insert(0, str(Path(path).parent))
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _input(torch: Any, name: str, shape: Sequence[int]) -> Any:
    """Return a tensor of a shape, with a batch of one."""
    dtype = getattr(shape, "dtype", "") or "float32"
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        raise UsageError("--input {}: unknown number format {}", name, dtype, help="for example ids=128:int64")
    return torch.empty((1, *shape), dtype=kind, device="meta")


def _plain(value: Any) -> Any:
    """Return a value of an expression as one of Python: a list for a tuple, a plain text for a word."""
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, str) else value


def _large_on_meta() -> Any:
    """Return a mode that makes large tensors on the meta device, and small ones, which code may read, for real."""
    from math import prod

    import torch
    from torch.overrides import TorchFunctionMode

    factories = (torch.empty, torch.zeros, torch.ones, torch.randn, torch.rand, torch.full)

    class Mode(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if function in factories and kwargs.get("device") is None:
                first = args[0] if args else kwargs.get("size", ())
                sizes = first if isinstance(first, (tuple, list)) else [size for size in args if isinstance(size, int)]
                if prod(sizes) > _SMALL:
                    kwargs["device"] = "meta"
            return function(*args, **kwargs)

    return Mode()
