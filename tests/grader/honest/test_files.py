"""Every file that is handed in is kept, seen by a marker, or accounted for by name."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np

from grader.authoring import build
from grader.bench import small_course
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Ignored, Submission
from grader.grading.run import grade
from grader.intake import collect
from tests.grader.honest.course import NAME, install
from tests.grader.honest.forms import at, tarred, zipped
from tests.grader.intake_samples import save

OURS = f"notebooks/{NAME}.ipynb"
PLACES = [
    "notebooks/helpers.py",
    "notebooks/tools/deep.py",
    "notebooks/unneeded.py",
    "notebooks/numpy.py",
    "notebooks/notes.txt",
    "notebooks/photo.png",
    f"notebooks/{NAME}-Copy1.ipynb",
    "notebooks/own experiments.ipynb",
    f"notebooks/handin/{NAME}/w.npz",
    f"notebooks/handin/{NAME}/part.py",
    f"notebooks/handin/{NAME}/run.sh",
    "notebooks/handin/another/w.npz",
    "report.pdf",
    "old.zip",
    "data/numbers.csv",
    "utils/checks/handover.py",
    "README.md",
]
"""Where a student may leave something: all that a packer, a browser or a hurry puts together."""


def test_no_file_vanishes(tmp_path: Path) -> None:
    course = install(tmp_path / "course")
    folder = ClassFolder(tmp_path / "class")
    solved = small_course.reference(NAME, "team_1")
    solved.cells[at(solved, "square")].source += "\nimport helpers, tools.deep"
    rng = np.random.default_rng(0)
    planted = {path: "".join(rng.choice(list("bcdfghjklmnp"), 16)) for path in PLACES}
    files = {path: _content(path, word) for path, word in planted.items()}
    files[OURS] = nbformat.writes(solved).encode()
    archive = save(tmp_path / "in" / "team_1.tar.gz", tarred(files, ".tar.gz"))
    report = collect(folder, course, [archive], None, releases=build.released(NAME).parent)
    grade(folder, course)

    place = folder.submitted("team_1", NAME)
    submission = results.read(place / "submission.json", Submission)
    (result,) = results.graded(folder)
    assert result.points == result.max_points
    kept = b"".join((place / path).read_bytes() for path in submission.files)
    shown = (folder.autograded("team_1", NAME) / f"{NAME}.ipynb").read_text()
    ignored = results.read(folder.root / "ignored.json", list[Ignored])
    told = [*(o.what for o in result.account.others), *(e.source for e in ignored)]
    told += [q.reason for q in submission.questions] + report.notes
    assert not report.rejected
    for path, word in planted.items():
        seen = word.encode() in kept or word in shown
        accounted = [text for text in told if path in text or Path(path).name in text]
        assert seen or accounted, path
    assert all(other.why for other in result.account.others)
    assert all(entry.reason for entry in ignored)


def _content(path: str, word: str) -> bytes:
    if path.endswith(".ipynb"):
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_markdown_cell(word)]
        return nbformat.writes(notebook).encode()
    if path.endswith(".zip"):
        return zipped({f"{word}.txt": word.encode()})
    return f'"""{word}"""\n'.encode()
