"""The options of memory and training that have no meaning together are refused."""

from __future__ import annotations

import pytest

from costcalc.cli import main

REFUSED = {
    "lenet5 --optimizer sgd": "--optimizer requires --training",
    "lenet5 --columns training_macs": "training_macs requires --training",
    "lenet5 --sort saved_bytes": "saved_bytes requires --training",
    "lenet5 vgg16 --memory": "--memory shows one network, got 2 specs",
    "lenet5 -o png=cost.png": "-o png requires --memory",
    "lenet5 --memory --columns macs": "--memory cannot be combined with --columns",
    "lenet5 --memory --sort macs": "--memory cannot be combined with --sort",
    "lenet5 --memory --top 3": "--memory cannot be combined with --top",
    "lenet5 --memory --depth 1": "--memory cannot be combined with --depth",
    "lenet5 --memory --by op": "--memory cannot be combined with --by",
    "lenet5 --memory --as thop": "--memory cannot be combined with --as",
    "lenet5 --memory --training": "--memory cannot be combined with --training",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_options_that_have_no_meaning_together(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["analyze", *arguments.split()]) == 2
    assert f"error: {REFUSED[arguments]}\n" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
