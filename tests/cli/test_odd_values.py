"""Values that a report could not write: each is refused where it stands, or written in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from costcalc.cli import main

if TYPE_CHECKING:
    from pathlib import Path

REPORTS = [
    *(["analyze", "-o", form] for form in ("table", "json", "csv", "markdown")),
    *(["explain", "-o", form] for form in ("table", "json", "csv", "markdown")),
    ["expand"],
    ["graph"],
    *(["sweep", "--set", "n=1:3:1", "-o", form] for form in ("table", "json", "csv", "markdown")),
]
VALUES = [
    "none", "relu", "[]", "[[], [none, [true]]]", "[1, [2.5, relu]]", "1e-300", "1e30", "-0.0", "true", "'[1, 2]'",
    "1000000000000000000000000000000", "n + 0.5", "[n, [n]]",
]  # fmt: skip


@pytest.mark.parametrize("report", REPORTS, ids=" ".join)
def test_every_value_of_a_param_is_written(report: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for value in VALUES:
        path.write_text(f"params: {{n: 3, a: {value}}}\ninput: [3]\nlayers:\n- linear: n\n- relu\n")
        assert main([report[0], str(path), *report[1:]]) == 0, value


@pytest.mark.parametrize(
    "value",
    ["{split: 2}", "[{split: 2}]", "[[1], [[{split: 2}]]]", "[1, {split: [{split: 2}]}]"],
)
@pytest.mark.parametrize("report", REPORTS, ids=" ".join)
def test_a_layer_is_no_value_of_a_param(
    report: list[str], value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    params = f"params: {{n: 3, a: {value}}}"
    path.write_text(f"{params}\ninput: [3]\nlayers: [relu]\n")
    assert main([report[0], str(path), *report[1:]]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert (
        f":1:{params.index('{split') + 1}: error: expected a number, true or false, a word, a list or an expression"
        in shown.err
    )
