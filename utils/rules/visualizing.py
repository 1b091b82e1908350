"""Assess pictures: what a net says of an image that was made for it, and where a map points.

Like `utils.rules.training`, this looks at values alone and runs on both sides.  The net that is
asked is the pretrained one in a notebook, and in the grader a trusted one that no student's code
has touched (`utils.nets.opinions`): there no picture is evaluated in the process that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.kinds import described, numeric, shape_of
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.images import spectra
from utils.nets import opinions

WITHIN = 0.05
"""How far an activation may be from the desired one, as a fraction of that."""

CLEARLY = 0.9
"""The norm with a regulariser is so much of that without one, or less, as the exercise says."""
SURE = 0.9
"""Probability from which a picture shows its class."""

OUT_OF_RANGE = "pixels outside 0 … 1"
OTHER_CLASSES = "pictures of other classes"
DESCENT = "the class became unlikely: descent in place of ascent"
NO_BLUR = "rough as noise: not blurred"
NO_NOISE = "every picture begins the same way, not from noise"
NOT_MEANT = "only this net sees the class"
LIKE_PHOTOGRAPHS = "of their class no more than photographs are"
NOT_REACHED = "the desired activation is not reached"
TOO_FAR = "the activation is made as large as can be, not as desired"
SWAPPED = "another unit is driven: row and column are swapped"
WHOLE_MAP = "the mean of the whole map is driven, not the unit"
NOT_SMALLER = "the regulariser does not make the image smaller"
NOT_SMOOTHER = "the regularisers do not make the image smoother"
NOT_STEEPER = "the prior does not bring the slope nearer to that of natural images"
NO_CLASS = "the map is the same for every class"
BESIDE = "the map points beside the digit"
HIGH_IS_LOW = "the map is upside down: what matters most is lowest"

HINTS = {
    OUT_OF_RANGE: "Cut off after each step: np.clip(x, -0.5, 0.5), and return 0.5 + x.",
    OTHER_CLASSES: "classes[n] is for picture n: tf.gather(scores, classes, batch_dims=1).",
    DESCENT: "To climb, add the gradient.",
    NO_BLUR: "Blur every few steps; and not right at the end, or details that count are lost.",
    NO_NOISE: "np.random.default_rng(seed).normal(…): other noise for each picture.",
    LIKE_PHOTOGRAPHS: "Climb from noise, with more steps, and without blur in the last ones.",
    NOT_MEANT: "Larger blur and more weight on the norm make what other nets see, too.",
    NOT_REACHED: "More steps, or smaller ones towards the end; and is the regulariser weak enough?",
    TOO_FAR: "The desired value is a goal: reduce the square of its distance, (a − value)².",
    SWAPPED: "unit is (row, column, channel): out[0, row, column, channel].",
    WHOLE_MAP: "unit is one place in one map: tf.gather_nd(out[0], [unit]).",
    NOT_SMALLER: "With strength 0 there is no penalty; with 1, λ · sum(x²) shall count.",
    NOT_SMOOTHER: "Blur every few steps, and drop what is small.",
    NOT_STEEPER: "Is the gradient of the penalty subtracted?  Is its share large enough?",
    NO_CLASS: "The gradient of which score?  That of the class that was asked for.",
    BESIDE: "Does each map belong to its own image?  Are rows and columns where they should be?",
    HIGH_IS_LOW: "Large where the score falls: before − after.",
}
"""What to think about next, for each mistake named here."""


def _unavailable(case: Case) -> CaseVerdict | None:
    told = case.expected.get("unavailable")
    return CaseVerdict(case.label, 0.0, Told(str(told))) if told else None


def _verdict(
    case: Case, parts: list[PartVerdict], shares: list[float] | None = None
) -> CaseVerdict:
    """One case from its parts: the mean of the shares, which are 0 or 1 where not given."""
    score = None if shares is None else float(np.mean(shares))
    return of_parts(case.label, parts, score, remarks=True)


def picture(value: Any, shape: tuple[int, ...], what: str = "the picture") -> np.ndarray:
    """A picture, or a stack of them, as floats in [0, 1].

    Raises ValueError, worded for the student, for another shape, for values that are not finite
    and for values outside the range.
    """
    if value is None:
        raise ValueError("your function returned None; is the return statement missing?")
    array = numeric(value, f"{what}, an array of shape {shape}")
    if array.shape != shape:
        raise ValueError(f"{what} {shape_of(array)}, expected {shape}")
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has values that are NaN or infinite")
    if array.size and (array.min() < -1e-3 or array.max() > 1 + 1e-3):
        low, high = float(array.min()), float(array.max())
        raise OutOfRange(f"{what} has values from {low:.3g} to {high:.3g}; pixels are 0 … 1")
    return np.clip(array, 0, 1)


class OutOfRange(ValueError):
    """A picture whose values are no pixels."""


def roughness(images: np.ndarray) -> np.ndarray:
    """Mean difference of neighbours over the standard deviation, (N,): 1.1 for white noise."""
    across = np.abs(np.diff(images, axis=2)).mean(axis=(1, 2, 3))
    down = np.abs(np.diff(images, axis=1)).mean(axis=(1, 2, 3))
    return (across + down) / 2 / np.maximum(images.std(axis=(1, 2, 3)), 1e-6)


# -- classes --------------------------------------------------------------------------------------


def class_pictures(case: Case, answer: Any) -> CaseVerdict:
    """Pictures of classes: does the net see them, does another, are they smooth, from noise?

    The last class asked for is the first one again.  expected: second, another net or ""; size of
    the pictures; smooth, the largest roughness that counts as blurred; score, a mean score of their
    classes that no photographs have, or per_norm, as much for each unit of ‖x‖, and the score
    `faint` at least.  Pictures that stay below both earn nothing: nothing was climbed.
    """
    if missing := _unavailable(case):
        return missing
    facts = case.expected
    classes = np.asarray(case.inputs["classes"])
    net = opinions.of(case.inputs["net"])
    size = int(facts["size"])
    try:
        images = picture(answer, (len(classes), size, size, 3), "the stack of pictures")
    except OutOfRange as error:
        return CaseVerdict(case.label, 0.0, Told(str(error)), mistakes=(OUT_OF_RANGE,))
    parts, shares = [], []
    scores = net.logits(images)
    part, share = _seen(scores, net.probabilities(images), classes)
    parts.append(part)
    shares.append(share)
    second = facts["second"]
    others = second.probabilities(images) if second else None
    if others is None:  # no second net: the same one, on pictures moved by a few pixels
        move = max(1, size // 75)
        others = net.probabilities(np.roll(images, (move, -move), axis=(1, 2)))
        what, enough = "moved a little", 0.6
    else:
        what, enough = "a second net", 0.6
    share = float(np.mean(others.argmax(axis=1) == classes))
    told = f"recognises {round(share * len(classes))} of {len(classes)}"
    parts.append(PartVerdict(what, share >= enough, Told(told), mistakes=(NOT_MEANT,)))
    shares.append(float(np.clip(share / enough, 0, 1)))
    rough = float(roughness(images).mean())
    smooth = rough <= float(facts["smooth"])
    told = f"roughness {rough:.2f}, expected at most {facts['smooth']:.2f} (white noise has 1.1)"
    parts.append(PartVerdict("smooth", smooth, Told(told), mistakes=(NO_BLUR,)))
    shares.append(float(smooth))
    differ = float(np.abs(images[0] - images[-1]).mean())
    told = f"two pictures of one class differ by {differ:.3f}"
    parts.append(PartVerdict("from noise", differ > 0.005, Told(told), mistakes=(NO_NOISE,)))
    shares.append(float(differ > 0.005))
    if shares[0] == 0:  # blurred pictures of nothing are worth nothing
        return CaseVerdict(case.label, 0.0, parts[0].told, mistakes=parts[0].mistakes)
    if told := _like_photographs(images, scores[np.arange(len(classes)), classes], facts):
        return CaseVerdict(case.label, 0.0, Told(told), mistakes=(LIKE_PHOTOGRAPHS,))
    weights = np.array([0.4, 0.3, 0.15, 0.15])
    return of_parts(case.label, parts, float(weights @ shares), remarks=True)


def _seen(scores: np.ndarray, table: np.ndarray, classes: np.ndarray) -> tuple[PartVerdict, float]:
    """How many pictures the net takes for their class, with a high probability."""
    likely = table[np.arange(len(classes)), classes]
    share = float(np.mean(likely >= SURE))
    told = f"{round(share * len(classes))} of {len(classes)} with a probability of {SURE} or more"
    mistakes: tuple[str, ...] = ()
    if share < 0.5:
        least = scores.argmin(axis=1) == classes
        sure = table.max(axis=1) >= SURE
        if least.mean() > 0.5:
            mistakes = (DESCENT,)
        elif np.mean(sure & (table.argmax(axis=1) != classes)) > 0.5:
            mistakes = (OTHER_CLASSES,)
    return PartVerdict("the net", share >= 0.8, Told(told), mistakes=mistakes), min(
        1.0, share / 0.8
    )


def _like_photographs(images: np.ndarray, scores: np.ndarray, facts: Mapping[str, Any]) -> str:
    """What is to be told of pictures with scores that photographs have, too; "" of others."""
    norms = np.maximum(np.linalg.norm((images - 0.5).reshape(len(images), -1), axis=1), 1e-6)
    score, per_norm = float(scores.mean()), float((scores / norms).mean())
    faint = per_norm >= float(facts["per_norm"]) and score >= float(facts["faint"])
    if score >= float(facts["score"]) or faint:
        return ""
    wanted = f"{facts['score']:.0f}, or {facts['per_norm']:.1f} times ‖x‖ and at least"
    got = f"scores of {score:.0f}, {per_norm:.1f} times ‖x‖, as photographs have them"
    return f"{got}; expected {wanted} {facts['faint']:.0f}"


# -- units ----------------------------------------------------------------------------------------


def _pair(case: Case, answer: Any) -> tuple[np.ndarray, np.ndarray]:
    """The pictures made with and without the regulariser."""
    if not isinstance(answer, dict) or not {"with", "without"} <= set(answer):
        raise ValueError("expected visualizing.with_and_without(…); the check cell was changed")
    shape = np.shape(case.inputs["start"])
    return (
        picture(answer["with"], shape, "the picture with the regulariser"),
        picture(answer["without"], shape, "the picture without"),
    )


def _reached(case: Case, images: list[np.ndarray]) -> list[PartVerdict]:
    """Are the activations of both pictures as desired?"""
    asked = case.inputs
    unit, value = tuple(int(i) for i in asked["unit"]), float(asked["value"])
    maps = opinions.of(asked["net"]).units(np.stack(images), str(asked["layer"]))
    parts = []
    for name, found in zip(("with", "without"), maps, strict=True):
        got = float(found[unit])
        ok = abs(got - value) <= WITHIN * abs(value)
        told = f"activation {got:.3f}, desired {value:.3f}"
        named = () if ok else _missed(found, unit, value, got)
        parts.append(PartVerdict(name, ok, Told(told), mistakes=named))
    return parts


def _missed(found: np.ndarray, unit: tuple[int, ...], value: float, got: float) -> tuple[str, ...]:
    near = WITHIN * abs(value)
    if len(unit) == 3 and found.shape[:2] != (1, 1):
        row, column, channel = unit
        turned = found[..., channel][column : column + 1, row : row + 1]
        if row != column and turned.size and abs(float(turned[0, 0]) - value) <= near:
            return (SWAPPED,)
        if abs(float(found[..., channel].mean()) - value) <= near:
            return (WHOLE_MAP,)
    if got / value > 1.5:
        return (TOO_FAR,)
    return (NOT_REACHED,)


def driven_unit(case: Case, answer: Any) -> CaseVerdict:
    """Pictures that give a unit the desired activation, and the smaller one of them.

    answer: what `visualizing.with_and_without` hands back.  expected: most, the norm of the
    start, where the value needs far less.
    """
    if missing := _unavailable(case):
        return missing
    try:
        small, plain = _pair(case, answer)
    except OutOfRange as error:
        return CaseVerdict(case.label, 0.0, Told(str(error)), mistakes=(OUT_OF_RANGE,))
    parts = _reached(case, [small, plain])
    norms = [float(np.linalg.norm(image - 0.5)) for image in (small, plain)]
    most = CLEARLY * norms[1]
    most = min(most, float(case.expected.get("most", most)))
    told = f"norm {norms[0]:.2f} with, {norms[1]:.2f} without"
    ok = norms[0] <= most
    named = (NOT_SMALLER,) * (parts[0].ok and parts[1].ok)  # else it shows something else
    parts.append(PartVerdict("smaller", ok, Told(told), mistakes=named))
    shares = [0.4 * parts[0].ok, 0.1 * parts[1].ok, 0.5 * (ok and parts[0].ok)]
    return _verdict(case, parts, [3 * s for s in shares])


def driven_smoothly(case: Case, answer: Any) -> CaseVerdict:
    """Pictures that give a unit the desired activation; with stronger regularisers it is smoother.

    answer: as for `driven_unit`.
    """
    if missing := _unavailable(case):
        return missing
    try:
        strong, plain = _pair(case, answer)
    except OutOfRange as error:
        return CaseVerdict(case.label, 0.0, Told(str(error)), mistakes=(OUT_OF_RANGE,))
    parts = _reached(case, [strong, plain])
    rough = roughness(np.stack([strong, plain]))
    ok = bool(rough[0] <= 0.8 * rough[1])
    told = f"roughness {rough[0]:.2f} with, {rough[1]:.2f} without"
    parts.append(PartVerdict("smoother", ok, Told(told), mistakes=(NOT_SMOOTHER,) * parts[0].ok))
    shares = [0.5 * parts[0].ok, 0.1 * parts[1].ok, 0.4 * (ok and parts[0].ok)]
    return _verdict(case, parts, [3 * s for s in shares])


def driven_naturally(case: Case, answer: Any) -> CaseVerdict:
    """Pictures that give a class the desired score; with the prior the spectrum falls off as 1/f.

    answer: as for `driven_unit`.
    """
    if missing := _unavailable(case):
        return missing
    try:
        natural, plain = _pair(case, answer)
    except OutOfRange as error:
        return CaseVerdict(case.label, 0.0, Told(str(error)), mistakes=(OUT_OF_RANGE,))
    parts = _reached(case, [natural, plain])
    slopes = spectra.slope(spectra.reduced(np.stack([natural, plain])))
    far = np.abs(slopes + 1)
    ok = bool(far[0] <= 0.25 and far[0] < far[1])
    told = f"slope {slopes[0]:.2f} with, {slopes[1]:.2f} without; natural images have about -1"
    parts.append(PartVerdict("slope", ok, Told(told), mistakes=(NOT_STEEPER,) * parts[0].ok))
    shares = [0.4 * parts[0].ok, 0.1 * parts[1].ok, 0.5 * (ok and parts[0].ok)]
    return _verdict(case, parts, [3 * s for s in shares])


# -- where maps point -----------------------------------------------------------------------------


def points_at_masks(case: Case, answer: Any) -> CaseVerdict:
    """Maps of photographs, first for one class each, then for another: where do they point?

    expected: masks (N, S, S) of the N photographs; hits, the least share of maxima inside them;
    gain, how much more of the map must lie inside than if it were the same everywhere; maps, those
    of the net itself, and like, the least correlation with them: a map that has nothing to do with
    the net earns nothing, wherever it points.
    """
    masks = np.asarray(case.expected["masks"])
    count = len(masks)
    maps = numeric(answer, f"maps of shape {(2 * count, *masks.shape[1:])}")
    if maps.shape != (2 * count, *masks.shape[1:]):
        raise ValueError(
            f"expected maps of shape {(2 * count, *masks.shape[1:])}, got {described(maps)}"
        )
    if not np.isfinite(maps).all():
        raise ValueError("maps have values that are NaN or infinite")
    maps = np.maximum(maps.astype(np.float64), 0)
    inside = masks.reshape(count, -1)
    best = maps[:count].reshape(count, -1).argmax(axis=1)
    hits = float(inside[np.arange(count), best].mean())
    totals = np.maximum(maps[:count].sum(axis=(1, 2)), 1e-12)
    mass = (maps[:count] * masks).sum(axis=(1, 2)) / totals
    gain = float(np.mean(mass / masks.mean(axis=(1, 2))))
    alike = float(np.mean([_alike(a, b) for a, b in zip(maps[:count], maps[count:], strict=True)]))
    wanted, least = float(case.expected["hits"]), float(case.expected["gain"])
    parts = [
        PartVerdict(
            "maximum on the digit",
            hits >= wanted,
            Told(f"in {100 * hits:.0f} % of the maps, expected {100 * wanted:.0f} % or more"),
            mistakes=(BESIDE,),
        ),
        PartVerdict(
            "most of the map on the digit",
            gain >= least,
            Told(f"{gain:.2f} times what chance would give, expected {least:g} or more"),
            mistakes=(BESIDE,),
        ),
        PartVerdict(
            "another class, another map",
            alike < 0.93,
            Told(f"correlation {alike:.2f}, expected below 0.93"),
            mistakes=(NO_CLASS,),
        ),
    ]
    pairs = zip(maps, np.asarray(case.expected["maps"], np.float64), strict=True)
    like = float(np.mean([_alike(a, b) if a.std() else 0.0 for a, b in pairs]))
    parts.append(_asked_the_net(like, float(case.expected["like"])))
    return _verdict(case, parts, None if parts[-1].ok else [0.0])


def _asked_the_net(like: float, least: float) -> PartVerdict:
    told = f"correlation {like:.2f} with what the net answers, expected {least:g} or more"
    return PartVerdict("what the net says", like >= least, Told(told))


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two maps; 1 for maps without any variation."""
    if a.std() < 1e-12 or b.std() < 1e-12:
        return 1.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


NO_GRADIENT = "does not reach the images"


def penalty_and_gradient(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """A penalty of grey images (N, s, s), and its gradient, or in words that none reaches them.

    For some it is nearly zero: those that fall off as they should are where the penalty is lowest.
    """
    if not isinstance(answer, dict) or set(answer) != {"penalty", "gradient"}:
        raise ValueError(
            "expected visualizing.with_gradient(spectrum_penalty); the check cell was changed"
        )
    if answer["penalty"] is None:
        raise ValueError("your function returned None; is the return statement missing?")
    gradient = np.asarray(answer["gradient"])
    shape = np.shape(inputs["greys"])
    flows = gradient.shape == shape and gradient.dtype.kind == "f"
    flows = flows and bool(np.isfinite(gradient).all() and gradient.any())
    return {"penalty": answer["penalty"], "gradient": gradient if flows else NO_GRADIENT}


def boxes_on_mask(case: Case, answer: Any) -> CaseVerdict:
    """A map of what covering changed: are the boxes that matter those on the digit?

    expected: mask (S, S), box, stride; gain and like as for `points_at_masks`; map, the net's own.
    """
    mask = np.asarray(case.expected["mask"])
    box, stride = int(case.expected["box"]), int(case.expected["stride"])
    count = (len(mask) - box) // stride + 1
    changes = numeric(answer, f"a map of shape {(count, count)}")
    if changes.shape != (count, count):
        raise ValueError(f"expected a map of shape {(count, count)}, got {described(changes)}")
    if not np.isfinite(changes).all():
        raise ValueError("the map has values that are NaN or infinite")
    least = float(case.expected["gain"])
    hit, gain = box_gain(changes, mask, box, stride)
    middle = (float(changes.max()) + float(changes.min())) / 2
    # most boxes change little: where most values are high, what is high is what changes nothing
    upside_down = float(np.median(changes)) > middle
    named = (HIGH_IS_LOW,) if upside_down else (BESIDE,)
    parts = [
        PartVerdict(
            "the box that matters most", hit, Told("lies beside the digit"), mistakes=named
        ),
        PartVerdict(
            "most of the map on the digit",
            gain >= least,
            Told(f"{gain:.2f} times what chance would give, expected {least:g} or more"),
            mistakes=named,
        ),
    ]
    parts[0] = PartVerdict(parts[0].part, hit, Told() if hit else parts[0].told, mistakes=named)
    own = np.asarray(case.expected["map"], np.float64)
    like = _alike(changes.astype(np.float64), own) if changes.std() else 0.0
    parts.append(_asked_the_net(like, float(case.expected["like"])))
    return _verdict(case, parts, None if parts[-1].ok else [0.0])


def box_gain(changes: np.ndarray, mask: np.ndarray, box: int, stride: int) -> tuple[bool, float]:
    """Does the box of the largest change cover more than the average share of the mask, and how
    much more of the mask than that lies under all boxes, weighted by their changes?"""
    windows = np.lib.stride_tricks.sliding_window_view(mask, (box, box))[::stride, ::stride]
    share = windows.mean(axis=(2, 3))
    positive = np.maximum(np.asarray(changes, np.float64), 0)
    average = max(float(share.mean()), 1e-9)
    best = np.unravel_index(int(positive.argmax()), positive.shape)
    total = positive.sum()
    if total <= 0:
        return False, 0.0
    return bool(share[best] > average), float((positive * share).sum() / total / average)
