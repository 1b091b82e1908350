"""What can go wrong between the grader and its workers."""

from __future__ import annotations

from grader.errors import CourseError


class ClusterUnavailable(CourseError):
    """No scheduler, or it is gone for good.  The text names it and says what to do."""


class OtherVersion(CourseError):
    """A worker has another version of the course.  The text names both."""


class JobLost(Exception):
    """A job came to no end on any worker that tried it."""
