"""`extends`: how sections merge, which files a spec can extend, and the limits."""

from __future__ import annotations

import os

import pytest

import costcalc
from costcalc.errors import SpecError, UsageError
from costcalc.lang.library import bundled
from costcalc.lang.loader import open_spec

from .language import params, paths, shape

BASE = """
name: base
description: of the base
source: "Somebody 2015"
params: {width: 16, depths: [2, 3], double: 2 * width}
input: [3, 8, 8]
defaults: {conv: {bias: false, norm: batchnorm}, linear: {bias: false}}
blocks:
  unit(n): [conv: {out: n, kernel: 1}]
  other: [relu]
layers:
  - unit: width
  - unit: double
  - other
output: other
expect: {params: 1}
budget: {params: 2}
"""


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes specs to a folder."""

    def write(**files: str):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        return tmp_path

    return write


def load(folder, child: str, **values):
    return costcalc.load(folder(base=BASE, child=f"extends: base.yaml\n{child}") / "child.yaml", **values)


def test_other_sections_are_inherited(folder):
    network = load(folder, "")
    assert paths(network) == ["unit.conv", "unit.batchnorm", "unit_2.conv", "unit_2.batchnorm", "other.relu"]
    assert network.params == {"width": 16, "depths": (2, 3), "double": 32}
    assert (network.description, network.source) == ("of the base", "Somebody 2015")
    assert list(network.outputs) == ["other"]


def test_name_expect_and_budget_are_never_inherited(folder):
    path = folder(base=BASE, child="extends: base.yaml\n") / "child.yaml"
    spec = open_spec(str(path))
    assert (spec.name, spec.expect, spec.budget) == ("child", (), ())
    spec = open_spec(str(folder(child="extends: base.yaml\nname: own\nexpect: {params: 5}\n") / "child.yaml"))
    assert spec.name == "own"
    assert [limit.values["params"][0] for limit in spec.expect] == [5]


REPLACED = {
    "description: own": {"description": "own"},
    "source: own": {"source": "own"},
    "input: [4, 2, 2]": {"inputs": {"input": (4, 2, 2)}},
    "input: {image: [4, 2, 2]}": {"inputs": {"image": (4, 2, 2)}},
    "params: {width: 5}": {"params": {"width": 5, "depths": (2, 3), "double": 10}},
    "params: {depths: [3, 4, 23, 3]}": {"params": {"width": 16, "depths": (3, 4, 23, 3), "double": 32}},
    "params: {more: 3 * double}": {"params": {"width": 16, "depths": (2, 3), "double": 32, "more": 96}},
}


@pytest.mark.parametrize(("child", "expected"), REPLACED.items())
def test_a_section_replaces_the_inherited_one(folder, child, expected):
    network = load(folder, child)
    assert {name: getattr(network, name) for name in expected} == expected


def test_layers_and_output_replace(folder):
    network = load(folder, "layers: [linear: 5, gelu]\noutput: linear\n")
    assert paths(network) == ["linear", "gelu"]
    assert list(network.outputs) == ["linear"]


def test_blocks_merge_by_name(folder):
    network = load(folder, "blocks: {'unit(n, m=1)': [linear: n + m], third: [gelu]}\n")
    assert paths(network) == ["unit.linear", "unit_2.linear", "other.relu"]
    assert shape(network) == [3, 8, 33]


DEFAULTS = {
    "": 3*16 + 2*16 + 16*32 + 2*32,
    "defaults: {conv: {bias: true}}": 3*16 + 16 + 2*16 + 16*32 + 32 + 2*32,
    "defaults: {conv: {norm: none}}": 3*16 + 16*32,
    "defaults: {batchnorm: {affine: false}}": 3*16 + 16*32,
    "defaults: {}": 3*16 + 2*16 + 16*32 + 2*32,
}  # fmt: skip


@pytest.mark.parametrize(("child", "count"), DEFAULTS.items())
def test_defaults_merge_argument_by_argument(folder, child, count):
    assert params(load(folder, child)) == count


def test_overrides_reach_inherited_params(folder):
    assert load(folder, "params: {width: 5}", width="7").params["double"] == 14


def test_resnet101_is_resnet50_with_other_depths(folder):
    path = folder(own="extends: resnet50\nparams: {depths: [3, 4, 23, 3]}\n") / "own.yaml"
    # torchvision, resnet101
    assert params(costcalc.load(path)) == 44_549_160


@pytest.mark.parametrize("name", ["resnet50", "resnet50.yaml"])
def test_a_bundled_spec_by_name(folder, name):
    path = folder(own=f"extends: {name}\n") / "own.yaml"
    assert params(costcalc.load(path)) == 25_557_032


def test_a_file_takes_precedence_over_a_bundled_spec(folder):
    path = folder(resnet50=BASE, own="extends: resnet50.yaml\n") / "own.yaml"
    assert len(costcalc.load(path).layers) == 5


def test_a_folder_is_not_a_spec(folder, monkeypatch):
    home = folder(resnet50__net=BASE, own="extends: resnet50\n")
    monkeypatch.chdir(home)
    assert params(costcalc.load("resnet50")) == params(costcalc.load("own.yaml")) == 25_557_032
    with pytest.raises(UsageError, match="got the folder resnet50/"):
        costcalc.load("resnet50/")


def test_a_file_below(folder):
    files = {"sub__base": BASE, "sub__next": "extends: base.yaml\nparams: {width: 5}\n"}
    path = folder(child="extends: sub/next.yaml\n", **files) / "child.yaml"
    assert costcalc.load(path).params["double"] == 10


def test_from_any_folder(folder, monkeypatch):
    path = folder(base=BASE, sub__base="broken: true\n", child="extends: base.yaml\n") / "child.yaml"
    monkeypatch.chdir(path.parent / "sub")
    assert len(costcalc.load("../child.yaml").layers) == 5


def test_every_bundled_spec_is_found():
    assert "resnet50" in bundled()
    assert all(costcalc.load(name).layers for name in bundled() if name.startswith("resnet"))


OUTSIDE = [
    "../base.yaml",
    "../../etc/passwd",
    "/etc/passwd",
    "/dev/zero",
    "sub/../../base.yaml",
    "..",
    "/",
    "//etc/passwd",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_files_outside_the_folder_of_the_spec_are_rejected(folder, name):
    path = folder(base=BASE, home__child=f"extends: {name}\n", home__sub__x="") / "home" / "child.yaml"
    with pytest.raises(SpecError) as error:
        costcalc.load(path)
    (fault,) = error.value.faults
    assert fault.message == f"{name} is outside the folder of the spec"
    assert fault.span[1:] == (1, 10, len(name))
    assert "passwd" not in fault.help


def test_symbolic_links_to_the_outside_are_rejected(folder):
    home = folder(base=BASE, home__child="extends: link.yaml\n") / "home"
    (home / "link.yaml").symlink_to("../base.yaml")
    with pytest.raises(SpecError, match=r"link\.yaml is outside the folder of"):
        costcalc.load(home / "child.yaml")
    (home / "child.yaml").write_text("extends: sub/base.yaml\n")
    (home / "sub").symlink_to("..")
    with pytest.raises(SpecError, match="is outside the folder of"):
        costcalc.load(home / "child.yaml")


def test_a_symbolic_link_inside_the_folder_is_accepted(folder):
    home = folder(base=BASE, child="extends: link.yaml\n")
    (home / "link.yaml").symlink_to("base.yaml")
    assert len(costcalc.load(home / "child.yaml").layers) == 5


def test_a_file_in_a_subfolder_is_limited_to_its_folder(folder):
    path = folder(base=BASE, sub__next="extends: ../base.yaml\n", child="extends: sub/next.yaml\n") / "child.yaml"
    with pytest.raises(SpecError) as error:
        costcalc.load(path)
    (fault,) = error.value.faults
    assert fault.message == "../base.yaml is outside the folder of the spec"
    assert fault.span.source.name.endswith("next.yaml")


NO_SPEC = {
    "nope": "unknown spec nope: neither a file in this folder nor a bundled network",
    "nope.yaml": "unknown spec nope.yaml: neither a file in this folder nor a bundled network",
    "resnet5": "unknown spec resnet5: neither a file in this folder nor a bundled network",
    "sub": "expected a spec, got the folder",
    '"a\\0b"': "neither a file in this folder nor a bundled network",
    "''": "expected a spec, got the folder",
    "[a, b]": "expected the name of one spec",
    "5": "expected the name of one spec",
    "": "expected the name of one spec",
    "{a: b}": "expected the name of one spec",
    "pipe": "is not a regular file",
}


@pytest.mark.parametrize(("name", "message"), NO_SPEC.items())
def test_specs_that_cannot_be_extended(folder, name, message):
    path = folder(sub__x="", child=f"extends: {name}\n") / "child.yaml"
    os.mkfifo(path.parent / "pipe")
    with pytest.raises(SpecError) as error:
        costcalc.load(path)
    (fault,) = error.value.faults
    assert message in fault.message
    assert fault.span.line == 1


def test_the_nearest_bundled_spec_is_suggested(folder):
    with pytest.raises(SpecError) as error:
        costcalc.load(folder(child="extends: resnet5\n") / "child.yaml")
    assert error.value.faults[0].help == "did you mean resnet50?"


def test_circular_extends(folder):
    path = folder(a="extends: b.yaml\n", b="extends: a.yaml\n") / "a.yaml"
    with pytest.raises(SpecError, match="circular extends") as error:
        costcalc.load(path)
    (fault,) = error.value.faults
    assert fault.message.count("a.yaml") == 2
    with pytest.raises(SpecError, match="circular extends"):
        costcalc.load(folder(self="extends: self.yaml\n") / "self.yaml")


def test_the_limit_of_the_chain(folder):
    files = {f"f{n}": f"extends: f{n + 1}.yaml\nparams: {{p{n}: {n}}}\n" for n in range(17)}
    path = folder(**files, f17=BASE) / "f0.yaml"
    assert len(costcalc.load(path.parent / "f1.yaml").params) == 16 + 3
    with pytest.raises(SpecError, match="more than 16 specs in a chain of extends"):
        costcalc.load(path)


def test_the_nodes_of_all_files_are_limited(folder):
    """The limit of nodes applies to all files together."""
    rows = f"[{', '.join(['1'] * 300_000)}]"
    files = {f"f{n}": f"extends: f{n + 1}.yaml\nparams: {{p{n}: {rows}}}\n" for n in range(4)}
    path = folder(**files, f4=BASE) / "f0.yaml"
    assert len(costcalc.load(path.parent / "f2.yaml").params) == 2 + 3
    with pytest.raises(SpecError, match="more than 1,000,000 nodes with the specs that it extends"):
        costcalc.load(path)


def test_faults_are_located_in_their_file(folder):
    path = folder(
        base=BASE.replace("other: [relu]", "other: [rellu]"), child="extends: base.yaml\nlayers: [unit: widht]\n"
    )
    with pytest.raises(SpecError) as error:
        costcalc.load(path / "child.yaml")
    own, base = error.value.faults
    assert (own.message, own.span.source.name, own.span.line) == ("unknown name widht", str(path / "child.yaml"), 2)
    assert (base.message, base.span.source.name) == ("unknown op or block rellu", str(path / "base.yaml"))


def test_faults_of_yaml_in_an_extended_spec(folder):
    path = folder(base="input: [3\n", child="extends: base.yaml\nlayers: [rellu]\n")
    with pytest.raises(SpecError) as error:
        costcalc.load(path / "child.yaml")
    assert {fault.span.source.name for fault in error.value.faults} == {str(path / "base.yaml")}


def test_the_location_of_a_layer_has_its_file(folder):
    network = load(folder, "layers: [unit: 5]\noutput: unit\n")
    assert [layer.span.source.name.rpartition("/")[2] for layer in network.layers] == ["base.yaml", "base.yaml"]


def test_a_text_extends_files_of_the_current_folder(folder, monkeypatch):
    monkeypatch.chdir(folder(base=BASE))
    assert len(costcalc.loads("extends: base.yaml\n").layers) == 5
    with pytest.raises(SpecError, match="outside"):
        costcalc.loads("extends: ../base.yaml\n")
