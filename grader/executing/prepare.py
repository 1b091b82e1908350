"""Put a submitted notebook together with its release, so that only the student's part is theirs.

The release decides what is locked, what is graded, and every cell's metadata; the submission gives
the text of solution cells and answers, and whatever cells the student added.  Nothing a student
wrote into metadata (tags, ids, kernels) survives.  Nothing is executed here.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass, field

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import grade_id, is_check, is_essay, is_locked, is_solution, runs_when_graded
from grader.classroom.account import NOTHING_SAID, Account, Other, Question, Source
from grader.executing import essays, matching
from grader.executing.beside import around
from grader.executing.matching import Match, Released, text, without_checks
from utils.packing import sizes

MOST_PUT_BACK = 3
"""Of the answers that are asked for; where more were missing, a person must look."""

ABOVE = "# the answer to this exercise stands in the cell above"
"""What an answer's own cell says where it was given in another one."""


IMPORT = "from utils import check"
"""What stands before a check where the student uses the name for something else."""

OWN = "a cell of their own"

_MENDED = 2
"""So many times as large as it came may a notebook be that intake has mended."""


class NotANotebook(ValueError):
    """The submitted file can't be read as a notebook; the text says why."""


@dataclass(frozen=True)
class Prepared:
    """A notebook that is ready to be executed and graded."""

    notebook: NotebookNode
    notes: tuple[str, ...] = ()
    """What was mended, for the instructor."""
    elsewhere: tuple[str, ...] = ()
    """Essays that are as released though an answer may stand beside them; see `beside`."""
    questions: tuple[Question, ...] = ()
    """Why a person must look at it."""
    account: Account = NOTHING_SAID


def read_notebook(data: bytes) -> NotebookNode:
    """Parse notebook bytes, of any nbformat version.  Raises NotANotebook."""
    if len(data) > _MENDED * sizes.NOTEBOOK_BYTES:
        raise NotANotebook("it is too large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that cells share an id is mended, and nobody's news
            notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
        cells = notebook.cells
        if not isinstance(cells, list):
            raise NotANotebook("it has no list of cells")
        for number, cell in enumerate(cells, 1):
            if not isinstance(cell, dict):
                raise NotANotebook(f"cell {number} is damaged")
    except NotANotebook:
        raise
    except (Exception, RecursionError) as error:  # nbformat raises many types on odd input
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotANotebook(f"it can't be read as a notebook: {said}") from None
    if len(cells) > sizes.CELLS:
        raise NotANotebook(f"it has {len(cells)} cells; at most {sizes.CELLS} are accepted")
    return notebook


def prepare(
    submitted: NotebookNode, release: NotebookNode, then: NotebookNode | None = None
) -> Prepared:
    """Merge a submission with its release.

    then: the older release that it was made from, whose text is none of the student's own either.

    The order is the student's.  Of several answers to one exercise the last counts, as in the
    student's own kernel, and the others still run where they stand; the parts of an essay are
    joined.  A check runs behind the answer that counts, and a released cell that is missing comes
    back behind the one it followed.
    """
    return _Merging(submitted, Released(release, then)).done(release)


@dataclass
class _Plan:
    """What goes where, by the places of the student's cells."""

    chosen: dict[str, Match] = field(default_factory=dict)
    """Released cell -> the submitted one that counts."""
    before: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Locked cells that run here once more, since an answer below needs them."""
    behind: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Released cells that come behind this place."""


class _Merging:
    """One submission on its way into its release."""

    def __init__(self, submitted: NotebookNode, released: Released) -> None:
        self.cells, self.released = list(submitted.cells), released
        self.found = matching.match(submitted, released)
        self.notes: list[str] = []
        self.questions: list[Question] = []
        self.said: dict[str, str] = {}
        self.others: list[Other] = []
        self.merged: list[NotebookNode] = []
        self.overwritten = matching.overwrites_check(self.cells)
        if self.overwritten:
            self.notes.append("the name check was overwritten, and was given back to each check")
        self.plan = self._planned()

    def done(self, release: NotebookNode) -> Prepared:
        """The whole notebook, and what is said of it."""
        for place, cell in enumerate(self.cells):
            for name in self.plan.before[place]:
                self._add(self.released.cells[name], None)
            self._take(place, cell)
            for name in self.plan.behind[place]:
                self._put_here(name)
        self._put_back()
        self._ask()
        elsewhere = []
        for index, cell in enumerate(self.merged):
            cell.id = f"c{index:04}"
            if self._answer_may_stand_beside(index, cell):
                elsewhere.append(grade_id(cell))
        notebook = nbformat.v4.new_notebook(metadata=dict(release.metadata))
        notebook.cells = self.merged
        return Prepared(
            notebook,
            tuple(self.notes),
            tuple(elsewhere),
            tuple(self.questions),
            Account(tuple(map(self._source, self.released.cells)), tuple(self.others)),
        )

    # ------------------------------------------------------------------------------------ planning

    def _planned(self) -> _Plan:
        plan, of = _Plan(), self.found.of
        for name, cell in self.released.cells.items():
            there = of.get(name)
            if there and not is_check(cell):
                answers = [] if is_locked(cell) else self.found.answers(name)
                plan.chosen[name] = (answers or there[:1])[-1]
        for name, match in plan.chosen.items():
            if is_solution(self.released.cells[name]) and self.found.at[match.place][0] != name:
                plan.behind[match.place].append(name)  # one cell answers several, or holds a check
        self._place_checks(plan)
        self._repeat_setup(plan)
        return plan

    def _place_checks(self, plan: _Plan) -> None:
        """Each check behind the answer that counts; in its own place, if that is behind it."""
        earlier = -1
        for check, answers in self.released.answers_of.items():
            own = [plan.chosen[name].place for name in answers if name in plan.chosen]
            after = max(own, default=-1)
            needed = max(after, earlier)
            there = self.found.of.get(check, [])
            place = next((match for match in there if match.place > needed), None)
            if place is not None:
                plan.chosen[check] = place
            elif there or own:
                plan.behind[needed].append(check)
                self.said[check] = "put behind its answer"
                self.notes.append(
                    f"check cell {check!r} stood before its answer and was put behind it"
                    if there
                    else f"cell {check!r} was missing and was put back as released"
                )
            first = [self.found.answers(name)[:1] for name in answers]
            earlier = max([earlier, *(m.place for found in first for m in found)])

    def _repeat_setup(self, plan: _Plan) -> None:
        """What is prepared for an answer runs before it, wherever the student moved it."""
        prepared: list[str] = []
        for name, cell in self.released.cells.items():
            if is_locked(cell) and runs_when_graded(cell) and not is_check(cell):
                prepared.append(name)
            elif is_solution(cell) and name in plan.chosen:
                place = plan.chosen[name].place
                late = [n for n in prepared if n in plan.chosen and plan.chosen[n].place > place]
                for setup in late:
                    if not any(setup in names for p, names in plan.before.items() if p <= place):
                        plan.before[place].append(setup)

    # ------------------------------------------------------------------------------------- merging

    def _take(self, place: int, cell: NotebookNode) -> None:
        """One cell of the student's."""
        names = self.found.at[place]
        if not names:
            self._own(place, cell)
            return
        name = names[0]
        released = self.released.cells[name]
        counts = self.plan.chosen.get(name)
        here = counts is not None and counts.place == place
        if is_essay(released):
            if here:
                copies = [self.cells[match.place] for match in self.found.of[name]]
                self.merged.append(essays.whole_answer(released, copies))
        elif is_solution(released):
            self._take_answer(place, cell, name, here)
        else:
            self._take_locked(place, cell, name, here)

    def _take_answer(self, place: int, cell: NotebookNode, name: str, here: bool) -> None:
        source = without_checks(text(cell))
        if here:
            self._add(self.released.cells[name], source)
        elif self._changed(name, place):
            self._run_as_own(cell, source, place, f"another answer to {name}")
        elif not self.found.answers(name):
            pass  # a second copy, as released
        else:
            self._leave_out(place, "as released; the answer stands in another cell", name)

    def _take_locked(self, place: int, cell: NotebookNode, name: str, here: bool) -> None:
        """A cell that students must leave as it is; what they wrote into it is theirs all the same.

        Its own version runs; theirs runs behind it, without the check.
        """
        released = self.released.cells[name]
        if here:
            self._add(released, None)
        if not self._changed(name, place):
            again = not here and runs_when_graded(released) and not is_check(released)
            if again:
                self._add_own(nbformat.v4.new_code_cell(released.source))
            return
        if is_check(released):
            self.notes.append(f"check cell {name!r} was changed and was restored")
        if released.cell_type != "code" or not runs_when_graded(released):
            self._show(place, cell, f"{name} was changed")
            return
        source = without_checks(text(cell))
        if source.strip() and not _is_nothing_but_check(source):
            self._run_as_own(cell, source, place, f"{name} was changed")

    def _own(self, place: int, cell: NotebookNode) -> None:
        code = cell.get("cell_type") == "code"
        source = text(cell)
        if code:
            self._add_own(nbformat.v4.new_code_cell(without_checks(source)))
        else:
            self._add_own(_shown(cell, source))
        if source.strip() and matching.plain(source) not in self.released.texts:
            self._tell(place, "executed" if code else "shown to markers", OWN)

    def _run_as_own(self, cell: NotebookNode, source: str, place: int, why: str) -> None:
        self._add_own(nbformat.v4.new_code_cell(source))
        self._tell(place, "executed", why)

    def _show(self, place: int, cell: NotebookNode, why: str) -> None:
        """Let markers see what isn't run."""
        source = text(cell)
        if cell.get("cell_type") == "code":
            source = "\n".join(f"    {line}" for line in source.splitlines())
        self._add_own(_shown(cell, source))
        self._tell(place, "shown to markers", why)

    def _leave_out(self, place: int, why: str, name: str) -> None:
        self.others.append(Other(f"cell {place + 1}", "left out", why, name))

    def _tell(self, place: int, fate: str, why: str) -> None:
        beside = next((grade_id(c) for c in reversed(self.merged) if grade_id(c)), "")
        self.others.append(Other(f"cell {place + 1}", fate, why, beside))

    def _put_here(self, name: str) -> None:
        """A released cell whose answer, or whose place, is in the cell before."""
        released = self.released.cells[name]
        self._add(released, ABOVE if is_solution(released) else None)

    def _put_back(self) -> None:
        """Put the released cells back that are not there, behind those that they followed."""
        there = {grade_id(cell) for cell in self.merged}
        names = list(self.released.cells)
        for position, (name, cell) in enumerate(self.released.cells.items()):
            if name in there:
                continue
            self.notes.append(f"cell {name!r} was missing and was put back as released")
            before = set(names[:position])
            at = max((i + 1 for i, c in enumerate(self.merged) if grade_id(c) in before), default=0)
            again = f"{IMPORT}\n" if self.overwritten and is_check(cell) else ""
            self.merged.insert(at, _merged(cell, again + cell.source))

    def _add(self, released: NotebookNode, source: str | None) -> None:
        already = any(grade_id(cell) == grade_id(released) for cell in self.merged)
        if already:  # a locked cell that runs a second time
            self._add_own(nbformat.v4.new_code_cell(released.source))
            return
        if source is None:
            source = released.source
        if self.overwritten and is_check(released):
            source = f"{IMPORT}\n{source}"
        self.merged.append(_merged(released, source))

    def _add_own(self, cell: NotebookNode) -> None:
        self.merged.append(cell)

    # -------------------------------------------------------------------------------- what is said

    def _ask(self) -> None:
        """Put before a human what was guessed, what contradicts itself, and what is not there."""
        lost = []
        for name, cell in self.released.cells.items():
            there = self.found.of.get(name, [])
            if len(there) > 1:
                self.notes.append(f"cell {name!r} appears {len(there)} times")
            if is_solution(cell):
                self._ask_about_copies(name)
            if not there and (is_solution(cell) or is_essay(cell)):
                lost.append(name)
        asked = sum(is_solution(c) or is_essay(c) for c in self.released.cells.values())
        if len(lost) > MOST_PUT_BACK or 2 * len(lost) > asked:
            reason = (
                f"{len(lost)} of {asked} answers that are asked for are in no cell of the notebook "
                f"that could be told ({', '.join(lost[:5])}{', …' if len(lost) > 5 else ''})"
            )
            remedy = (
                "see whether other cells hold them, and mark them by hand, or ask for a notebook "
                "with all its cells"
            )
            self.questions.append(Question("cells missing", reason, remedy))

    def _ask_about_copies(self, name: str) -> None:
        answers = self.found.answers(name)
        texts = {matching.plain(text(self.cells[match.place])) for match in answers}
        checks = self.released.checks_of(name)
        numbers = [str(match.place + 1) for match in answers]
        if len(texts) > 1:
            cells = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
            reason = f"cells {cells} of the notebook answer it and differ; the last one was tried"
            remedy = "look at all of them in formgrader, and give the points of the best by hand"
            self.questions.append(Question("copies differ", reason, remedy, name, checks))
        elif answers and answers[-1].by == matching.ORDER:
            reason = (
                f"cell {numbers[-1]} was taken for the answer, for where it stands and nothing else"
            )
            remedy = "see in formgrader whether it is the answer, and mark it by hand if not"
            self.questions.append(Question("answer guessed", reason, remedy, name, checks))

    def _answer_may_stand_beside(self, index: int, cell: NotebookNode) -> bool:
        name = grade_id(cell)
        if not is_essay(cell) or cell.source != self.released.cells[name].source:
            return False
        others = around(self.merged, index)
        return name not in self.found.of or any(map(self.released.known.is_own_text, others))

    def _source(self, name: str) -> Source:
        cell = self.released.cells[name]
        matches = self.found.of.get(name, [])
        if is_essay(cell):
            used = self.found.answers(name) or matches[:1]
        else:
            used = [self.plan.chosen[name]] if name in self.plan.chosen else matches[-1:]
        note = self.said.get(name, "")
        if is_essay(cell) and len(used) > 1:
            note = f"{len(used)} parts were joined"
        by = used[-1].by if used else ""
        return Source(name, by, tuple(match.place + 1 for match in used), note)

    def _changed(self, name: str, place: int) -> bool:
        return any(match.changed for match in self.found.of[name] if match.place == place)


def _is_nothing_but_check(source: str) -> bool:
    return all(not line.strip() or line == matching.INSTEAD for line in source.splitlines())


def _merged(released: NotebookNode, source: str) -> NotebookNode:
    cell = nbformat.from_dict(released)
    cell.source = source
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _shown(cell: NotebookNode, source: str) -> NotebookNode:
    """A cell of words: its text and the pictures pasted into it, and nothing else."""
    own = nbformat.v4.new_markdown_cell(source)  # of raw cells, too: a page shows those to nobody
    if isinstance(cell.get("attachments"), dict):
        own.attachments = cell.attachments
    return own
