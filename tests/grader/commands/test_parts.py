"""Several graders can share a class by parts."""

from __future__ import annotations

import pytest

from grader.commands.grading import one_part
from grader.errors import ConfigError


def test_every_team_belongs_to_exactly_one_part() -> None:
    teams = [f"team_{number}" for number in range(1, 501)]
    sizes = []
    for number in range(1, 5):
        sizes.append(sum(map(one_part(f"{number}/4"), teams)))
    assert sum(sizes) == len(teams) and min(sizes) > 80
    for team in teams[:50]:
        assert sum(one_part(f"{number}/4")(team) for number in range(1, 5)) == 1
    assert all(map(one_part(""), teams)) and all(map(one_part("1/1"), teams))


@pytest.mark.parametrize("text", ["0/4", "5/4", "2", "2/", "a/b", "-1/4", "1/0", "1/4/2"])
def test_what_names_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="second of sixteen"):
        one_part(text)
