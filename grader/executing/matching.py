"""Which released cell each cell of a submission is, by the strongest evidence there is.

nbgrader's id comes first, then Jupyter's, the function a cell defines or the check it holds, its
text, and at last its place between two cells that are known.  Students' code is read here by its
first words, never parsed into a tree that could grow without end, and never run.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from nbformat.notebooknode import NotebookNode

from grader.cells import check_of, grade_id, is_check, is_essay, is_solution, text_of
from grader.executing.beside import MAGIC, Known
from grader.text import well_formed

GRADE_ID, CELL_ID, DEFINITION, CHECK, TEXT, ORDER = (
    "grade id",
    "cell id",
    "definition",
    "check",
    "text",
    "order",
)
"""What a cell can be known by, strongest first."""

_DEFINED = re.compile(r"^(?:async[ \t]{1,9})?(?:def|class)[ \t]{1,9}(\w{1,99})", re.MULTILINE)
_ASSIGNED = re.compile(r"^(\w{1,99})[ \t]{0,9}(?::[^=\n]{1,99})?=(?!=)", re.MULTILINE)
_CALLED = re.compile(r"""^check\(\s{0,99}["'](\w{1,99})["']""", re.MULTILINE)
INSTEAD = "pass  # the check has its own cell"
"""What stands in place of a check that a student called somewhere else."""
MOST_PARSED = 100_000
"""Characters of one cell that are read for calls of checks."""
_WORD = re.compile(r"[^\W\d]\w{0,99}")


@dataclass(frozen=True)
class Match:
    """A cell of a submission that is, or answers, a released one."""

    place: int
    by: str
    changed: bool
    """Does its text differ from the release, beyond blanks at the ends of lines?"""


@dataclass
class Matches:
    """All that is known of a submission's cells."""

    of: dict[str, list[Match]] = field(default_factory=lambda: defaultdict(list))
    """nbgrader's id -> the cells that are it, in the student's order."""
    at: list[list[str]] = field(default_factory=list)
    """For each cell of the submission the released ones it is; the first is the one it was."""

    def add(self, name: str, match: Match) -> None:
        """Take note of a match."""
        self.of[name].append(match)
        self.of[name].sort(key=lambda found: found.place)
        self.at[match.place].append(name)

    def answers(self, name: str) -> list[Match]:
        """The cells with an answer in them."""
        return [match for match in self.of.get(name, []) if match.changed]


class Released:
    """A release, with what its cells can be known by."""

    def __init__(self, release: NotebookNode, then: NotebookNode | None = None) -> None:
        self.cells: dict[str, NotebookNode] = {grade_id(c): c for c in release.cells if grade_id(c)}
        self.order = list(release.cells)
        self.before = list(then.cells) if then is not None else []
        """Cells of an older release, from which the submission was made."""
        self.known = Known(release, *([then] if then is not None else []))

    @cached_property
    def texts(self) -> frozenset[str]:
        """All that it says, cell by cell."""
        return frozenset(plain(cell.source) for cell in [*self.order, *self.before])

    @cached_property
    def answers_of(self) -> dict[str, list[str]]:
        """Check -> the solution cells that it is about: those between it and the check before."""
        found: dict[str, list[str]] = {}
        answers: list[str] = []
        closed = False
        for name, cell in self.cells.items():
            if is_check(cell):
                found[name], closed = answers, True
            elif is_solution(cell):
                answers = [name] if closed else [*answers, name]
                closed = False
        return found

    def checks_of(self, solution: str) -> tuple[str, ...]:
        """Names of the checks that try a solution."""
        return tuple(
            check_of(self.cells[check])
            for check, answers in self.answers_of.items()
            if solution in answers
        )

    @cached_property
    def wanted(self) -> dict[str, set[str]]:
        """Solution -> what a cell must define to be an answer to it.

        What its checks ask for, if it says so; a name that two cells could define tells nothing.
        """
        bound = {name: _bound(c.source) for name, c in self.cells.items() if is_solution(c)}
        others = [c for c in self.order if c.cell_type == "code" and not is_solution(c)]
        taken = set().union(*(_bound(cell.source) for cell in others)) if others else set()
        asked: dict[str, set[str]] = defaultdict(set)
        for check, answers in self.answers_of.items():
            words = set(_WORD.findall(self.cells[check].source))
            for answer in answers:
                asked[answer] |= words
        found = {}
        for name, names in bound.items():
            elsewhere = taken.union(*(other for n, other in bound.items() if n != name))
            own = names - elsewhere
            found[name] = (own & asked[name]) or own
        return found


def match(submitted: NotebookNode, released: Released) -> Matches:
    """Find out what each cell is."""
    found = Matches(at=[[] for _ in submitted.cells])
    cells = list(submitted.cells)
    _by_ids(cells, released, found)
    _by_text(cells, released, found)
    _by_checks(cells, released, found)
    _by_definitions(cells, released, found)
    _by_order(cells, released, found)
    return found


def text(cell: NotebookNode) -> str:
    """A cell's text, as it can be written."""
    return well_formed(text_of(cell))


def plain(source: str) -> str:
    """A text without what editors change by themselves."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _differs(cell: NotebookNode, released: NotebookNode) -> bool:
    pasted = is_essay(released) and bool(cell.get("attachments"))
    return pasted or plain(text(cell)) != plain(released.source)


def _by_ids(cells: list[NotebookNode], released: Released, found: Matches) -> None:
    for place, cell in enumerate(cells):
        if (name := grade_id(cell)) in released.cells:
            found.add(name, Match(place, GRADE_ID, _differs(cell, released.cells[name])))
    names = {cell.get("id"): grade_id(cell) for cell in released.order if grade_id(cell)}
    for place, cell in enumerate(cells):
        name = names.get(cell.get("id"), "") if not grade_id(cell) else ""
        if (
            name
            and name not in found.of
            and not grade_id(cell)
            and _same_type(cell, name, released)
        ):
            found.add(name, Match(place, CELL_ID, _differs(cell, released.cells[name])))


def _by_text(cells: list[NotebookNode], released: Released, found: Matches) -> None:
    """What was left as released, or is locked, shows itself; where two cells say the same, not."""
    texts: dict[str, list[str]] = defaultdict(list)
    for name, cell in released.cells.items():
        texts[plain(cell.source)].append(name)
    for place, cell in enumerate(cells):
        names = texts.get(plain(text(cell)), [])
        if len(names) == 1 and not found.at[place] and _same_type(cell, names[0], released):
            found.add(names[0], Match(place, TEXT, changed=False))


def _by_checks(cells: list[NotebookNode], released: Released, found: Matches) -> None:
    """A cell that holds nothing but the call of a check is that check, whatever its arguments."""
    checks = {check_of(cell): name for name, cell in released.cells.items() if is_check(cell)}
    for place, cell in enumerate(cells):
        if cell.get("cell_type") != "code" or found.at[place]:
            continue
        called = _CALLED.findall(text(cell))
        if len(called) == 1 and called[0] in checks and not _bound(text(cell)):
            name = checks[called[0]]
            found.add(name, Match(place, CHECK, _differs(cell, released.cells[name])))


def _by_definitions(cells: list[NotebookNode], released: Released, found: Matches) -> None:
    """A cell that defines what an exercise asks for answers it.

    A function may stand in any cell, merged with another answer or with its check.  A variable's
    name is used for many things, so that it counts only where nothing else answers.
    """
    code = [
        (place, text(cell))
        for place, cell in enumerate(cells)
        if cell.get("cell_type") == "code"
        or any(is_solution(released.cells[name]) for name in found.at[place])
    ]
    for bound_in in (_functions, _bound):
        bound = [(place, bound_in(source)) for place, source in code]
        for name, wanted in released.wanted.items():
            if not wanted or (bound_in is _bound and found.answers(name)):
                continue
            for place, names in bound:
                if wanted <= names and name not in found.at[place]:
                    found.add(name, Match(place, DEFINITION, changed=True))


def _by_order(cells: list[NotebookNode], released: Released, found: Matches) -> None:
    """What is left between two known cells, if there is only one thing that it can be."""
    places = _places_of_all(cells, released, found)
    order = released.order
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and end not in places:
            end += 1
        if end > start:
            first = max((p for k, p in places.items() if k < start), default=-1)
            last = min((p for k, p in places.items() if k >= end), default=len(cells))
            _fill(cells, released, found, order[start:end], range(first + 1, last))
        start = end + 1


def _fill(
    cells: list[NotebookNode],
    released: Released,
    found: Matches,
    missing: list[NotebookNode],
    gap: range,
) -> None:
    for kind, wanted in ((is_solution, "code"), (is_essay, "markdown")):
        asked = [cell for cell in missing if kind(cell)]
        if len(asked) != 1:
            continue
        name = grade_id(asked[0])
        free = [p for p in gap if cells[p].get("cell_type") == wanted and not found.at[p]]
        there = [p for p in free if _is_answer(cells[p], released)]
        there = there or [p for p in free if not _differs(cells[p], asked[0])]
        if len(there) == 1 or (there and kind is is_essay):
            for place in there:
                found.add(name, Match(place, ORDER, _differs(cells[place], asked[0])))


def _is_answer(cell: NotebookNode, released: Released) -> bool:
    if cell.get("cell_type") == "code":
        return bool(text(cell).strip()) and plain(text(cell)) not in released.texts
    return bool(cell.get("attachments")) or released.known.is_own_text(cell)


def _places_of_all(cells: list[NotebookNode], released: Released, found: Matches) -> dict[int, int]:
    """Number of a released cell -> place of the submitted one, for all that are known.

    Cells without a name of nbgrader's are known by their text alone.
    """
    texts: dict[str, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        texts[plain(text(cell))].append(place)
    places = {}
    for number, cell in enumerate(released.order):
        if name := grade_id(cell):
            if there := found.of.get(name):
                places[number] = there[0].place
        elif len(there_too := texts.get(plain(cell.source), [])) == 1:
            places[number] = there_too[0]
    return places


def _same_type(cell: NotebookNode, name: str, released: Released) -> bool:
    return bool(cell.get("cell_type") == released.cells[name].cell_type)


def _functions(source: str) -> set[str]:
    return set(_DEFINED.findall(source))


def _bound(source: str) -> set[str]:
    """What a cell defines or assigns at its outermost level."""
    return _functions(source) | set(_ASSIGNED.findall(source))


def overwrites_check(cells: list[NotebookNode]) -> bool:
    """Does a cell use the name `check` for something else?"""
    code = (text(cell) for cell in cells if cell.get("cell_type") == "code")
    return any("check" in _bound(source) for source in code)


def without_checks(source: str) -> str:
    """Code without its calls of checks, each of which has a cell of its own.

    Only calls that stand by themselves go; code that can't be read stays as it is, for it can't be
    run either.
    """
    if "check(" not in source or len(source) > MOST_PARSED:
        return source
    lines = source.split("\n")
    readable = "\n".join("pass" if MAGIC.fullmatch(line) else line for line in lines)
    try:
        statements = ast.parse(readable).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    for node in reversed(statements):
        if _is_call_of_check(node):
            assert node.end_lineno is not None and node.end_col_offset is not None
            first = lines[node.lineno - 1].encode()[: node.col_offset].decode()
            rest = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
            whole = INSTEAD if not rest.strip() else f"pass{rest}"
            lines[node.lineno - 1 : node.end_lineno] = [f"{first}{whole}"]
    return "\n".join(lines)


def _is_call_of_check(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "check"
    )
