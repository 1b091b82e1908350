"""What every test can rely on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

import pytest

from grader import places


@pytest.fixture(autouse=True, scope="module")
def the_real_course() -> Iterator[None]:
    """A test module may put a small course in place of the real one; the next finds it back."""
    yield
    places.use(None)


@pytest.fixture(autouse=True, scope="module")
def tables_are_known() -> None:
    """nbgrader starts a process for each new gradebook, to ask which version its tables have."""
    if "nbgrader.api" in sys.modules:
        sys.modules["nbgrader.api"].get_alembic_version = newest_tables  # type: ignore[attr-defined]


@cache
def newest_tables() -> str:
    """The same answer, asked in this process and once."""
    from alembic.script import ScriptDirectory  # most tests have no gradebook
    from nbgrader.dbutil import ALEMBIC_DIR

    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())
