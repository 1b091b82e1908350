"""Known ways to fool a net, good and bad ones, on the trusted nets."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.rules import ascent as way
from utils.rules import fooling as small

from ..nets import trusted
from ..nets.base import softmax

Array = np.ndarray
Weights = Callable[[Array], Array]


def gradient(net: Any, image: Array, weights: Weights) -> Array:
    """Gradient of a weighted sum of the scores; the weights depend on the probabilities."""
    asked = trusted.of(net)
    p = asked.probabilities(image[None])[0].astype(np.float64)
    return asked.gradient(image[None], weights(p)[None].astype(np.float32))[0].astype(np.float64)


def _hot(target: int) -> Weights:
    return lambda p: np.eye(len(p))[target]


def _log_p(target: int) -> Weights:
    return lambda p: np.eye(len(p))[target] - p


def _winner(net: Any, image: Array) -> int:
    return int(trusted.of(net).logits(image[None].astype(np.float32))[0].argmax())


def _p(net: Any, image: Array, target: int) -> float:
    """Probability of the target; images in 0 … 1 or uint8."""
    image = image if image.dtype == np.uint8 else image.astype(np.float32)
    return float(trusted.of(net).probabilities(image[None])[0, target])


def _unit(g: Array) -> Array:
    return g / max(float(np.linalg.norm(g)), 1e-12)


def _rounded(image: Array) -> Array:
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


# -- ways -----------------------------------------------------------------------------------------

Move = Callable[[Array, Array, float], Array]
"""(image, gradient, size) -> next image."""


def _move(image: Array, g: Array, size: float) -> Array:
    return np.clip(image + size * _unit(g), 0, 1)


def walk(
    move: Move = _move,
    weights: Callable[[int, int], Weights] = lambda target, first: _hot(target),
    stop: Callable[[Any, Array, int], bool] = lambda net, x, target: _winner(net, x) == target,
    begin: Callable[[Array], Array] = lambda image: image / 255.0,
    anew: bool = True,
) -> Callable[..., Array]:
    """A `fool` that is right, unless one of its parts is replaced."""

    def fool(net: Any, image: Array, target: int, size: float, most: int) -> Array:
        x = begin(image)
        first = _winner(net, image)
        images, start = [x], x
        for _ in range(most):
            if stop(net, x, target):
                break
            g = gradient(net, (x if anew else start).astype(np.float32), weights(target, first))
            x = move(x, g, size)
            images.append(x)
        return np.stack(images)

    return fool


def _clipped_first(x: Array, g: Array, size: float) -> Array:
    return x + size * _unit(np.clip(x + g, 0, 1) - x)


def _at_098(net: Any, x: Array, target: int) -> bool:
    return _p(net, x, target) >= 0.98


def _preprocessed_way(net: Any, image: Array, target: int, size: float, most: int) -> Array:
    made = walk()(net, image, target, size, most)
    return 2 * made - 1 if isinstance(net, dict) else made


def _one_step_more(net: Any, image: Array, target: int, size: float, most: int) -> Array:
    made = walk()(net, image, target, size, most)
    g = gradient(net, made[-1].astype(np.float32), _hot(target))
    return np.concatenate([made, _move(made[-1], g, size)[None]])


_WAYS = [
    right("fool: a list of float32 images", lambda *given: [
        image.astype(np.float32) for image in walk()(*given)
    ]),
    right("fool: stops by comparing scores", walk(
        stop=lambda net, x, target: bool(
            np.argsort(trusted.of(net).logits(x[None].astype(np.float32))[0])[-1] == target
        )
    )),
    wrong(f"fool: descends -> {way.SIGN}", walk(lambda x, g, s: np.clip(x - s * _unit(g), 0, 1))),
    wrong(f"fool: lowers the first class -> {way.UNTARGETED}", walk(
        lambda x, g, s: np.clip(x - s * _unit(g), 0, 1), lambda target, first: _hot(first)
    )),
    wrong(f"fool: gradient of log p -> {way.SATURATED}", walk(weights=lambda t, _: _log_p(t))),
    wrong(f"fool: gradient of p -> {way.SATURATED}", walk(
        weights=lambda t, _: lambda p: p[t] * _log_p(t)(p)
    )),
    wrong(f"fool: the bare gradient -> {way.UNNORMALISED}", walk(
        lambda x, g, s: np.clip(x + s * g, 0, 1)
    )),
    wrong(f"fool: np.sign -> {way.SIGNS}", walk(lambda x, g, s: np.clip(x + s * np.sign(g), 0, 1))),
    wrong(f"fool: divided by the maximum -> {way.LARGEST}", walk(
        lambda x, g, s: np.clip(x + s * g / np.abs(g).max(), 0, 1)
    )),
    wrong(f"fool: no clipping -> {way.UNCLIPPED}", walk(lambda x, g, s: x + s * _unit(g))),
    wrong(f"fool: clips first -> {way.CLIPPED_FIRST}", walk(_clipped_first)),
    wrong(f"fool: one gradient for all -> {way.STRAIGHT}", walk(anew=False)),
    wrong(f"fool: rounds at every step -> {way.ROUNDED}", walk(
        lambda x, g, s: _rounded(x + s * _unit(g)) / 255.0
    )),
    wrong(f"fool: size in 0 … 255 -> {way.TINY}", walk(lambda x, g, s: _move(x, g, s / 255))),
    wrong(f"fool: until 0.98 -> {way.LATE}", walk(stop=_at_098)),
    wrong(f"fool: steps before it asks -> {way.LATE}", _one_step_more),
    wrong(f"fool: three steps, whatever comes -> {way.EARLY}",
        lambda net, image, target, size, most: walk()(net, image, target, size, 3)),
    wrong("fool: always up to 200 steps",
        lambda net, image, target, size, most: walk()(net, image, target, size, 200)),
    wrong(f"fool: one step too few -> {way.EARLY}",
        lambda net, image, target, size, most: walk()(net, image, target, size, most - 1)),
    wrong(f"fool: the image itself -> {way.EARLY}",
        lambda net, image, target, size, most: image[None] / 255),
    wrong(f"fool: the last image only -> {way.ONE_IMAGE}", lambda *given: walk()(*given)[-1]),
    wrong(f"fool: without the first image -> {way.NO_START}", lambda *given: walk()(*given)[1:]),
    wrong(f"fool: in 0 … 255 -> {way.BYTES}", lambda *given: 255 * walk()(*given)),
    wrong(f"fool: the preprocessed image -> {way.PREPROCESSED}", _preprocessed_way),
]  # fmt: skip


# -- the smallest change --------------------------------------------------------------------------


def sphere(net: Any, image: Array, target: int, rounds: int = 60) -> Array:
    """Steps on a sphere that shrinks and grows, tested after rounding."""
    original = image / 255.0
    change, radius = np.zeros_like(original), 1.0
    best, smallest = image, np.inf
    for number in range(rounds):
        candidate = _rounded(original + change)
        size = float(np.linalg.norm(candidate / 255.0 - original))
        reached = _p(net, candidate, target) >= 0.9805
        if reached and size < smallest:
            best, smallest = candidate, size
        radius *= 0.94 if reached else 1.06
        g = gradient(net, candidate.astype(np.float32) / 255, _log_p(target))
        change = change + max(1 - number / rounds, 0.02) * _unit(g)
        change = np.clip(original + radius * _unit(change), 0, 1) - original
    return best


def climb(
    net: Any,
    image: Array,
    target: int,
    enough: Callable[[Any, Array, int], bool],
    size: float = 0.06,
    weights: Callable[[int], Weights] = _log_p,
    direction: Callable[[Array], Array] = _unit,
    most: int = 150,
) -> Array:
    """Small steps until it is enough.  Returns floats."""
    x = image / 255.0
    for _ in range(most):
        if enough(net, x, target):
            break
        x = np.clip(
            x + size * direction(gradient(net, x.astype(np.float32), weights(target))), 0, 1
        )
    return x


def _rounded_at_098(net: Any, x: Array, target: int) -> bool:
    return _p(net, _rounded(x), target) >= 0.981


def _shrunk(net: Any, image: Array, target: int) -> Array:
    """Climbs far, goes back along the line, and climbs again on the sphere reached; repeats."""
    original = image / 255.0
    far = climb(net, image, target, lambda n, x, t: _p(n, x, t) >= 0.999, 0.1)
    best = _pulled_back(net, original, far, target)
    for _ in range(3):
        far = best / 255.0
        radius = float(np.linalg.norm(far - original))
        for _ in range(8):
            g = gradient(net, far.astype(np.float32), _log_p(target))
            far = np.clip(original + radius * _unit(far + 0.15 * _unit(g) - original), 0, 1)
        best = _pulled_back(net, original, far, target)
    return best


def _adam(net: Any, image: Array, target: int) -> Array:
    """Adam inside a ball around the image, whose radius is halved in."""
    original = image / 255.0
    best = _pulled_back(net, original, climb(net, image, target, _rounded_at_098, 0.1), target)
    low, high = 0.0, float(np.linalg.norm(best / 255.0 - original))
    for _ in range(6):
        radius = 0.35 * low + 0.65 * high
        change = radius * _unit(best / 255.0 - original)
        m, v, reached = np.zeros_like(change), np.zeros_like(change), False
        for step in range(1, 16):
            x = np.clip(original + change, 0, 1)
            if reached := _rounded_at_098(net, x, target):
                best = _rounded(x)
                break
            g = gradient(net, x.astype(np.float32), _log_p(target))
            g = g / np.abs(g).max()
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
            push = (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 0.3)
            change = radius * _unit(change + 0.12 * radius * _unit(push))
        size = float(np.linalg.norm(best / 255.0 - original))
        low, high = (low, size) if reached else (radius, high)
    return best


def _pulled_back(net: Any, original: Array, far: Array, target: int) -> Array:
    """The nearest image on the line that is enough after rounding."""
    low, high = 0.0, 1.0
    for _ in range(7):
        middle = (low + high) / 2
        good = _rounded_at_098(net, original + middle * (far - original), target)
        low, high = (low, middle) if good else (middle, high)
    return _rounded(original + high * (far - original))


def _wins(net: Any, x: Array, target: int) -> bool:
    return _winner(net, x) == target


def _barely(net: Any, x: Array, target: int) -> bool:
    return _p(net, x.astype(np.float32), target) >= 0.98


def _just_below(net: Any, image: Array, target: int) -> Array:
    """What a bare 0.98 in floats is worth after rounding, where rounding is unkind."""
    x = climb(net, image, target, _barely, 0.03)
    original = image / 255.0
    low, high = 0.0, 1.0
    for _ in range(12):  # back to where it is just not enough any more
        middle = (low + high) / 2
        good = _p(net, _rounded(original + middle * (x - original)), target) >= 0.98
        low, high = (low, middle) if good else (middle, high)
    return _rounded(original + low * (x - original))


def _wrapped(net: Any, image: Array, target: int) -> Array:
    x = image / 255.0
    for _ in range(25):
        x = x + 0.3 * _unit(gradient(net, x.astype(np.float32), _log_p(target)))
    x = np.where((image > 250) | (image < 5), np.where(image > 250, 1.01, -0.01), x)
    x.ravel()[:2] = 1.02, -0.02
    return np.rint(255 * x).astype(np.int64).astype(np.uint8)


_CHANGES = [
    right("smallest_change: shrinking and growing sphere", sphere),
    right("smallest_change: far, back along the line, and up again", _shrunk),
    right("smallest_change: Adam in a ball that gets smaller", _adam),
    wrong(f"smallest_change: a float image -> {small.FLOATS}", lambda net, image, target: (
        climb(net, image, target, _barely, 0.1)
    )),
    wrong(f"smallest_change: astype without 255 -> {small.BLACK}", lambda net, image, target: (
        climb(net, image, target, _barely, 0.1).astype(np.uint8)
    )),
    wrong(f"smallest_change: stops when it wins -> {small.MAJORITY}", lambda net, image, target: (
        _rounded(climb(net, image, target, _wins))
    )),
    wrong(f"smallest_change: 0.98 in floats only -> {small.LOST_IN_ROUNDING}", _just_below),
    wrong(f"smallest_change: three small steps -> {small.TOO_SHORT}", lambda net, image, target: (
        _rounded(climb(net, image, target, _barely, 0.05, most=3))
    )),
    wrong(f"smallest_change: the image as it was -> {small.UNCHANGED}", lambda net, image, target: (
        image
    )),
    wrong(f"smallest_change: down the hill -> {small.BACKWARDS}",
        lambda net, image, target: _rounded(
            climb(net, image, target, _barely, 0.1, direction=lambda g: -_unit(g), most=6))),
    wrong(f"smallest_change: another class -> {small.ANY_CLASS}", lambda net, image, target: (
        climb_elsewhere(net, image, target)
    )),
    wrong(f"smallest_change: a fixed number of long steps -> {small.TOO_FAR}", lambda n, image, t: (
        _rounded(climb(n, image, t, lambda *_: False, 0.3, most=30))
    )),
    wrong(f"smallest_change: np.sign -> {small.FLAT}", lambda net, image, target: (
        flat_change(net, image, target)
    )),
]  # fmt: skip


def flat_change(net: Any, image: Array, target: int) -> Array:
    """All pixels up or down by the same amount, which grows until it is enough."""
    x = image / 255.0
    for amount in range(1, 90):
        g = gradient(net, x.astype(np.float32), _log_p(target))
        x = np.clip(image / 255.0 + amount / 255 * np.sign(g), 0, 1)
        if _rounded_at_098(net, x, target):
            break
    return _rounded(x)


def climb_elsewhere(net: Any, image: Array, target: int) -> Array:
    """Fools the net, but into the class that comes after the target."""
    p = trusted.of(net).probabilities(image[None])[0]
    others = [k for k in np.argsort(-p)[1:] if k != target]
    return _rounded(climb(net, image, int(others[0]), _rounded_at_098))


# -- several targets ------------------------------------------------------------------------------


def table(
    before: Callable[..., Any] | None = None,
    after: Callable[..., Any] | None = None,
    size: Callable[[Array], Any] | None = None,
    order: int = 1,
) -> Callable[..., Any]:
    """A `compare_targets` that is right, unless one of its columns is replaced."""

    def compare(net: Any, image: Array, targets: Array) -> tuple[Array, Array, Array, Array]:
        asked = trusted.of(net)
        rows = np.arange(len(targets))
        found = np.stack([_fooled(net, image.tobytes(), image.shape, int(t)) for t in targets])
        found = found[::order]
        first, last = asked.logits(image[None]), asked.logits(found)
        p, q = softmax(first)[0, targets], softmax(last)[rows, targets]
        change = found / 255.0 - image / 255.0
        norms = np.sqrt(np.sum(change**2, axis=(1, 2, 3)))
        return (
            p if before is None else before(first[0], targets),
            found,
            q if after is None else after(last, targets, p),
            norms if size is None else size(found.astype(float) - image),
        )

    return compare


@lru_cache(maxsize=32)
def _fooled(net: str, pixels: bytes, shape: tuple[int, ...], target: int) -> Array:
    image = np.frombuffer(pixels, np.uint8).reshape(shape)
    return _rounded(climb(net, image, target, _rounded_at_098, 0.12))


def _wrapping(net: Any, image: Array, targets: Array) -> tuple[Array, Array, Array, Array]:
    before, found, after, _ = table()(net, image, targets)
    return before, found, after, np.array([np.linalg.norm((f - image) / 255.0) for f in found])


_TABLES = [
    right("compare_targets: a dictionary", lambda *given: dict(
        zip(("before", "fooled", "after", "size"), table()(*given), strict=True)
    )),
    wrong(f"compare_targets: scores before -> {small.SCORES}", table(before=lambda z, t: z[t])),
    wrong(f"compare_targets: percent -> {small.PERCENT}", table(
        before=lambda z, t: 100 * softmax(z)[t]
    )),
    wrong(f"compare_targets: the winner's probability -> {small.WINNER}", table(
        before=lambda z, t: np.repeat(softmax(z).max(), len(t))
    )),
    wrong(f"compare_targets: before twice -> {small.SWAPPED}", table(after=lambda z, t, p: p)),
    wrong(f"compare_targets: in 0 … 255 -> {small.UNITS}", table(
        size=lambda d: np.sqrt(np.sum(d**2, axis=(1, 2, 3)))
    )),
    wrong(f"compare_targets: mean of squares -> {small.ROOT_MEAN}", table(
        size=lambda d: np.sqrt(np.mean((d / 255) ** 2, axis=(1, 2, 3)))
    )),
    wrong(f"compare_targets: no root -> {small.NO_ROOT}", table(
        size=lambda d: np.sum((d / 255) ** 2, axis=(1, 2, 3))
    )),
    wrong(f"compare_targets: largest pixel -> {small.MAXIMUM}", table(
        size=lambda d: np.abs(d / 255).max(axis=(1, 2, 3))
    )),
    wrong(f"compare_targets: uint8 minus uint8 -> {small.WRAPPING}", _wrapping),
    wrong(f"compare_targets: rows turned round -> {small.ORDER}", table(order=-1)),
]  # fmt: skip


SAMPLES_ATTACKS = [*_WAYS, *_CHANGES, *_TABLES]
"""Known answers whose images are put to the net."""
