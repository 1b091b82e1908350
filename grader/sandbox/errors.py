"""What can go wrong before any student code runs."""

from __future__ import annotations

from grader.errors import CourseError


class SandboxUnavailable(CourseError, RuntimeError):
    """No isolation can be had on this machine.  The text says why and what to do."""
