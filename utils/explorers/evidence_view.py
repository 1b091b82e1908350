"""The evidence explorer: an occluder to slide, three maps side by side, steps that fool the net."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from utils.explorers import frame
from utils.explorers.canvas import Drawing, Panel
from utils.explorers.evidence_model import Evidence, Step
from utils.nets.pretrained import PretrainedNet
from utils.palette import BLUE, GREY, INK, PALE, RED

_ROOM = 208
"""Pixels that a picture takes on each side."""

_KEY = 24
"""Pixels below a map, for its key."""
_STRENGTH = ("magma", "none", "strong")
"""Colours and their ends of maps that tell how much matters."""
_MAGNIFIED = 10
_MOST_STEPS = 60


def draw(
    evidence: Evidence, label: int, square: tuple[int, int, int], target: int, shown: int
) -> Drawing:
    """All pictures.

    label: class whose evidence is shown.  square: row, column and size of the occluder.
    target: class that the steps go towards.  shown: number of the step that is looked at.
    """
    hidden = evidence.ask(evidence.occluded(*square))
    names = evidence.net.class_names
    before, after = evidence.probabilities[label], hidden[label]
    number = min(shown, len(evidence.steps) - 1)
    step = evidence.steps[number]
    winner = int(step.probabilities.argmax())
    places = ", ".join(map(str, square[:2]))
    words = [
        f"“{names[label]}”: probability {before:.3f}; with the grey square at [{places}] "
        f"{after:.3f}. Occlusion: orange where the probability falls with the square there, purple "
        "where it rises.",
        f"After {number} step{'' if number == 1 else 's'} towards “{names[target]}”: probability "
        f"{step.probabilities[target]:.3f}, L2 distance {step.distance:.2f}; the net says "
        f"“{names[winner]}”.",
    ]
    panels = [
        _photograph(evidence, square),
        _saliency(evidence, label),
        _map("occlusion", _occlusion(evidence, square[2], label), "PuOr_r", "rises", "falls"),
        _activation(evidence, label),
        _bars(evidence, hidden),
        _changed(step),
        _difference(evidence, step),
        _course(evidence, target, label, shown),
    ]
    return Drawing(panels, words)


def twin(evidence: Evidence, steps: int = 12) -> Drawing:
    """What stands where widgets don't run: the square where it costs most, and some steps taken."""
    label, target, length = evidence.likeliest()[0], first_target(evidence), _length(evidence)
    size = _size(evidence)
    for _ in range(steps):
        evidence.step(target, length)
    drawn = draw(evidence, label, (*evidence.strongest(size, label), size), target, steps)
    evidence.start_over()
    return drawn


def first_target(evidence: Evidence) -> int:
    """The class that the steps go towards at first: the second likeliest."""
    return evidence.likeliest(2)[-1]


def _size(evidence: Evidence) -> int:
    return evidence.side // 4


def _length(evidence: Evidence) -> float:
    return 0.2 * (evidence.side / 32)


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


def _coloured(values: np.ndarray, name: str, least: float, most: float = 0.0) -> np.ndarray:
    """A map as colours, from `least` to `most` or to its largest value."""
    from matplotlib import colormaps  # matplotlib takes its time to import

    top = most or float(np.nanmax(values, initial=least)) or 1.0
    share = (np.nan_to_num(values, nan=0.0) - least) / max(top - least, 1e-12)
    colours = colormaps[name](np.clip(share, 0, 1))[..., :3]
    colours[np.isnan(values)] = 0.93
    return _bytes(colours)


def _occlusion(evidence: Evidence, size: int, label: int) -> np.ndarray:
    values = evidence.occlusion(size, label)
    largest = max(float(np.nanmax(np.abs(values), initial=0.0)), 0.01)
    return _coloured(values, "PuOr_r", -largest, largest)


@lru_cache(maxsize=64)
def _saliency(evidence: Evidence, label: int) -> Panel:
    return _map("saliency", _coloured(evidence.saliency(label), "magma", 0), *_STRENGTH)


@lru_cache(maxsize=64)
def _activation(evidence: Evidence, label: int) -> Panel:
    values = evidence.activation(label)
    size = evidence.side
    rows = np.arange(size) * len(values) // size
    fine = values[np.ix_(rows, np.arange(size) * values.shape[1] // size)]
    colours = _coloured(fine, "magma", 0) / 255.0
    grey = evidence.image.mean(axis=-1, keepdims=True)
    return _map("class activation", _bytes(0.35 * grey + 0.65 * colours), *_STRENGTH)


@lru_cache(maxsize=2 * _MOST_STEPS)
def _changed(step: Step) -> Panel:
    return _map("the image, changed", _bytes(step.image))


@lru_cache(maxsize=2 * _MOST_STEPS)
def _difference(evidence: Evidence, step: Step) -> Panel:
    change = step.image - evidence.image
    return _map(f"difference × {_MAGNIFIED}", _bytes(0.5 + _MAGNIFIED * change))


def _map(title: str, pixels: np.ndarray, colours: str = "", low: str = "", high: str = "") -> Panel:
    """A picture, and below it what the ends of its colours mean."""
    panel = Panel(title, _ROOM + 2, _ROOM + 2 + (_KEY if colours else 0))
    panel.picture(1, 1, _ROOM, _ROOM, pixels)
    if colours:
        panel.text(1, _ROOM + 14, low, 12, INK, "start")
        panel.text(_ROOM + 1, _ROOM + 14, high, 12, INK, "end")
        panel.picture(54, _ROOM + 8, 100, 12, _coloured(np.linspace(0, 1, 50)[None], colours, 0, 1))
    return panel


def _photograph(evidence: Evidence, square: tuple[int, int, int]) -> Panel:
    panel = _map("the image, hidden in part", _bytes(evidence.occluded(*square)))
    row, column, size = (1 + _ROOM * v / evidence.side for v in square)
    panel.rect(column, row, size - 1, size - 1, edge=RED, line=2)
    return panel


def _bars(evidence: Evidence, hidden: np.ndarray) -> Panel:
    """The likeliest classes: outlined as they were, filled as they are with the square."""
    panel = Panel("probabilities", 230, _ROOM + 2)
    for place, label in enumerate(evidence.likeliest()):
        y = 4 + 40 * place
        panel.text(1, y + 6, evidence.net.class_names[label][:26], 13, INK, "start")
        panel.rect(1, y + 15, 170 * float(hidden[label]), 13, BLUE, "none")
        panel.rect(1, y + 15, 170 * float(evidence.probabilities[label]), 13, edge=INK, line=1.5)
        panel.text(228, y + 22, f"{hidden[label]:.3f}", 13, INK, "end")
    panel.text(1, _ROOM - 6, "framed: without the square", 12, GREY, "start")
    return panel


def _course(evidence: Evidence, target: int, label: int, shown: int) -> Panel:
    """Probabilities along the steps taken."""
    panel = Panel("probability, step by step", 300, _ROOM + 2)
    left, top, width, height = 28.0, 8.0, 170.0, _ROOM - 44.0
    panel.rect(left, top, width, height, PALE, "#BBBBBB")
    for share in (0.0, 0.5, 1.0):
        panel.text(left - 5, top + height * (1 - share), f"{share:g}", 12, GREY, "end")
    last = max(len(evidence.steps) - 1, 10)
    for index, colour in ((target, RED), (label, BLUE)):
        track = [float(s.probabilities[index]) for s in evidence.steps]
        points = [(left + width * k / last, top + height * (1 - p)) for k, p in enumerate(track)]
        for (x1, y1), (x2, y2) in pairwise(points):
            panel.stroke(x1, y1, x2, y2, colour, 2.5)
        x, y = points[min(shown, len(points) - 1)]
        panel.rect(x - 3, y - 3, 6, 6, colour, colour)
    panel.text(left, top + height + 14, "0", 12, GREY)
    panel.text(left + width, top + height + 14, f"{last} steps", 12, GREY)
    names = evidence.net.class_names
    panel.text(left + width + 10, top + 14, names[target][:12], 13, RED, "start", True)
    panel.text(left + width + 10, top + 34, names[label][:12], 13, BLUE, "start", True)
    return panel


class Explorer:
    """The explorer's controls and what they mean."""

    def __init__(self, evidence: Evidence):
        import ipywidgets as w  # not everywhere, and the still picture needs none

        self.evidence = evidence
        names = evidence.net.class_names
        likely = evidence.likeliest(min(20, len(names)))
        initial = {"description_width": "initial"}
        wide = w.Layout(width="250px")

        def choose(label: str, value: int) -> Any:
            options = [(names[k], k) for k in likely]
            return w.Dropdown(
                options=options, value=value, description=label, style=initial, layout=wide
            )

        side, size = evidence.side, _size(evidence)
        self.label = choose("evidence for", likely[0])
        self.target = choose("steps towards", first_target(evidence))
        self.size = frame.slider("square", size, max(1, side // 16), side // 2, width="250px")
        places = evidence.strongest(size, likely[0])
        self.row, self.column = (
            frame.slider(name, start, 0, side - size, width="250px")
            for name, start in zip(("down", "right"), places, strict=True)
        )
        self.length = w.FloatSlider(
            _length(evidence), min=_length(evidence) / 10, max=10 * _length(evidence),
            step=_length(evidence) / 10, description="step length", style=initial, layout=wide,
        )  # fmt: skip
        self.shown = frame.slider("look at step", 0, 0, 1, width="250px", disabled=True)
        self.step = w.Button(
            description="one step", icon="step-forward", layout=w.Layout(width="122px")
        )
        self.back = w.Button(description="start over", icon="undo", layout=w.Layout(width="122px"))
        self.screen = frame.Screen(self.drawing)
        self._waiting = False
        self.screen.refresh()
        self._fill()
        self.screen.follow(self.row, self.column, self.label, self.shown)
        self.size.observe(self._resize, names="value")
        self.target.observe(lambda _: self._start_over(), names="value")
        self.step.on_click(lambda _: self._take_step())
        self.back.on_click(lambda _: self._start_over())

    def widget(self) -> Any:
        """Everything, to be displayed."""
        import ipywidgets as w  # not everywhere, and the still picture needs none

        buttons = w.Box([self.step, self.back], layout=w.Layout(flex_flow="row wrap"))
        controls = frame.wrapping([
            frame.group("Hide a part", [self.label, self.size, self.row, self.column]),
            frame.group("Fool it", [self.target, self.length, buttons, self.shown]),
        ])  # fmt: skip
        return w.VBox([self.screen.widget, controls])

    def drawing(self) -> Drawing:
        """The picture of what the controls say."""
        square = (self.row.value, self.column.value, self.size.value)
        return draw(self.evidence, self.label.value, square, self.target.value, self.shown.value)

    def _resize(self, change: Any) -> None:
        def fit() -> None:
            for place in (self.row, self.column):
                place.max = self.evidence.side - change.new

        self.screen.quietly(fit)
        self._fill()

    def _fill(self) -> None:
        """Look behind the square a few places at a time, so that controls answer in between."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # not in a kernel
            return
        if not self._waiting:
            self._waiting = True
            loop.call_later(0.03, self._fill_on, loop)

    def _fill_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._waiting = False
        known = self.evidence.look_behind(self.size.value)
        self.screen.refresh()
        if not known:
            self._waiting = True
            loop.call_later(0.03, self._fill_on, loop)

    def _take_step(self) -> None:
        if len(self.evidence.steps) > _MOST_STEPS:
            return
        self.evidence.step(self.target.value, self.length.value)
        self._show_last()

    def _start_over(self) -> None:
        self.evidence.start_over()
        self._show_last()

    def _show_last(self) -> None:
        last = len(self.evidence.steps) - 1

        def follow() -> None:
            self.shown.disabled = last == 0
            self.shown.max = max(last, 1)
            self.shown.value = last

        self.screen.quietly(follow)


def show(net: PretrainedNet, image: np.ndarray) -> None:
    """Put out the explorer for one image (H, W, 3), uint8 or in [0, 1]."""
    evidence = Evidence(net, image)
    still = twin(evidence)
    frame.show("What the net goes by", lambda: Explorer(evidence).widget(), still)
