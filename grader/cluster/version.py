"""What a worker must have in common with the grader, as one line of text.

Code and data that executing needs count, and the libraries that students' code calls; judges don't,
since judging never leaves the grader.
"""

from __future__ import annotations

from grader.errors import ConfigError
from grader.freshness import execution_version, libraries


def course_version() -> str:
    """Code and libraries here: "course 3f2a9c…, Python 3.11, numpy 2.4.6, …"."""
    try:
        course = execution_version()[:12]
    except ConfigError as error:  # a worker with half a course is one of another version
        course = f"not whole ({error})"
    return f"course {course}, {libraries()}"
