"""What the sample class gets for wrong answers in notebooks that only a long run plays it with."""

from __future__ import annotations

from collections.abc import Mapping

from grader.classroom.results import CheckResult
from grader.demo.samples import CLASS, Team


def team(name: str) -> Team:
    """One team of the sample class."""
    return next(team for team in CLASS if team.name == name)


def lost(checks: Mapping[str, CheckResult]) -> dict[str, float]:
    """Check -> points that it did not get, of those that lost any."""
    return {n: c.max_points - c.points for n, c in checks.items() if c.points != c.max_points}


def cost(team: Team, notebook: str, checks: Mapping[str, CheckResult]) -> float:
    """Points that the team must lose in a notebook, which has these checks."""
    return sum(check.max_points for check in checks.values()) - team.expected[notebook]
