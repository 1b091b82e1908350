"""One hand-in is opened as a class opens it, whatever its files are called."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader import config, places
from grader.errors import ConfigError
from grader.intake import collect, one
from grader.intake.one import HandIn
from grader.intake.store import files_in
from tests.grader.intake_samples import class_folder

NAME = "02_training_cnn"
NOW = datetime(2027, 1, 15, tzinfo=UTC)
WEIGHTS = b"a net"


@pytest.fixture(scope="module")
def course() -> config.Course:
    return config.load()


def released(name: str) -> bytes:
    return (places.public() / "notebooks" / f"{name}.ipynb").read_bytes()


def without_ids(notebook: bytes) -> bytes:
    """A notebook of which only its name can tell what it is."""
    return notebook.replace(b'"grade_id"', b'"lost_id"')


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as found:
        for name, content in files.items():
            found.writestr(name, content)
    path.write_bytes(packed.getvalue())
    return path


def laid(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def taken(paths: list[Path], course: config.Course) -> HandIn:
    return one.taken(paths, course, NAME, "team_1", NOW)


def test_files_named_together_are_what_an_archive_holds(
    course: config.Course, tmp_path: Path
) -> None:
    packed = {
        f"notebooks/{NAME}.ipynb": without_ids(released(NAME)),
        f"notebooks/handin/{NAME}/mlp.npz": WEIGHTS,
        "report.pdf": b"%PDF-1.7",
    }
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    whole = taken([archive(inbox / "team_1.zip", packed)], course)
    apart = taken(
        laid(
            tmp_path / "apart",
            {
                "My Notebook.ipynb": without_ids(released(NAME)),
                "mlp.npz": WEIGHTS,
                "report.pdf": b"%PDF-1.7",
            },
        ),
        course,
    )
    folder = taken([laid(tmp_path / "folder", packed)[0].parent.parent], course)
    assert whole.content == apart.content == folder.content
    assert set(whole.content) == {f"{NAME}.ipynb", "files/mlp.npz", "report/report.pdf"}
    assert not (whole.refused or apart.refused or folder.refused)
    room = class_folder(tmp_path / "class")
    (in_class,) = collect(room, course, [inbox], None).taken
    assert files_in(room.submitted("team_1", NAME), in_class) == whole.content


def test_other_notebooks_are_left_to_be_judged_by_themselves(
    course: config.Course, tmp_path: Path
) -> None:
    both = {f"{name}.ipynb": released(name) for name in (NAME, "00_getting_started")}
    found = taken([archive(tmp_path / "work.zip", both)], course)
    assert found.submission is not None and found.submission.notebook == NAME
    assert [entry.reason for entry in found.ignored] == ["00_getting_started is judged by itself"]

    del both[f"{NAME}.ipynb"]
    found = taken([archive(tmp_path / "work.zip", both)], course)
    assert found.submission is None
    assert found.refused == (f"no {NAME} in work.zip, but 00_getting_started",)


def test_a_notebook_is_known_by_its_cells_whatever_it_is_called(
    course: config.Course, tmp_path: Path
) -> None:
    (path,) = laid(tmp_path, {"homework.ipynb": released("00_getting_started")})
    assert taken([path], course).refused == (
        f"no {NAME} in homework.ipynb, but 00_getting_started",
    )


def test_what_is_broken_is_refused_and_what_is_sound_is_taken(
    course: config.Course, tmp_path: Path
) -> None:
    paths = laid(tmp_path, {f"{NAME}.ipynb": released(NAME), "more.zip": b"PK, but no zip"})
    found = taken(paths, course)
    assert found.submission is not None
    assert len(found.refused) == 1 and found.refused[0].startswith("more.zip: ")
    assert taken(paths[1:], course).submission is None
    (path,) = laid(tmp_path, {"01_implementing_cnn.ipynb": b"{"})
    assert taken([path], course).refused == (f"no {NAME} in 01_implementing_cnn.ipynb",)


def test_links_are_not_followed(course: config.Course, tmp_path: Path) -> None:
    (path,) = laid(tmp_path, {"secret.ipynb": released(NAME)})
    link = tmp_path / f"{NAME}.ipynb"
    link.symlink_to(path)
    assert "links are not followed" in taken([link], course).refused[0]
    assert "a link" in taken([tmp_path], course).refused[0]


def test_a_file_that_is_not_there_is_no_fault_of_the_submission(
    course: config.Course, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        taken([tmp_path / "gone.ipynb"], course)
