"""What a bundle does on Gradescope: judge one submission, and write what came of it.

    python -m grader.bundles.on_gradescope /autograder

A fault of ours gives no results.json: Gradescope then says that the autograder failed, no points
are given or taken, and the submission can be run again.  It never becomes 0 points.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from grader import config, places
from grader.bundles import carried, gradescope, metadata, results
from grader.classroom.roster import Roster, read_roster
from grader.errors import CourseError
from grader.files import write_atomically
from grader.grading import warm
from grader.grading.judgement import NOT_GRADABLE, Judgement

FAILED = 125
"""Exit status where nothing was judged, by no fault of the submission's."""


def main(top: Path) -> int:
    """Judge /autograder/submission.  Returns the exit status; what it prints is for instructors."""
    written = top / "results" / "results.json"
    written.unlink(missing_ok=True)
    try:
        source = top / "source"
        settings = carried.read(source / gradescope.SETTINGS)
        if settings.course:
            places.use(source / carried.HARNESS / settings.course)
            os.environ[places.VARIABLE] = str(places.folder())  # for processes that are started
        said = metadata.read(top / metadata.FILE)
        of_a_class = source / gradescope.OF_A_CLASS
        folder = of_a_class if of_a_class.is_dir() else None
        course = config.load(folder)
        whose = metadata.whose_is(said, _roster(of_a_class))
        warm.start([course.notebooks[settings.notebook].kernel])
        with warm.quick_imports():  # meanwhile the parent imports its libraries
            from grader.grading import single  # nbgrader takes its time to import

        asking = single.Asking(
            settings.notebook,
            whose.team,
            (source / gradescope.SECRET).read_text(),
            whose.members,
            folder,
        )
        found = single.judge(handed_in(top / "submission"), course, asking)
        if found.state != NOT_GRADABLE:
            told = results.of(found, settings.values, said.attempt, said.late, whose.note)
            write_atomically(written, json.dumps(told), secret=True)
    except Exception as error:
        known = isinstance(error, CourseError)
        return _failed(str(error) if known else f"{type(error).__name__}: {error}")
    if found.state == NOT_GRADABLE:
        return _failed("; ".join(found.needs_human))
    _say(found)
    return 0


def handed_in(folder: Path) -> list[Path]:
    """What to judge: what Gradescope unpacked from an archive is one, else each file is itself."""
    entries = sorted(folder.iterdir())
    unpacked = any(entry.is_dir() or entry.is_symlink() for entry in entries)
    return [folder] if unpacked else entries


def _roster(of_a_class: Path) -> Roster | None:
    path = of_a_class / carried.ROSTER
    return read_roster(path) if path.is_file() else None


def _failed(reason: str) -> int:
    print(f"NOT GRADABLE, by no fault of the submission's; run it again later.\n{reason}")
    return FAILED


def _say(found: Judgement) -> None:
    print(f"{found.notebook} of {found.team}: {found.state}")
    for reason in found.needs_human:
        print(f"  {reason}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
