"""The numbers that belong to a student's id."""

from __future__ import annotations

import numpy as np
import pytest

from utils.checks.identity import VARIANTS
from utils.exercises.by_hand import BIASES, FILTERS, VOLUME, numbers_of, numbers_of_variant

ALL = [numbers_of_variant(variant) for variant in range(VARIANTS)]


def test_one_team_has_the_same_numbers_however_it_writes_its_id() -> None:
    one, other = numbers_of("team_7"), numbers_of(" Team-07")
    assert np.array_equal(one.x, other.x)
    assert one.padding == other.padding


def test_numbers_are_the_same_on_every_machine() -> None:
    first = numbers_of_variant(0)
    assert first.x.tolist() == [2, 5, 3, -3, 0, 1, 1, -2, 2]
    assert first.w.tolist() == [-1, 2, 3]
    assert (first.side, first.width, first.unit) == (27, 24, (9, 17))


def test_the_placeholder_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match="set STUDENT_ID in the first code cell"):
        numbers_of("your_id")


def test_orientation_and_edges_always_show() -> None:
    for numbers in ALL:
        assert len(set(numbers.w.tolist())) == 3
        assert 0 not in numbers.w
        assert 0 not in numbers.x[[0, 1, -2, -1]]
        assert np.all(numbers.x[2:] != numbers.x[:-2])
        assert len(set(numbers.kernel.ravel().tolist())) == 4


def test_numbers_are_small_enough_for_paper() -> None:
    for numbers in ALL:
        assert np.abs(numbers.x).max() <= 5
        assert np.abs(numbers.image).max() <= 6
        assert all(k % 2 == ("odd" in name) for name, (_, k) in numbers.padding.items())
        assert all(k < m for m, k in numbers.padding.values())
        assert numbers.width % 2 == 0


def test_teams_rarely_share_numbers() -> None:
    assert len({(*n.x.tolist(), *n.w.tolist()) for n in ALL}) > 0.99 * VARIANTS


def test_the_volume_shows_every_channel_and_bias() -> None:
    assert VOLUME.shape == (4, 5, 3)
    assert FILTERS.shape == (2, 2, 3, 2)
    assert len(set(BIASES.tolist())) == 2
    flat = [FILTERS[:, :, c, f].tolist() for c in range(3) for f in range(2)]
    assert all(flat.count(f) == 1 for f in flat)
