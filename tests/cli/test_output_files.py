"""What is at an output path decides whether it is written; all files of a run are new, or all are as they were."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from costcalc.cli import output_files
from costcalc.cli.interrupts import Interrupted, handle, interrupt, restore
from costcalc.cli.output import write_files
from costcalc.cli.output_files import OutputFiles
from costcalc.errors import UsageError

from .conftest import SMALL

WRITERS = [
    *(["analyze", "model.yaml", "-o", f"{form}=PATH"] for form in ("table", "json", "csv", "markdown")),
    ["analyze", "model.yaml", "lenet5", "-o", "json=PATH"],
    ["explain", "model.yaml", "-o", "markdown=PATH"],
    ["compare", "model.yaml", "-o", "csv=PATH"],
    ["diff", "model.yaml", "lenet5", "-o", "table=PATH"],
    ["graph", "model.yaml", "-o", "dot=PATH"],
    ["graph", "model.yaml", "-o", "mermaid=PATH"],
    ["expand", "model.yaml", "-o", "spec=PATH"],
    ["schema", "-o", "json=PATH"],
    ["specs", "-o", "csv=PATH"],
    ["ops", "-o", "json=PATH"],
    ["blocks", "-o", "json=PATH"],
    *(
        ["check", "model.yaml", "--max", "macs=1G", "-o", f"{form}=PATH"]
        for form in ("text", "json", "markdown", "github", "gitlab", "junit", "sarif")
    ),
    *(
        ["sweep", "model.yaml", "--set", "width=1,2", "-o", f"{form}=PATH"]
        for form in ("table", "csv", "json", "markdown", "npz", "png", "svg")
    ),
]
"""A command for every format that is written to a file."""

SYMLINK = "write the path of the file itself, or remove the symlink"
OUT = ", outside its folder"


def to_a_file(folder, outside):
    (folder / "out").symlink_to(outside / "profile")


def to_nothing(folder, outside):
    (folder / "out").symlink_to(outside / "new")


def to_a_file_beside(folder, outside):
    (folder / "beside").write_text("old")
    (folder / "out").symlink_to("beside")


def folder_elsewhere(folder, outside):
    (folder / "reports").symlink_to(outside)


def folder_above(folder, outside):
    (folder / "reports").symlink_to(f"../{outside.name}")


def folder_by_way_of_another(folder, outside):
    (folder / "inner").mkdir()
    (folder / "inner/link").symlink_to("../../outside")
    (folder / "reports").symlink_to("inner/link")


def loop(folder, outside):
    (folder / "reports").symlink_to("reports")


def pipe(folder, outside):
    os.mkfifo(folder / "out")


def unix_socket(folder, outside):
    with socket.socket(socket.AF_UNIX) as each:
        each.bind("out")


def a_folder(folder, outside):
    (folder / "out").mkdir()


REFUSED = [
    (to_a_file, "out", SYMLINK),
    (to_nothing, "out", SYMLINK),
    (to_a_file_beside, "out", SYMLINK),
    (folder_elsewhere, "reports/profile", OUT),
    (folder_above, "reports/profile", OUT),
    (folder_above, "./reports/../reports/profile", OUT),
    (folder_by_way_of_another, "reports/profile", OUT),
    (loop, "reports/profile", "Too many levels of symbolic links"),
    (pipe, "out", "it is a named pipe"),
    (unix_socket, "out", "it is a socket"),
    (a_folder, "out", "Is a directory"),
    (a_folder, "out/", "Is a directory"),
    (a_folder, "out/..", "Is a directory"),
]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that somebody else filled, and one outside it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/profile").write_text("mine")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "model.yaml").write_text(SMALL)
    monkeypatch.chdir(folder)
    return folder


def tree(folder):
    """Everything below a folder, with the contents of files."""
    return {
        str(path.relative_to(folder)): path.read_text("utf-8") if path.is_file() and not path.is_symlink() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("arguments", WRITERS, ids=" ".join)
def test_no_command_follows_a_symlink(cli, checkout, arguments):
    if "PATH" in arguments[-1] and arguments[-1].startswith(("png", "svg")):
        pytest.importorskip("matplotlib")
    to_a_file(checkout, checkout.parent / "outside")
    folder_elsewhere(checkout, checkout.parent / "outside")
    before = tree(checkout.parent)
    for path, said in (("out", SYMLINK), ("reports/profile", OUT)):
        run = cli(*[argument.replace("PATH", path) for argument in arguments])
        assert (run.status, run.out) == (2, "")
        assert said in run.err
    assert tree(checkout.parent) == before
    (checkout / "out").unlink()
    assert cli(*[argument.replace("PATH", "out") for argument in arguments]).status == 0
    assert (checkout / "out").is_file()


@pytest.mark.parametrize(("prepare", "path", "said"), REFUSED)
def test_what_is_refused(cli, checkout, prepare, path, said):
    prepare(checkout, checkout.parent / "outside")
    (checkout / "other.csv").write_text("old")
    before = tree(checkout.parent)
    run = cli("analyze", "model.yaml", "-o", "csv=other.csv", "-o", f"json={path}")
    assert (run.status, run.out) == (2, "")
    assert "error: cannot write " in run.err
    assert said in run.err
    assert tree(checkout.parent) == before


@pytest.mark.parametrize("name", ["out", "gone", "broken"])
def test_init_follows_no_symlink(cli, checkout, name):
    (checkout / "costcalc.toml").symlink_to(checkout.parent / "outside" / name)
    before = tree(checkout.parent)
    run = cli("check", "--init")
    assert run.status == 2
    assert "costcalc.toml exists already" in run.err
    assert tree(checkout.parent) == before


def test_init_replaces_no_file_of_a_faster_run(checkout):
    (checkout / "costcalc.toml").write_text("faster")
    with OutputFiles() as files, pytest.raises(UsageError, match="File exists"):
        files.write("costcalc.toml", "slower", new=True)
    assert (checkout / "costcalc.toml").read_text() == "faster"


def test_a_new_file_that_is_not_committed_is_removed(checkout):
    with OutputFiles() as files:
        files.write("costcalc.toml", "half", new=True)
    assert sorted(tree(checkout)) == ["model.yaml"]


@pytest.mark.parametrize("target", ["build/reports", "build", "./build//reports/", "one"])
def test_a_folder_that_stays_below_is_followed(cli, checkout, target):
    (checkout / "build/reports").mkdir(parents=True)
    (checkout / "one").symlink_to("build/reports")
    (checkout / "link").symlink_to(target)
    assert cli("analyze", "model.yaml", "-o", "json=link/a.json").status == 0
    assert (checkout / "link" / "a.json").is_file()


def test_a_symlink_of_the_system_is_followed(cli, checkout, monkeypatch):
    """Root's, in a folder that the user cannot change. A test that runs as root, or not, takes the other's part."""
    folder_elsewhere(checkout, checkout.parent / "outside")
    owner = (checkout / "reports").lstat().st_uid
    monkeypatch.setattr(output_files.os, "geteuid", lambda: 1000)
    for writable, status in ((True, 2), (False, 0 if owner == 0 else 2)):
        monkeypatch.setattr(output_files.os, "access", lambda *_, writable=writable, **__: writable)
        assert cli("analyze", "model.yaml", "-o", "json=reports/a.json").status == status


def test_devices_and_descriptors_are_written_to(cli, checkout, tmp_path):
    assert cli("analyze", "model.yaml", "-o", "json=/dev/null").status == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116
    assert cli("analyze", "model.yaml", "-o", "json=/dev/stdout").out.startswith("{")
    run = cli("analyze", "model.yaml", "-o", "json=/dev/stdout", "-o", "table")
    assert "more than one format for standard output" in run.err
    command = [sys.executable, "-m", "costcalc", "analyze", str(checkout / "model.yaml"), "-o", "table"]
    reader, writer = os.pipe()
    with open(tmp_path / "err", "wb") as err:  # noqa: PTH123
        outputs = ["-o", f"json=/dev/fd/{writer}", "-o", "csv=/dev/stderr"]
        subprocess.run([*command, *outputs], check=True, pass_fds=[writer], stderr=err, stdout=subprocess.PIPE)
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read().startswith("{")
    assert (tmp_path / "err").read_text().startswith("name,")
    run = cli("analyze", "model.yaml", "-o", "json=/dev/fd/987654")
    assert "cannot write /dev/fd/987654: Bad file descriptor" in run.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_takes_nothing_leaves_the_other_files(cli, checkout):
    (checkout / "a.csv").write_text("old")
    run = cli("analyze", "model.yaml", "-o", "csv=a.csv", "-o", "json=/dev/full")
    assert (run.status, "cannot write /dev/full: No space left on device" in run.err) == (2, True)
    assert sorted(tree(checkout)) == ["a.csv", "model.yaml"]
    assert (checkout / "a.csv").read_text() == "old"


def test_a_symlink_put_in_the_way_is_replaced_and_not_followed(checkout):
    outside = checkout.parent / "outside"
    (checkout / "reports").mkdir()
    with OutputFiles() as files:
        files.write("out", "new")
        files.write("reports/profile", "new")
        (checkout / "out").symlink_to(outside / "profile")
        (checkout / "reports").rename(checkout / "moved")
        (checkout / "reports").symlink_to(outside)
        files.commit()
    assert (outside / "profile").read_text() == "mine"
    assert not (checkout / "out").is_symlink()
    assert (checkout / "out").read_text() == (checkout / "moved/profile").read_text() == "new"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("mode", [None, 0o640, 0o604])
def test_modes(checkout, monkeypatch, umask, mode):
    """A new file follows the umask, which is not touched; another keeps its mode."""
    if mode is not None:
        (checkout / "out").write_text("old")
        (checkout / "out").chmod(mode)
    before = os.umask(umask)
    try:
        with monkeypatch.context() as patch, OutputFiles() as files:
            patch.setattr(os, "umask", None)
            files.write("out", "new")
            files.commit()
    finally:
        os.umask(before)
    assert stat.S_IMODE((checkout / "out").stat().st_mode) == (0o666 & ~umask if mode is None else mode)


def test_a_temporary_name_that_is_taken_is_not_used(checkout, monkeypatch):
    monkeypatch.setattr(output_files.os, "urandom", bytes)
    taken = checkout / f".costcalc-{'00' * 8}.tmp"
    taken.symlink_to(checkout.parent / "outside/profile")
    with OutputFiles() as files, pytest.raises(UsageError, match="File exists"):
        files.write("out", "new")
    assert (checkout.parent / "outside/profile").read_text() == "mine"
    assert taken.is_symlink()


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_failing_rename_puts_the_old_files_back(checkout, monkeypatch, links, failing):
    for name in ("a", "c"):
        (checkout / name).write_text(f"old {name}")
    before = tree(checkout)
    replace, left = os.replace, [failing]

    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    def fail(source, target, **options):
        if target in ("a", "b", "c"):
            left[0] -= 1
            if left[0] == 0:  # the renames that put the old ones back come after it
                raise OSError(5, "Input/output error")
        replace(source, target, **options)

    monkeypatch.setattr(output_files.os, "replace", fail)
    if not links:
        monkeypatch.setattr(output_files.os, "link", refuse)
    with pytest.raises(UsageError, match=rf"cannot write {'abc'[failing - 1]}: Input/output"):
        write_files(dict.fromkeys("abc", "new"))
    assert tree(checkout) == before
    monkeypatch.setattr(output_files.os, "replace", replace)
    write_files(dict.fromkeys("abc", "new"))
    assert tree(checkout) == {**dict.fromkeys("abc", "new"), "model.yaml": SMALL}


def test_a_signal_waits_until_every_file_is_in_its_place(checkout, monkeypatch):
    replace = os.replace

    def interrupted(source, target, **options):
        signal.raise_signal(signal.SIGTERM)
        replace(source, target, **options)

    monkeypatch.setattr(output_files.os, "replace", interrupted)
    handlers = handle(interrupt)
    try:
        with pytest.raises(Interrupted) as stop:
            write_files({"a": "new", "b": "new"})
    finally:
        restore(handlers)
    assert stop.value.status == 143
    assert tree(checkout) == {"a": "new", "b": "new", "model.yaml": SMALL}


@pytest.mark.parametrize("form", ["csv", "json", "npz"])
def test_a_sweep_s_files_are_replaced_together(cli, checkout, form):
    """A picture that cannot be written, after all rows were: the file of the rows is as it was."""
    (checkout / "rows").write_text("old")
    (checkout / "folder").mkdir()
    outputs = ["-o", f"{form}=rows", "-o", "markdown=folder"]
    assert cli("sweep", "model.yaml", "--set", "width=1,2", *outputs).status == 2
    assert (checkout / "rows").read_text() == "old"
    assert sorted(tree(checkout)) == ["folder", "model.yaml", "rows"]
