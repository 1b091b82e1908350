"""The states of a submission, from nothing to done; to name one, nothing need be loaded."""

from __future__ import annotations

from typing import Final

MISSING: Final = "missing"
UNGRADED: Final = "not graded"
HUMAN: Final = "needs a human"
ESSAYS: Final = "essays to mark"
FINAL: Final = "final"
