"""Reads a strict and safe subset of YAML into nodes with locations, and reports all faults at once."""

from __future__ import annotations

from typing import Any

from yaml.error import YAMLError

from costcalc import run_budget
from costcalc.errors import Fault, Source, SpecError
from costcalc.lang.files import decode, read_file, read_stream
from costcalc.lang.yaml_nodes import MAX_DEPTH, MAX_NODES, Node, Reading, StopReading, text_offset

__all__ = ["MAX_DEPTH", "MAX_NODES", "Node", "decode", "read", "read_file", "read_stream", "text_offset"]


def read(source: Source) -> tuple[Node, list[Fault]]:
    """Read the single document of a text. Return its root and warnings. Raises `SpecError` with all faults.

    >>> root, _ = read(Source("x.yaml", "{out: 1_000, act: relu}"))
    >>> [(key.value, node.value, node.span.column) for key, node in root.value]
    [('out', 1000, 7), ('act', 'relu', 19)]
    """
    run_budget.read(len(source.text))
    reading = Reading(source, _corrected)
    root = None
    try:
        if "\ufeff" in source.text:  # libyaml drops it, the parser in Python keeps it
            raise YAMLError("byte order mark")
        root = reading.document()
    except (YAMLError, UnicodeEncodeError) as error:
        from costcalc.lang.yaml_errors import explain

        fault = explain(reading, error)
        if all(other.span != fault.span for other in reading.faults):
            reading.faults.append(fault)
    except StopReading:
        pass
    finally:
        run_budget.spend(reading.nodes)
    faults = reading.faults
    if root is None or any(fault.severity == "error" for fault in faults):
        raise SpecError(sorted(faults, key=lambda fault: fault.span[1:] if fault.span else ()))
    return root, faults


def _corrected(reading: Reading, mark: Any, length: int) -> tuple[str, int]:
    """Return the help that shows the corrected line, and the length of the fault."""
    from costcalc.lang.yaml_fixes import advice, corrected

    correction = corrected(reading, mark)
    if correction and correction.start == mark.column:
        length = correction.end - correction.start
    return advice(correction), length
