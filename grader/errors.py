"""What a command can't go on with: told in one line, without a traceback."""

from __future__ import annotations


class CourseError(Exception):
    """Something that whoever runs the command must put right.  The text says what to do."""


class ConfigError(CourseError, ValueError):
    """A setting is missing or wrong.  The text names the file and what to change."""
