"""A student's machine is examined without anything that may be missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from utils import doctor

SCRIPT = Path(doctor.__file__)


def examined(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, str(SCRIPT)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | variables)


def test_this_machine_is_ready() -> None:
    done = examined()
    assert done.returncode == 0, done.stdout
    assert "This machine is ready" in done.stdout and done.stderr == ""


def test_a_keras_that_can_not_be_set_up_is_found(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "float128"}')
    done = examined(KERAS_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "MISSING  Libraries: ValueError" in done.stdout and "floatx" in done.stdout
    assert "keras.json" in done.stdout
    done = examined(KERAS_BACKEND="torch")
    assert done.returncode == 0 and "This machine is ready" in done.stdout
    assert "Keras: backend torch" in done.stderr


def test_without_the_packages_it_says_how_to_get_them() -> None:
    done = examined("-S", "-E")  # no site-packages
    assert done.returncode == 1 and done.stderr == ""
    assert "MISSING  Packages" in done.stdout and "pip install -r requirements.txt" in done.stdout
    assert "MISSING  Libraries: ModuleNotFoundError" in done.stdout


def test_an_incomplete_course_and_a_closed_folder_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==0.0.1\nno-such-package==1\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notebooks.json").write_text('{"data": ["data/mini_net.npz"]}')
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert doctor.main() == 1
    said = capsys.readouterr().out
    assert "data/mini_net.npz" in said and "unpack the course again" in said
    assert "1 not installed (no-such-package)" in said
    assert "can't be written to" in said


def test_another_version_is_only_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==0.0.1\n")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    found = doctor.packages("do this")
    assert not found.good and not found.needed and "should be 0.0.1; do this" in found.text


@pytest.mark.parametrize(
    ("cards", "driver", "good", "says"),
    [
        (["/physical_device:GPU:0"], "/usr/bin/nvidia-smi", True, "computes on /physical_device"),
        ([], "/usr/bin/nvidia-smi", False, "does not see"),
        ([], None, True, "none is needed"),
    ],
)
def test_a_graphics_card_is_named_and_never_needed(
    monkeypatch: pytest.MonkeyPatch, cards: list[str], driver: str | None, good: bool, says: str
) -> None:
    listed = [SimpleNamespace(name=name) for name in cards]
    config = SimpleNamespace(list_physical_devices=lambda _: listed)
    monkeypatch.setattr(doctor, "import_module", lambda _: SimpleNamespace(config=config))
    monkeypatch.setattr(doctor.shutil, "which", lambda _: driver)
    monkeypatch.setattr(doctor.platform, "system", lambda: "Linux")
    found = doctor._gpu()
    assert (found.good, says in found.text) == (good, True)
    assert found.good or not found.needed


def test_a_students_lab_is_without_tools_for_teachers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    page = tmp_path / "etc" / "jupyter" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text('{"disabledExtensions": {"mine": true}, "other": 1}')
    assert doctor._lab().good and doctor._lab().good
    kept = json.loads(page.read_text())
    assert kept["other"] == 1 and kept["disabledExtensions"]["mine"]
    assert kept["disabledExtensions"]["@jupyter/nbgrader:formgrader"]
    assert "@jupyter/nbgrader:validate-assignment" not in kept["disabledExtensions"]
    page.write_text("[]")
    assert not doctor._lab().good and not doctor._lab().needed
    (tmp_path / "grader").mkdir()
    assert doctor._lab().good and page.read_text() == "[]"
