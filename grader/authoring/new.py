"""Begin an exercise, a notebook or a course: each file in its room, with an example to overwrite.

It writes nothing over what is there: a file that exists is refused before any is written, and of
lists in modules only the end is added to.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

from grader import config, places
from grader.authoring import source_text, templates
from grader.authoring.source_text import SourceError
from grader.contract.judges import stem
from grader.errors import ConfigError
from grader.files import write_atomically

_CHECK = re.compile(r"[a-z][a-z0-9_]{0,50}")
_NOTEBOOK = re.compile(r"(\d\d)_([a-z][a-z0-9_]{0,50})")
_NUMBERS = re.compile(r"^# ## Exercises? \d\d\.(\d+)(?:[–-](?:\d\d\.)?(\d+))?", re.MULTILINE)
_WIDTH = 100
"""Of a line, as the formatter has it."""


def exercise(name: str, notebook: str, title: str = "") -> list[Path]:
    """Add an exercise to the end of a notebook: cells, a judge, known answers.

    Returns the files that were written.  Raises CourseError for a name that is taken or none.
    """
    if not _CHECK.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of a function: small letters, digits and _")
    for other in config.load().notebooks:
        if name in (graded.name for graded in source_text.read(_source(other)).graded):
            raise ConfigError(f"{name} is taken by notebook {other[:2]}; choose another name")
    text = _source(notebook).read_text(encoding="utf-8")
    numbers = [int(last or first) for first, last in _NUMBERS.findall(text)]
    number = f"{notebook[:2]}.{max(numbers, default=0) + 1}"
    words = {
        "name": name,
        "NAME": name.upper(),
        "heading": f"Exercise {number}: {title or name.replace('_', ' ')}",
    }
    made = {}
    for room, variable, template in (
        ("judges", "JUDGES", templates.JUDGE),
        ("truth", "SAMPLES", templates.KNOWN),
    ):
        folder, listing, module = _room(room, notebook, name)
        made[_free(folder / f"{module}.py")] = _filled(template, words)
        made[listing] = _with_list(listing, variable, module, f"{variable}_{name.upper()}")
    made[_source(notebook)] = text.rstrip("\n") + "\n" + _filled(templates.CELLS, words)
    return _written(made)


def notebook(name: str, title: str = "") -> list[Path]:
    """Add a notebook without exercises: source, lists of judges and known answers, settings.

    name: "02_broadcasting", or "broadcasting" for the next number.  Returns the files that were
    written.  Raises CourseError for a name that is taken or none.
    """
    known = config.load().notebooks
    if not re.match(r"\d", name):
        following = max((int(one[:2]) for one in known if one[:2].isdigit()), default=0) + 1
        name = f"{following:02}_{name}"
    found = _NOTEBOOK.fullmatch(name)
    if not found:
        raise ConfigError(f"{name!r} is no name of a notebook, as 02_broadcasting is one")
    if taken := [one for one in known if one[:2] == name[:2] or stem(one) == found[2]]:
        raise ConfigError(f"{taken[0]} is there already; choose another number and name")
    words = {
        "notebook": name,
        "number": found[1],
        "title": _in_quotes(title or found[2].replace("_", " ").capitalize()),
    }
    settings = places.folder() / config.FILE
    entry = _filled(templates.ENTRY, words)
    return _written(
        {
            _free(_source(name)): _filled(templates.NOTEBOOK, words),
            _free(_package("judges", name)): _filled(templates.JUDGES, words),
            _free(places.folder() / "truth" / f"{found[2]}.py"): _filled(templates.SAMPLES, words),
            settings: settings.read_text(encoding="utf-8").rstrip("\n") + "\n" + entry,
        }
    )


def course(folder: Path, title: str = "") -> list[Path]:
    """Begin a course in a folder that isn't there yet, or is empty.

    Returns the files that were written.  Raises ConfigError if the folder holds anything.
    """
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    if not name:
        raise ConfigError(f"{folder} can't name a course: use letters")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is there already; name a new folder")
    named = _in_quotes(title or name.replace("-", " ").capitalize())
    words = {"course": name, "title": named}
    return _written({folder / p: _filled(text, words) for p, text in templates.COURSE.items()})


def _source(notebook: str) -> Path:
    return places.folder() / "source" / f"{notebook}.py"


def _package(room: str, notebook: str) -> Path:
    return places.folder() / room / stem(notebook) / "__init__.py"


def _room(room: str, notebook: str, name: str) -> tuple[Path, Path, str]:
    """Where a new module goes, the module with the notebook's list, and how the new is called."""
    package = _package(room, notebook)
    if package.is_file():
        return package.parent, package, name
    listing = places.folder() / room / f"{stem(notebook)}.py"
    if not listing.is_file():
        raise ConfigError(f"{listing} is missing: it holds a list for the notebook {notebook}")
    return listing.parent, listing, f"{stem(notebook)}_{name}"


def _free(path: Path) -> Path:
    if path.exists():
        raise ConfigError(f"{path} is there already; choose another name")
    return path


def _filled(template: str, words: Mapping[str, str]) -> str:
    return Template(template).substitute(words)


def _in_quotes(title: str) -> str:
    """A title that may stand between quotes, in settings and in Python."""
    if set(title) & set('"\\') or not title.isprintable():
        raise ConfigError(f"the title {title!r} can't be written between quotes; leave those out")
    return title


def _written(made: Mapping[Path, str]) -> list[Path]:
    for path, text in made.items():
        write_atomically(path, text)
    return list(made)


def _with_list(path: Path, variable: str, module: str, added: str) -> str:
    """A module's text, with a list of another module's at the end of its own.

    Raises SourceError if it has no such list.
    """
    text = path.read_text(encoding="utf-8")
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise SourceError(f"{path}:{error.lineno}: {error.msg}") from None
    found = [(statement, value) for statement in body if (value := _value(statement, variable))]
    if not found:
        raise SourceError(f"{path}:1: there is no list {variable}; add {variable} = []")
    statement, value = found[-1]
    lines = text.splitlines()
    start, end = statement.lineno - 1, value.end_lineno or statement.lineno
    lines[start:end] = _longer(lines[start:end], text, value, f"*{added}")
    place = _import_line(body, module)
    lines[place:place] = [f"from .{module} import {added}"]
    if not any(isinstance(one, ast.ImportFrom) and one.level == 1 for one in body):
        lines[place:place] = [""]
    return "\n".join(lines) + "\n"


def _value(statement: ast.stmt, variable: str) -> ast.expr | None:
    """What a statement gives to a variable, if it does."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    ours = any(isinstance(target, ast.Name) and target.id == variable for target in targets)
    return statement.value if ours and isinstance(statement, ast.Assign | ast.AnnAssign) else None


def _longer(lines: list[str], text: str, value: ast.expr, added: str) -> list[str]:
    """The lines of a list, or of a sum of lists, with one more element."""
    if isinstance(value, ast.List) and len(lines) > 1 and lines[-1] == "]":
        return [*lines[:-1], f"    {added},", "]"]  # comments in it stay
    elements = [*_elements(text, value), added]
    before = lines[0][: value.col_offset]
    if len(one := f"{before}[{', '.join(elements)}]") <= _WIDTH and "\n" not in one:
        return [one]
    return [f"{before}[", *(f"    {element}," for element in elements), "]"]


def _elements(text: str, value: ast.expr) -> list[str]:
    if isinstance(value, ast.List):
        return [ast.get_source_segment(text, element) or "" for element in value.elts]
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return [*_elements(text, value.left), *_elements(text, value.right)]
    return [f"*{ast.get_source_segment(text, value)}"]


def _import_line(body: list[ast.stmt], module: str) -> int:
    """The line before which a relative import belongs, from 0."""
    imports = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
    beside = [one for one in imports if isinstance(one, ast.ImportFrom) and one.level == 1]
    for one in beside:
        if (one.module or "") > module:
            return one.lineno - 1
    last = (beside or imports or body[:1])[-1]  # without imports: below the module's sentence
    return last.end_lineno or last.lineno
