"""What a process that commands are forked from has imported; see tests/grader/typed.py."""

from __future__ import annotations

from tests import tables

tables.newest()
