"""PhotoDigits: always there, always the same, honest splits, and a cache that can be trusted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from utils.images import photo_digits
from utils.images.photo_digits import render


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(photo_digits, "CACHE", tmp_path / "cache")
    photo_digits._MEMORY.clear()
    yield tmp_path / "cache"
    photo_digits._MEMORY.clear()


def as_if_in_a_new_session() -> None:
    photo_digits._MEMORY.clear()


@pytest.mark.parametrize("size", [32, 64])
def test_images_labels_and_masks_have_the_promised_form(size: int) -> None:
    drawn = render(30, "validation", size)
    assert drawn.images.shape == (30, size, size, 3) and drawn.images.dtype == np.uint8
    assert drawn.masks.shape == (30, size, size) and drawn.masks.dtype == bool
    assert sorted(drawn.labels) == sorted([*range(10)] * 3)
    covered = drawn.masks.mean(axis=(1, 2))
    assert covered.min() > 0.02 and covered.max() < 0.5


def test_the_same_seed_gives_the_same_images_and_another_one_others() -> None:
    first, again = render(20, keep=False), render(20, keep=False)
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, render(20, seed=1, keep=False).images)


def test_a_longer_series_begins_with_a_shorter_one() -> None:
    short, long = render(510, keep=False), render(1010, keep=False)
    np.testing.assert_array_equal(short.images, long.images[:510])
    np.testing.assert_array_equal(short.labels, long.labels[:510])


def test_ink_stands_out_from_the_photograph_within_the_mask() -> None:
    drawn = render(200, "test")
    grey = drawn.images.mean(axis=-1)
    inside = np.array([g[m].mean() for g, m in zip(grey, drawn.masks, strict=True)])
    outside = np.array([g[~m].mean() for g, m in zip(grey, drawn.masks, strict=True)])
    assert np.mean(np.abs(inside - outside) > 20) > 0.95
    assert 0.85 < np.mean(inside > outside) < 1, "most ink is bright, some is dark"


def test_splits_share_no_digit_and_use_all_of_them() -> None:
    splits = {s: photo_digits._digits_of(s) for s in ("train", "validation", "test")}
    assert sum(len(d) for parts in splits.values() for d in parts) == 1797
    names = {s: {d.tobytes() for part in parts for d in part} for s, parts in splits.items()}
    assert not names["train"] & names["test"]
    assert not names["train"] & names["validation"]
    assert not names["validation"] & names["test"]


def test_splits_share_no_part_of_a_photograph() -> None:
    """Regions are views of one array, so where they lie in memory says what they share."""
    splits = [photo_digits._regions(s) for s in ("train", "validation", "test")]
    for parts in zip(*splits, strict=True):
        assert all(min(part.shape[:2]) >= 64 for part in parts)
        assert not any(np.shares_memory(a, b) for i, a in enumerate(parts) for b in parts[i + 1 :])


def test_embedded_digits_are_those_of_scikit_learn() -> None:
    ours, theirs = photo_digits._sources(), load_digits()
    np.testing.assert_array_equal(ours["digit_images"], theirs.images)
    np.testing.assert_array_equal(ours["digit_labels"], theirs.target)


def test_images_are_kept_on_disk_and_read_back(own_cache: Path) -> None:
    drawn = render(20)
    (kept,) = own_cache.iterdir()
    with np.load(kept) as stored:
        changed = dict(stored) | {"labels": 9 - stored["labels"]}
    np.savez(kept, **changed)  # to see where the next images come from
    as_if_in_a_new_session()
    np.testing.assert_array_equal(render(20).labels, 9 - drawn.labels)


@pytest.mark.parametrize("damage", ["cut short", "a flipped byte", "empty", "other shape"])
def test_a_damaged_cache_is_rendered_again(own_cache: Path, damage: str) -> None:
    drawn = render(20)
    (kept,) = own_cache.iterdir()
    raw = bytearray(kept.read_bytes())
    if damage == "cut short":
        kept.write_bytes(raw[: len(raw) // 2])
    elif damage == "a flipped byte":
        raw[5000] ^= 0xFF
        kept.write_bytes(raw)
    elif damage == "empty":
        kept.write_bytes(b"")
    else:
        np.savez(kept, images=drawn.images[:5], labels=drawn.labels[:5], masks=drawn.masks[:5])
    as_if_in_a_new_session()
    again = render(20)
    np.testing.assert_array_equal(again.images, drawn.images)
    as_if_in_a_new_session()
    np.testing.assert_array_equal(render(20).images, drawn.images)
    assert len(list(own_cache.iterdir())) == 1, "the damaged file has been replaced"


def test_other_parameters_have_a_cache_of_their_own(own_cache: Path) -> None:
    plain = render(10)
    bolder = render(10, style=replace(photo_digits.DEFAULT, contrast=(0.5, 0.55)))
    assert len(list(own_cache.iterdir())) == 2
    assert not np.array_equal(plain.images, bolder.images)


def test_it_works_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(photo_digits, "CACHE", tmp_path / "file" / "cache")
    assert len(render(10).images) == 10


def test_what_callers_do_to_their_images_does_not_stay() -> None:
    with pytest.raises(ValueError, match="read-only"):
        render(10).images[:] = 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"count": 3, "size": 28}, "sizes 32 and 64, not 28"),
        ({"count": 3, "split": "training"}, "unknown split 'training'; known: train, validation"),
        ({"count": -1}, "can't render -1 images"),
    ],
)
def test_impossible_wishes_are_refused(arguments: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        render(**arguments)


def test_no_images_are_fine() -> None:
    assert render(0).images.shape == (0, 32, 32, 3)


def test_missing_sources_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_digits, "SOURCES", tmp_path / "photo_digits.npz")
    for function in (photo_digits._sources, photo_digits._digits_of, photo_digits._regions):
        function.cache_clear()
    with pytest.raises(RuntimeError, match=r"photo_digits\.npz is missing or damaged"):
        render(10)
