"""The report: one page about the class for the instructor, who needs a human first.

It never leaves the instructor: names and points of everybody are in it.

The page is self-contained and readable without scripts; its few lines of script sort and filter the
table of teams.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from grader.classroom import questions, standing
from grader.classroom.folder import ClassFolder
from grader.config import Course
from grader.files import write_atomically
from grader.pages.page import environment, stylesheet
from grader.pages.report import figures, items, pictures
from grader.pages.report.histogram import histogram

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_ENV = environment(_TEMPLATES)


def items_of(folder: ClassFolder, course: Course) -> str:
    """The exercises of a class as CSV, see `items.table`."""
    return items.table(items.of_class(standing.read(folder, course)))


def write(folder: ClassFolder, course: Course, now: datetime | None = None) -> Path:
    """Write report.html into the class folder.

    now: what the page gives as its date; by default the present.
    """
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    found = figures.gather(standing.read(folder, course))
    html = _ENV.get_template("report.html").render(
        course=course,
        now=course.times.zone.shown(now or datetime.now(UTC)),
        style=stylesheet(_TEMPLATES / "report.css"),
        script=Markup(script),  # ours
        script_digest=digest,
        histogram=histogram,
        states=standing,
        f=found,
        hard=items.to_talk_about(items.of_class(found.everyone)),
        notebooks=course.notebooks,
        commands=[group.command(folder.root) for group in found.questions],
        remedies=[questions.typed(group.remedy, folder.root) for group in found.questions],
        pictures=pictures.typical(folder, course, found.everyone.handed_in(), found.mistakes),
        similar=(folder.root / "similar.html").is_file(),  # what ./course similar wrote
    )
    path = folder.root / "report.html"
    write_atomically(path, html)
    return path
