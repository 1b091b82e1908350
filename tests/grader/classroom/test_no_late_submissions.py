"""A course that takes nothing late: from the archive to the export, as the guide says to set it."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest

from grader import config, export, places
from grader.authoring import build
from grader.classroom import gradebook, standing
from grader.classroom.folder import ClassFolder
from grader.grading.run import grade
from grader.intake import collect
from grader.pages import feedback
from tests.grader import sandbox_helpers, tiny_course
from tests.grader.intake_samples import save, tar
from tests.grader.tiny_course import NAME, reference

DUE = datetime(2026, 1, 15, 12, tzinfo=UTC)
CAME = {"team_1": -1, "team_2": 5, "team_3": 60, "team_4": 60}
"""Minutes after it."""
GUIDE = re.compile(r"`(penalty_per_day = 1\.0)` and `(maximum = 1\.0)`")


@pytest.fixture
def course_in_a_class(tmp_path: Path) -> tuple[config.Course, ClassFolder]:
    sandbox_helpers.require("direct")
    guide = (places.ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    told = GUIDE.search(guide)
    assert told
    tiny_course.install(tmp_path / "tiny")
    folder = ClassFolder(tmp_path / "class")
    folder.root.mkdir()
    (folder.root / "course.toml").write_text(
        f"[late]\n{told[1]}\n{told[2]}\n[extensions]\nteam_4 = 1\n"
        f"[notebooks.{NAME}]\ndue = {DUE.isoformat()}\n"
    )
    return config.load(folder.root), folder


def test_what_comes_late_is_graded_and_earns_nothing(
    course_in_a_class: tuple[config.Course, ClassFolder],
) -> None:
    course, folder = course_in_a_class
    for team, minutes in CAME.items():
        content = tar({f"{NAME}.ipynb": nbformat.writes(reference(team)).encode()})
        came = DUE + timedelta(minutes=minutes)
        path = save(folder.root.parent / f"{team}.tar.gz", content, came)
        collect(folder, course, [path], None, releases=build.released(NAME).parent)
    grade(folder, course, workers=1, seed="fixed")
    assert scores(course, folder) == {"team_1": 6, "team_2": 6, "team_3": 0, "team_4": 6}
    feedback.write(folder, course)
    page = (folder.feedback("team_3") / f"{NAME}.html").read_text()
    assert "Handed in 1 h after the due date" in page and "6 points are taken off" in page
    assert "What comes more than 10 minutes after it earns nothing." in page
    with gradebook.open_gradebook(folder, course.id) as book:
        for team in CAME:  # a marker reads what came late as well
            mark = book.find_grade("why", NAME, NAME, team)
            mark.manual_score, mark.needs_manual_grade = 3, False
        book.db.commit()
    grade(folder, course, workers=1, seed="fixed")
    assert scores(course, folder) == {"team_1": 9, "team_2": 9, "team_3": 0, "team_4": 9}
    with export.write(folder, course, "csv").open(encoding="utf-8-sig", newline="") as stream:
        given = {row["Team"]: row["Total"] for row in csv.DictReader(stream)}
    assert given == {"team_1": "9", "team_2": "9", "team_3": "0", "team_4": "9"}


def scores(course: config.Course, folder: ClassFolder) -> dict[str, float]:
    return {team: row.score for (team, _), row in standing.read(folder, course).rows.items()}
