"""One id in many spellings is one student; different ids rarely share their numbers."""

import pytest

from utils.checks.identity import VARIANTS, normalise_id, variant_of


@pytest.mark.parametrize("spelling", ["team_7", "Team 07", " TEAM-7 ", "team7", "team__007"])
def test_spellings_of_one_id_are_one(spelling: str) -> None:
    assert normalise_id(spelling) == "team_7"


def test_a_placeholder_is_no_id() -> None:
    for text in ("", "your_id", "Your ID", "--"):
        with pytest.raises(ValueError, match="STUDENT_ID"):
            variant_of(text)


def test_numbers_spread_over_the_variants() -> None:
    found = {variant_of(f"team_{n}") for n in range(1000)}
    assert len(found) > 0.8 * VARIANTS and max(found) < VARIANTS
