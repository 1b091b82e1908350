"""What a copy of the course asks for, as it was written when the course was built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from utils.packing.beside import Names

LISTED = "data/notebooks.json"
"""Where it is written."""


class Expected(NamedTuple):
    """What is expected of one notebook."""

    checks: list[str]
    essays: dict[str, str]
    """nbgrader's id of each answer in words -> `digest` of its text as released."""
    cells: list[str]
    """nbgrader's ids of all its cells."""
    handin: list[str]
    """Files in handin/NOTEBOOK/ once all of it is done."""
    own_numbers: bool
    """Do some of its exercises have numbers that belong to STUDENT_ID?"""


class Asked(NamedTuple):
    """What a copy of the course asks for."""

    notebooks: list[str]
    pair_prefix: str
    """Of the zip that two hand in: "Ex2" for Ex2_NameOne_NameTwo.zip; "": none is asked for."""
    pair_notebooks: list[str]
    names: Names
    expected: dict[str, Expected]

    def of(self, notebook: str) -> Expected:
        """What is expected of a notebook; nothing is known of one from an older release."""
        return self.expected.get(notebook, Expected([], {}, [], [], True))


def read(root: Path) -> Asked:
    """What the copy in a folder asks for; where it doesn't say, the notebooks that lie there."""
    there = sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    try:
        listed = json.loads((root / LISTED).read_text(encoding="utf-8"))
        pairs = listed["pairs"]
        return Asked(
            list(listed["notebooks"]),
            str(pairs["prefix"]),
            list(pairs["notebooks"]),
            Names.of(listed.get("packages", ["utils"]), listed.get("modules", "").split()),
            {name: _expected(of) for name, of in listed.get("expected", {}).items()},
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Asked(there, "", [], Names.of(["utils"], []), {})


def _expected(listed: dict[str, Any]) -> Expected:
    return Expected(
        list(listed["checks"]),
        dict(listed["essays"]),
        list(listed["cells"]),
        list(listed["handin"]),
        bool(listed["own_numbers"]),
    )
