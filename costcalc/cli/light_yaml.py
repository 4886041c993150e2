"""Imports PyYAML's parser in C without the modules in Python that it does not need.

Importing PyYAML takes a fifth of the time of a small command, most of it for regular expressions of parsers that are
not used. The parser in C needs only the classes of errors, tokens, events and nodes.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader

NEEDED = ("error", "tokens", "events", "nodes", "scanner", "parser", "composer")
"""The modules of PyYAML whose classes the parser in C uses."""
UNUSED = {
    "reader": "ReaderError",
    "constructor": "ConstructorError",
    "emitter": "EmitterError",
    "serializer": "SerializerError",
    "representer": "RepresenterError",
}
"""The modules of which it only looks up the class of an error."""


def load() -> None:
    """Import the parser in C now, and the rest of PyYAML when some code uses it.

    Does nothing if PyYAML is imported already. If PyYAML has no parser in C, or not the modules that are expected,
    nothing stays imported, and the next `import yaml` is the usual one.
    """
    if "yaml" in sys.modules:
        return
    spec = PathFinder.find_spec("yaml")
    if spec is None or spec.loader is None:
        return
    try:
        _load(spec, spec.loader)
    except Exception:  # whatever differs from the PyYAML that is expected: import it as usual
        for name in [name for name in sys.modules if name.partition(".")[0] == "yaml"]:
            del sys.modules[name]


def _load(spec: ModuleSpec, loader: Loader) -> None:
    package = sys.modules["yaml"] = module_from_spec(spec)
    for name in NEEDED:
        import_module(f"yaml.{name}")
    error: Any = sys.modules["yaml.error"]
    for name, unused in UNUSED.items():
        setattr(package, name, SimpleNamespace(**{unused: type(unused, (error.YAMLError,), {})}))
    parser = import_module("yaml._yaml")
    for name in UNUSED:
        delattr(package, name)

    def complete(name: str) -> Any:
        """Run the package's own `__init__` at the first use of anything that is not there yet."""
        if package.__dict__.pop("__getattr__", None):
            loader.exec_module(package)
            for module, unused in UNUSED.items():
                setattr(parser, unused, getattr(import_module(f"yaml.{module}"), unused))
        return getattr(package, name)

    package.__dict__["__getattr__"] = complete
