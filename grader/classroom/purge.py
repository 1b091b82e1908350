"""Remove what was handed in before a date: keeping is a duty, and so is not keeping for ever.

Marks stay in the gradebook unless it is asked for.  What is not final stays, too, and so does what
counts as long as something newer of the same team and notebook is kept: else that would count.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from grader import config
from grader.classroom import (
    attempts,
    backup,
    gradebook,
    lateness,
    remembered,
    results,
    standing,
)
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.files import writing

UNFINISHED = "are not final: mark them first, or say --unfinished"
NEWER = "count, and something newer is kept: name a later date"
_WHOLE_CLASS = ("similar.html", "report.html", "exports/feedback.zip")
"""Pages that show what was handed in, and can be written anew from what is left."""


@dataclass
class Plan:
    """What goes, and what stays though it is old."""

    before: datetime
    marks: bool = False
    whole: list[Submission] = field(default_factory=list)
    """What counts, and goes with everything that was made of it."""
    single: list[Submission] = field(default_factory=list)
    """Attempts that don't count."""
    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    """(team, notebook) whose marks go."""
    stays: dict[str, list[str]] = field(default_factory=dict)
    """Reason -> "team/notebook"."""

    @property
    def empty(self) -> bool:
        """Is there nothing to remove?"""
        return not (self.folders or self.rows)

    def lines(self) -> Iterator[str]:
        """The plan in numbers."""
        teams = len({entry.team for entry in self.whole})
        size = sum(path.stat().st_size for path in self._files())
        yield (
            f"handed in before {self.before:%Y-%m-%d %H:%M}: {len(self.whole)} notebooks of "
            f"{teams} teams with all attempts, results and feedback; {len(self.single)} more "
            f"attempts that don't count; {sum(1 for _ in self._files())} files, {size / 1e6:.1f} MB"
        )
        yield f"marks in the gradebook: {f'{len(self.rows)} go' if self.marks else 'all stay'}"
        for reason, labels in self.stays.items():
            names = ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" * (len(labels) > 8))
            yield f"stay: {len(labels)} {reason} ({names})"

    def _files(self) -> Iterator[Path]:
        yield from dict.fromkeys(self.files)
        for folder in self.folders:
            yield from (path for path in folder.rglob("*") if path.is_file())


def plan(
    folder: ClassFolder,
    course: config.Course,
    before: datetime,
    *,
    marks: bool = False,
    unfinished: bool = False,
) -> Plan:
    """What was handed in before a moment with a zone.

    marks: take the marks out of the gradebook, too.  unfinished: also what is not final yet.
    """
    found = Plan(before, marks)
    rows = standing.read(folder, course).rows
    for team, notebook in sorted({*folder.submissions(), *attempts.folders(folder)}):
        row = rows.get((team, notebook))
        final = unfinished or (row is not None and row.state == standing.FINAL)
        _add(found, folder, team, notebook, final)
    if marks:
        gone = lateness.purged(folder).values()
        found.rows = sorted(
            {(e.team, e.notebook) for e in (*found.whole, *gone) if e.received < before}
        )
        found.files += sorted((folder.root / backup.BACKUPS).glob("*.db"))
        found.files += sorted(folder.root.glob("grade.log*"))
    if found.folders:
        found.files += [p for name in _WHOLE_CLASS if (p := folder.root / name).is_file()]
    return found


def _add(found: Plan, folder: ClassFolder, team: str, notebook: str, final: bool) -> None:
    """Put one team's notebook into the plan."""
    entries = attempts.of(folder, team, notebook)
    counts = _counting(folder, team, notebook) or (entries[-1] if entries else None)
    if counts is None:
        return
    others = [e for e in entries if attempts.work_in(e.attempt) != attempts.work_in(counts.attempt)]
    old = [entry for entry in others if entry.received < found.before]
    goes = counts.received < found.before
    newer = len(old) < len(others)
    if goes and not newer and final:
        found.whole.append(counts)
        found.files += [p for p in [folder.feedback(team) / f"{notebook}.html"] if p.is_file()]
        found.files += [p for p in [folder.feedback(team) / "index.html"] if p.is_file()]
        places = (
            folder.result(team, notebook),
            folder.autograded(team, notebook),
            folder.submitted(team, notebook),
            folder.attempts(team, notebook),  # last, so that who is killed can go on
        )
        found.folders += [place for place in places if place.is_dir()]
        return
    if goes:
        found.stays.setdefault(NEWER if newer else UNFINISHED, []).append(f"{team}/{notebook}")
    for entry in old if final else ():
        found.single.append(entry)
        shelf = folder.result(team, notebook, attempts.work_in(entry.attempt))
        found.folders += [p for p in (shelf, attempts.place_of(folder, entry)) if p.is_dir()]


def carry_out(folder: ClassFolder, course: config.Course, found: Plan) -> None:
    """Remove what the plan says.  Raises FolderUnusable."""
    kept = lateness.purged(folder)
    for entry in found.whole:  # what its lateness costs must not change with it
        kept[entry.team, entry.notebook] = Submission(
            entry.team, entry.notebook, "", "", entry.received, arrival=entry.arrival
        )
    for pair in found.rows:
        kept.pop(pair, None)
    with writing(folder.root):
        if found.rows:
            gradebook.remove(folder, course.id, found.rows)
        if kept or (folder.root / lateness.PURGED).exists():
            results.write(folder.root / lateness.PURGED, list(kept.values()))
        for path in dict.fromkeys([*found.files, folder.root / remembered.FILE]):
            path.unlink(missing_ok=True)
        for place in found.folders:
            shutil.rmtree(place)
            _without_empty(place.parent, folder.root)


def _without_empty(place: Path, root: Path) -> None:
    """Remove folders that hold nothing any more, up to the class folder."""
    while place != root and not any(place.iterdir()):
        place.rmdir()
        place = place.parent


def _counting(folder: ClassFolder, team: str, notebook: str) -> Submission | None:
    try:
        return results.read(folder.submitted(team, notebook) / "submission.json", Submission)
    except (OSError, msgspec.MsgspecError):
        return None
