"""Try one answer to one check: what the student reads, and what the marker does.

The answer runs in a kernel of its own like any student's, below the reference solutions of what it
builds on, with the files that the reference hands in.  Nothing is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from grader import config, places
from grader.authoring import build, needed
from grader.authoring.needed import Cell
from grader.cells import check_of, id_of_check, is_locked, is_solution
from grader.classroom import told
from grader.classroom.results import CheckResult
from grader.classroom.told import Told
from grader.contract import thresholds
from grader.contract.judges import judges_of
from grader.errors import ConfigError, CourseError
from grader.executing.execute import Job, execute, threads
from grader.grading import reasons
from grader.judging import examination as judging
from grader.judging.examination import Examination
from utils.packing.sizes import SHOWN_CHARACTERS

AT_HOME = "at_home"
"""What the check is called a second time, when it asks the public cases."""


class KernelFailed(CourseError):
    """The kernel could not be started: try again."""


@dataclass(frozen=True)
class Tried:
    """What came of it."""

    at_home: tuple[str, ...]
    """What the check shows below the cell, on the public cases."""
    check: CheckResult
    """For markers, on fresh cases."""
    told: Told
    """For the student, of the same cases."""
    problem: str = ""
    """Why it ended early, if it did, or why it can't be judged here."""


def notebook_of(check: str, course: config.Course) -> str:
    """The notebook that asks for something.  Raises ConfigError."""
    for name in course.notebooks:
        if check in judges_of(name):
            return name
    raise ConfigError(f"there is no check called {check!r}; its name stands in check(…)")


def attempt(check: str, path: Path, course: config.Course, seed: str, team: str) -> Tried:
    """Try the answer in a file.

    seed: what the fresh cases are drawn from.  team: whose numbers count, where numbers belong to
    a student.  Raises ConfigError if the file holds no answer to the check.
    """
    name = notebook_of(check, course)
    source = build.source_of(name)
    notebook = _notebook(_cells(source.notebook, check, path), check, team)
    files, net = _handed_in(name), course.notebooks[name].net
    drawn = judging.draw(name, team, seed, files, thresholds.load(), net, only=(check,))
    public = judges_of(name)[check].public_cases()
    both = (drawn, Examination(team, {AT_HOME: public}))
    per_call = course.limits.seconds_per_call
    job = Job(
        f"{check} of {path.name}",
        nbformat.writes(notebook),
        {key: asked for one in both for key, asked in one.questions(per_call).items()},
        course.limits,
        course.notebooks[name].kernel,
        files,
        net=net,
        seconds={key: most for one in both for key, most in one.seconds(per_call).items()},
    )
    with threads(1) as executor:
        outcome = executor.submit(execute, job).result()
    if outcome.ours:
        raise KernelFailed(outcome.problem)
    worth = next(graded.points for graded in source.checks if graded.name == check)
    (found,) = judging.judge(drawn, outcome.answers, {check: worth})
    executed = nbformat.reads(outcome.notebook, as_version=4)
    found = reasons.explained(found, executed, executed)
    return Tried(
        tuple(judging.at_home(public, outcome.answers[AT_HOME], worth)),
        found,
        told.for_student(found, found.points >= found.max_points),
        outcome.problem or drawn.problem,
    )


def _cells(solved: NotebookNode, check: str, path: Path) -> list[NotebookNode]:
    """What is executed: what the answer builds on, the answer, and the check, in their order.

    solved: the notebook with solutions, of which the answer takes the place of some.
    """
    answer = _read(path)
    cells = needed.cells_of(solved)
    place = next(i for i, cell in enumerate(cells) if check_of(cell.node) == check)
    solutions = [i for i in range(place) if is_solution(cells[i].node)]
    replaced = [i for i in solutions if cells[i].makes & answer.makes]
    if replaced:
        node = nbformat.from_dict({**cells[replaced[0]].node, "source": answer.node.source})
        cells[replaced[0]] = replace(answer, node=node)
    kept = [cell for i, cell in enumerate(cells[: place + 1]) if i not in replaced[1:]]
    ready = [cell.makes for cell in kept[:-1] if is_locked(cell.node)]  # it may do more than that
    wanted = needed.before(kept, len(kept) - 1, kept[-1].needs.union(*ready))
    if not replaced or replaced[0] not in wanted:
        before = [cells[i] for i in solutions if i not in replaced]
        asked = sorted({n for cell in before for n in cell.makes & cells[place].needs})
        advice = f"define {' or '.join(asked)}" if asked else "try a notebook, with ./course judge"
        raise ConfigError(f"{path} has nothing that {check} asks for: {advice}")
    return [kept[i].node for i in (*wanted, len(kept) - 1)]


def _read(path: Path) -> Cell:
    """The answer, not executed.  Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    if len(text) > SHOWN_CHARACTERS:
        raise ConfigError(f"{path} has more than {SHOWN_CHARACTERS:,} characters")
    try:
        return needed.cell_of(nbformat.v4.new_code_cell(text))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{path} can't be read as Python: {error}") from error


def _notebook(cells: list[NotebookNode], check: str, team: str) -> NotebookNode:
    """The cells as a notebook, with the check once more for the public cases."""
    again = nbformat.from_dict(cells[-1])
    again.source = re.sub(rf"""check\(\s*(['"]){check}\1""", f'check("{AT_HOME}"', again.source)
    again.metadata.nbgrader.grade_id = id_of_check(AT_HOME)
    notebook = nbformat.v4.new_notebook()
    for number, cell in enumerate([*cells, again]):
        source = cell.source.replace("your_id", team)
        notebook.cells.append(nbformat.from_dict({**cell, "source": source, "id": f"{number}"}))
    return notebook


def _handed_in(notebook: str) -> dict[str, bytes]:
    """What the reference hands in, where it lies while it is graded."""
    folder = places.folder() / "reference" / notebook
    paths = [path for path in folder.glob("*") if path.is_file()]
    return {f"handin/{notebook}/{path.name}": path.read_bytes() for path in paths}


def described(found: Tried) -> list[str]:
    """The verdict on the fresh cases, in lines of text: each case for both readers."""
    check, student = found.check, found.told
    lines = [f"stopped: {found.problem}"] if found.problem else []
    lines += [check.message] if check.message else []
    for marked, line in zip(check.cases, student.cases, strict=False):
        lines.append(f"{line.verdict}: {line.label}")
        lines += [f"  student: {line.message}"] if line.message else []
        more = marked.message != line.message and marked.message
        lines += [f"  marker:  {marked.message}"] if more else []
    lines += [f"looks like: {student.mistake}"] if student.mistake else []
    lines += [f"hint: {student.hint}"] if student.hint else []
    lines += [f"read again: “{student.section}”"] if student.section else []
    for what, said in (("denied", check.denied), ("unproven", check.unproven)):
        lines += [f"marker:  {what}: {said}"] if said else []
    return lines
