"""Notebooks, archives and a roster for the tests of intake, made with the usual libraries."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from grader import config
from grader.classroom.folder import ClassFolder
from grader.intake import CollectReport, collect

NAMES = ["01_implementing_cnn", "02_training_cnn"]
FIRST, SECOND = NAMES
IDS = {
    FIRST: ["setup", "conv2d_forward", "pool_forward", "why_stride"],
    SECOND: ["setup", "learning_rate", "train_net", "why_relu"],
}
NOON = datetime(2024, 1, 20, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=5)
INNER = f"notebooks/{FIRST}.ipynb"
"""Where an archive has its first notebook."""

ROSTER = """Team,Student ID,Full name,E-mail address,Identifier,Canvas user id
team_7,s101,Ann Example-Seven,s101@example.org,Participant 5001,901
team_7,s102,Bo Sample,s102@example.org,Participant 5002,902
team_8,s103,Cem Specimen,s103@example.org,Participant 5003,903
team_8,s104,Dörte Muster,s104@example.org,,904
,s105,Eve Alone,s105@example.org,Participant 5005,905
"""


def course(due: datetime | None = None) -> config.Course:
    """The course's settings with two notebooks."""
    loaded = config.load()
    entries = {name: config.Notebook(name, name, due) for name in NAMES}
    return dataclasses.replace(loaded, notebooks=entries)


def notebook(name: str = FIRST, answer: str = "answer = 1", ran: bool = True) -> dict[str, Any]:
    """A small notebook of the course, as nbgrader releases it and a student fills it in."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "markdown",
            "id": "head",
            "metadata": {},
            "source": [f"# {name}\n", "Read this."],
        }
    ]
    for number, grade_id in enumerate(IDS[name], 1):
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "execution_count": number if ran else None,
                "metadata": {"nbgrader": {"grade_id": grade_id, "solution": True}},
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "1\n"}]
                if ran
                else [],
                "source": [f"# {grade_id}\n", answer],
            }
        )
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def ipynb(name: str = FIRST, answer: str = "answer = 1", ran: bool = True) -> bytes:
    """The same as a file's content."""
    return json.dumps(notebook(name, answer, ran), indent=1).encode()


def tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar, gzipped unless mode says otherwise."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_of(*members: tarfile.TarInfo, **files: bytes) -> bytes:
    """A tar.gz of members of any type, after a sound notebook."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        first = tarfile.TarInfo(f"notebooks/{FIRST}.ipynb")
        first.size = len(ipynb())
        archive.addfile(first, io.BytesIO(ipynb()))
        for member in members:
            content = files.get(member.name, b"")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: dict[str, bytes], when: datetime = NOON) -> bytes:
    """A deflated zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, when.astimezone().timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


class _Stream(io.BytesIO):
    """A stream that can't go back, as a web server writes to."""

    def seekable(self) -> bool:
        return False

    def seek(self, *place: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def moodle(
    *uploads: tuple[str, int | None, dict[str, bytes]],
    when: datetime = NOON,
    folders: bool = True,
    kind: str = "file",
    outer: str = "",
    each: timedelta = timedelta(0),
) -> bytes:
    """What Moodle 4.1 and later give as "Download all submissions" at some moment.

    uploads: (full name, or name of the group; its number, None for the default group; files by
    path).  folders: the user's preference "Download submissions in folders".  each: how long the
    server takes for each upload.
    """
    stream = _Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, number, files in uploads:
            prefix = name.replace("_", " ") + (f"_{number}" if number else "")
            for path, content in files.items():
                separator = "/" if folders else "_"
                inside = f"{outer}{prefix}_assignsubmission_{kind}{separator}{path}"
                info = zipfile.ZipInfo(inside, when.astimezone().timetuple()[:6])
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
            when += each
    return stream.getvalue()


def unpacked(archive: bytes, folder: Path, when: datetime = NOON) -> Path:
    """The same, unpacked by a tool that does not keep times."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in opened.namelist():
            save(folder / name, opened.read(name), when)
    return folder


def save(path: Path, content: bytes, when: datetime = NOON) -> Path:
    """Write a file that arrived at a certain time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when.timestamp(), when.timestamp()))
    return path


def class_folder(root: Path) -> ClassFolder:
    """An empty class folder."""
    root.mkdir(parents=True, exist_ok=True)
    return ClassFolder(root)


def everything_in(root: Path) -> dict[str, bytes]:
    """All files below a folder, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def take(room: ClassFolder, *paths: Path, **options: object) -> CollectReport:
    """Collect without a roster unless one is named."""
    options = {"roster": None, "releases": Path("/nowhere"), **options}
    return collect(room, course(), list(paths), **options)  # type: ignore[arg-type]


def taken(report: CollectReport) -> list[tuple[str, str]]:
    return sorted((entry.team, entry.notebook) for entry in report.taken)


def only_reason(report: CollectReport) -> str:
    assert len(report.rejected) == 1, report
    return report.rejected[0].reason
