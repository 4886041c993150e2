"""`specs`, `ops`, `blocks`, `schema`, `expand`: what is there, in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.library import bundled
from costcalc.ops import registered


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_specs_lists_every_network_with_its_cost_and_source(cli):
    listed = json.loads(cli("specs", "-o", "json").out)
    assert listed["format"] == "costcalc.specs/1"
    assert [spec["name"] for spec in listed["specs"]] == bundled()
    known = {spec["name"]: spec for spec in listed["specs"]}
    assert known["lenet5"]["totals"]["macs"] == 416520
    assert known["resnet50"]["source"].startswith("He et al. 2015")
    assert [row["macs"] for row in rows(cli("specs", "-o", "csv").out)] == [
        str(spec["totals"]["macs"]) for spec in listed["specs"]
    ]
    assert "4,089,184,256" in cli("specs").out
    assert "| resnet50 | 25,557,032 | 4,089,184,256 | He et al. 2015," in cli("specs", "-o", "markdown").out


def test_ops_lists_every_op_by_family(cli):
    listed = rows(cli("ops", "-o", "csv").out)
    assert sorted(row["name"] for row in listed) == sorted(registered())
    assert {row["name"]: row["family"] for row in listed}["maxpool"] == "pool"
    document = json.loads(cli("ops", "-o", "json").out)
    assert document["format"] == "costcalc.ops/1"
    assert len(document["ops"]) == len(registered())
    table = cli("ops").out.splitlines()
    assert table.index("pool") < next(at for at, line in enumerate(table) if line.startswith("  maxpool "))


@pytest.mark.parametrize("name", registered())
def test_an_op_tells_its_arguments_and_its_documentation(cli, name):
    out = cli("ops", name).out
    op = registered()[name]
    assert out.startswith(f"{name}(")
    for argument in op.fields:
        assert f"\n{argument} " in out
    assert "\nShapes: " in out
    assert ">>>" not in out
    (document,) = json.loads(cli("ops", name, "-o", "json").out)["ops"]
    assert [argument["name"] for argument in document["arguments"]][: len(op.fields)] == list(op.fields)
    assert all(argument["takes"] for argument in document["arguments"])


def test_an_op_in_detail(cli):
    assert cli("ops", "maxpool", "-o", "csv").out == (
        "argument,default,takes\n"
        'kernel,,"integer ≥ 1, or one per spatial dimension"\n'
        'stride,kernel,"integer ≥ 1, or one per spatial dimension"\n'
        'padding,0,"integer ≥ 0, one per spatial dimension, or a pair [before, after] per spatial dimension; '
        'same; valid"\n'
        "ceil,false,true or false\n"
        'dilation,1,"integer ≥ 1, or one per spatial dimension"\n'
    )
    assert "\nnorm         none     the norm that follows" in cli("ops", "conv").out


def test_blocks(cli):
    listed = rows(cli("blocks", "-o", "csv").out)
    assert [row["name"] for row in listed] == list(builtin())
    assert listed[0]["arguments"] == "out, kernel=3, stride=1, act=relu"
    document = json.loads(cli("blocks", "-o", "json").out)["blocks"][0]
    assert document["arguments"][1] == {"name": "kernel", "default": "3", "takes": ""}


@pytest.mark.parametrize("name", builtin())
def test_a_block_is_shown_as_it_is_written(cli, name):
    assert cli("blocks", name).out == builtin()[name]


def test_schema_is_a_json_schema(cli, tmp_path):
    document = json.loads(cli("schema").out)
    assert "json-schema.org/" in document["$schema"]
    assert cli("schema", "-o", f"json={tmp_path}/s.json")[:2] == (0, "")
    assert json.loads((tmp_path / "s.json").read_text("utf-8")) == document


@pytest.mark.parametrize("name", ["inception", "mobilenet_v2"])
def test_expand_writes_a_spec_of_the_same_cost(cli, tmp_path, name):
    path = tmp_path / "expanded.yaml"
    assert cli("expand", name, "-o", f"spec={path}").status == 0
    totals = [json.loads(cli("analyze", spec, "-o", "json").out)["totals"] for spec in (name, path)]
    assert totals[0] == totals[1]
    assert cli("expand", name).out == path.read_text("utf-8")


def test_expand_takes_what_analyze_takes(cli):
    text = cli("expand", "mobilenet_v1", "--set", "alpha=0.5", "--input", "3x64x64").out
    assert "alpha" not in text
    assert "input: [3, 64, 64]" in text


def test_an_op_is_told_without_names_for_programs(cli):
    assert "Error " not in cli("ops", "-o", "json").out
    assert "Errors: when the window does not fit; when padding exceeds half the kernel." in cli("ops", "avgpool").out


def test_the_words_of_a_padding_are_those_of_its_op(cli):
    (op,) = json.loads(cli("ops", "conv_transpose", "-o", "json").out)["ops"]
    takes = {argument["name"]: argument["takes"] for argument in op["arguments"]}
    pads = "integer ≥ 0, one per spatial dimension, or a pair [before, after] per spatial dimension"
    assert takes["padding"] == f"{pads}; same; valid"
