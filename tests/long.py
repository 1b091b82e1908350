"""What takes long by nature runs with `./course test --long`; an ordinary run tries a sample of it.

A test that only such a run has is marked `@pytest.mark.long`, and its docstring says so.
"""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

VARIABLE = "COURSE_LONG"
"""Set by the option, for modules that are read and processes that are started after it."""


def asked() -> bool:
    """Whether this is a long run."""
    return bool(os.environ.get(VARIABLE))


def choose(ordinary: T, long: T) -> T:
    """What this run tries: so many examples, say."""
    return long if asked() else ordinary
