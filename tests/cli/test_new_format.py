"""A format that a line of the registry adds works in every command that reports tables."""

from __future__ import annotations

import json

import pytest

COMMANDS = [
    ["analyze", "SPEC"],
    ["analyze", "SPEC", "SPEC"],
    ["compare", "SPEC"],
    ["compare", "--channels", "3", "--size", "6", "--out", "5", "--kernel", "3"],
    ["explain", "SPEC"],
    ["sweep", "SPEC", "--set", "width=4,8"],
    ["sweep", "SPEC", "--set", "width=4,8", "--input", "3x8x8", "--columns", "macs", "--best=-macs"],
    ["diff", "SPEC", "SPEC"],
    ["diff", "SPEC", "SPEC", "--stat"],
    ["specs"],
    ["ops"],
    ["ops", "conv"],
    ["blocks"],
    ["blocks", "mlp"],
]
STUB = """
import types
from costcalc.report.formats import FORMATS
from costcalc.report.json import render
stub = types.ModuleType("costcalc.report.stub")
def write(report, medium):
    return {result}
stub.write = write
sys.modules[stub.__name__] = stub
FORMATS["tables"]["stub"] = "stub"
"""
TABLES = """"".join([
    f"{form} {[[column.key for column in grid.columns] for grid in report.tables(form)]}\\n"
    for form in ("csv", "table", "stub")
])"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_new_format_is_given_tables_and_a_document(process, small, command):
    arguments = [str(small) if each == "SPEC" else each for each in command]
    text = STUB.format(result=f"{TABLES} + render(report.document())")
    done = process(f"{text}\nsys.exit(main({[*arguments, '-o', 'stub']!r}))")
    assert (done.returncode, done.stderr) == (0, b"")
    *tables, document = done.stdout.decode().split("\n", 3)
    assert [line.split()[0] for line in tables] == ["csv", "table", "stub"]
    assert json.loads(document)


def test_a_flat_table_of_a_sweep_has_every_row_or_is_refused(process, small):
    text = STUB.format(
        result='f\'{len(report.tables("csv")[0].rows)} {len(report.document()["rows"])} '
        '{len(report.tables("table")[0].rows)}\''
    )
    sweep = ["sweep", str(small), "-o", "stub", "--set"]
    done = process(f"{text}\nsys.exit(main({[*sweep, 'width=1:10000']!r}))")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"10000 10000 50", b"")
    done = process(f"{text}\nsys.exit(main({[*sweep, 'width=1:10001']!r}))")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"error: 10,001 rows; this format has at most 10,000\n" in done.stderr


@pytest.mark.parametrize("command", [["ops"], ["sweep", "SPEC", "--set", "width=4,8"]], ids=" ".join)
def test_a_new_format_may_be_binary(process, small, command):
    arguments = [str(small) if each == "SPEC" else each for each in command]
    done = process(f"{STUB.format(result=repr(bytes(range(256))))}\nsys.exit(main({[*arguments, '-o', 'stub']!r}))")
    assert (done.returncode, done.stdout, done.stderr) == (0, bytes(range(256)), b"")
