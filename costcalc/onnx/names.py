"""Paths of the layers of an ONNX model: from the scopes that exporters write, or from the names of weights."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.onnx.run import NodeRow

_SUFFIX = re.compile(r"(_quantized|_scale|_zero_point)+$")
_NO_PATH = ("onnx::", "val_", "_")


class Paths:
    """The path of each row: that of its module where a name says it, else beside the layer before."""

    def __init__(self, rows: list[NodeRow]) -> None:
        self.uses: dict[str, int] = {}
        for row in rows:
            for name, _, _ in row.weights:
                self.uses[name] = self.uses.get(name, 0) + 1
        self.modules: dict[str, str] = {}
        """The path of the module that writes each tensor."""
        self.rows: dict[str, int] = {}
        """The rows of each module, and of the modules in it."""
        for row in rows:
            module = _module(row)
            while module:
                self.rows[module] = self.rows.get(module, 0) + 1
                module = module.rpartition(".")[0]

    def path(self, row: NodeRow, label: str) -> str:
        """Return the path of a row, whose op or kind is `label`."""
        weight = self._weight(row)
        module = _module(row) or weight
        if weight and weight.rpartition(".")[0] in (module, module.rpartition(".")[0]):
            module, path = weight.rpartition(".")[0], weight
        elif self.rows.get(module) == 1:
            module, path = module.rpartition(".")[0], module
        elif module:
            path = f"{module}.{label}"
        else:
            before = [
                self.modules[value.name]
                for value in row.node.inputs
                if value is not None and value.name in self.modules
            ]
            module = before[-1] if before else ""
            path = f"{module}.{label}" if module else label
        for value in row.outputs:
            self.modules[value.name] = module
        return path

    def _weight(self, row: NodeRow) -> str:
        """Return the path of the module that has the weights of a row alone."""
        best, most = "", -1
        for name, size, _ in row.weights:
            plain = _SUFFIX.sub("", name.replace("/", ".")).strip(".")
            if "." not in plain or plain.startswith(_NO_PATH) or self.uses[name] > 1:
                continue
            score = 2 * (size > 1) + ("weight" in plain)
            if score > most:
                best, most = plain.rpartition(".")[0], score
        return best


def _module(row: NodeRow) -> str:
    """Return the module of a row, from the scopes of its node or from its name, or an empty string."""
    message = row.node.message
    scopes = next((entry.value for entry in message.metadata if entry.key == "pkg.torch.onnx.name_scopes"), "")
    if scopes:
        return _of_scopes(scopes)
    return _of_slashes(message.name) if message.name.count("/") > 1 else ""


def _of_scopes(text: str) -> str:
    """Return the innermost module of the scopes that PyTorch's exporter writes.

    >>> _of_scopes("['', 'layer1', 'layer1.0', 'layer1.0.bn1', 'relu_1']")
    'layer1.0.bn1'
    """
    try:
        scopes = ast.literal_eval(text) if len(text) < 10_000 else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    inner = [scope for scope in scopes[:-1] if isinstance(scope, str) and scope] if isinstance(scopes, list) else []
    return inner[-1] if inner else ""


def _of_slashes(name: str) -> str:
    """Return the module of a node's name.

    >>> _of_slashes("/layer1/layer1.0/conv1/Conv")
    'layer1.0.conv1'
    """
    path: list[str] = []
    for part in [part.rpartition("::")[2] for part in name.split("/") if part][:-1]:
        if path and part.startswith(f"{path[-1]}."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path)
