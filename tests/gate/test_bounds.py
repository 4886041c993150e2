"""A check of hostile specs and configurations is bounded in time and memory, and names the limit."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from functools import cache
from math import ceil
from pathlib import Path

import pytest
import yaml

from costcalc import run_budget
from costcalc.errors import SpecError, UsageError
from costcalc.gate import toml_reader
from costcalc.lang.reader import Source, read

needs_libyaml = pytest.mark.skipif(not yaml.__with_libyaml__, reason="the parser in Python takes longer")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")

CONFIG = 'specs = ["*.yaml"]\n[[budget]]\nmacs = 23_000_000\n'
STEPS = "this run takes more than 1,500,000 steps"


def repeated(layers, out=4, more=""):
    """A short spec of many layers."""
    body = "- group:\n  - conv: {out: w, kernel: 1}\n  - relu\n"
    return f"params: {{w: {out}}}\ninput: [4, 8, 8]\nlayers:\n{body}  repeat: {layers // 2}\n{more}"


def written(layers, out=4):
    """A spec with every layer written out."""
    lines = "".join(f"- conv: {{out: w, kernel: 1}}\n  name: c{number}\n" for number in range(layers))
    return f"params: {{w: {out}}}\ninput: [4, 8, 8]\nlayers:\n{lines}"


def check(repo, *arguments):
    """Return the status and the output of `costcalc check` with limits on memory and CPU time.

    CPU time is in units of an analysis of 20,000 layers, which takes about 2 seconds where these checks take 10. The
    speed of a shared machine changes within seconds, so a check that is too slow is compared with a new analysis.
    """
    most = 12 * analysis_time()
    begin = cpu_time_of_children()
    done = run("check", *arguments, folder=repo.path, seconds=2 * most)
    taken = cpu_time_of_children() - begin
    assert taken < most or taken < 12 * analysis_time.__wrapped__()
    return done.returncode, done.stdout + done.stderr


def run(*arguments, folder, seconds):
    """Run costcalc with 600 MiB of memory, and end it after some seconds of CPU time."""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20, 600 * 2**20))
        resource.setrlimit(resource.RLIMIT_CPU, (ceil(seconds), ceil(seconds)))

    command = [sys.executable, "-m", "costcalc", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, preexec_fn=limited)


@cache
def analysis_time():
    """Return the CPU time in seconds that an analysis of 20,000 written layers takes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.yaml").write_text(written(20_000))
        begin = cpu_time_of_children()
        done = run("analyze", "a.yaml", "-o", "json=a.json", folder=folder, seconds=60)
        assert done.returncode == 0
        return cpu_time_of_children() - begin


def cpu_time_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


CONFIGURATIONS = {
    "a dotted key": ("a." * 40_000 + "a = 1", "1:1: error: the key has more than 64 names"),
    "a dotted table": ("[" + "a . 'b' ." * 20_000 + "a]", "1:2: error: the key has more than 64 names"),
    "arrays over lines": ("x = [\n" + "[\n1,\n],\n" * 110_000 + "]", "unknown key x"),
    "nested arrays over lines": ("x = " + "[" * 90 + "[\n1,\n],\n" * 100_000 + "]" * 90, "unknown key x"),
    "a large file": (
        "# " + "a" * 2**20,
        "the file has 1,048,578 characters; the maximum for a configuration is 1,048,576",
    ),
    "a number of a million digits": ("a = " + "9" * 1_000_000, "1:5: error: the number or key has 1,000 characters"),
    "a hexadecimal number of 5,000 digits": (
        "a = 0x" + "f" * 5_000,
        "1:5: error: the number or key has 1,000 characters",
    ),
    "a million brackets": ("a = " + "[" * 1_000_000, "arrays or tables are nested too deeply"),
    "tables below tables": ("".join(f"[{'a.' * 59}b{i}]\n" for i in range(8_000)), "unknown key a"),
}


@pytest.mark.parametrize(("text", "said"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_configuration(repo, text, said):
    repo.write("a.yaml", repeated(10))
    repo.write("costcalc.toml", text)
    status, output = check(repo)
    assert status == 2
    assert said in output


@pytest.mark.parametrize("text", ["a = '" + "a." * 100 + "'", "# " + "a." * 100, 'a = """\n' + "a." * 100 + '"""'])
def test_dots_of_texts_and_comments_are_none_of_a_key(text):
    toml_reader.refuse_bombs(Source("costcalc.toml", text))


def test_the_limit_of_a_dotted_key_is_exact():
    toml_reader.refuse_bombs(Source("costcalc.toml", ".".join(["a"] * 64) + " = 1"))
    with pytest.raises(SpecError, match="the key has more than 64 names"):
        toml_reader.refuse_bombs(Source("costcalc.toml", ".".join(["a"] * 65) + " = 1"))


def test_many_budgets_of_many_layers(repo):
    repo.write("a.yaml", repeated(90_000))
    budgets = "".join(f'[[budget]]\nlayer = "group.{number}.**.*n*v*"\nmacs = 10\n' for number in range(300))
    repo.write("costcalc.toml", budgets)
    status, output = check(repo, "a.yaml")
    assert status == 2
    assert STEPS in output


@needs_libyaml
def test_many_large_specs(repo):
    for number in range(3):
        repo.write(f"a{number}.yaml", written(90_000))
    repo.write("costcalc.toml", CONFIG)
    status, output = check(repo)
    assert status == 2
    assert STEPS in output
    assert "raise --max-layers: each layer adds 15 steps" in output


@needs_libyaml
def test_many_long_specs(repo):
    for number in range(5):
        repo.write(f"a{number}.yaml", repeated(10) + "# aaaaaaaaa bbbbbbbbbb\n" * 650_000)
    repo.write("costcalc.toml", CONFIG)
    status, output = check(repo)
    assert status == 2
    assert "the specs of this run have more than 67,108,864 characters in total" in output


def test_the_causes_of_a_finding_in_a_large_network(repo):
    """The verdict is right: 45,000 convolutions of 4 · 400 · 8 · 8 and 400 · 400 · 8 · 8 MACs against 23,000,000."""
    repo.write("costcalc.toml", CONFIG)
    repo.write("a.yaml", repeated(90_000))
    repo.commit()
    repo.write("a.yaml", repeated(90_000, out=400))
    status, output = check(repo, "--base", "HEAD")
    assert status == 1
    assert f"macs {(4 * 400 + 44_999 * 400 * 400) * 64:,} > 23,000,000" in output
    assert "the causes of some findings are missing: the search takes more than 500,000 steps" in output
    assert "raise --max-layers: each layer adds 5 steps" in output


def test_a_run_counts_alike_each_time():
    """A map, its 3 keys and values and what is inside: 1 + 2 · 3 nodes, 2 of a param, 3 sizes, 1 layer."""
    source = Source("a.yaml", "params: {w: 4}\ninput: [4, 8, 8]\nlayers: [relu]")
    for _ in range(2):
        budget = run_budget.RunBudget(run_budget.STEPS_PER_LAYER, 0)
        with run_budget.within(budget):
            read(source)
        assert budget.steps - budget.steps_left == 1 + 2 * 3 + 2 + 3 + 1
        assert run_budget.MAX_CHARACTERS - budget.characters_left == len(source.text)


def test_a_budget_stays_exceeded():
    budget = run_budget.RunBudget(1, 0)
    with run_budget.within(budget):
        run_budget.spend(100_000)
        for _ in range(2):
            with pytest.raises(run_budget.BudgetExceeded):
                run_budget.spend(1)
    run_budget.spend(10**9)  # outside of it nothing is counted
    assert isinstance(budget.error("check fewer specs"), UsageError)


def test_max_layers_raises_the_limit():
    assert run_budget.RunBudget(15, 10).steps == 1_500_000
    assert run_budget.RunBudget(15, 1_000_000).steps == 15_000_000


def steps_of_at_most(monkeypatch, layers):
    """Make the limits small: as many steps as for a network of so many layers, and 1/50 of them for each commit."""
    monkeypatch.setattr(run_budget, "FEWEST_LAYERS", layers)


@pytest.mark.parametrize(("commits", "layers", "status"), [(40, 3, 0), (1, 400, 0), (4, 400, 2)])
def test_a_history_may_be_long_but_not_one_of_large_specs(repo, monkeypatch, commits, layers, status):
    """The limit is 15 · 60 = 900 steps, and 18 for each commit; a large spec takes more than 400, a small one 12."""
    for number in range(commits):
        repo.write("a.yaml", f"input: [{number + 3}]\nlayers: [{{relu: , repeat: {layers}}}]\n")
        repo.commit(f"{number}")
    steps_of_at_most(monkeypatch, 60)
    done = repo.run("history", "a.yaml")
    assert done.status == status
    if status:
        assert "this run takes more than 9" in done.err
        assert "show fewer commits with --since REV, or raise --max-layers" in done.err
        assert repo.run("history", "a.yaml", "--since", "HEAD~1").status == 0


def test_a_diff_of_a_project_is_bounded(repo, monkeypatch):
    """Each spec takes 400 steps and more, at both commits, and 800 to align them; the limit is 15 · 200."""
    repo.write("costcalc.toml", 'specs = ["a.yaml", "b.yaml", "c.yaml"]\n')
    for name in "abc":
        repo.write(f"{name}.yaml", f"name: {name}\ninput: [3]\nlayers: [{{relu: , repeat: 400}}]\n")
    repo.commit()
    for name in "abc":
        repo.write(f"{name}.yaml", f"name: {name}\ninput: [4]\nlayers: [{{relu: , repeat: 400}}]\n")
    assert repo.run("diff", "HEAD").status == 0
    steps_of_at_most(monkeypatch, 200)
    done = repo.run("diff", "HEAD")
    assert done.status == 2
    assert "this run takes more than 3,000 steps" in done.err
    assert "compare two specs at a time: costcalc diff A B" in done.err
    assert repo.run("diff", "a.yaml", "a.yaml").status == 0
