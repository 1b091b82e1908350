"""Judges of notebook 05 for exact arrays: where to start, pictures, saving, and targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grader.contract.judge import Depiction, Judge, Mistake, Question

SECTION = {
    1: "Exercise 05.1: a target",
    2: "Exercise 05.2: what has changed?",
    3: "Exercise 05.3: as little as possible",
    4: "Exercise 05.4: likely and unlikely targets",
}
"""Exercise -> its heading in the notebook."""


# -- where to start -------------------------------------------------------------------------------


def _draw_starts(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, classes, least in ((12, 4, 0.9), (20, 10, 0.8), (16, 6, 0.4), (12, 5, 0.75)):
        labels = rng.integers(0, classes, count)
        # sure and right, sure and wrong, unsure and right, in turn; nothing near the limit …
        unsure = rng.uniform(min(0.5, least - 0.1), least - 0.05, count)
        top = np.where(np.arange(count) % 3 == 2, unsure, 0.0)
        top = np.where(top == 0, rng.uniform(least + 0.005, 0.999, count), top)
        first = np.where(np.arange(count) % 3 == 1, (labels + 1) % classes, labels)
        if exact := least == 0.75:  # … but here, where numbers of any type are exact
            top[0] = least
        table = np.full((count, classes), 0.0)
        table[:] = ((1 - top) / (classes - 1))[:, None]
        table[np.arange(count), first] = top
        if least < 0.5:  # two classes may be as probable as that
            wrong = np.flatnonzero(first != labels)[::2]
            table[wrong] = 0.1 / (classes - 2)
            table[wrong, labels[wrong]] = least + 0.01
            table[wrong, first[wrong]] = 0.9 - least - 0.01
        order = rng.permutation(count)
        inputs = {"probabilities": table[order], "labels": labels[order], "least": least}
        label = f"{count} images, {classes} classes, at least {least}"
        yield Question(f"{label}, one of them exactly" if exact else label, inputs)


def _starts(probabilities: np.ndarray, labels: np.ndarray, least: float) -> np.ndarray:
    right = probabilities.argmax(axis=1) == labels
    return np.flatnonzero(right & (probabilities.max(axis=1) >= least))


def _by_probability(probabilities: np.ndarray, labels: np.ndarray, least: float) -> np.ndarray:
    found = _starts(probabilities, labels, least)
    return found[np.argsort(probabilities[found].max(axis=1))]


_STARTS_MISTAKES = {
    "more than `least` in place of at least": Mistake(
        lambda probabilities, labels, least: np.flatnonzero(
            (probabilities.argmax(axis=1) == labels) & (probabilities.max(axis=1) > least)
        ),
        "`least` itself is enough.",
    ),
    "sure, but not necessarily right": Mistake(
        lambda probabilities, labels, least: np.flatnonzero(probabilities.max(axis=1) >= least),
        "The likeliest class must be the label, too.",
    ),
    "right, but not necessarily sure": Mistake(
        lambda probabilities, labels, least: np.flatnonzero(probabilities.argmax(axis=1) == labels),
        "The highest probability must be at least `least`.",
    ),
    "the right class is probable enough, but another is likelier": Mistake(
        lambda probabilities, labels, least: np.flatnonzero(
            probabilities[np.arange(len(labels)), labels] >= least
        ),
        "Below a half, `least` may be reached by two classes: the likeliest must be the right one.",
    ),
    "in the order of their probabilities": Mistake(
        lambda probabilities, labels, least: _by_probability(probabilities, labels, least)[::-1],
        "In increasing order of their positions.",
    ),
    "in increasing order of their probabilities": Mistake(
        lambda probabilities, labels, least: _by_probability(probabilities, labels, least),
        "In increasing order of their positions.",
    ),
    "a mask in place of positions": Mistake(
        lambda probabilities, labels, least: (
            (probabilities.argmax(axis=1) == labels) & (probabilities.max(axis=1) >= least)
        ),
        "np.flatnonzero(mask) gives the positions.",
    ),
    "only one image": Mistake(
        lambda probabilities, labels, least: _starts(probabilities, labels, least)[0],
        "All of them are asked for.",
    ),
    "labels in place of positions": Mistake(
        lambda probabilities, labels, least: labels[_starts(probabilities, labels, least)],
        "Where do they stand in the list?",
    ),
    "wrongly classified images": Mistake(
        lambda probabilities, labels, least: np.flatnonzero(
            (probabilities.argmax(axis=1) != labels) & (probabilities.max(axis=1) >= least)
        ),
        "A net that is wrong already needs no fooling.",
    ),
}


# -- pictures of a difference ---------------------------------------------------------------------


def _draw_differences(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for what, shape, most in (
        ("small changes", (6, 8, 3), 4),
        ("changes up and down", (5, 5, 3), 30),
        ("large changes", (7, 4, 3), 255),
    ):
        image = rng.integers(0, 256, shape)
        change = rng.integers(-most, most + 1, shape)
        change[0, 0] = 0
        fooled = np.clip(image + change, 0, 255).astype(np.uint8)
        yield Question(what, {"image": image.astype(np.uint8), "fooled": fooled}, rtol=1e-5)


Pictures = tuple[np.ndarray, np.ndarray]


def _pictures(d: np.ndarray) -> Pictures:
    return np.clip(0.5 + d, 0, 1), np.clip(0.5 + 10 * d, 0, 1)


def _change(image: np.ndarray, fooled: np.ndarray) -> np.ndarray:
    return fooled / 255.0 - image / 255.0


def _scaled(image: np.ndarray, fooled: np.ndarray) -> Pictures:
    d = _change(image, fooled)
    return np.clip(0.5 + d, 0, 1), 0.5 + 0.5 * d / np.abs(d).max()


_DIFFERENCE_MISTAKES = {
    "differences of uint8 wrap around": Mistake(
        lambda image, fooled: _pictures((fooled - image).astype(np.uint8) / 255.0),
        "Turn both into floats before you subtract: 3 - 5 is 254 in uint8.",
    ),
    "the sign is reversed": Mistake(
        lambda image, fooled: _pictures(_change(fooled, image)),
        "fooled - image: what was added is bright.",
    ),
    "the grey of no change is magnified, too": Mistake(
        lambda image, fooled: (
            _pictures(_change(image, fooled))[0],
            np.clip(10 * (0.5 + _change(image, fooled)), 0, 1),
        ),
        "Magnify the difference, then add 0.5.",
    ),
    "magnified after clipping": Mistake(
        lambda image, fooled: (
            _pictures(_change(image, fooled))[0],
            0.5 + 10 * (np.clip(0.5 + _change(image, fooled), 0, 1) - 0.5),
        ),
        "Clip at the very end.",
    ),
    "without the grey of no change": Mistake(
        lambda image, fooled: tuple(np.clip(n * _change(image, fooled), 0, 1) for n in (1, 10)),
        "0.5 + difference: else what became darker can't be seen.",
    ),
    "absolute differences": Mistake(
        lambda image, fooled: _pictures(np.abs(_change(image, fooled))),
        "Darker and brighter should look different.",
    ),
    "absolute differences on black": Mistake(
        lambda image, fooled: tuple(
            np.clip(n * np.abs(_change(image, fooled)), 0, 1) for n in (1, 10)
        ),
        "0.5 + difference, with its sign: darker and brighter should look different.",
    ),
    "not clipped": Mistake(
        lambda image, fooled: (0.5 + _change(image, fooled), 0.5 + 10 * _change(image, fooled)),
        "np.clip(…, 0, 1)",
    ),
    "pixels in 0 … 255": Mistake(
        lambda image, fooled: tuple(255 * p for p in _pictures(_change(image, fooled))),
        "Both pictures are floats in 0 … 1.",
    ),
    "not divided by 255": Mistake(
        lambda image, fooled: _pictures(255 * _change(image, fooled)),
        "Divide both images by 255 first.",
    ),
    "magnified to fill the range, not ten times": Mistake(
        _scaled, "Ten times, always: only then can pictures be compared."
    ),
    "magnified a hundred times": Mistake(
        lambda image, fooled: (
            _pictures(_change(image, fooled))[0],
            np.clip(0.5 + 100 * _change(image, fooled), 0, 1),
        ),
        "Ten times.",
    ),
    "the two pictures are swapped": Mistake(
        lambda image, fooled: _pictures(_change(image, fooled))[::-1],
        "The plain difference comes first.",
    ),
}


# -- saving ---------------------------------------------------------------------------------------


def _draw_saving(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("pixels in 0 … 1", {"image": rng.uniform(0, 1, (6, 5, 3))})
    beyond = rng.uniform(-0.2, 1.2, (5, 6, 3))
    yield Question(
        "some pixels beyond black and white", {"image": beyond}, types={"output": "uint8"}
    )
    steps = rng.integers(1, 255, (4, 4, 3)) + rng.choice([-0.45, 0.45], (4, 4, 3))
    yield Question("just below and above a half", {"image": steps / 255})


def _saved(image: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


_SAVING_MISTAKES = {
    "cut off, not rounded": Mistake(
        lambda image: np.floor(255 * np.clip(image, 0, 1)),
        "astype(np.uint8) cuts off what stands behind the point: np.rint comes first.",
    ),
    "256 wraps around to 0": Mistake(
        lambda image: np.rint(255 * image).astype(np.int64).astype(np.uint8),
        "np.clip before .astype(np.uint8).",
    ),
    "cut off, and wrapped around": Mistake(
        lambda image: np.trunc(255 * image).astype(np.int64).astype(np.uint8),
        "np.clip and np.rint come before .astype(np.uint8).",
    ),
    "times 256": Mistake(
        lambda image: np.minimum(np.floor(256 * np.clip(image, 0, 1)), 255),
        "White, 1.0, is 255: the steps are 1/255.",
    ),
    "times 256, and rounded": Mistake(
        lambda image: np.clip(np.rint(256 * image), 0, 255),
        "White, 1.0, is 255: the steps are 1/255.",
    ),
    "rounded up": Mistake(
        lambda image: np.ceil(255 * np.clip(image, 0, 1)), "To the nearest step: np.rint."
    ),
    "rounded before it is multiplied": Mistake(
        lambda image: 255 * np.rint(np.clip(image, 0, 1)),
        "np.rint(255 * image): before that, only black and white are whole numbers.",
    ),
    "stretched from the darkest pixel to the brightest": Mistake(
        lambda image: np.rint(255 * (image - image.min()) / np.ptp(image)),
        "0 is black and 1 is white in every image: times 255.",
    ),
    "floats in 0 … 1": Mistake(
        lambda image: _saved(image) / 255.0, "The file holds whole numbers from 0 to 255."
    ),
    "not rounded": Mistake(
        lambda image: 255 * np.clip(image, 0, 1), "The file holds whole numbers: np.rint."
    ),
    "not clipped": Mistake(
        lambda image: np.rint(255 * image), "There is nothing below 0, and nothing above 255."
    ),
}


# -- targets --------------------------------------------------------------------------------------


def _draw_choices(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for classes in (5, 10, 30):
        powers = rng.permutation(np.geomspace(1, 1e-4, classes)) * rng.uniform(0.8, 1, classes)
        yield Question(f"{classes} classes", {"probabilities": powers / powers.sum()})


def _choices(probabilities: np.ndarray) -> np.ndarray:
    order = np.argsort(-probabilities)
    return np.array([order[1], order[-1]])


_CHOICE_MISTAKES = {
    "the likeliest class, which wins already": Mistake(
        lambda probabilities: np.argsort(-probabilities)[[0, -1]],
        "The second likeliest: the first is what the net sees now.",
    ),
    "likely and unlikely swapped": Mistake(
        lambda probabilities: _choices(probabilities)[::-1], "The likely one comes first."
    ),
    "the third likeliest in place of the second": Mistake(
        lambda probabilities: np.argsort(-probabilities)[[2, -1]],
        "order[-1] is the likeliest class, order[-2] the second.",
    ),
    "places in the order in place of classes": Mistake(
        lambda probabilities: np.argsort(np.argsort(probabilities))[[-2, 0]],
        "np.argsort once: order[k] is the class in place k.",
    ),
    "the last but one": Mistake(
        lambda probabilities: np.argsort(-probabilities)[[1, -2]],
        "The least likely class of all.",
    ),
    "probabilities in place of classes": Mistake(
        lambda probabilities: probabilities[_choices(probabilities)],
        "np.argsort gives the numbers of the classes.",
    ),
    "sorted in the other direction": Mistake(
        lambda probabilities: np.argsort(probabilities)[[1, -1]],
        "np.argsort goes upwards: the likeliest class is the last.",
    ),
}


JUDGES_ARRAYS = [
    Judge(
        "good_starts",
        _starts,
        _draw_starts,
        _STARTS_MISTAKES,
        section=SECTION[1],
    ),
    Judge(
        "difference_pictures",
        lambda image, fooled: _pictures(_change(image, fooled)),
        _draw_differences,
        _DIFFERENCE_MISTAKES,
        parts=("difference", "magnified"),
        section=SECTION[2],
        depicted=Depiction("fooled", lambda value: value[1]),
    ),
    Judge(
        "to_8_bit",
        _saved,
        _draw_saving,
        _SAVING_MISTAKES,
        section=SECTION[3],
        depicted=Depiction("image", white=255.0),
    ),
    Judge(
        "likely_and_unlikely",
        _choices,
        _draw_choices,
        _CHOICE_MISTAKES,
        section=SECTION[4],
    ),
]
"""Judges of what is told from photographs and probabilities."""
