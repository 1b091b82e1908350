"""Similar submissions: which teams share more than the release and chance explain.

Reads what was handed in, never runs it, and writes one page beside the report.  No mark depends on
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import msgspec
import nbformat
from nbformat.notebooknode import NotebookNode

from grader import apart
from grader.cells import grade_id, is_locked
from grader.classroom import own_modules, releases, results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.config import Course
from grader.contract import visible
from grader.executing.prepare import NotANotebook, prepare, read_notebook
from grader.files import write_atomically
from grader.pages.similar import compare, page, tokens
from grader.pages.similar.compare import Pair, Part, Work

MOST_PAIRS = 25
"""On the page, for each notebook, unless more stand out."""

MOST_CHARACTERS = 400_000
"""Of one submission that are compared; of a longer one it is said."""
SECONDS = 20.0
"""Of processor time for reading one submission; who takes longer is left out, and named."""


@dataclass(frozen=True)
class Found:
    """What came of comparing one notebook's submissions."""

    notebook: str
    teams: int
    pairs: list[Pair]
    left_out: list[str]
    """Submissions that can't be compared, or not all of them, each with the reason."""


def search(folder: ClassFolder, course: Course, only: tuple[str, ...] = ()) -> list[Found]:
    """Compare all submissions of each notebook with each other.

    only: names of notebooks; by default all that were handed in.
    """
    handed_in: dict[str, list[str]] = {}
    for team, notebook in folder.submissions():
        if notebook in course.notebooks and (not only or notebook in only):
            handed_in.setdefault(notebook, []).append(team)
    return [_search_one(folder, name, teams) for name, teams in sorted(handed_in.items())]


def write(
    folder: ClassFolder, course: Course, found: list[Found], now: datetime | None = None
) -> Path:
    """Write similar.html into the class folder."""
    sections = []
    for each in found:
        count = max(MOST_PAIRS, sum(pair.stands_out for pair in each.pairs))
        shown = [page.side_by_side(pair) for pair in each.pairs[:count]]
        sections.append(page.Section(course.notebooks[each.notebook].title, each.teams, shown))
    path = folder.root / "similar.html"
    now = course.times.zone.shown(now or datetime.now(UTC))
    write_atomically(path, page.render(course.title, sections, now))
    return path


def _search_one(folder: ClassFolder, name: str, teams: list[str]) -> Found:
    released = nbformat.read(visible.released(name), as_version=4)
    all_released = [released, *releases.kept(folder, name).values()]  # none is anybody's own work
    cells = [c for each in all_released for c in each.cells if c.cell_type == "code"]
    known = tokens.imported(c.source for c in cells)
    release = compare.runs_of([part for each in all_released for part in _parts(each, known)])
    works, left_out = [], []
    for team in teams:
        path = folder.submitted(team, name) / f"{name}.ipynb"
        try:
            work, left = apart.call(SECONDS, fingerprinted, path, team, released, known, release)
        except apart.TooMuch as error:
            work, left = None, str(error)
        if left:
            left_out.append(f"{team}/{name}: {left}")
        if work is not None:
            works.append(work)
    return Found(name, len(works), compare.pairs(works), left_out)


def fingerprinted(
    path: Path, team: str, released: NotebookNode, known: frozenset[str], release: set[int]
) -> tuple[Work | None, str]:
    """A submission's work with the runs that are its own, and what is not compared, in words.

    path: of its notebook.  release: runs of the release.  It is called in a process apart.
    """
    name = path.stem
    try:
        merged = prepare(read_notebook(path.read_bytes()), released).notebook
    except (OSError, NotANotebook) as error:
        return None, str(error)
    parts, left, room = [], "", MOST_CHARACTERS
    for part in chain(_parts(merged, known), _modules(path.parent, known)):
        room -= len(part.text)
        if room < 0:
            left = f"too long, not compared from {part.name} on"
            break
        parts.append(part)
    work = compare.fingerprint(Work(team, name, parts), release)
    work.parts = [replace(part, tokens=[]) for part in parts]  # nobody reads them any more
    return work, left


def _modules(place: Path, known: frozenset[str]) -> Iterable[Part]:
    """The modules that came with a submission.  place: its folder."""
    try:
        submission = results.read(place / "submission.json", Submission)
        found = list(own_modules.read(place, submission))
    except (OSError, msgspec.MsgspecError):
        return []
    texts = [(path, tokens.readable(text)) for path, text in found]
    return (Part(path, "code", text, tokens.of_code(text, known)) for path, text in texts)


def _parts(notebook: NotebookNode, known: frozenset[str]) -> Iterator[Part]:
    """The cells that students write: answers, and cells of their own.

    known: names that the release imports.
    """
    own = 0
    for cell in notebook.cells:
        given = grade_id(cell)
        if is_locked(cell):
            continue
        if not given and cell.cell_type == "markdown":
            continue  # mostly the release's own text
        own += not given
        name = given or f"own cell {own}"
        text = tokens.readable(cell.source)
        if cell.cell_type == "code":
            yield Part(name, "code", text, tokens.of_code(text, known))
        else:
            yield Part(name, "prose", text, tokens.of_prose(text))
