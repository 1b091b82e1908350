"""What an author has left undone or got wrong, found before anything is built.

It executes no cell: whether solutions keep their points is asked by `./course build --check`.
"""

from __future__ import annotations

import builtins
import re
import symtable
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader import config, places
from grader.authoring import needed
from grader.authoring.source_text import FIND_COURSE, SETUP, Source, SourceError, plain
from grader.cells import FIGURE, grade_id
from grader.contract.judge import Judge
from grader.contract.judges import stem, where
from grader.errors import CourseError

_OF_NOTEBOOKS = {*dir(builtins), "__name__", "display", "get_ipython", "_", "__", "In", "Out"}
_UNWRITTEN = re.compile(r"\bAUTHOR: (.*)")


def refuse_unwritten(course: config.Course) -> None:
    """Raise SourceError with all places where an author still has to write."""
    found = []
    for notebook in course.notebooks:
        for path in _files_of(notebook):
            name = path.relative_to(places.folder()).as_posix()
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if asked := _UNWRITTEN.search(line):
                    words = asked[1].rstrip('"')
                    found.append(f"{name}:{number}: still to write: {words}")
    if found:
        raise SourceError("\n".join(found))


def _files_of(notebook: str) -> Iterator[Path]:
    yield places.folder() / "source" / f"{notebook}.py"
    for room in ("judges", "truth"):
        folder, name = places.folder() / room, stem(notebook)
        yield from sorted({*folder.glob(f"{name}/**/*.py"), *folder.glob(f"{name}*.py")})


def refuse_unknown_names(source: Source) -> None:
    """Raise SourceError for a name that no cell above has made, or none that runs when graded."""
    made: dict[bool, set[str]] = {True: set(), False: set(_OF_NOTEBOOKS)}
    for cell, line in zip(source.notebook.cells, source.lines, strict=True):
        if cell.cell_type != "code":
            continue
        figure = FIGURE in cell.metadata.get("tags", ())
        text = plain(cell.source)
        table = symtable.symtable(text, source.name, "exec")
        if any("import *" in one for one in text.splitlines()):
            return  # anything may be known from here on
        made[figure] |= _bound(table)
        for_the_reader = figure or not grade_id(cell)
        known = made[False] | (made[True] if for_the_reader else set())
        for name in sorted(needed.globals_in(table) - known):
            begun = FIND_COURSE.count("\n") + 1 if grade_id(cell) == SETUP else 0
            lines = enumerate(text.splitlines()[begun:], line + 1)
            place = next((n for n, one in lines if re.search(rf"\b{name}\b", one)), line)
            advice = "make it in a cell above"
            if name in made[True]:
                advice = "it is made in a figure's cell, which isn't executed when graded"
            raise SourceError(f"{source.name}.py:{place}: {name} is not known here; {advice}")


def _bound(table: symtable.SymbolTable, inside: bool = False) -> set[str]:
    """Names that a cell makes for those below."""
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
        and (not inside or symbol.is_declared_global())
    }
    return found.union(*(_bound(inner, True) for inner in table.get_children()))


def refuse_idle_mistakes(notebook: str, judge: Judge) -> None:
    """Raise SourceError for a known mistake that no public case tells from the right answer."""
    if judge.assess is not None:
        return  # it names mistakes itself
    for name in judge.unnoticed():
        raise SourceError(
            f"{where(notebook, name)}: the mistake {name!r} of {judge.name!r} makes no difference "
            "to any case; draw inputs on which it does, or take it out"
        )


@contextmanager
def blamed(notebook: str) -> Iterator[None]:
    """What goes wrong in a notebook's judges is told with the line of theirs where it did.

    Raises SourceError.
    """
    try:
        yield
    except CourseError:
        raise
    except SyntaxError as error:
        path = Path(error.filename or "")
        if not path.is_relative_to(places.folder()):
            raise
        name = path.relative_to(places.folder()).as_posix()
        raise SourceError(f"{name}:{error.lineno}: this isn't Python: {error.msg}") from error
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [one for one in frames if Path(one.filename).is_relative_to(places.folder())]
        place = where(notebook, "")
        if ours:
            path = Path(ours[-1].filename).relative_to(places.folder())
            place = f"{path.as_posix()}:{ours[-1].lineno}"
        raise SourceError(f"{place}: {type(error).__name__}: {error}") from error
