"""What of a notebook must have run before a check can ask for an answer: cells by their names.

Cells are ours, with solutions; they are read here, not executed.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Sequence
from dataclasses import dataclass

from nbformat.notebooknode import NotebookNode

from grader.authoring.source_text import plain
from grader.cells import FIGURE, check_of


@dataclass(frozen=True)
class Cell:
    """A code cell and the names that it makes and needs."""

    node: NotebookNode
    source: str
    makes: frozenset[str]
    needs: frozenset[str]


def cells_of(notebook: NotebookNode) -> list[Cell]:
    """The code cells of a notebook, in their order."""
    return [cell_of(node) for node in notebook.cells if node.cell_type == "code"]


def call_of(check: Cell) -> ast.Call:
    """The call `check(name, answer, …)` that a check's cell ends with."""
    statement = ast.parse(check.source).body[-1]
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return statement.value


def before(cells: Sequence[Cell], place: int, names: frozenset[str]) -> list[int]:
    """Numbers of the cells before a place that it takes to have these names, in order."""
    wanted, needed = set(names), []
    for number in reversed(range(place)):
        cell = cells[number]
        if FIGURE in cell.node.metadata.get("tags", ()) or check_of(cell.node):
            continue
        if cell.makes & wanted:
            needed.append(number)
            wanted |= cell.needs
    return needed[::-1]


def cell_of(node: NotebookNode) -> Cell:
    """A cell, read.  Raises SyntaxError."""
    source = plain(node.source)
    tree = ast.parse(source)
    makes = set().union(*(_bound(statement) for statement in tree.body))
    needs = globals_in(symtable.symtable(source, "cell", "exec"))
    return Cell(node, source, frozenset(makes), frozenset(needs))


def globals_in(table: symtable.SymbolTable) -> set[str]:
    """Names of the notebook that a cell, as Python's own table of names, refers to."""
    at_top = table.get_type() == "module"
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (at_top or symbol.is_global())
    }
    return found.union(*(globals_in(inner) for inner in table.get_children()))


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of a cell binds, at its top level or in its blocks."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(a.asname or a.name).split(".")[0] for a in statement.names}
    stored = {
        n.id
        for n in ast.walk(statement)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    inner = [s for s in ast.iter_child_nodes(statement) if isinstance(s, ast.stmt)]
    changed = {  # table["row"] = …
        n.value.id
        for n in ast.walk(statement)
        if isinstance(n, ast.Subscript)
        and isinstance(n.ctx, ast.Store)
        and isinstance(n.value, ast.Name)
    }
    return stored.union(changed, *(_bound(s) for s in inner))
