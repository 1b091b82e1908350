"""The report shows a typical wrong picture of a mistake that can be seen, and breaks on none."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.classroom import standing
from grader.contract.judge import Handed
from grader.judging import examination
from grader.pages import report
from grader.pages.report import figures, pictures
from tests.grader import planted
from tests.grader.pages.test_feedback import Page
from tests.grader.planted import mistaken, packed, plant
from tests.grader.sample_class import CONV, SampleClass
from utils.checks.verdicts import CaseVerdict

AUGMENTATION, VISUALIZING, FOOLING = (
    "03_data_augmentation",
    "04_visualizing_cnn",
    "05_fooling_cnn",
)
ZEROS, SIGNED = "filled with zeros", "no absolute value"


def shown(sample: SampleClass) -> dict[str, tuple[pictures.Picture, ...]]:
    """Mistake -> its pictures."""
    everyone = standing.read(sample.folder, sample.course)
    mistakes = figures.gather(everyone).mistakes
    found = pictures.typical(sample.folder, sample.course, everyone.handed_in(), mistakes)
    return {mistake: row for (_, mistake), row in found.items()}


def pixels(picture: pictures.Picture) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(picture.data)))
    assert image.format == "PNG" and image.size == (picture.width, picture.height)
    return np.asarray(image.convert("RGB"))


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    """Two teams that shift alike, and one whose saliency has signs."""
    made = SampleClass(tmp_path)
    for team in ("team_1", "team_2"):
        wrong = packed(mistaken(AUGMENTATION, team, "shift", ZEROS))
        assert plant(made, team, AUGMENTATION, "shift", wrong).mistake == ZEROS
    wrong = packed(mistaken(VISUALIZING, "team_3", "saliency", SIGNED))
    assert plant(made, "team_3", VISUALIZING, "saliency", wrong).mistake == SIGNED
    return made


def test_a_frequent_mistake_stands_beside_what_is_right(sample: SampleClass) -> None:
    given, handed, right = shown(sample)[ZEROS]
    assert [p.caption for p in (given, handed, right)] == ["given", "handed in", "right"]
    black = [(pixels(p) == 0).all(axis=-1).mean() for p in (given, handed, right)]
    assert black[0] == black[2] == 0 < 0.05 < black[1]  # a bar where the image left the frame


def test_a_map_is_drawn_in_colours_with_its_range(sample: SampleClass) -> None:
    given, handed, right = shown(sample)[SIGNED]
    assert handed.caption.startswith("handed in: −") and right.caption.startswith("right: ")
    assert "−" not in right.caption
    assert given.caption == "given" and given.width == pictures.SIDE
    assert not np.array_equal(pixels(handed), pixels(right))


def test_the_page_shows_them_and_names_nobody(sample: SampleClass) -> None:
    page = Page(report.write(sample.folder, sample.course).read_text(encoding="utf-8"))
    images = page.all("img")
    assert len(images) == 6
    for image in images:
        assert str(image["src"]).startswith("data:image/png;base64,")
        assert image["alt"] and "team" not in str(image["alt"])
        assert int(str(image["width"])) <= pictures.SIDE


def test_masks_that_stayed_behind_are_seen_on_the_images(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    cases = examination.cases_of(
        AUGMENTATION, "team_1", planted.SEED, "move_with_masks", Handed()
    ).cases
    moved = [np.roll(c.inputs["images"], (8, 8), (1, 2)) for c in cases]
    for images in moved:  # each image by another amount
        images[::2] = np.roll(images[::2], -4, axis=2)
    answer = packed([(images, c.inputs["masks"]) for images, c in zip(moved, cases, strict=True)])
    found = plant(sample, "team_1", AUGMENTATION, "move_with_masks", answer)
    assert found.mistake
    given, handed = shown(sample)[found.mistake]  # many answers are right, so none is shown
    assert pixels(handed).mean() < 0.7 * pixels(given).mean()


def test_answers_that_are_no_pictures_show_none(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    flipped = "the kernel is flipped: that is convolution, not cross-correlation"
    answer = packed(mistaken(CONV, "team_1", "conv2d_forward", flipped))
    assert plant(sample, "team_1", CONV, "conv2d_forward", answer).mistake == flipped
    assert shown(sample) == {}


def test_what_cannot_be_seen_is_not_shown(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    cut, wrapped = "cut off, not rounded", "256 wraps around to 0"
    for team, mistake in (("team_1", cut), ("team_2", wrapped)):
        answer = packed(mistaken(FOOLING, team, "to_8_bit", mistake))
        assert plant(sample, team, FOOLING, "to_8_bit", answer).mistake == mistake
    assert list(shown(sample)) == [wrapped]  # one step of 255 makes no difference to an eye


def test_of_several_cases_the_photograph_is_shown(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    answer = packed(mistaken(VISUALIZING, "team_1", "occlusion_map", "a black box"))
    plant(sample, "team_1", VISUALIZING, "occlusion_map", answer)
    given = pixels(shown(sample)["a black box"][0])
    cases = examination.cases_of(
        VISUALIZING, "team_1", planted.SEED, "occlusion_map", Handed()
    ).cases
    largest = max((case.inputs["image"] for case in cases), key=np.size)
    shape = np.asarray(Image.fromarray(given).resize(largest.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(shape / 255 - largest).max() < 0.01


def test_an_answer_to_other_questions_is_not_shown(sample: SampleClass) -> None:
    (sample.folder.root / "seed").write_text("another")
    assert ZEROS not in shown(sample)
    (sample.folder.root / "seed").unlink()
    assert shown(sample) == {}


HOSTILE = {
    "not a number": np.full((4, 32, 32, 3), np.nan),
    "infinite": np.full((32, 32), np.inf),
    "too large": np.zeros((2100, 2100), np.uint8),
    "long and thin": np.ones((2, 900)),
    "empty": np.zeros((0, 32, 32, 3)),
    "no rows": np.zeros((3, 0, 32)),
    "five axes": np.zeros((1, 2, 8, 8, 3)),
    "one axis": np.zeros(64),
    "complex": np.ones((8, 8), complex),
    "text": np.array([["a", "b"], ["c", "d"]]),
    "a list": [[0.0, 1.0], [1.0, 0.0]],
    "nested": {"with": {"with": [np.zeros((8, 8))]}},
    "nothing": None,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("check", ["shift", "move_with_masks"])
def test_hostile_arrays_show_none_and_break_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str, value: object
) -> None:
    """Even if a judge were led to call them by a name."""
    sample = SampleClass(tmp_path)
    plant(sample, "team_1", AUGMENTATION, check, packed([value, value]), ZEROS)
    verdict = CaseVerdict("case", 0.0, mistakes=(ZEROS,))
    monkeypatch.setattr(pictures, "compare_case", lambda *_: verdict)
    page = Page(report.write(sample.folder, sample.course).read_text(encoding="utf-8"))
    assert not page.all("img") and ZEROS in page.text


@pytest.mark.parametrize("value", [1e308, -1e308, 1e-320, 0.0])
def test_extreme_numbers_are_drawn_without_a_warning(value: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        values = np.array([[value, 0.0], [0.0, value]])
        picture = pictures._picture("heat_map", values, "handed in", True, 1.0)
    assert pixels(picture).shape == (pictures.SIDE, pictures.SIDE, 3)


@pytest.mark.parametrize("answer", [b"", b"PK\x03\x04", packed([])[:-9], b"\x80\x04N."])
def test_damaged_bytes_show_none(tmp_path: Path, answer: bytes) -> None:
    sample = SampleClass(tmp_path)
    plant(sample, "team_1", AUGMENTATION, "shift", answer, ZEROS)
    assert shown(sample) == {}
    report.write(sample.folder, sample.course)
