"""Typical wrong pictures: what a submission handed back, beside what is right.

They are drawn here, from answers that were kept as plain arrays and from the cases that belong to
them.  No code of a student's runs, no text of theirs is shown, and nobody is named.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from grader.classroom.folder import ClassFolder
from grader.classroom.standing import Standing
from grader.config import Course
from grader.contract.judge import Depiction, Handed
from grader.contract.judges import judges_of
from grader.grading import stored
from grader.judging import examination
from grader.pages.report.figures import Mistake
from utils import codec
from utils.checks.cases import Case, CaseSet
from utils.checks.compare import compare_case
from utils.checks.verdicts import Reply

SIDE = 160
"""Pixels of a picture's longer side, about."""

_TRIED = 3  # submissions looked at for one mistake
_VISIBLE = 0.06  # of the way from black to white
_LARGEST, _MOST_PIXELS, _NARROWEST = 1024, 4_000_000, 1 / 8

_RISING = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_DIVERGING = ((84, 39, 136), (178, 171, 210), (247, 247, 247), (253, 184, 99), (179, 88, 6))


@dataclass(frozen=True)
class Picture:
    """One picture, ready to be shown."""

    caption: str
    alt: str
    data: str
    """Base64 of a PNG."""
    width: int
    height: int


def typical(
    folder: ClassFolder, course: Course, rows: Iterable[Standing], mistakes: Iterable[Mistake]
) -> dict[tuple[str, str], tuple[Picture, ...]]:
    """Pictures of mistakes, where there are any: (notebook, mistake) -> pictures, side by side.

    rows: the class.  Whatever is wrong with an answer costs its picture, and nothing else.
    """
    try:
        secret = (folder.root / "seed").read_text(encoding="utf-8").strip()
    except OSError:
        return {}
    rows = list(rows)
    found = {}
    for mistake in mistakes:
        for row, check in list(_made_by(rows, mistake))[:_TRIED]:
            try:
                pictures = _pictures(folder, course, secret, row, check, mistake)
            except Exception:  # answers are hostile input
                continue
            if pictures:
                found[mistake.notebook.name, mistake.mistake] = pictures
                break
    return found


def _made_by(rows: list[Standing], mistake: Mistake) -> Iterator[tuple[Standing, str]]:
    """Who made a mistake in a check whose answers are pictures, and in which check."""
    judges = judges_of(mistake.notebook.name)
    depicted = {name for name, judge in judges.items() if judge.depicted is not None}
    for row in rows:
        if row.notebook.name == mistake.notebook.name and row.result is not None:
            for check in row.result.checks:
                if check.mistake == mistake.mistake and check.name in depicted:
                    yield row, check.name


def _pictures(
    folder: ClassFolder, course: Course, secret: str, row: Standing, check: str, mistake: Mistake
) -> tuple[Picture, ...]:
    """What was asked, what was handed back, and what is right; () if it can't be shown."""
    name = mistake.notebook.name
    kept = stored.read(folder, row.team, name)
    answers = kept.answers.get(check, []) if kept is not None else []
    if not answers or row.result is None:
        return ()
    content = codec.unpack(answers[0])
    handed = Handed(net=course.notebooks[name].net)
    seed = examination.seed_of(secret, row.result.handed_in)
    cases = examination.cases_of(name, row.team, seed, check, handed)
    shown = [
        _side_by_side(name, check, cases, case, reply.get("value"))
        for case, reply in zip(cases.cases, content["replies"], strict=False)
        if mistake.mistake in compare_case(cases, case, Reply(reply.get("value"))).mistakes
    ]
    return max(shown, key=lambda found: found[0], default=(0, ()))[1]  # photographs say most


def _side_by_side(
    notebook: str, check: str, cases: CaseSet, case: Case, value: Any
) -> tuple[int, tuple[Picture, ...]]:
    """(pixels of the largest one, pictures); (0, ()) if there is nothing to see."""
    way = judges_of(notebook)[check].depicted
    if way is None:
        return 0, ()
    handed = _stack(way.chosen(value))
    if handed is None:
        return 0, ()
    right = None if cases.assess else _stack(case.expected.get(cases.parts[-1]))
    if right is not None and _look_alike(handed, right, way):
        return 0, ()  # another part of the answer is wrong, or it can't be seen
    before = _stack(case.inputs.get(way.before))
    number = _most_different(handed, right)
    panels: list[tuple[np.ndarray | None, str, bool, float]] = [
        (before, "given", False, 255.0 if _is_whole(case.inputs.get(way.before)) else 1.0),
        (handed, "handed in", way.amounts, way.white),
        (right, "right", way.amounts, way.white),
    ]
    shown = tuple(
        _picture(check, stack[min(number, len(stack) - 1)], what, amounts, white)
        for stack, what, amounts, white in panels
        if stack is not None
    )
    return max(stack[0].size for stack, *_ in panels if stack is not None), shown


def _look_alike(handed: np.ndarray, right: np.ndarray, way: Depiction) -> bool:
    if handed.shape != right.shape:
        return False
    if way.amounts:
        return bool(np.allclose(handed, right))
    seen, wanted = (np.clip(stack / way.white, 0, 1) for stack in (handed, right))
    return bool(np.abs(seen - wanted).max() < _VISIBLE)


def _is_whole(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8


def _stack(value: Any) -> np.ndarray | None:
    """Anything that can be looked at, as (N, H, W) or (N, H, W, 3) float64; otherwise None."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        return None
    if not 0 < value.size <= _MOST_PIXELS or value.ndim not in (2, 3, 4):
        return None
    colours = value.ndim > 2 and value.shape[-1] == 3
    if value.ndim - colours == 2:
        value = value[None]
    if value.ndim - colours != 3:
        return None
    height, width = value.shape[1:3]
    if not 2 <= min(height, width) <= max(height, width) <= _LARGEST:
        return None
    if min(height, width) < _NARROWEST * max(height, width):
        return None
    value = value.astype(np.float64)
    return value if np.isfinite(value).all() else None


def _most_different(handed: np.ndarray, right: np.ndarray | None) -> int:
    """Which picture of a stack shows best what is wrong."""
    if right is None or right.shape != handed.shape:
        return 0
    scale = max(np.abs(handed).max(), np.abs(right).max(), 1e-300)
    away = np.abs(handed / scale - right / scale)
    return int(away.reshape(len(away), -1).mean(axis=1).argmax())


def _picture(check: str, values: np.ndarray, what: str, amounts: bool, white: float) -> Picture:
    low, high = float(values.min()), float(values.max())
    caption = what
    if amounts or low < 0 or high > white:
        caption = f"{what}: {_number(low)} … {_number(high)}"
    colours = _in_colours(values, low, high) if amounts else _in_brightness(values / white)
    image = Image.fromarray(colours)
    times = SIDE / max(image.size)
    width, height = (max(1, round(times * side)) for side in image.size)
    how = Image.Resampling.NEAREST if times > 1 else Image.Resampling.BOX
    image = image.resize((width, height), how)
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    encoded = base64.b64encode(data.getvalue()).decode()
    return Picture(caption, f"{check}, {caption}", encoded, width, height)


def _number(value: float) -> str:
    return f"{value:.2g}".replace("-", "\N{MINUS SIGN}")


def _in_brightness(values: np.ndarray) -> np.ndarray:
    seen = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, axis=-1)


def _in_colours(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """From 0 or the lowest to the highest; where there are both signs, zero is white."""
    scale = max(abs(low), abs(high)) or 1.0
    values, low, high = values / scale, low / scale, high / scale
    if values.ndim == 3:  # three numbers in place of one: they mix as light does
        return _in_brightness(np.abs(values))
    if low < 0 < high:
        anchors, share = _DIVERGING, (values + 1) / 2
    else:
        anchors, share = _RISING, (values - min(low, 0.0)) / ((high - min(low, 0.0)) or 1.0)
    places = np.linspace(0, 1, len(anchors))
    table = np.array(anchors, np.float64)
    mixed = [np.interp(share, places, table[:, channel]) for channel in range(3)]
    return np.rint(np.stack(mixed, axis=-1)).astype(np.uint8)
