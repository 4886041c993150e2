"""Importing only the parser in C of PyYAML, and all of PyYAML for whoever uses more of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

ANALYZE = """
import sys
from costcalc.cli import light_yaml, main
{before}
assert main(["analyze", "resnet50", "-o", "json"]) == 0
{after}
"""
WITH_C = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no parser in C here")
USUAL = "assert {'yaml.resolver', 'yaml.reader'} <= sys.modules.keys()"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "assert not {'yaml.reader', 'yaml.resolver'} & sys.modules.keys()", marks=WITH_C, id="light"),
        pytest.param(
            "",
            """
import yaml
assert yaml.safe_load("a: 2001-01-01")["a"].year == 2001
assert yaml.safe_dump({"a": 1}) == "a: 1\\n"
from yaml import *
assert safe_load is yaml.safe_load and yaml.YAMLError is sys.modules["yaml.error"].YAMLError
for text, error in [("\\1", yaml.reader.ReaderError), ("a: b: c", yaml.scanner.ScannerError)]:
    try:
        yaml.load(text, yaml.CSafeLoader)
    except error:
        continue
    raise AssertionError(text)
assert not hasattr(yaml, "nothing")
""",
            marks=WITH_C,
            id="all of it afterwards",
        ),
        pytest.param("sys.modules['yaml._yaml'] = None", USUAL, id="no parser in C"),
        pytest.param("light_yaml.UNUSED = {}", USUAL, id="the parser needs another module"),
        pytest.param("light_yaml.NEEDED += ('none',)", USUAL, id="a module has gone"),
        pytest.param("import yaml", USUAL, id="imported before"),
    ],
)
def test_analyze(before: str, after: str) -> None:
    code = ANALYZE.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"macs": 4089184256' in done.stdout
