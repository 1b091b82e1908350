"""What there is to change: solution cells that hold functions, and the checks that ask for them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader import places
from grader.authoring import needed, source_text
from grader.authoring.needed import Cell
from grader.cells import check_of
from grader.contract.judges import judges_of

NOTHING: Mapping[str, str] = {}

_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class Asked:
    """A check, and what of its notebook must have run before."""

    name: str
    answer: str
    """What is handed to the check, as Python."""
    cells: tuple[str, ...]
    """Sources of the cells that it needs, in their order; other cells are left alone."""
    functions: frozenset[str]
    """Names that stand in `answer`."""


@dataclass(frozen=True)
class Exercise:
    """One solution cell with functions, and the checks that judge it."""

    notebook: str
    name: str
    """Of the cell."""
    source: str
    lines: frozenset[int]
    """The lines between the markers: what students write."""
    checks: tuple[Asked, ...]
    """Those that name a function of the cell; if there are none, those that need it."""
    further: tuple[Asked, ...] = ()
    """Other checks that need the cell: they judge functions which none of `checks` names."""
    free: str = ""
    """Why any way to what is judged is right, if it is."""

    @property
    def asked(self) -> frozenset[str]:
        """The functions that checks call by themselves; others help them."""
        return frozenset().union(*(check.functions for check in self.checks))


def exercises(
    notebook: str, left_out: Mapping[str, str], free: Mapping[str, str] = NOTHING
) -> list[Exercise]:
    """The exercises of a notebook whose functions can be changed.

    left_out: check -> why it is none of them.  free: check -> why any way to what it judges is
    right.  Values found by hand aren't changed, either.
    """
    source = source_text.read(places.folder() / "source" / f"{notebook}.py")
    cells = needed.cells_of(source.notebook)
    judges = judges_of(notebook)
    found = []
    for number, cell in enumerate(cells):
        lines = _solution_lines(cell.source)
        if not lines or not _has_functions(cell.source, lines):
            continue
        asked = list(_checks_of(cells, number))
        named = [check for check in asked if check.functions & cell.makes]
        usable = [
            check
            for check in asked
            if judges[check.name].kind == "function" and check.name not in left_out
        ]
        direct = tuple(check for check in usable if not named or check in named)
        further = tuple(check for check in usable if check not in direct)
        if direct:
            name = cell.node.metadata.nbgrader["grade_id"]
            why = next((free[check.name] for check in named if check.name in free), "")
            found.append(Exercise(notebook, name, cell.source, lines, direct, further, why))
    return found


def _solution_lines(source: str) -> frozenset[int]:
    inside, found = False, set()
    for number, line in enumerate(source.split("\n"), 1):
        if _BEGIN in line or _END in line:
            inside = _BEGIN in line
        elif inside:
            found.add(number)
    return frozenset(found)


def _has_functions(source: str, lines: frozenset[int]) -> bool:
    tree = ast.parse(source)
    return any(
        isinstance(node, ast.FunctionDef)
        and lines & set(range(node.lineno, (node.end_lineno or 0) + 1))
        for node in ast.walk(tree)
    )


def _checks_of(cells: list[Cell], number: int) -> Iterator[Asked]:
    """The checks that can't be run without a cell."""
    for place, cell in enumerate(cells):
        if not (name := check_of(cell.node)) or place < number:
            continue
        answer = needed.call_of(cell).args[1]
        named = frozenset(n.id for n in ast.walk(answer) if isinstance(n, ast.Name))
        earlier = needed.before(cells, place, named)
        if number in earlier:
            sources = tuple(cells[i].source for i in earlier)
            yield Asked(name, ast.unparse(answer), sources, named)
