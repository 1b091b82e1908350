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


def judges_of(notebook: str) -> dict[str, Judge]:
    """Name of the check -> its judge, for one notebook.  Raises ValueError on a repeated name."""
    return _judges_of(places.package(), notebook)


def samples_of(notebook: str) -> list[Sample]:
    """Known answers to a notebook's checks; none if the course has none."""
    module = places.optional(f"truth.{stem(notebook)}")
    return list(module.SAMPLES) if module is not None else []


def stem(notebook: str) -> str:
    """A notebook's name without its number: 01_implementing_cnn is implementing_cnn."""
    return re.sub(r"^\d+_", "", notebook)


@cache
def _judges_of(_: ModuleType, notebook: str) -> dict[str, Judge]:
    module = places.optional(f"judges.{stem(notebook)}")
    found: dict[str, Judge] = {}
    for judge in module.JUDGES if module is not None else ():
        if judge.name in found:
            raise ValueError(f"two judges are called {judge.name!r}")
        found[judge.name] = judge
    return found
