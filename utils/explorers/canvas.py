"""Drawings that can be shown twice: as SVG, which is quick to make and sharp at every width, and as
a matplotlib figure, for where widgets don't run.  Explorers describe a picture once, here.
"""

from __future__ import annotations

import base64
import io
import textwrap
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np

from utils.palette import GREY, INK

FRAME_WIDTH = 1000
"""Pixels that panels share side by side in the static picture."""

_GAP, _HEAD = 14, 26
_FONT = "font-family:system-ui,'DejaVu Sans',sans-serif"


@dataclass(frozen=True, eq=False)
class _Item:
    kind: str
    place: tuple[float, ...]
    text: str = ""
    fill: str = "none"
    edge: str = "none"
    line: float = 1.0
    dash: bool = False
    anchor: str = "middle"
    bold: bool = False
    pixels: np.ndarray | None = None


@dataclass
class Panel:
    """One part of a drawing; lengths are pixels, the origin is at the top left below the title."""

    title: str
    width: float
    height: float
    items: list[_Item] = field(default_factory=list)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "none",
        edge: str = GREY,
        line: float = 1.0,
        dash: bool = False,
    ) -> None:
        """A rectangle."""
        place = (x, y, width, height)
        self.items.append(_Item("rect", place, fill=fill, edge=edge, line=line, dash=dash))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 14,
        colour: str = INK,
        anchor: str = "middle",
        bold: bool = False,
    ) -> None:
        """Text whose middle line is at height y."""
        shown = str(text).replace("-", "−")
        self.items.append(_Item("text", (x, y, size), shown, fill=colour, anchor=anchor, bold=bold))

    def stroke(
        self, x1: float, y1: float, x2: float, y2: float, colour: str, line: float = 2.0
    ) -> None:
        """A straight line."""
        self.items.append(_Item("line", (x1, y1, x2, y2), edge=colour, line=line))

    def picture(self, x: float, y: float, width: float, height: float, pixels: np.ndarray) -> None:
        """An image (H, W, 3) uint8, its pixels left as they are."""
        self.items.append(_Item("picture", (x, y, width, height), pixels=pixels))

    def svg(self) -> str:
        """The panel as an SVG element that shrinks where there is less room."""
        width, height = self.width, self.height + _HEAD
        parts = [
            f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(self.title)}" '
            f'style="width:{width:g}px;max-width:100%;height:auto;background:white;{_FONT}">'
            f'<text x="1" y="16" font-size="15" '
            f'fill="{INK}">{escape(self.title, quote=False)}</text>'
            f'<g transform="translate(0 {_HEAD})">'
        ]
        parts += [_svg_item(item) for item in self.items]
        return "".join([*parts, "</g></svg>"])


@dataclass
class Drawing:
    """Panels, and what they say in words.  `words` holds plain text, a paragraph an item."""

    panels: list[Panel]
    words: list[str]

    def html(self) -> str:
        """Panels that wrap where the page is narrow, and the words below, read out on change."""
        pictures = "".join(panel.svg() for panel in self.panels)
        text = "".join(
            f'<p style="margin:4px 0">{escape(line, quote=False)}</p>' for line in self.words
        )
        return (
            f'<div style="display:flex;flex-wrap:wrap;gap:{_GAP}px;align-items:flex-start">'
            f'{pictures}</div><div role="status" style="line-height:1.45;font-size:14px">'
            f"{text}</div>"
        )

    def figure(self) -> Any:
        """The same as a matplotlib figure, with the words below the panels."""
        from matplotlib.figure import Figure  # matplotlib takes its time to import

        places, used = _rows(self.panels)
        lines = [part for line in self.words for part in textwrap.wrap(line, 125) or [""]]
        height = used + 20 * len(lines) + 12
        figure = Figure(figsize=(FRAME_WIDTH / 100, height / 100), dpi=100, facecolor="white")
        for panel, (left, top) in zip(self.panels, places, strict=True):
            tall = panel.height + _HEAD
            box = (
                left / FRAME_WIDTH, 1 - (top + tall) / height,
                panel.width / FRAME_WIDTH, tall / height,
            )  # fmt: skip
            axis = figure.add_axes(box)
            axis.set(xlim=(0, panel.width), ylim=(panel.height, -_HEAD))
            axis.set_axis_off()
            axis.text(1, 11 - _HEAD, panel.title, ha="left", va="center", size=11)
            for order, item in enumerate(panel.items):  # later ones lie above
                _plot_item(axis, item, 1 + order / len(panel.items))
        for number, line in enumerate(lines):
            y = 1 - (used + 16 + 20 * number) / height
            figure.text(6 / FRAME_WIDTH, y, line, size=10, va="center", parse_math=False)
        return figure

    def png(self) -> bytes:
        """The figure as PNG."""
        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


def address_of(pixels: np.ndarray) -> str:
    """An image (H, W, 3) uint8 as a data address: exact if it is small, a JPEG if it is a photo."""
    from PIL import Image  # what is graded draws nothing

    buffer, small = io.BytesIO(), pixels.shape[0] <= 64
    if small:
        Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    else:
        Image.fromarray(pixels).save(buffer, format="jpeg", quality=88)
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def number(value: float) -> str:
    """A number as short as it may be: 3, −0.5, 0.333.

    >>> number(3.0), number(-0.5), number(1 / 3)
    ('3', '−0.5', '0.3333')
    """
    return f"{value + 0.0:.4g}".replace("-", "−") if abs(value) >= 1e-12 else "0"


def grid(
    panel: Panel,
    values: np.ndarray,
    x: float,
    y: float,
    cell: float,
    fill: str = "white",
    digits: bool = True,
) -> None:
    """A table of numbers; NaN leaves a cell empty."""
    for (i, j), value in np.ndenumerate(values):
        panel.rect(x + j * cell, y + i * cell, cell, cell, fill)
        if digits and np.isfinite(value):
            text = number(float(value))
            size = min(16, 0.45 * cell, 1.45 * cell / max(1, len(text)))
            panel.text(x + (j + 0.5) * cell, y + (i + 0.5) * cell, text, size)


def _rows(panels: list[Panel]) -> tuple[list[tuple[float, float]], float]:
    """Where panels go, (left, top) each, in rows of FRAME_WIDTH; and the height they need."""
    places: list[tuple[float, float]] = []
    left = top = tallest = 0.0
    for panel in panels:
        if left and left + panel.width > FRAME_WIDTH:
            left, top, tallest = 0.0, top + tallest + _GAP, 0.0
        places.append((left, top))
        left += panel.width + _GAP
        tallest = max(tallest, panel.height + _HEAD)
    return places, top + tallest


@lru_cache(maxsize=512)
def _svg_item(item: _Item) -> str:
    if item.kind == "text":
        x, y, size = item.place
        bold = ' font-weight="bold"' if item.bold else ""
        return (
            f'<text x="{x:g}" y="{y:g}" font-size="{size:.3g}" text-anchor="{item.anchor}" '
            f'dominant-baseline="central" fill="{item.fill}"{bold}>'
            f"{escape(item.text, quote=False)}</text>"
        )
    dash = ' stroke-dasharray="6 4"' if item.dash else ""
    style = f'stroke="{item.edge}" stroke-width="{item.line:g}"{dash}'
    if item.kind == "line":
        x1, y1, x2, y2 = item.place
        return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" {style}/>'
    x, y, width, height = item.place
    box = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    if item.pixels is not None:
        return (
            f'<image {box} preserveAspectRatio="none" style="image-rendering:pixelated" '
            f'href="{address_of(item.pixels)}"/>'
        )
    return f'<rect {box} fill="{item.fill}" {style}/>'


_ALIGNMENT = {"start": "left", "middle": "center", "end": "right"}
_POINTS = 0.72
"""Points in a pixel, at 100 pixels per inch."""


def _plot_item(axis: Any, item: _Item, order: float) -> None:
    from matplotlib.patches import Rectangle  # matplotlib takes its time to import

    if item.kind == "text":
        x, y, size = item.place
        axis.text(
            x, y, item.text, size=_POINTS * size, color=item.fill, va="center_baseline",
            ha=_ALIGNMENT[item.anchor], weight="bold" if item.bold else "normal", parse_math=False,
            zorder=order,
        )  # fmt: skip
        return
    if item.kind == "line":
        x1, y1, x2, y2 = item.place
        axis.plot([x1, x2], [y1, y2], color=item.edge, lw=_POINTS * item.line, zorder=order)
        return
    x, y, width, height = item.place
    if item.pixels is not None:
        axis.imshow(
            item.pixels, extent=(x, x + width, y + height, y), interpolation="nearest",
            aspect="auto", zorder=order,
        )  # fmt: skip
        return
    axis.add_patch(
        Rectangle(
            (x, y), width, height, facecolor=item.fill, edgecolor=item.edge,
            lw=_POINTS * item.line, ls="--" if item.dash else "-", clip_on=False, zorder=order,
        )
    )  # fmt: skip
