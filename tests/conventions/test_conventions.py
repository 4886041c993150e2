"""The conventions of other tools, against the figures that the tools themselves printed.

figures.json has the figures of calflops, DeepSpeed, fvcore, ptflops (three ways), thop, torch, torchinfo and
torchprofile, in the versions of the conventions, on 36 models of torchvision 0.29.1 at 224×224 (inception_v3 at 299).
MultiheadAttention ran without its fast path (outside of no_grad), except for ptflops.
"""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

import costcalc
from costcalc.cli import main
from costcalc.conventions.convention import convention, names, read_as
from costcalc.conventions.figure import matches, printed
from costcalc.conventions.reconcile import reconcile, rule
from costcalc.errors import UsageError
from costcalc.lang.library import bundled

FIGURES = json.loads(Path(__file__).with_name("figures.json").read_text())

SPECS = {
    "alexnet": "alexnet",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "googlenet": "googlenet_bn",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3_large",
    "convnext_tiny": "convnext_tiny",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "squeezenet1_1": "squeezenet1_1",
    "vgg11": "vgg11",
    "vgg16": "vgg16",
    "vit_b_16": "vit_b16",
}

FUNCTIONS = {
    # torchvision calls functions where the spec has layers, and hooks on modules do not see them: the last relu and
    # pooling of densenet121, all relus of googlenet, the last pooling of mobilenet_v2, a norm in convnext_tiny.
    ("densenet121", "thop"), ("densenet121", "ptflops"), ("densenet121", "ptflops-0.6"), ("googlenet", "ptflops"),
    ("mobilenet_v2", "thop"), ("mobilenet_v2", "ptflops"), ("mobilenet_v2", "ptflops-0.6"),
    ("convnext_tiny", "thop"), ("convnext_tiny", "ptflops"),
    # torchprofile counts one for each product of two sizes in the trace of an attention.
    ("vit_b_16", "torchprofile"),
}  # fmt: skip

CASES = [(model, tool) for model in SPECS for tool in FIGURES[model] if (model, tool) not in FUNCTIONS]


@pytest.mark.parametrize(("model", "tool"), CASES)
def test_bundled_networks_have_the_figures_of_the_tools(model, tool):
    assert read_as(costcalc.load(SPECS[model]), convention(tool)).total == FIGURES[model][tool]


@pytest.mark.parametrize("name", bundled())
def test_the_papers_count_is_macs(name):
    network = costcalc.load(name)
    assert read_as(network, convention("papers")).total == costcalc.analyze(network, in_bytes=False).totals.macs


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "vit_b16", "efficientnet_b0", "swin_t"])
def test_every_bridge_sums_exactly(name):
    network = costcalc.load(name)
    for one, other in permutations(names(), 2):
        bridge = reconcile(network, convention(one), convention(other), batch=3)
        assert bridge.first + sum(step.amount for step in bridge.steps) == bridge.last
        assert bridge.last == read_as(network, convention(other), batch=3).total
        assert all(step.amount for step in bridge.steps)


def test_a_bridge_says_what_differs():
    bridge = reconcile(costcalc.load("resnet50"), convention("papers"), convention("fvcore"))
    assert (bridge.first, bridge.last) == (4_089_184_256, 4_111_512_576)
    assert [(step.op, step.rule, step.amount) for step in bridge.steps] == [
        ("batchnorm", "2 more for each output element", 22_227_968),
        ("global_avgpool", "1 more for each input element", 100_352),
    ]


def test_multiply_adds_of_all_ops_are_doubled_in_one_step():
    bridge = reconcile(costcalc.load("resnet50"), convention("papers"), convention("torch"))
    assert [(step.op, step.rule, step.amount) for step in bridge.steps] == [
        ("every op", "1 more for each multiply-add", 4_089_184_256)
    ]


PRINTED = {  # what is printed of ResNet-50 and ViT-B/16, and by which tools
    ("resnet50", "4.09G"): {"papers", "pycls", "ptflops-aten", "torchinfo"},
    ("resnet50", "4.11G"): {"fvcore"},
    ("resnet50", "4.12G"): {"ptflops-0.6"},
    ("resnet50", "4.13G"): {"thop", "ptflops"},
    ("resnet50", "8.2 G"): {"calflops", "deepspeed", "keras", "torch"},
    ("resnet50", "4_111_512_576"): {"fvcore"},
    ("vit_b16", "16.87"): {"fvcore"},
    ("vit_b16", "17.56"): {"papers", "torchprofile"},
}


@pytest.mark.parametrize(("name", "figure"), PRINTED)
def test_figures_as_they_are_printed(name, figure):
    network = costcalc.load(name)
    found = matches(printed(figure.replace(" ", "")), lambda inputs: costcalc.load(name, inputs=inputs), network)
    own = {match.convention for match in found if match.shape == (3, 224, 224) and not match.factor}
    assert PRINTED[name, figure] <= own


def test_a_figure_at_another_size_and_of_other_units():
    def build(inputs):
        return costcalc.load("resnet50", inputs=inputs)

    twice = read_as(costcalc.load("resnet50", inputs={"input": (3, 288, 288)}), convention("papers")).total * 2
    found = matches(printed(str(twice)), build, build({"input": (3, 224, 224)}))
    assert ("papers", (3, 288, 288), "twice") in {(match.convention, match.shape, match.factor) for match in found}


@pytest.mark.parametrize("text", ["", "x", "-4G", "0", "G", "1e400", "nan", "4..1G"])
def test_figures_that_are_no_numbers(text):
    with pytest.raises(UsageError, match="expected a number"):
        printed(text)


@pytest.mark.parametrize("name", names())
def test_files(name):
    found = convention(name)
    assert found.kind in ("macs", "flops", "activations")
    assert found.source
    assert found.title
    assert found.rules
    assert all(type(weight) is int for one in found.rules.values() for weight in one.values())


def test_rules_in_words():
    assert rule("products", -2) == "2 less for each multiply-add of two activations"
    with pytest.raises(UsageError) as caught:
        convention("fvcor")
    assert caught.value.help == "did you mean fvcore?"


def test_analyze_shows_the_figure(capsys):
    assert main(["analyze", "resnet18", "--as", "thop", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["as"]["figure"] == FIGURES["resnet18"]["thop"]
    assert document["as"]["uncounted"] == ["relu", "maxpool", "add"]
    assert sum(layer["convention"] for layer in document["layers"]) == FIGURES["resnet18"]["thop"]
    assert main(["analyze", "resnet18", "--as", "thop"]) == 0
    assert "1,824,033,792 macs by thop" in capsys.readouterr().out


def test_reconcile_formats(capsys):
    for arguments in (["--as", "fvcore"], [], ["--figure", "4.11G"]):
        for form in ("table", "json", "csv", "markdown", "latex"):
            assert main(["reconcile", "resnet50", *arguments, "-o", form]) == 0
            assert "4,111,512,576" in capsys.readouterr().out.replace("4111512576", "4,111,512,576")


@pytest.mark.parametrize(
    "arguments", [["--as", "x"], ["--as", "thop", "--figure", "4G"], ["--as", "a", "--as", "b", "--as", "c"]]
)
def test_usage(arguments):
    assert main(["reconcile", "lenet5", *arguments]) == 2
