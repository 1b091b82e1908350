"""A histogram as inline SVG: ten bars, counts above them, the median as a line."""

from __future__ import annotations

from markupsafe import Markup, escape

from grader.pages.page import percent

BINS = 10
_WIDTH, _HEIGHT, _TOP, _BASE, _SIDE = 400, 210, 42, 180, 10


def counts(fractions: list[float]) -> list[int]:
    """How many fractions fall into each tenth; exactly 1 belongs to the last.

    >>> counts([0.0, 0.05, 0.1, 1.0])
    [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    """
    found = [0] * BINS
    for fraction in fractions:
        # a sum of floats may be a hair under the edge that it means
        found[min(BINS - 1, max(0, int(fraction * BINS + 1e-9)))] += 1
    return found


def histogram(fractions: list[float], median: float, name: str, key: str) -> Markup:
    """Draw it.

    name: what is shown, for the title that screen readers speak; key: unique in the page.
    """
    bars = counts(fractions)
    tallest = max(*bars, 1)
    step = (_WIDTH - 2 * _SIDE) / BINS
    spoken = ", ".join(f"{n} between {10 * k} and {10 * k + 10} %" for k, n in enumerate(bars) if n)
    parts = [
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-labelledby="{escape(key)}-title {escape(key)}-desc">'
        f'<title id="{escape(key)}-title">Distribution of scores: {escape(name)}</title>'
        f'<desc id="{escape(key)}-desc">{len(fractions)} submissions: {spoken}. '
        f"Median {percent(median)}.</desc>"
    ]
    median_x = _SIDE + median * (_WIDTH - 2 * _SIDE)
    labels = []
    for k, n in enumerate(bars):
        x, height = _SIDE + k * step, (_BASE - _TOP) * n / tallest
        if n:
            parts.append(
                f'<rect x="{x + 1.5:.1f}" y="{_BASE - height:.1f}" width="{step - 3:.1f}" '
                f'height="{height:.1f}" rx="2"/>'
            )
            labels.append(
                f'<text class="count" x="{x + step / 2:.1f}" '
                f'y="{_BASE - height - 5:.1f}">{n}</text>'
            )
    parts.append(f'<path class="axis" d="M{_SIDE} {_BASE}H{_WIDTH - _SIDE}"/>')
    for k in range(0, BINS + 1, 2):
        anchor = "start" if k == 0 else "end" if k == BINS else "middle"
        parts.append(
            f'<text class="tick" x="{_SIDE + k * step:.1f}" y="{_BASE + 19}" '
            f'text-anchor="{anchor}">{10 * k}{" %" if k == BINS else ""}</text>'
        )
    anchor = "end" if median > 0.75 else "start" if median < 0.25 else "middle"
    parts.append(
        f'<path class="median" d="M{median_x:.1f} 20V{_BASE}"/>'
        f'<text class="label" x="{median_x:.1f}" y="14" text-anchor="{anchor}">median '
        f"{percent(median)}</text>"
    )
    return Markup(
        "".join([*parts, *labels, "</svg>"])
    )  # counts last: the median must not cross them
