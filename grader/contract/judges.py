"""The course's judges and known answers: one module or package for each notebook on either side.

`judges/implementing_cnn` judges the notebook 01_implementing_cnn: its list `JUDGES` has one judge
for each check.  `truth/implementing_cnn` has a list `SAMPLES` of answers whose worth is known.
"""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType

from grader import places
from grader.contract.judge import Judge
from grader.contract.sample import Sample
from grader.errors import ConfigError


def judges_of(notebook: str) -> dict[str, Judge]:
    """Name of the check -> its judge, for one notebook.  Raises ConfigError on a repeated name."""
    return _judges_of(places.package(), notebook)


def samples_of(notebook: str) -> list[Sample]:
    """Known answers to a notebook's checks; none if the course has none."""
    module = places.optional(f"truth.{stem(notebook)}")
    return list(module.SAMPLES) if module is not None else []


def stem(notebook: str) -> str:
    """A notebook's name without its number: 01_implementing_cnn is implementing_cnn."""
    return re.sub(r"^\d+_", "", notebook)


def where(notebook: str, quoted: str, last: bool = False) -> str:
    """ "judges/areas.py:7": where a text stands in quotes among a notebook's judges.

    The first place or the last; line 1 of its judges where it is put together of several texts.
    """
    judges, name = places.folder() / "judges", stem(notebook)
    package = judges / name / "__init__.py"
    found = [
        f"judges/{path.relative_to(judges).as_posix()}:{number}"
        for path in (*sorted(judges.glob(f"{name}/**/*.py")), *sorted(judges.glob(f"{name}*.py")))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if f'"{quoted}"' in line or f"'{quoted}'" in line
    ]
    whole = f"judges/{name}/__init__.py" if package.is_file() else f"judges/{name}.py"
    return found[-1 if last else 0] if found else f"{whole}:1"


@cache
def _judges_of(_: ModuleType, notebook: str) -> dict[str, Judge]:
    module = places.optional(f"judges.{stem(notebook)}")
    found: dict[str, Judge] = {}
    for judge in module.JUDGES if module is not None else ():
        if judge.name in found:
            place = where(notebook, judge.name, last=True)
            raise ConfigError(f"{place}: two judges are called {judge.name!r}; rename this one")
        found[judge.name] = judge
    return found
