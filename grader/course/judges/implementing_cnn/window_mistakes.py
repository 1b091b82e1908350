"""Windows placed wrongly: what goes wrong in convolution and pooling alike, forward and backward.

A mistake is the reference with one thing changed.  Names are shown to students, so they say what
was done; hints lead on without giving the solution.  A mistake that can't be carried out for some
shapes raises, and then names nothing there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from grader.contract.judge import Mistake

from . import reference as ref
from .reference import Pair, Placement, Rule, place_windows


def extra_first(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """An odd total of padding split so that the larger half comes first."""
    before, after, count = place_windows(size, kernel, stride, padding)
    return after, before, count


def total_is_fixed(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """k - 1 zeros in all, whatever the stride."""
    if padding == "VALID":
        return place_windows(size, kernel, stride, padding)
    return (kernel - 1) // 2, kernel // 2, (size - 1) // stride + 1


def half_a_kernel(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """k // 2 on both sides, whatever the stride."""
    if padding == "VALID":
        return place_windows(size, kernel, stride, padding)
    half = kernel // 2
    return half, half, (size + 2 * half - kernel) // stride + 1


def half_in_front(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """As many windows as there are steps, and k // 2 on both sides, whatever the stride."""
    before, after, count = place_windows(size, kernel, stride, padding)
    return (kernel // 2, kernel // 2, count) if padding == "SAME" else (before, after, count)


def always_one(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """One on each side, whatever the kernel."""
    if padding == "VALID":
        return place_windows(size, kernel, stride, padding)
    count = (size + 2 - kernel) // stride + 1
    if count < 1:
        raise ValueError("no window fits")
    return 1, 1, count


def never_padded(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """SAME taken to be VALID."""
    return place_windows(size, kernel, stride, "VALID")


def always_padded(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """VALID taken to be SAME."""
    return place_windows(size, kernel, stride, "SAME")


def rounded_up(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """VALID with a last window that hangs over the edge."""
    if padding == "SAME":
        return place_windows(size, kernel, stride, padding)
    return 0, 0, -(-(size - kernel) // stride) + 1


def one_short(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """VALID without the + 1."""
    if padding == "SAME":
        return place_windows(size, kernel, stride, padding)
    return 0, 0, (size - kernel) // stride


def rounded_down(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """SAME with floor(n / s) windows."""
    if padding == "VALID":
        return place_windows(size, kernel, stride, padding)
    count = size // stride
    total = max((count - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2, count


EXTRA_FIRST = "the odd row or column of SAME padding was put first (top, left)"
FIXED = "SAME padding of k - 1 in all, whatever the stride"
HALF = "SAME padding of k // 2 on both sides"
IN_FRONT = "SAME padding that begins with k // 2, whatever kernel and stride"
ONE = "padding hard-coded to 1 on each side"
NEVER = "SAME treated like VALID: no padding"
ALWAYS = "VALID treated like SAME: padding where there should be none"
CEIL = "VALID with one window too many: the last hangs over the edge"
SHORT = "VALID with one window too few: the + 1 is missing"
FLOOR = "SAME with n // s windows: rounded down"

RULES: dict[str, tuple[Rule, str]] = {
    EXTRA_FIRST: (
        extra_first,
        "When the total is odd, one side gets one more than the other. Which one, in TensorFlow?",
    ),
    FIXED: (
        total_is_fixed,
        "How far does the last window reach when the stride is larger than 1? "
        "Only what is missing there is padded.",
    ),
    HALF: (
        half_a_kernel,
        "Try an even kernel on paper: how many zeros are needed in all, and do both sides "
        "get the same?",
    ),
    IN_FRONT: (
        half_in_front,
        "How much is missing in all, for this size and stride? Half of that comes first, rounded "
        "down.",
    ),
    ONE: (always_one, "One zero per side is right for 3×3 at stride 1. And for 5×5? For 1×1?"),
    NEVER: (never_padded, "With SAME and stride 1 the output is as large as the input."),
    ALWAYS: (always_padded, "With VALID every window lies inside the image."),
    CEIL: (
        rounded_up,
        "With VALID a window that does not fit entirely is left out: which way to round?",
    ),
    SHORT: (one_short, "Count the windows of a kernel of 3 on an input of 3."),
    FLOOR: (rounded_down, "With SAME every input value is seen. Try size 5 with stride 2."),
}
"""Name -> (wrong rule, hint)."""

_CORE = (FIXED, HALF, IN_FRONT, ONE, NEVER, FLOOR)
"""Other rules than the one that is taught, which many cases don't show."""


def by_rule(function: Callable[..., Any], *names: str) -> dict[str, Mistake]:
    """The function under wrong rules: those named, or all."""

    def under(rule: Rule) -> Callable[..., Any]:
        return lambda **inputs: function(**inputs, rule=rule)

    return {
        name: Mistake(under(RULES[name][0]), RULES[name][1], core=name in _CORE)
        for name in names or RULES
    }


def variant(function: Callable[..., Any], **changes: Callable[..., Any]) -> Callable[..., Any]:
    """The function on changed arguments: each change gets all inputs by keyword."""

    def answer(**inputs: Any) -> Any:
        return function(**inputs | {name: change(**inputs) for name, change in changes.items()})

    return answer


def _swapped(stride: Pair, **_: Any) -> Pair:
    return stride[1], stride[0]


def _one_by_one(stride: Pair, **_: Any) -> Pair:
    return 1, 1


def _vertical_twice(stride: Pair, **_: Any) -> Pair:
    return stride[0], stride[0]


def _horizontal_twice(stride: Pair, **_: Any) -> Pair:
    return stride[1], stride[1]


IGNORED = "the stride is ignored"
_STRIDES: dict[str, tuple[Callable[..., Pair], str]] = {
    "the strides are swapped": (
        _swapped,
        "stride is (sh, sw): the first steps down, along the height.",
    ),
    IGNORED: (_one_by_one, "By how many rows does the window move each time?"),
    "the vertical stride is used for both directions": (
        _vertical_twice,
        "sh and sw may differ.",
    ),
    "the horizontal stride is used for both directions": (
        _horizontal_twice,
        "sh and sw may differ.",
    ),
}


def by_stride(function: Callable[..., Any]) -> dict[str, Mistake]:
    """A forward pass with wrong strides."""

    def counted_only(stride: Pair, **inputs: Any) -> Any:
        steps = cycle(stride)

        def rule(size: int, kernel: int, _: int, padding: str) -> Placement:
            return place_windows(size, kernel, next(steps), padding)

        return function(**inputs, stride=(1, 1), rule=rule)

    found = {
        name: Mistake(variant(function, stride=change), hint, core=name == IGNORED)
        for name, (change, hint) in _STRIDES.items()
    }
    found["the stride decides how many windows there are, but not where"] = Mistake(
        counted_only, "Window i begins at row i · sh of the padded input.", core=True
    )
    return found


def by_stride_backward(gradient: Callable[..., Any]) -> dict[str, Mistake]:
    """A backward pass with wrong strides: there are as many windows as dy has values."""

    def under(change: Callable[..., Pair]) -> Callable[..., Any]:
        def answer(dy: np.ndarray, stride: Pair, **inputs: Any) -> Any:
            wrong = change(stride)
            placed_by = stride if wrong == (1, 1) else wrong  # the padding knows the stride anyway
            axes = cycle((0, 1))

            def rule(size: int, kernel: int, step: int, padding: str) -> Placement:
                axis = next(axes)
                before, after, _ = place_windows(size, kernel, placed_by[axis], padding)
                return before, after, dy.shape[axis + 1]

            return gradient(dy, stride=wrong, rule=rule, **inputs)

        return answer

    return {
        name: Mistake(under(change), hint, core=name == IGNORED)
        for name, (change, hint) in _STRIDES.items()
    }


def result(
    change: Callable[[np.ndarray], np.ndarray], function: Callable[..., Any]
) -> Callable[..., Any]:
    return lambda **inputs: change(function(**inputs))


def turned(y: np.ndarray) -> np.ndarray:
    return np.swapaxes(y, 1, 2)


def _size_by(rule: Rule) -> Callable[..., Any]:
    return lambda size, kernel, stride: rule(size, kernel, stride, "SAME")


def _negative_total(size: int, kernel: int, stride: int) -> Placement:
    count = -(-size // stride)
    total = (count - 1) * stride + kernel - size
    return total // 2, total - total // 2, count


def _kernel_where_it_tiles(size: int, kernel: int, stride: int) -> Placement:
    total = max(kernel - size % stride, 0)
    return total // 2, total - total // 2, -(-size // stride)


def _odd_one_lost(size: int, kernel: int, stride: int) -> Placement:
    before, _, count = ref.same_padding(size, kernel, stride)
    return before, before, count


def _all_behind(size: int, kernel: int, stride: int) -> Placement:
    before, after, count = ref.same_padding(size, kernel, stride)
    return 0, before + after, count


def _all_on_both(size: int, kernel: int, stride: int) -> Placement:
    before, after, count = ref.same_padding(size, kernel, stride)
    return before + after, before + after, count


def _windows_inside(size: int, kernel: int, stride: int) -> Placement:
    before, after, _ = ref.same_padding(size, kernel, stride)
    return before, after, (size - kernel) // stride + 1


def _float_halves(size: int, kernel: int, stride: int) -> tuple[float, float, int]:
    before, after, count = ref.same_padding(size, kernel, stride)
    return (before + after) / 2, (before + after) / 2, count


SAME_PADDING = {
    name: Mistake(_size_by(RULES[name][0]), RULES[name][1], core=name in _CORE)
    for name in (EXTRA_FIRST, FIXED, HALF, ONE, NEVER, FLOOR)
} | {
    "(k - 1) // 2 on both sides, whatever kernel and stride": Mistake(
        lambda size, kernel, stride: ((kernel - 1) // 2,) * 2 + (-(-size // stride),),
        "How many cells are missing in all, for an even kernel, or a stride of 2?",
        core=True,
    ),
    "half on each side, rounded down: an odd cell gets lost": Mistake(
        _odd_one_lost, "Both sides together must be all that is missing: after = total - before."
    ),
    "all that is missing comes after the input": Mistake(
        _all_behind, "What is missing in all is shared out: half before, the rest after."
    ),
    "all that is missing, on both sides": Mistake(
        _all_on_both, "What is missing in all is shared out: half before, the rest after."
    ),
    "padded, but only windows inside the input are counted": Mistake(
        _windows_inside,
        "Windows may reach into the padding: with SAME, one begins at each step.",
        core=True,
    ),
    "the padding becomes negative": Mistake(
        _negative_total, "When the stride exceeds the kernel, nothing is missing at the end."
    ),
    "a whole kernel is padded where the stride divides the size": Mistake(
        _kernel_where_it_tiles, "If size % stride is 0, the last window still begins a stride back."
    ),
    "both sides get exactly half": Mistake(
        _float_halves, "There are no half pixels: which side gets the odd one?"
    ),
}
