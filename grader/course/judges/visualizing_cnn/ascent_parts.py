"""Judges of notebook 04 for the parts of an ascent: objective, blur, clipping, and a 1/f prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from grader.contract.judge import Depiction, Judge, Mistake, Question
from utils.images import photo_digits, spectra
from utils.rules.visualizing import NO_GRADIENT, penalty_and_gradient

from ...nets.base import softmax
from . import draws

_CLASSES = "Exercise 04.4: what a class looks like"
_STRONGER = "Exercise 04.6: stronger regularisers"
_NATURAL = "Exercise 04.7: natural images"


# -- objective ------------------------------------------------------------------------------------


def _draw_objectives(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for make, size, weight, range_, what in (
        (draws.linear, 6, 0.3, "unit", "weighted sums, λ = 0.3"),
        (draws.mlp, 5, 0.05, "signed", "a hidden layer, λ = 0.05"),
        (draws.mlp, 6, 0.0, "unit", "a hidden layer, λ = 0"),
        (draws.linear, 5, 2.0, "signed", "weighted sums, λ = 2"),
    ):
        net = make(rng, size, range=range_)
        x = rng.uniform(-0.5, 0.5, (3, size, size, 3)).astype(np.float32)
        classes = rng.permutation(5)[:3]
        inputs = {"net": net, "x": x, "classes": classes, "weight": weight}
        yield Question(what, inputs, 1e-4)


Pair = tuple[np.ndarray, np.ndarray]


def _scores(net: Any, images: np.ndarray, classes: np.ndarray) -> Pair:
    asked = draws.ask(net)
    chosen = np.eye(asked.classes, dtype=np.float32)[classes]
    return (asked.logits(images) * chosen).sum(axis=1), asked.gradient(images, chosen)


def _objective(
    net: Any, x: np.ndarray, classes: np.ndarray, weight: float,
    scale: float = 1.0, sign: float = 1.0, grey: float = 0.5,
) -> Pair:  # fmt: skip
    score, slope = _scores(net, x + np.float32(grey), classes)
    weight = weight * scale
    return sign * (score - weight * (x**2).sum(axis=(1, 2, 3))), sign * (slope - 2 * weight * x)


def _with(**changes: float) -> Callable[..., Pair]:
    return lambda net, x, classes, weight: _objective(net, x, classes, weight, **changes)


def _mean_square(net: Any, x: np.ndarray, classes: np.ndarray, weight: float) -> Pair:
    return _objective(net, x, classes, weight / x[0].size)


def _over_all(net: Any, x: np.ndarray, classes: np.ndarray, weight: float) -> Pair:
    """The penalty of all images together is taken off each score."""
    score, slope = _scores(net, x + np.float32(0.5), classes)
    return score - weight * (x**2).sum(), slope - 2 * weight * len(x) * x


def _together(net: Any, x: np.ndarray, classes: np.ndarray, weight: float) -> Pair:
    """One objective for all images; its gradient is the right one."""
    value, slope = _objective(net, x, classes, weight)
    return value.sum(), slope


def _unsquared(net: Any, x: np.ndarray, classes: np.ndarray, weight: float) -> Pair:
    score, slope = _scores(net, x + np.float32(0.5), classes)
    norm = np.sqrt((x**2).sum(axis=(1, 2, 3)))
    return score - weight * norm, slope - weight * x / norm[:, None, None, None]


def _of_image(net: Any, x: np.ndarray, classes: np.ndarray, weight: float) -> Pair:
    """The norm of the image itself, in place of that of its distance from grey."""
    image = x + np.float32(0.5)
    score, slope = _scores(net, image, classes)
    return score - weight * (image**2).sum(axis=(1, 2, 3)), slope - 2 * weight * image


def _likely(net: Any, x: np.ndarray, classes: np.ndarray, weight: float, log: bool) -> Pair:
    asked, image = draws.ask(net), x + np.float32(0.5)
    chosen = np.eye(asked.classes, dtype=np.float32)[classes]
    table = softmax(asked.logits(image))
    p = (table * chosen).sum(axis=1)
    slope = asked.gradient(image, (chosen - table) * (1 if log else p[:, None]))
    value = np.log(p) if log else p
    return value - weight * (x**2).sum(axis=(1, 2, 3)), slope - 2 * weight * x


def _torn(net: Any, x: np.ndarray, classes: np.ndarray, weight: float) -> Pair:
    """The right value, but the gradient of the score alone."""
    return _objective(net, x, classes, weight)[0], _scores(net, x + np.float32(0.5), classes)[1]


_LESS = "Large images shall cost: score − λ · sum(x²)."
_OBJECTIVE_MISTAKES = {
    "the penalty is added, not subtracted": Mistake(_with(scale=-1.0), _LESS),
    "the gradient of the score alone": Mistake(
        _torn, "tape.gradient(objective, x), of the whole objective.", core=True
    ),
    "no penalty": Mistake(_with(scale=0.0), _LESS),
    "the mean of the squares in place of their sum": Mistake(
        _mean_square, "‖x‖² is the sum of the squares: tf.reduce_sum."
    ),
    "the squares of all images in each penalty": Mistake(
        _over_all, "Each image pays for itself: sum over its axes, (1, 2, 3), alone."
    ),
    "one objective for all images": Mistake(
        _together, "One number for each image: sum over its axes alone; the tape adds up by itself."
    ),
    "the norm in place of its square": Mistake(_unsquared, "‖x‖² has no root."),
    "half the penalty": Mistake(_with(scale=0.5), "λ · sum(x²), without a factor."),
    "the image's norm in place of its distance from grey": Mistake(
        _of_image, "x is 0 where the image is grey; the image is 0.5 + x."
    ),
    "x given to the net, not 0.5 + x": Mistake(
        _with(grey=0.0), "The net is to see the image, which is 0.5 + x."
    ),
    "the probability in place of the score": Mistake(
        lambda net, x, classes, weight: _likely(net, x, classes, weight, False),
        "Scores, that is, before softmax: net.logits.",
    ),
    "the cross-entropy in place of the score": Mistake(
        lambda net, x, classes, weight: _likely(net, x, classes, weight, True),
        "Scores, that is, before softmax: net.logits.",
    ),
    "the sign is reversed: that is a loss": Mistake(
        _with(sign=-1.0), "The objective is to become large: this is ascent."
    ),
}


# -- blur -----------------------------------------------------------------------------------------

_CALM = 6  # pixels at the border that are all alike, so that what lies beyond makes no difference


def _draw_blurs(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, inner, sigma in ((2, 6, 1.0), (1, 8, 0.7), (2, 4, 1.5)):
        level = rng.uniform(0.2, 0.4, (count, 1, 1, 3))
        size = inner + 2 * _CALM
        images = np.broadcast_to(level, (count, size, size, 3)).copy()
        middle = slice(_CALM, -_CALM)
        images[:, middle, middle] += rng.uniform(0, 0.5, (count, inner, inner, 3))
        inputs = {"images": images.astype(np.float32), "sigma": sigma}
        yield Question(f"{count} images, σ = {sigma:g}", inputs, 0.02)
    images = rng.uniform(0, 1, (2, 9, 11, 3)).astype(np.float32)
    yield Question("up to the border", {"images": images, "sigma": 0.9}, 0.02)


def _blur(
    images: np.ndarray, sigma: float, axes: tuple[int, ...] = (1, 2), mode: Any = "edge"
) -> np.ndarray:
    out = np.asarray(images, np.float64)
    reach = int(4 * sigma + 0.5)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    bell /= bell.sum()
    for axis in axes:
        sides = [(reach, reach) if a == axis else (0, 0) for a in range(out.ndim)]
        out = np.pad(out, sides, mode=mode)
        out = np.apply_along_axis(np.convolve, axis, out, bell, "valid")
    return out.astype(np.float32)


def _box(images: np.ndarray, sigma: float) -> np.ndarray:
    """A box of the same width in place of the bell."""
    reach = max(1, round(sigma * np.sqrt(3)))
    out = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(out, (2 * reach + 1,) * 2, axis=(1, 2))
    return windows.mean(axis=(-2, -1))


_BLUR_MISTAKES = {
    "blurred across the colours, too": Mistake(
        lambda images, sigma: _blur(images, sigma, (1, 2, 3)),
        "Only along height and width: sigma=(0, σ, σ, 0) for images (N, H, W, 3).",
    ),
    "blurred across colours and images, too": Mistake(
        lambda images, sigma: _blur(images, sigma, (0, 1, 2, 3)),
        "Only along height and width: sigma=(0, σ, σ, 0) for images (N, H, W, 3).",
    ),
    "blurred across the images, too": Mistake(
        lambda images, sigma: _blur(images, sigma, (0, 1, 2)),
        "Only along height and width: sigma=(0, σ, σ, 0) for images (N, H, W, 3).",
    ),
    "zeros beyond the border darken it": Mistake(
        lambda images, sigma: _blur(images, sigma, mode="constant"),
        'Let the border go on beyond itself: np.pad(…, mode="edge"), or mode="nearest".',
    ),
    "the border mirrored, not repeated": Mistake(
        lambda images, sigma: _blur(images, sigma, mode="symmetric"),
        'Beyond the border the outermost pixel goes on: mode="nearest", or np.pad(…, mode="edge").',
    ),
    "what lies beyond comes from the other side": Mistake(
        lambda images, sigma: _blur(images, sigma, mode="wrap"),
        'Beyond the border the outermost pixel goes on: mode="nearest", or np.pad(…, mode="edge").',
    ),
    "along one direction only": Mistake(
        lambda images, sigma: _blur(images, sigma, (1,)), "Along height and along width."
    ),
    "along the width only": Mistake(
        lambda images, sigma: _blur(images, sigma, (2,)), "Along height and along width."
    ),
    "the variance taken for σ": Mistake(
        lambda images, sigma: _blur(images, np.sqrt(sigma)), "σ is the standard deviation."
    ),
    "σ taken for the variance": Mistake(
        lambda images, sigma: _blur(images, sigma**2), "exp(-d² / (2σ²)) at distance d."
    ),
    "a box in place of a bell": Mistake(_box, "Weights fall off as exp(-d² / (2σ²))."),
    "not blurred at all": Mistake(lambda images, sigma: images, "What comes back is as it was."),
}


# -- clipping -------------------------------------------------------------------------------------


def _draw_small(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for size, share in ((8, 0.25), (10, 0.5), (6, 0.75)):
        x = rng.normal(0, 0.2, (size, size, 3)).astype(np.float32)
        yield Question(f"{size}×{size}, {100 * share:g} %", {"x": x, "share": share})


def _draw_contributions(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for question in _draw_small(rng, variant):
        x = question.inputs["x"]
        gradient = rng.normal(0, 1, x.shape).astype(np.float32)
        inputs = {"x": x, "gradient": gradient, "share": question.inputs["share"]}
        yield Question(question.label, inputs)


def _without(x: np.ndarray, size: np.ndarray, share: float, largest: bool = False) -> np.ndarray:
    """x, with zeros at a share of pixels: those of smallest (or largest) size."""
    size = -size if largest else size
    return np.where((size < np.quantile(size, share))[..., None], 0, x)


def _norm(x: np.ndarray) -> np.ndarray:
    return np.sqrt((x.astype(np.float64) ** 2).sum(axis=-1))


def _effect(x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    return np.abs((x.astype(np.float64) * gradient).sum(axis=-1))


_SMALL_MISTAKES = {
    "each colour by itself": Mistake(
        lambda x, share: np.where(np.abs(x) < np.quantile(np.abs(x), share), 0, x),
        "A pixel has one norm, over its three colours, and goes as a whole.",
    ),
    "the largest in place of the smallest": Mistake(
        lambda x, share: _without(x, _norm(x), share, True), "Small pixels go, large ones stay."
    ),
    "the wrong share": Mistake(
        lambda x, share: _without(x, _norm(x), 1 - share), "`share` is what goes."
    ),
    "the sum in place of the norm": Mistake(
        lambda x, share: _without(x, x.sum(axis=-1), share), "√(r² + g² + b²)."
    ),
    "absolute value of the sum in place of the norm": Mistake(
        lambda x, share: _without(x, np.abs(x.sum(axis=-1)), share), "√(r² + g² + b²)."
    ),
    "a share of the largest norm taken for the threshold": Mistake(
        lambda x, share: np.where((_norm(x) < share * _norm(x).max())[..., None], 0, x),
        "np.quantile(norms, share) is the norm below which that share lies.",
    ),
    "the share taken for a threshold": Mistake(
        lambda x, share: np.where((_norm(x) < share)[..., None], 0, x),
        "np.quantile(norms, share) is the norm below which that share lies.",
    ),
}

_CONTRIBUTION_MISTAKES = {
    "the gradient alone": Mistake(
        lambda x, gradient, share: _without(x, _norm(gradient), share),
        "What setting a pixel to zero would change: pixel times gradient.",
    ),
    "the gradient alone, its colours added up": Mistake(
        lambda x, gradient, share: _without(x, np.abs(gradient.sum(axis=-1)), share),
        "What setting a pixel to zero would change: pixel times gradient.",
    ),
    "the length of the products in place of their sum": Mistake(
        lambda x, gradient, share: _without(x, _norm(x * gradient), share),
        "Contributions of the three colours add up, each with its sign.",
    ),
    "the pixels alone": Mistake(
        lambda x, gradient, share: _without(x, _norm(x), share),
        "What setting a pixel to zero would change: pixel times gradient.",
    ),
    "no absolute value": Mistake(
        lambda x, gradient, share: _without(x, (x * gradient).sum(axis=-1), share),
        "A contribution that lowers the activation may be large, too.",
    ),
    "absolute values before the sum over the colours": Mistake(
        lambda x, gradient, share: _without(x, np.abs(x * gradient).sum(axis=-1), share),
        "The pixel goes as a whole: add up the colours first.",
    ),
    "each colour by itself": Mistake(
        lambda x, gradient, share: np.where(
            np.abs(x * gradient) < np.quantile(np.abs(x * gradient), share), 0, x
        ),
        "The pixel goes as a whole: add up the colours first.",
    ),
    "the largest in place of the smallest": Mistake(
        lambda x, gradient, share: _without(x, _effect(x, gradient), share, True),
        "Small contributions go, large ones stay.",
    ),
}


# -- the 1/f prior --------------------------------------------------------------------------------


def _draw_spectra(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for side in (16, 15, 32):
        perfect = [spectra.one_over_f(side, rng, a) for a in rng.uniform(0.05, 0.3, 2)]
        white = rng.normal(0, 0.1, (side, side))
        steep = np.fft.ifft2(np.fft.fft2(perfect[0]) / np.maximum(spectra.distances(side), 1)).real
        images = np.stack([perfect[0], white, 0.5 + perfect[1], steep / steep.std()])
        label = f"{side}×{side}: 1/f, white noise, 1/f again, 1/f²"
        yield Question(label, {"greys": images.astype(np.float32)}, 5e-3)
    seed = int(rng.integers(2**31))
    photos = photo_digits.render(10, "test", 32, seed=seed, keep=False).images / 255
    greys = photos.mean(axis=-1).astype(np.float32)
    # where a wave is nearly absent, rounding decides on its phase, and so on the gradient
    faintest = np.abs(np.fft.fft2(greys)).min(axis=(1, 2))
    steady = np.argsort(-faintest)[:4]
    yield Question("photographs", {"greys": greys[steady]}, 5e-3)


def _levels(
    greys: np.ndarray, power: float = 1.0, frequency: np.ndarray | None = None,
    by_ring: bool = False, total: bool = False, log: bool = True, far: bool = False,
    nearest: Callable[[np.ndarray], np.ndarray] = np.rint,
) -> np.ndarray:  # fmt: skip
    """Mean of f · |F| in each ring, (N, rings), or its logarithm."""
    side = greys.shape[-1]
    f = spectra.distances(side) if frequency is None else frequency
    ring = nearest(f).astype(int)
    magnitude = np.abs(np.fft.fft2(greys.astype(np.float64))) ** power
    weighted = magnitude if by_ring else magnitude * f
    last = ring.max() if far else side // 2
    rows = []
    for k in range(1, last + 1):
        inside = weighted[:, ring == k]
        level = inside.sum(axis=1) if total else inside.mean(axis=1)
        rows.append(level * k if by_ring else level)
    levels = np.stack(rows, axis=1)
    return np.log(levels) if log else levels


def _penalty(greys: np.ndarray) -> np.ndarray:
    return _levels(greys).var(axis=1)


def _with_gradient(greys: np.ndarray) -> dict[str, Any]:
    """The penalty, and its derivative with respect to each pixel.

    Of a magnitude it is the wave of that frequency, in the phase that the image has it in; and
    waves are added up by the inverse transform.
    """
    side = greys.shape[-1]
    f = spectra.distances(side)
    ring = np.rint(f).astype(int)
    waves = np.fft.fft2(greys.astype(np.float64))
    levels = _levels(greys, log=False)
    logs = np.log(levels)
    slopes = 2 * (logs - logs.mean(axis=1, keepdims=True)) / (levels * levels.shape[1])
    weights = np.zeros(greys.shape)
    for k in range(1, side // 2 + 1):
        weights[:, ring == k] = slopes[:, k - 1 : k] * f[ring == k] / np.sum(ring == k)
    phases = waves / np.maximum(np.abs(waves), 1e-12)
    gradient = side**2 * np.fft.ifft2(weights * phases).real
    return {"penalty": logs.var(axis=1), "gradient": gradient.astype(np.float32)}


def _read_off(mistake: Mistake) -> Mistake:
    """Of the penalty alone; there is a gradient, too."""
    return replace(mistake, answer=lambda greys: {"penalty": mistake.answer(greys)})


def _from_corner(greys: np.ndarray) -> np.ndarray:
    along = np.arange(greys.shape[-1])
    return _levels(greys, frequency=np.hypot(along[:, None], along)).var(axis=1)


def _from_middle(greys: np.ndarray) -> np.ndarray:
    shifted = np.fft.fftshift(spectra.distances(greys.shape[-1]))
    return _levels(greys, frequency=shifted).var(axis=1)


def _mean_of_logs(greys: np.ndarray) -> np.ndarray:
    side = greys.shape[-1]
    f = spectra.distances(side)
    ring = np.rint(f).astype(int)
    weighted = np.abs(np.fft.fft2(greys.astype(np.float64))) * f
    rows = [np.log(weighted[:, ring == k] + 1e-9).mean(axis=1) for k in range(1, side // 2 + 1)]
    return np.stack(rows, axis=1).var(axis=1)


def _flat(greys: np.ndarray) -> np.ndarray:
    side = greys.shape[-1]
    ring = np.rint(spectra.distances(side)).astype(int)
    magnitude = np.abs(np.fft.fft2(greys.astype(np.float64)))
    levels = [magnitude[:, ring == k].mean(axis=1) for k in range(1, side // 2 + 1)]
    return np.log(np.stack(levels, axis=1)).var(axis=1)


_NO_GRADIENT = {
    "no gradient comes through": Mistake(
        lambda greys: {"gradient": NO_GRADIENT},
        "TensorFlow's functions alone, from the images to the penalty: np.fft ends the tape.",
        core=True,
    )
}
_SPECTRUM_MISTAKES = {
    "not multiplied by the frequency": Mistake(
        _flat, "1/f times f is the same everywhere: that is what makes the penalty zero."
    ),
    "squared magnitudes": Mistake(
        lambda greys: _levels(greys, 2.0).var(axis=1), "The magnitude |F|, not the power |F|²."
    ),
    "the ring's number in place of each frequency": Mistake(
        lambda greys: _levels(greys, by_ring=True).var(axis=1),
        "Multiply every |F| by its own f, then take the mean over the ring.",
    ),
    "the sum over a ring in place of its mean": Mistake(
        lambda greys: _levels(greys, total=True).var(axis=1),
        "Outer rings have more frequencies: take the mean.",
    ),
    "the mean of the logarithms in place of the logarithm of the mean": Mistake(
        _mean_of_logs, "First the mean over the ring, then its logarithm."
    ),
    "distances cut off, not rounded": Mistake(
        lambda greys: _levels(greys, nearest=np.floor).var(axis=1),
        "The distance, rounded, is the ring's number: np.rint.",
    ),
    "the outermost ring left out": Mistake(
        lambda greys: _levels(greys)[:, :-1].var(axis=1),
        "k = 1 … side // 2, the last one included: range(1, side // 2 + 1).",
    ),
    "no logarithm": Mistake(
        lambda greys: _levels(greys, log=False).var(axis=1),
        "With the logarithm, contrast makes no difference.",
    ),
    "the mean is not taken off": Mistake(
        lambda greys: (_levels(greys) ** 2).mean(axis=1),
        "The variance: how far the rings are from their own mean.",
    ),
    "standard deviation in place of variance": Mistake(
        lambda greys: _levels(greys).std(axis=1), "The variance is its square."
    ),
    "sum in place of mean of the squares": Mistake(
        lambda greys: _levels(greys).var(axis=1) * (greys.shape[-1] // 2),
        "The variance is a mean: tf.math.reduce_variance.",
    ),
    "divided by one less": Mistake(
        lambda greys: _levels(greys).var(axis=1, ddof=1), "tf.math.reduce_variance divides by n."
    ),
    "frequencies counted from the corner": Mistake(
        _from_corner, "The second half of fft2 holds negative frequencies: np.fft.fftfreq."
    ),
    "frequency zero taken for the middle": Mistake(
        _from_middle, "Without fftshift, frequency zero stands at [0, 0]."
    ),
    "rings beyond half the side": Mistake(
        lambda greys: _levels(greys, far=True).var(axis=1),
        "k = 1 … side // 2: farther rings are only corners.",
    ),
    "one number for all images": Mistake(
        lambda greys: _penalty(greys).mean(), "A penalty for each image."
    ),
}


JUDGES_PARTS = [
    Judge(
        "class_objective",
        _objective,
        _draw_objectives,
        _OBJECTIVE_MISTAKES,
        parts=("objective", "gradient"),
        section=_CLASSES,
    ),
    Judge(
        "blur", _blur, _draw_blurs, _BLUR_MISTAKES, section=_CLASSES, depicted=Depiction("images")
    ),
    Judge(
        "drop_small_pixels",
        lambda x, share: _without(x, _norm(x), share),
        _draw_small,
        _SMALL_MISTAKES,
        section=_STRONGER,
    ),
    Judge(
        "drop_small_contributions",
        lambda x, gradient, share: _without(x, _effect(x, gradient), share),
        _draw_contributions,
        _CONTRIBUTION_MISTAKES,
        section=_STRONGER,
    ),
    Judge(
        "spectrum_penalty",
        _with_gradient,
        _draw_spectra,
        _NO_GRADIENT | {name: _read_off(m) for name, m in _SPECTRUM_MISTAKES.items()},
        parts=("penalty", "gradient"),
        section=_NATURAL,
        measure=penalty_and_gradient,
        needed=("penalty",),
    ),
]
"""Judges of what an ascent is made of."""
