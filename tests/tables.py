"""nbgrader starts a process for each new gradebook, to ask which version its tables have."""

from __future__ import annotations

import sys
from functools import cache


def are_known() -> None:
    """From here on this process answers itself, wherever nbgrader has been imported."""
    if "nbgrader.api" in sys.modules:
        sys.modules["nbgrader.api"].get_alembic_version = newest  # type: ignore[attr-defined]


@cache
def newest() -> str:
    """The same answer, asked in this process and once."""
    from alembic.script import ScriptDirectory  # most tests have no gradebook
    from nbgrader.dbutil import ALEMBIC_DIR

    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())
