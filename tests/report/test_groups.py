"""Layers grouped by op, kernel, stage and block: the groups sum to the totals."""

from __future__ import annotations

import csv
import io

import pytest

import costcalc
from costcalc.cli import main
from costcalc.model import GROUPS
from costcalc.outline import outline


@pytest.mark.parametrize("by", GROUPS)
@pytest.mark.parametrize("name", ["mobilenet_v1", "resnet50", "vit_b16", "inception", "lenet5"])
def test_groups_sum_to_the_totals(name, by):
    analysis = costcalc.analyze(name)
    lines = outline(analysis, by=by)
    assert len({line.name for line in lines}) == len(lines)
    assert sum(line.totals.layers for line in lines) == analysis.totals.layers
    for metric in ("params", "macs", "flops", "traffic_bytes"):
        assert sum(getattr(line.totals, metric) for line in lines) == getattr(analysis.totals, metric)
    assert max(line.totals.peak_bytes for line in lines) == analysis.totals.peak_bytes
    assert sum(line.share for line in lines) == pytest.approx(1)


def test_table_2_of_mobilenet():
    """Howard et al. 2017, table 2: 94.86, 3.06 and 0.18 % of the multiply-adds; 1.91 is printed as 1.19."""
    lines = {line.name: line for line in outline(costcalc.analyze("mobilenet_v1"), by="kernel")}
    shares = {
        name: round(100 * lines[name].share, 2) for name in ("conv 1×1", "depthwise_conv 3×3", "conv 3×3", "linear")
    }
    assert shares == {"conv 1×1": 94.86, "depthwise_conv 3×3": 3.06, "conv 3×3": 1.91, "linear": 0.18}
    assert next(iter(lines)) == "conv 1×1"  # the ones with most multiply-adds come first


def test_stages_and_blocks_are_in_order():
    stages = [line.name for line in outline(costcalc.analyze("resnet18"), by="stage")]
    assert stages[:6] == ["conv", "batchnorm", "relu", "maxpool", "stage.0", "stage.1"]
    blocks = [line.name for line in outline(costcalc.analyze("resnet18"), by="block")]
    assert blocks[4:8] == ["stage.0.0", "stage.0.1", "stage.1.0", "stage.1.1"]


def test_the_table(capsys):
    assert main(["analyze", "lenet5", "--by", "op", "-o", "csv", "--columns", "params_share,params,share"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["name"] for row in rows} >= {"conv", "linear"}
    assert sum(int(row["params"]) for row in rows) == 61_706
    assert main(["analyze", "lenet5", "--by", "layer"]) == 2
    assert main(["analyze", "lenet5", "resnet18", "--by", "op"]) == 0
    assert "--by has no effect" in capsys.readouterr().err
