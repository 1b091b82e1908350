"""What a notebook saves lies beside it, wherever its kernel works."""

from __future__ import annotations

from pathlib import Path

import pytest

from utils.checks import place
from utils.checks.handover import HANDOVER


def test_the_folder_of_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course, elsewhere = tmp_path / "Müller Übung (1)" / "notebooks", tmp_path / "elsewhere"
    for folder in (course, elsewhere):
        folder.mkdir(parents=True)
    (course / "02_training.ipynb").touch()
    monkeypatch.setattr(place, "NOTEBOOKS", course)
    monkeypatch.chdir(elsewhere)
    assert place.beside("02_training") == course
    assert place.beside("90_of_somebody") == elsewhere
    (elsewhere / "02_training.ipynb").touch()
    assert place.beside("02_training") == elsewhere
    (elsewhere / "02_training.ipynb").unlink()
    monkeypatch.setenv(HANDOVER, "x")
    assert place.beside("02_training") == elsewhere
