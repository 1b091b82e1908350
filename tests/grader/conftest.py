"""What several tests of the grader start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.classroom.folder import ClassFolder
from tests.grader import intake_samples


@pytest.fixture
def room(tmp_path: Path) -> ClassFolder:
    """An empty class, with the roster of `intake_samples`."""
    return intake_samples.class_folder(tmp_path / "class")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Where archives arrive."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder
