"""Pages: the text that Python writes, and what a reader sees in headless Chromium.

The browser is run where Chromium is installed and `npm install` was done in `tests/graph`; its tests are skipped
elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from costcalc.cli import main

TOOLS = Path(__file__).parents[1] / "graph"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
BROWSER = pytest.mark.skipif(
    not (CHROMIUM and shutil.which("node") and (TOOLS / "node_modules" / "playwright-core").is_dir()),
    reason="needs chromium, node, and npm install in tests/graph",
)
ELEMENTS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "p",
    "section",
    "label",
    "select",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "button",
    "input",
    "fieldset",
    "legend",
    "svg",
    "rect",
    "dialog",
    "form",
    "script",
}
HOSTILE = "##[error]x ::error::y </script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e'\"&<b>"
SPEC = """\
name: net
description: Two branches.
input: [16, 8, 8]
layers:
  - concat:
      a: [{conv: {out: 8, kernel: 1}}]
      b: [{conv: {out: 4, kernel: 1}}, {conv: {out: 8, kernel: 3, padding: same}}]
  - global_avgpool
  - linear: 10
"""
MACS = {"a.conv": 8 * 8 * 8 * 16, "b.conv": 4 * 8 * 8 * 16, "b.conv_2": 8 * 8 * 8 * 4 * 9, "linear": 10 * 16}


def page(folder: Path, *arguments: str, text: str = SPEC) -> Path:
    """Write the page of a command about a spec."""
    (folder / "net.yaml").write_text(text, encoding="utf-8")
    target = folder / "page.html"
    assert main([arguments[0], str(folder / "net.yaml"), *arguments[1:], "-o", f"html={target}"]) == 0
    return target


def used(page: Path, *arguments: str) -> dict:
    """Return what a reader sees who sorts, folds, filters, and looks at a formula."""
    command = ["node", str(TOOLS / "check_page.mjs"), str(page), CHROMIUM, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


class Elements(HTMLParser):
    """The elements of a page that can load or run something, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_policy_allows_only_the_style_and_the_script_of_the_page(tmp_path):
    text = page(tmp_path, "analyze").read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    (style,), (script,) = (
        re.findall(r"<style>(.*?)</style>", text, re.DOTALL),
        re.findall(r"<script>(.*?)</script>", text, re.DOTALL),
    )
    digest = [b64encode(sha256(each.encode()).digest()).decode() for each in (style, script)]
    assert (
        policy
        == f"default-src 'none'; style-src 'sha256-{digest[0]}'; script-src 'sha256-{digest[1]}'; base-uri 'none'"
    )
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", style + script)


@pytest.mark.parametrize("command", [["analyze"], ["compare"], ["explain"], ["specs"], ["ops"]], ids=" ".join)
def test_no_text_of_a_spec_becomes_an_element(tmp_path, command, capsys):
    """Names, descriptions, params and sources of a spec are texts."""
    hostile = json.dumps(HOSTILE)
    text = f"name: {hostile}\ndescription: {hostile}\nsource: {hostile}\nparams: {{k: 3}}\n" + SPEC.split("\n", 2)[2]
    if command[0] in ("specs", "ops"):
        assert main([*command, "-o", "html"]) == 0
        written = capsys.readouterr().out
    else:
        written = page(tmp_path, *command, text=text).read_text()
    assert "##" not in written
    assert "::error" not in written
    tags = Elements(written).tags
    assert {tag for tag, _ in tags} <= ELEMENTS
    assert not [
        name
        for _, attributes in tags
        for name in attributes
        if name.startswith("on") or name in ("src", "href", "style")
    ]


@BROWSER
def test_a_reader_sorts_folds_filters_and_asks_for_a_formula(tmp_path):
    seen = used(page(tmp_path, "analyze"))
    assert (seen["console"], seen["requests"], seen["dialogs"]) == ([], [], [])
    assert seen["title"] == "net: Two branches."
    assert seen["all"] == ["a.conv", "b", "conv", "conv_2", "concat", "global_avgpool", "linear", "total"]
    total = sum(MACS.values())
    shown = [MACS["a.conv"], None, MACS["b.conv"], MACS["b.conv_2"], 0, 0, MACS["linear"], total]
    assert seen["macs"] == ["" if each is None else f"{each:,}" for each in shown]
    assert seen["ariaSort"] == "descending"
    assert seen["sorted"] == ["b", "conv_2", "conv", "a.conv", "linear", "concat", "global_avgpool", "total"]
    assert seen["unsorted"] == seen["all"]
    assert seen["folded"] == ["a.conv", "b", "concat", "global_avgpool", "linear", "total"]
    assert seen["foldedMacs"][1] == f"{MACS['b.conv'] + MACS['b.conv_2']:,}"
    assert seen["foldedFirst"] == seen["folded"]
    assert seen["filtered"] == ["b", "conv_2", "total"]
    assert seen["columns"] == ["layer", "output", "params", "MACs", "share", "", "FLOPs", "activations"]
    assert seen["formula"].split("\n\n")[:2] == [
        "a.conv · params", f"a.conv C_out·K_h·K_w·C_in + C_out = 8·1·1·16 + 8 = {8 * 16 + 8}"
    ]  # fmt: skip
    assert not seen["dialogOpen"]
    assert sorted(seen["map"]) == sorted([f"{name}: {macs:,}" for name, macs in MACS.items()])


@BROWSER
def test_hostile_texts_run_nothing(tmp_path):
    hostile = json.dumps(HOSTILE)
    seen = used(page(tmp_path, "analyze", text=f"name: {hostile}\ndescription: {hostile}\n" + SPEC.split("\n", 2)[2]))
    assert (seen["console"], seen["requests"], seen["dialogs"]) == ([], [], [])
    assert "##[error]x ::error::y </script><script>alert(1)</script>" in seen["title"], "shown as it is"


@BROWSER
def test_ten_thousand_layers(tmp_path):
    text = "input: [8, 4, 4]\nlayers:\n- {group: [{conv: {out: 8, kernel: 1}}, relu], name: g, repeat: 5000}\n"
    seen = used(page(tmp_path, "analyze", text=text), "", "large")
    assert (seen["console"], seen["all"], seen["folded"]) == ([], 5000 * 3 + 1, 5000 + 1)
    assert seen["filtered"] == 3 + 1, "a group with its layers, and the total"
    assert seen["map"] == 5000, "a rectangle for each group, which is too small for one for each layer"
