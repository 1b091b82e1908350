"""Names that a notebook's own setup brings, and that a student's cells give to something else.

A cell `check = 3` makes every check below it fail, and so does `np = 5`.  Code is read as a tree
and never run.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from typing import Any

from utils.packing.notebooks import about, code_cells, grade_id, text_of

_MAGIC = re.compile(r"\s*(?:[%!?].*|[\w.]+\?{1,2})\s*")
"""A line for IPython."""
_OWN_NAMES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
"""What gives names inside it that nobody outside sees."""


def overwritten(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, cell) wherever a student's cell takes a name that a locked cell needs."""
    needed: set[str] = set()
    for cell in code_cells(notebook):
        if about(cell).get("locked"):
            tree = _tree(text_of(cell))
            needed.update(_imported(tree))
            needed.update(_built_in(tree))
    found = []
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code" and not about(cell).get("locked"):
            where = grade_id(cell) or f"cell {number}"
            own = set(_bound(_tree(text_of(cell))))
            if grade_id(cell):  # what an exercise asks for is no accident
                own.discard(grade_id(cell))
            found += [(name, where) for name in sorted(needed & own)]
    return found


def _tree(source: str) -> ast.AST:
    if source.startswith("%%"):
        return ast.Module([], [])
    lines = ["pass" if _MAGIC.fullmatch(line) else line for line in source.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((a.asname or a.name).partition(".")[0] for a in node.names)


def _built_in(tree: ast.AST) -> Iterator[str]:
    """Functions of Python's that are called."""
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name) and hasattr(builtins, called.id):
            yield called.id


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that code gives to something, but for imports: who imports again knows what."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield inner.name
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        if not isinstance(inner, _OWN_NAMES):
            yield from _bound(inner)
