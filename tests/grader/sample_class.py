"""A small class made of real files: results, executed notebooks and an nbgrader gradebook."""

from __future__ import annotations

import base64
import dataclasses
import io
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode
from nbgrader import api
from PIL import Image
from sqlalchemy import text

from grader import config
from grader.classroom import gradebook, results
from grader.classroom.account import Question
from grader.classroom.folder import ClassFolder
from grader.classroom.results import CaseResult, CheckResult, Rejected, Result, Submission

DUE = datetime(2027, 1, 29, 23, 59, tzinfo=UTC)
CONV, START = "01_implementing_cnn", "00_getting_started"
CHECKS = {
    START: {"installation": 2.0, "top_five": 4.0},
    CONV: {"conv2d_forward": 6.0, "conv2d_backward": 8.0, "maxpool_forward": 4.0},
}
ESSAYS = {START: {}, CONV: {"why_stride": 4.0}}
CASES = ("VALID, stride (2, 1), 5×7 input", "SAME, stride (1, 2), 6×5 input")


@cache
def empty_gradebook() -> bytes:
    """nbgrader's database of the course without submissions."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "gradebook.db")
        with api.Gradebook(f"sqlite:///{path}", "cnn") as book:
            for name, checks in CHECKS.items():
                book.add_assignment(name)
                book.add_notebook(name, name)
                for check, worth in checks.items():
                    book.add_grade_cell(
                        f"check_{check}", name, name, max_score=worth, cell_type="code"
                    )
                    book.add_solution_cell(check, name, name)
                for essay, worth in ESSAYS[name].items():
                    book.add_grade_cell(essay, name, name, max_score=worth, cell_type="markdown")
                    book.add_solution_cell(essay, name, name)
        return path.read_bytes()


def png(size: tuple[int, int] = (3, 2)) -> str:
    """A picture as Jupyter stores it."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (10, 90, 160)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


class SampleClass:
    """A class folder that fills up as a test needs it."""

    def __init__(self, root: Path, due: datetime | None = DUE) -> None:
        self.folder = ClassFolder(root)
        root.mkdir(parents=True, exist_ok=True)
        course = config.load()
        notebooks = {n: dataclasses.replace(b, due=due) for n, b in course.notebooks.items()}
        self.course = dataclasses.replace(course, notebooks=notebooks)
        (root / "gradebook.db").write_bytes(empty_gradebook())
        self.gradebook = api.Gradebook(self.folder.db_url, self.course.id)
        # a test's database need not survive a power cut
        self.gradebook.db.execute(text("PRAGMA synchronous = OFF"))

    def hand_in(
        self,
        team: str,
        notebook: str = CONV,
        fraction: float = 1.0,
        checks: list[CheckResult] | None = None,
        code: str = "def conv2d_forward(x, w):\n    return x",
        outputs: list[NotebookNode] | None = None,
        essay: str = "Because **stride** skips.",
        late: timedelta = timedelta(hours=-1),
        late_fraction: float = 0.0,
        needs_human: str = "",
        seconds: float = 1.5,
        recorded: bool = True,
        arrival: str = "known",
    ) -> None:
        """One graded submission, in files and in the gradebook."""
        if checks is None:
            checks = [judged(n, fraction, worth) for n, worth in CHECKS[notebook].items()]
        submission = Submission(
            team,
            notebook,
            f"{team}.tar.gz",
            "0" * 64,
            DUE + late,
            notes=["renamed notebook"],
            arrival=arrival,
        )
        questions = [Question("stopped", needs_human)] if needs_human else []
        result = Result(team, notebook, "key", checks, questions, ["a note"], seconds, 300.0, DUE)
        executed = notebook_of(notebook, code, outputs or [], essay)
        results.write(self.folder.submitted(team, notebook) / "submission.json", submission)
        results.write(self.folder.result(team, notebook) / "result.json", result)
        nbformat.write(executed, self.folder.result(team, notebook) / "executed.ipynb")
        if recorded:
            gradebook.record(self.gradebook, submission, result, executed, late_fraction)

    def mark(self, team: str, cell: str, points: float, comment: str = "", notebook: str = CONV):
        """What a marker does in formgrader."""
        book = self.gradebook
        grade = book.find_grade(cell, notebook, notebook, team)
        grade.manual_score, grade.needs_manual_grade = points, False
        remark = book.find_comment(cell.removeprefix("check_"), notebook, notebook, team)
        remark.manual_comment = comment
        book.db.commit()

    def reject(self, *rejected: Rejected) -> None:
        """Archives that were not taken in."""
        results.write(self.folder.root / "rejected.json", list(rejected))

    def roster(self, table: str) -> None:
        """roster.csv"""
        (self.folder.root / "roster.csv").write_text(table, encoding="utf-8")


def judged(
    name: str,
    fraction: float,
    worth: float,
    mistake: str = "",
    hint: str = "",
    message: str = "3 of 9 values are off; the worst: [0, 1] is 3.25, expected 2.625",
) -> CheckResult:
    """A judge's finding: the first case right if half of the points were earned."""
    cases = [
        CaseResult(label, score, "" if score else message, "" if score else mistake)
        for label, score in zip(CASES, (float(fraction >= 0.5), float(fraction >= 1)), strict=True)
    ]
    section = "Convolution, step by step" if fraction < 1 else ""
    return CheckResult(name, worth * fraction, worth, "judged", "", mistake, hint, section, cases)


def notebook_of(name: str, code: str, outputs: list[NotebookNode], essay: str) -> NotebookNode:
    """An executed notebook with nbgrader's metadata."""

    def tagged(cell: NotebookNode, **meta: object) -> NotebookNode:
        cell.metadata["nbgrader"] = {"schema_version": 3, "task": False, **meta}
        return cell

    cells = [
        tagged(
            v4.new_code_cell("SECRET_OF_THE_LOCKED_CELL = 1"),
            grade_id="setup", grade=False, solution=False, locked=True,
        )
    ]  # fmt: skip
    for check, worth in CHECKS[name].items():
        first = check == next(iter(CHECKS[name]))
        cells += [
            v4.new_markdown_cell(f"## About {check.replace('_', ' ')}\n\nSome text."),
            tagged(
                v4.new_code_cell(code if first else "...", outputs=outputs if first else []),
                grade_id=check, grade=False, solution=True, locked=False,
            ),
            tagged(
                v4.new_code_cell(f'check("{check}", {check})'),
                grade_id=f"check_{check}", grade=True, solution=False, locked=True, points=worth,
            ),
        ]  # fmt: skip
    for name_of_essay, worth in ESSAYS[name].items():
        cells += [
            v4.new_markdown_cell("## Strides\n\nWhy does it help?"),
            tagged(
                v4.new_markdown_cell(essay),
                grade_id=name_of_essay, grade=True, solution=True, locked=False, points=worth,
                checksum="of the release",
            ),
        ]  # fmt: skip
    return v4.new_notebook(cells=cells)
