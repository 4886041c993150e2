"""Globs match parts of segments and numbers of segments. Other characters are literal."""

from __future__ import annotations

import pytest
from bounds import cpu_time_below

from costcalc.globs import match


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("b5.conv", "b5.conv", True),
        ("b5", "b5.conv", False),
        ("b5.*", "b5.conv", True),
        ("b5.*", "b5.left.conv", False),
        ("b5.**", "b5.left.conv", True),
        ("b5.**", "b5", True),
        ("**.attention", "encoder.0.attention", True),
        ("**.attention", "attention", True),
        ("**.attention", "attention_2", False),
        ("stage.*.0.**", "stage.2.0.body.conv", True),
        ("stage.*.0.**", "stage.2.1.body.conv", False),
        ("**", "a.b.c", True),
        ("*", "a.b", False),
        ("*", "a", True),
        ("**.*", "a", True),
        ("*.**.*", "a", False),
        ("a.**.b.**.c", "a.x.b.y.b.z.c", True),
        ("a.**.b.**.c", "a.x.b.y.b.z.d", False),
        ("conv*", "conv_12", True),
        ("*conv*_2", "my_conv_1_2", True),
        ("a**b", "axyb", True),
        ("a**b", "ax.yb", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("?", "a", False),
        ("(a|b)", "a", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_layers(pattern, name, matches):
    assert match(pattern, name, ".") is matches


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("specs/*.yaml", "specs/a.yaml", True),
        ("specs/*.yaml", "specs/b/a.yaml", False),
        ("specs/**/*.yaml", "specs/a.yaml", True),
        ("specs/**/*.yaml", "specs/b/c/a.yaml", True),
        ("**/*.yaml", "a.b.yaml", True),
    ],
)
def test_specs(pattern, name, matches):
    assert match(pattern, name, "/") is matches


@pytest.mark.parametrize(
    ("pattern", "name"), [("*a" * 200 + "b", "a" * 2000), ("**.a." * 100 + "b", "a." * 1000 + "c")]
)
def test_pathological_glob_is_fast(pattern, name):
    with cpu_time_below(5):
        assert not match(pattern, name, ".")
