"""The states of a submission, from nothing to done; to name one, nothing need be loaded."""

from __future__ import annotations

MISSING, UNGRADED, HUMAN, ESSAYS, FINAL = (
    "missing",
    "not graded",
    "needs a human",
    "essays to mark",
    "final",
)
