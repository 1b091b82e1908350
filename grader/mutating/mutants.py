"""Mutants: an exercise's solution cell with one small change in it."""

from __future__ import annotations

import ast
import copy
import difflib
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from grader.mutating.operators import OPERATORS, Around, Place, places, twins_of
from grader.mutating.sources import Exercise


@dataclass(frozen=True)
class Mutant:
    """One change."""

    exercise: Exercise
    function: str
    operator: str
    source: str
    """The whole cell, changed."""
    diff: str
    digest: str
    """The same as long as the lines around the change stay as they are."""

    @property
    def change(self) -> tuple[str, ...]:
        """The lines of the difference that are new or gone."""
        return tuple(line for line in self.diff.splitlines() if line[:1] in ("-", "+"))


def mutants_of(exercise: Exercise) -> list[Mutant]:
    """All mutants of an exercise, each text once."""
    found: dict[str, Mutant] = {}
    digests: dict[str, int] = {}
    original = ast.unparse(ast.parse(exercise.source))
    for function, operator, tree in _changed_trees(exercise):
        source = ast.unparse(tree)
        if source == original or source in found or not _compiles(source):
            continue
        diff = _difference(original, source)
        content = "\n".join(line for line in diff.splitlines() if not line.startswith("@@"))
        digest = hashlib.sha256(f"{exercise.name}|{content}".encode()).hexdigest()[:12]
        digests[digest] = digests.get(digest, 0) + 1
        if digests[digest] > 1:
            digest = f"{digest}-{digests[digest]}"
        found[source] = Mutant(exercise, function, operator, source, diff, digest)
    return list(found.values())


def _changed_trees(exercise: Exercise) -> Iterator[tuple[str, str, ast.Module]]:
    tree = ast.parse(exercise.source)
    for number, (place, function) in enumerate(_places_in(tree, exercise.lines)):
        around = Around(twins_of(function), exercise.asked)
        for operator in OPERATORS:
            for replacement in operator.change(place.node, around):
                changed = copy.deepcopy(tree)
                (target, _) = _places_in(changed, exercise.lines)[number]
                target.put(replacement)
                yield function.name, operator.name, ast.fix_missing_locations(changed)


def _places_in(tree: ast.Module, lines: frozenset[int]) -> list[tuple[Place, ast.FunctionDef]]:
    """Places in functions that students write, each with the outermost function around it."""
    found = []
    for top in places(tree):
        if top.parent is not tree and not isinstance(top.parent, ast.ClassDef):
            continue
        if isinstance(top.node, ast.FunctionDef):
            found.append((top, top.node))
            inside = [p for p in places(top.node) if _line(p.node) in lines]
            found += [(p, top.node) for p in inside if not _of_signature(p, top.node)]
    return found


def _line(node: ast.AST) -> int:
    """The line of a node, or of the first thing in it that has one."""
    number = getattr(node, "lineno", None)
    if number is None:
        number = next((n.lineno for n in ast.walk(node) if hasattr(n, "lineno")), 0)
    return int(number)


def _of_signature(place: Place, function: ast.FunctionDef) -> bool:
    """Names and defaults of arguments are the exercise's, not the student's."""
    return place.parent is function.args or place.node is function.args


def _compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return "\n".join(list(lines)[2:])
