"""Figures in a notebook: sharp on any screen, and told in words to whoever can't see them.

The words are taken from the figure itself: headings, axes, where its lines begin and end, its bars
and numbers.  They stand beside it where no eye looks, and in its plain text.
"""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np

from utils.checks.handover import HANDOVER

_LONGEST = 1500
"""Characters of a description."""
_EACH = 12
"""Lines and bars of one panel that are told."""
_NUMBERS = 48
"""Texts of one panel that are told: the numbers in its cells."""
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


def install() -> None:
    """Begin, in a student's kernel; does nothing elsewhere."""
    ipython = sys.modules.get("IPython")  # whoever has a kernel has imported it
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel") or os.environ.get(HANDOVER):
        return
    from matplotlib.figure import Figure  # matplotlib takes its time to import
    from matplotlib_inline.backend_inline import set_matplotlib_formats  # where IPython runs

    set_matplotlib_formats("retina")
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a figure's output holds beside its picture; says the words once for each figure."""
    from IPython import display  # not everywhere, and slow to import

    words = in_words(figure)
    if getattr(figure, "told_in_words", "") != words:
        figure.told_in_words = words
        unseen = f'<p style="{_UNSEEN}">{html.escape(words)}</p>'
        display.display({"text/html": unseen, "text/plain": ""}, raw=True)
    return {"text/plain": words}


def in_words(figure: Any) -> str:
    """A figure in words: its heading, and what each of its panels shows."""
    heading = figure.get_suptitle()
    told = [heading] if heading else []
    panels = [words for axis in figure.axes if (words := _panel(axis))]
    for words, alike in groupby(panels):
        count = len(list(alike))
        told.append(words if count == 1 else f"{count} panels: {words}")
    text = "Figure. " + " ".join(f"{part.rstrip('.')}." for part in told)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _panel(axis: Any) -> str:
    names = [axis.get_title(), axis.get_ylabel(), axis.get_xlabel()]
    if getattr(axis, "_colorbar", None) is not None:
        low, high = sorted(axis.get_ylim() if names[1] else axis.get_xlim())
        return f"Colours: {names[1] or names[2]}, from {low:.3g} to {high:.3g}"
    head = "; ".join(_flat(name) for name in names if name)
    parts = [*_lines(axis), *_bars(axis), *_maps(axis), *_texts(axis)]
    return ": ".join(part for part in (head, ", ".join(parts)) if part)


def _lines(axis: Any) -> Iterable[str]:
    for line in axis.get_lines()[:_EACH]:
        label = str(line.get_label())
        y = np.asarray(line.get_ydata(), float)
        if len(y) > 1 and not label.startswith("_"):
            yield f"{_flat(label)} from {y[0]:.3g} to {y[-1]:.3g}"


def _bars(axis: Any) -> Iterable[str]:
    names = [label.get_text() for label in (*axis.get_yticklabels(), *axis.get_xticklabels())]
    for bars in axis.containers:
        flat = getattr(bars, "orientation", "") == "horizontal"
        lengths = [b.get_width() if flat else b.get_height() for b in bars]
        some = names[: len(lengths)] if flat else names[-len(lengths) :]
        for number, length in enumerate(lengths[:_EACH]):
            name = some[number] if number < len(some) else ""
            yield f"{name or f'bar {number + 1}'} {length:.3g}"


def _maps(axis: Any) -> Iterable[str]:
    for image in axis.get_images():
        values = np.ma.filled(image.get_array(), np.nan)
        if values.ndim == 2 and np.isfinite(values).any():
            size = "×".join(map(str, values.shape))
            yield f"a map of {size} from {np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
        elif values.ndim == 3:
            yield "an image"


def _texts(axis: Any) -> Iterable[str]:
    said = [_flat(text.get_text()) for text in axis.texts]
    known = {str(line.get_label()) for line in axis.get_lines()}
    said = [text for text in said if text and text not in known]
    yield from said[:_NUMBERS]


def _flat(text: str) -> str:
    return " ".join(text.split())
