"""Feedback for students: one page per notebook and one per team, and a zip for the LMS.

Pages say what passed, what failed and what to read again, and show markers' comments and the team's
own work.  Solutions, inputs and expected values never get there, nor anything a browser would run.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from grader.classroom import membership, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.identity import Person
from grader.classroom.standing import MISSING
from grader.config import Course
from grader.files import write_atomically, zip_entry
from grader.pages.feedback import handed_in, pages


def write(folder: ClassFolder, course: Course) -> list[Path]:
    """Write feedback/TEAM/NOTEBOOK.html for every submission and feedback/TEAM/index.html.

    A team whose archives could not be taken in is told so, and why, though it has nothing else.
    Returns the files, sorted.  Pages of a submission that needs a human say so; write them again
    after marking.
    """
    everyone = standing.read(folder, course)
    written = []
    refused = {team: [e for e in everyone.rejected if e.team == team] for team in everyone.teams}
    for team in everyone.teams:
        rows = [row for row in everyone.of_team(team) if row.state != MISSING]
        if not rows and not refused[team]:
            continue
        target = folder.feedback(team)
        for row in rows:
            executed = folder.result(team, row.notebook.name) / "executed.ipynb"
            written.append(target / f"{row.notebook.name}.html")
            write_atomically(
                written[-1],
                pages.notebook(course, row, executed, handed_in.of(folder, course, row)),
            )
        written.append(target / "index.html")
        write_atomically(written[-1], pages.index(course, team, rows, refused[team]))
    return sorted(written)


def bundle(folder: ClassFolder, out: Path | None = None) -> Path:
    """Zip all feedback that was written; by default as exports/feedback.zip.

    A member with a Moodle id gets the folder NAME_ID_assignfeedback_file, which Moodle's assignment
    takes with the action "Upload multiple feedback files in a zip" (format: Moodle's
    mod/assign/feedback/file/importziplib.php).  Members of a team each get a copy, of a notebook
    those who were in the team then.  A team without any such member, or without a roster, gets a
    folder of its own name.
    """
    problems: list[str] = []
    people = standing.people(folder.root / "roster.csv", problems)
    noted = membership.read(folder.root / membership.FILE, problems)
    out = out or folder.root / "exports" / "feedback.zip"
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for team in sorted(p for p in (folder.root / "feedback").glob("*") if p.is_dir()):
                for page in sorted(team.glob("*.html")):
                    then = [
                        p
                        for p in people
                        if noted.team_of(p.student, page.stem, p.team) == team.name
                    ]
                    for target in _targets(team.name, then):
                        archive.writestr(zip_entry(f"{target}/{page.name}"), page.read_bytes())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def _targets(team: str, members: list[Person]) -> list[str]:
    """Folders in the zip that get a copy of a team's pages."""
    known = [member for member in members if member.moodle_id.isdecimal()]
    return [
        # Moodle splits at underscores and reads the second part as the participant's number
        f"{_plain(m.name or m.student).replace('_', ' ')}_{int(m.moodle_id)}_assignfeedback_file"
        for m in known
    ] or [_plain(team)]


def _plain(name: str) -> str:
    """A name that is a single folder on every system."""
    return re.sub(r"[^\w .@+-]", " ", name).strip(" .")[:80] or "unnamed"
