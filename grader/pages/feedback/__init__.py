"""Feedback for students: one page per notebook and one per team, and a zip for the LMS.

Pages say what passed, what failed and what to read again, and show markers' comments and the team's
own work.  Solutions, inputs and expected values never get there, nor anything a browser would run.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from grader.classroom import membership, results, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.identity import Person
from grader.classroom.results import Submission
from grader.classroom.standing import MISSING
from grader.config import Course, Notebook
from grader.files import write_atomically, zip_entry
from grader.intake.downloads import named
from grader.pages.feedback import handed_in, pages


@dataclass(frozen=True)
class Chosen:
    """Of what feedback is written; by default of everything."""

    teams: tuple[str, ...] = ()
    """Only these; all if there are none."""
    notebooks: tuple[str, ...] = ()
    points: bool = True
    """With points; without them pages say what passed and what did not."""
    now: datetime | None = None
    """What is to be given later than this is held back; None: nothing is."""

    def has(self, team: str, notebook: Notebook) -> bool:
        """Whether a page is written now."""
        wanted = team in (self.teams or [team]) and notebook.name in (
            self.notebooks or [notebook.name]
        )
        return wanted and not self.holds_back(notebook)

    def holds_back(self, notebook: Notebook) -> bool:
        """Whether a notebook's feedback is not to be given yet."""
        return bool(self.now and notebook.feedback and notebook.feedback > self.now)


def write(folder: ClassFolder, course: Course, chosen: Chosen | None = None) -> list[Path]:
    """Write feedback/TEAM/NOTEBOOK.html for every submission and feedback/TEAM/index.html.

    A team whose archives could not be taken in is told so, and why, though it has nothing else.
    Returns the files, sorted.  Pages of a submission that needs a human say so; write them again
    after marking.
    """
    chosen = chosen or Chosen()
    everyone = standing.read(folder, course)
    written = []
    refused = {team: [e for e in everyone.rejected if e.team == team] for team in everyone.teams}
    for team in everyone.teams:
        rows = [row for row in everyone.of_team(team) if row.state != MISSING]
        now = [row for row in rows if chosen.has(team, row.notebook)]
        if not now and not (refused[team] and team in (chosen.teams or [team])):
            continue
        target = folder.feedback(team)
        for row in now:
            executed = folder.result(team, row.notebook.name) / "executed.ipynb"
            written.append(target / f"{row.notebook.name}.html")
            several = handed_in.of(folder, course, row)
            write_atomically(
                written[-1], pages.notebook(course, row, executed, several, chosen.points)
            )
        written.append(target / "index.html")
        listed = [
            row
            for row in rows
            if (target / f"{row.notebook.name}.html").is_file()
            and not chosen.holds_back(row.notebook)
        ]
        page = pages.index(course, team, listed, refused[team], chosen.points)
        write_atomically(written[-1], page)
    return sorted(written)


def bundle(folder: ClassFolder, out: Path | None = None, only: list[Path] | None = None) -> Path:
    """Zip feedback; by default all that was written, as exports/feedback.zip.

    A member with a Moodle id gets the folder NAME_ID_assignfeedback_file_, which Moodle's
    assignment takes with the action "Upload multiple feedback files in a zip" (format: Moodle's
    mod/assign/feedback/file/importziplib.php; those before 4.1 want the last "_").  Members of a
    team each get a copy, of a notebook those who were in the team then.  A team without any such
    member, or without a roster, gets a folder of its own name.

    only: pages that were written now.
    """
    problems: list[str] = []
    people = standing.people(folder.root / "roster.csv", problems)
    noted = membership.read(folder.root / membership.FILE, problems)
    found: dict[str, Path] = {}
    for page in sorted((folder.root / "feedback").glob("*/*.html")) if only is None else only:
        team = page.parent.name
        then = [p for p in people if noted.team_of(p.student, page.stem, p.team) == team]
        for target in _targets(team, then):
            found[f"{target}/{page.name}"] = page
    return _zipped(out or folder.root / "exports" / "feedback.zip", found)


def canvas_bundle(folder: ClassFolder, only: list[Path]) -> Path | None:
    """Zip pages as exports/feedback_canvas.zip, under the names of the files they are about.

    Canvas ("Upload submissions" of an assignment) finds user and file by the two numbers in the
    name that its download had (infer_comment_context_from_filename in Canvas'
    app/models/abstract_assignment.rb).  None if nothing came in such a download.
    """
    found: dict[str, Path] = {}
    for page in only:
        try:
            place = folder.submitted(page.parent.name, page.stem) / "submission.json"
            archive = results.read(place, Submission).archive
        except (OSError, msgspec.MsgspecError):
            continue  # the team's own page, or one of what is gone
        name = PurePosixPath(archive).name
        if named("canvas").own(name):
            found[f"{name}.{page.name}"] = page
    return _zipped(folder.root / "exports" / "feedback_canvas.zip", found) if found else None


def _zipped(out: Path, found: Mapping[str, Path]) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, page in found.items():
                archive.writestr(zip_entry(name), page.read_bytes())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def _targets(team: str, members: list[Person]) -> list[str]:
    """Folders in the zip that get a copy of a team's pages."""
    known = [member for member in members if member.moodle_id.isdecimal()]
    return [
        # Moodle splits at underscores and reads the second part as the participant's number
        f"{_plain(m.name or m.student).replace('_', ' ')}_{int(m.moodle_id)}_assignfeedback_file_"
        for m in known
    ] or [_plain(team)]


def _plain(name: str) -> str:
    """A name that is a single folder on every system."""
    return re.sub(r"[^\w .@+-]", " ", name).strip(" .")[:80] or "unnamed"
