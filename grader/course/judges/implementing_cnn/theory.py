"""Judges of the theory in notebook 01: receptive fields, costs, and deep nets for shallow ones.

Hand calculations don't depend on the random generator; functions are tried on nets that nobody can
know beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.exercises.by_hand import numbers_of_variant
from utils.rules.theory import deep_relu_net, probes, widest

from .values import by_hand, changed

Layers = Sequence[tuple[int, int]]

# Receptive fields


def support(layers: Layers) -> int:
    """1 + Σ (kᵢ - 1) · s₁ ⋯ sᵢ₋₁: side of the receptive field of a unit in the last layer."""
    side, jump = 1, 1
    for k, s in layers:
        side += (k - 1) * jump
        jump *= s
    return side


def _own_stride_too(layers: Layers) -> int:
    side, jump = 1, 1
    for k, s in layers:
        jump *= s
        side += (k - 1) * jump
    return side


def _whole_kernels(layers: Layers) -> int:
    side, jump = 0, 1
    for k, s in layers:
        side += k * jump
        jump *= s
    return side


def _last_stride_only(layers: Layers) -> int:
    strides = [1, *(s for _, s in layers)]
    return 1 + sum((k - 1) * s for (k, _), s in zip(layers, strides, strict=False))


def _strides_added(layers: Layers) -> int:
    side, jump = 1, 1
    for k, s in layers:
        side += (k - 1) * jump
        jump += s - 1
    return side


SUPPORT_MISTAKES = {
    "the strides are left out": Mistake(
        lambda layers: 1 + sum(k - 1 for k, _ in layers),
        "After a layer of stride 2, neighbouring units lie two pixels apart in what it looks at.",
    ),
    "the kernel sizes are added up: a layer adds k - 1, not k": Mistake(
        lambda layers: sum(k for k, _ in layers),
        "Two neighbouring windows of three cover four cells, not six: they overlap.",
    ),
    "a layer adds k times the distance of its units, not k - 1 times": Mistake(
        _whole_kernels,
        "Two neighbouring windows of three cover four cells, not six: they overlap.",
    ),
    "the kernel sizes are multiplied": Mistake(
        lambda layers: math.prod(k for k, _ in layers),
        "Two neighbouring windows of three cover four cells, not nine: they overlap.",
    ),
    "only the last layer's window": Mistake(
        lambda layers: layers[-1][0],
        "What one unit of the last layer looks at are units, which see more than a pixel each.",
    ),
    "nothing is seen without a layer": Mistake(
        lambda layers: support(layers) if layers else 0,
        "Without any layer, a unit is a pixel and sees itself.",
    ),
    "a layer's own stride was applied to its own kernel": Mistake(
        _own_stride_too,
        "The cells under one window lie side by side in the layer's input. Its stride only moves "
        "the next layer's cells apart.",
    ),
    "only the stride of the layer before was applied": Mistake(
        _last_stride_only,
        "Distances multiply: two layers of stride 2 make neighbours lie four pixels apart.",
    ),
    "the strides were added instead of multiplied": Mistake(
        _strides_added,
        "Distances multiply: strides 2 and 3 make neighbours lie six pixels apart.",
    ),
    "the layers were taken in reverse order": Mistake(
        lambda layers: support(layers[::-1]),
        "The strides that count for a layer are those between it and the image.",
    ),
    "one pixel too few: a net without layers sees one pixel": Mistake(
        lambda layers: support(layers) - 1, "Start at 1."
    ),
    "the area instead of the side": Mistake(
        lambda layers: support(layers) ** 2, "The side of the square is asked for."
    ),
}

_NEED_MORE_LAYERS = {
    "nothing is seen without a layer",
    "only the stride of the layer before was applied",
    "the strides were added instead of multiplied",
    "the layers were taken in reverse order",
}
"""Mistakes that nets of one to three layers with one stride can't tell from others."""

NETS: dict[str, Layers] = {
    "i": [(7, 1)],
    "ii": [(3, 1), (3, 1), (3, 1)],
    "iii": [(5, 1), (3, 1)],
    "iv": [(5, 2), (3, 1)],
}
"""The four nets of the exercise: (kernel, stride) from the image upwards."""


def _of_each_net(side: Callable[[Layers], int]) -> Callable[[], dict[str, int]]:
    return lambda: {name: side(layers) for name, layers in NETS.items()}


sides = _of_each_net(support)
SIDES_MISTAKES = {
    name: changed(_of_each_net(mistake.answer), sides, mistake.hint)
    for name, mistake in SUPPORT_MISTAKES.items()
    if name not in _NEED_MORE_LAYERS
} | {
    "the whole field was multiplied by the stride": changed(
        lambda: {"iv": 2 * support(NETS["iii"])},
        sides,
        "The stride moves units apart; what the first window itself sees stays five pixels wide.",
    )
}


def draw_nets(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Nets as lists of (kernel, stride).  Their larger kernels are drawn, so that public cases are
    no table to look answers up in."""
    a, b, c = (int(k) for k in rng.integers(2, 16, 3))
    fixed: dict[str, Layers] = {
        "one layer": [(a + b, 1)],
        "one layer with a stride": [(b + c, 2)],
        "1×1 kernels": [(1, 1), (a, 1), (1, 1)],
        "1×1 kernels with strides": [(1, 2), (b, 1), (1, 3), (c, 1)],
        "stride larger than the kernel": [(2, 3), (a, 1), (2, 4), (c, 1)],
        "pooling in between": [(a, 1), (2, 2), (b, 1), (2, 2), (c, 1)],
        "no layers": [],
    }
    for label, layers in fixed.items():
        yield Question(label, {"layers": list(layers)})
    for depth in (3, 4, 6, 9):
        kernels, strides = rng.integers(1, 8, depth), rng.integers(1, 4, depth)
        net = [(int(k), int(s)) for k, s in zip(kernels, strides, strict=True)]
        yield Question(f"{depth} layers, drawn at random", {"layers": net})


# Costs


def _costs(first: int, second: int, last: int, n: int) -> dict[str, int]:
    """Parts for nets i and iii; `last`, `first`: sides of the last map and of iii's first one."""
    return {
        "i: weights, shared": 49,
        "i: weights, not shared": 49 * last**2,
        "i: multiplications": 49 * last**2,
        "iii: weights, shared": 34,
        "iii: weights, not shared": 25 * first**2 + 9 * second**2,
        "iii: multiplications": 25 * first**2 + 9 * second**2,
        "iii: multiplications for one output": 9 * 25 + 9,
    }


def costs(variant: int) -> dict[str, int]:
    """Weights and multiplications on a student's n×n image, VALID, one channel, no biases."""
    n = numbers_of_variant(variant).side
    return _costs(n - 4, n - 6, n - 6, n)


def _with_sides(sides_of: Callable[[int], tuple[int, int, int]]) -> Callable[..., dict[str, int]]:
    def parts(variant: int) -> dict[str, int]:
        n = numbers_of_variant(variant).side
        return _costs(*sides_of(n), n)

    return parts


def _replacing(**parts: int | Callable[[int], int]) -> Callable[..., dict[str, int]]:
    names = {
        "multiplications_i": "i: multiplications",
        "multiplications_iii": "iii: multiplications",
        "shared_i": "i: weights, shared",
        "shared_iii": "iii: weights, shared",
        "one": "iii: multiplications for one output",
        "unshared_i": "i: weights, not shared",
        "unshared_iii": "iii: weights, not shared",
    }

    def answer(variant: int) -> dict[str, int]:
        n = numbers_of_variant(variant).side
        return {names[k]: v(n) if callable(v) else v for k, v in parts.items()}

    return answer


COSTS_MISTAKES = {
    "the maps were taken to be as large as the image": changed(
        _with_sides(lambda n: (n, n, n)),
        costs,
        "Nothing is padded: a window of k fits n - k + 1 times.",
    ),
    "the + 1 is missing in the size of the maps": changed(
        _with_sides(lambda n: (n - 5, n - 8, n - 7)),
        costs,
        "A window of k can move n - k times, and is somewhere before it moves.",
    ),
    "both of iii's maps were taken to be as large as the last": changed(
        _with_sides(lambda n: (n - 6, n - 6, n - 6)),
        costs,
        "The first map of iii comes from a window of five: it is larger than the last one.",
    ),
    "the second layer of iii was laid on the image, not on the first map": changed(
        _with_sides(lambda n: (n - 4, n - 2, n - 6)),
        costs,
        "The 3×3 window slides over the map that the 5×5 filter has made.",
    ),
    "the values between iii's layers were computed anew for each output": changed(
        _replacing(multiplications_iii=lambda n: (9 * 25 + 9) * (n - 6) ** 2),
        costs,
        "Each value of the map in between is computed once and kept.",
    ),
    "sharing was taken to save multiplications": changed(
        _replacing(multiplications_i=49, multiplications_iii=34),
        costs,
        "A shared weight is stored once and still multiplied at every position.",
    ),
    "the weights of iii's layers were multiplied, not added": changed(
        _replacing(shared_iii=25 * 9),
        costs,
        "The two filters are stored one beside the other: 5·5 and 3·3 numbers.",
    ),
    "biases were counted": changed(
        _replacing(shared_i=50, shared_iii=36), costs, "Filter weights only: leave the biases out."
    ),
    "one output of iii was taken to need each filter once": changed(
        _replacing(one=34),
        costs,
        "The 3×3 window needs nine values of the first map, and each of them is a 5×5 window.",
    ),
    "the 3×3 products were forgotten for one output of iii": changed(
        _replacing(one=225), costs, "Nine values of the first map are there; now weigh them."
    ),
    "the image's side was taken for its area": changed(
        _replacing(
            unshared_i=lambda n: 49 * (n - 6),
            multiplications_i=lambda n: 49 * (n - 6),
            unshared_iii=lambda n: 25 * (n - 4) + 9 * (n - 6),
            multiplications_iii=lambda n: 25 * (n - 4) + 9 * (n - 6),
        ),
        costs,
        "A map has as many values as rows times columns.",
    ),
}

# Deep instead of wide


def shallow(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Σ aⱼ ReLU(wⱼ·x + bⱼ) at the probes, (96,)."""
    return np.maximum(probes(w.shape[1]) @ w.T + b, 0) @ a


def _running_sum(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    terms = np.maximum(probes(w.shape[1]) @ w.T + b, 0) * a
    total = np.zeros(len(terms))
    for column in terms[:, :-1].T:
        total = np.maximum(total + column, 0)
    return total + terms[:, -1]


def _only_positive_x(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> np.ndarray:
    x = probes(w.shape[1])
    terms = np.maximum(np.maximum(x, 0) @ w.T + b, 0)
    terms[:, 0] = np.maximum(x @ w[0] + b[0], 0)  # the first layer still sees x itself
    return terms @ a


DEEP_MISTAKES = {
    "the sign of aⱼ is lost": Mistake(
        lambda w, b, a: shallow(w, b, np.abs(a)),
        "Terms with negative aⱼ must be subtracted at the end: keep them apart until then.",
    ),
    "terms with negative aⱼ are dropped": Mistake(
        lambda w, b, a: shallow(w, b, np.maximum(a, 0)),
        "ReLU(aⱼ hⱼ) is zero for negative aⱼ. Collect -aⱼ hⱼ, which is not negative, elsewhere.",
    ),
    "a running sum went through ReLU while it was negative": Mistake(
        _running_sum,
        "A sum of terms of both signs may become negative on the way, and ReLU forgets it. "
        "Can you keep two sums that never become negative?",
    ),
    "x passes the layers without its negative part": Mistake(
        _only_positive_x,
        "x = ReLU(x) - ReLU(-x): carry both, and put them together where x is needed.",
    ),
    "the biases are left out": Mistake(
        lambda w, b, a: shallow(w, 0 * b, a), "Neuron j computes ReLU(wⱼ·x + bⱼ)."
    ),
    "the last term is missing": Mistake(
        lambda w, b, a: shallow(w[:-1], b[:-1], a[:-1]),
        "After the last hidden layer the n-th term still waits to be added.",
    ),
    "the first term is missing": Mistake(
        lambda w, b, a: shallow(w[1:], b[1:], a[1:]), "Count the terms from the first layer on."
    ),
}


def draw_shallow_nets(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Shallow nets too wide to count as narrow."""
    for label, d, sign in (
        ("all a positive", 1, "+"),
        ("a of both signs", 1, "±"),
        ("all a negative", 2, "-"),
        ("a of both signs", 2, "±"),
        ("a of both signs, some of them zero", 2, "0"),
        ("a of both signs", 3, "±"),
    ):
        n = widest(d) + int(rng.integers(2, 9))
        w, b = rng.integers(-16, 17, (n, d)) / 8, rng.integers(-32, 33, n) / 8
        a = rng.integers(1, 17, n) / 8
        if sign in "±0":
            a *= rng.permutation(np.where(np.arange(n) % 2, 1.0, -1.0))
        if sign == "0":
            a[rng.permutation(n)[: n // 3]] = 0
        a = -a if sign == "-" else a
        yield Question(f"{label}, d = {d}, n = {n}", {"w": w, "b": b, "a": a}, rtol=1e-5)


_SEEN, _COST = "Exercise 01.11: what a neuron sees", "Exercise 01.12: what a filter costs"

JUDGES_THEORY = [
    by_hand("receptive_fields", sides, SIDES_MISTAKES, NETS, _SEEN, False),
    by_hand(
        "weights_and_multiplications",
        costs,
        COSTS_MISTAKES,
        costs(0),
        _COST,
    ),
    Judge(
        "receptive_field",
        support,
        draw_nets,
        SUPPORT_MISTAKES,
        section="Exercise 01.13: strides multiply",
        alike=True,
        idle=(lambda layers: 1,),
    ),
    Judge(
        "build_deep",
        shallow,
        draw_shallow_nets,
        DEEP_MISTAKES,
        parts=("values",),
        section="Exercise 01.14: deep instead of wide",
        measure=deep_relu_net,
    ),
]
"""Judges of the theory exercises, in the notebook's order."""
