"""The convolution stepper: controls around the pictures of `convolution_drawing`."""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.explorers import convolution_model as model
from utils.explorers import frame
from utils.explorers.canvas import Drawing
from utils.explorers.convolution_drawing import BACKWARD, COMPARE, FORWARD, MODES, draw, positions
from utils.explorers.convolution_model import Setting

KERNELS = {
    "left edge − right edge": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "sum of the neighbours": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "pixel above − pixel": [[1], [-1]],
    "one pixel to the right": [[0, 0, 1]],
    "outline": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
}

START = Setting(
    np.array([
        [0, 0, 1, 2, 0, 0], [0, 1, 3, 2, 0, 1], [1, 2, 3, 0, 1, 0],
        [0, 2, 0, 1, 2, 1], [0, 0, 1, 3, 1, 0],
    ], dtype=float),
    np.array(KERNELS["left edge − right edge"], dtype=float),
    stride=(1, 2),
    padding="SAME",
)  # fmt: skip
"""Five rows and six columns: with three steps of two columns, SAME pads only on the right."""

_FIRST = {FORWARD: 4, BACKWARD: 14, COMPARE: 0}
"""Position that each mode begins with."""

_NUMBER = "a number"


def twin(mode: str = FORWARD) -> Drawing:
    """What stands where widgets don't run: one step, and forward also the two kinds of padding."""
    drawn = draw(START, mode, _FIRST[mode])
    if mode != FORWARD:
        return drawn
    both = draw(START, COMPARE, 0)
    return Drawing([*drawn.panels, *both.panels], [*drawn.words, *both.words[1:]])


class Stepper:
    """The explorer's controls and what they mean."""

    def __init__(self, mode: str = FORWARD, setting: Setting = START):
        import ipywidgets as w  # not everywhere, and the still picture needs none

        self._setting = setting
        self.problem = ""
        area = {"layout": w.Layout(width="215px", height="118px"), "continuous_update": False}
        self.image = w.Textarea(model.written(setting.image), **area)
        self.kernel = w.Textarea(model.written(setting.kernel), **area)
        rows, columns = setting.image.shape
        high, wide = setting.kernel.shape
        self.rows = frame.slider("input rows", rows, 1, model.MOST_ROWS, width="250px")
        self.columns = frame.slider("input columns", columns, 1, model.MOST_ROWS, width="250px")
        self.high = frame.slider("kernel rows", high, 1, model.MOST_KERNEL, width="250px")
        self.wide = frame.slider("kernel columns", wide, 1, model.MOST_KERNEL, width="250px")
        self.preset = w.Dropdown(
            options=["choose …", *KERNELS],
            description="example",
            style={"description_width": "initial"},
            layout=w.Layout(width="215px"),
        )
        self.bias = w.FloatText(
            setting.bias, description="bias", style={"description_width": "initial"},
            layout=w.Layout(width="215px"),
        )  # fmt: skip
        self.down = frame.slider("down", setting.stride[0], 1, 4)
        self.right = frame.slider("right", setting.stride[1], 1, 4)
        self.padding = w.Dropdown(
            options=["VALID", "SAME", _NUMBER], value=str(setting.padding), description="padding",
            style={"description_width": "initial"}, layout=w.Layout(width="215px"),
        )  # fmt: skip
        self.zeros = frame.slider("zeros", 1, 0, model.MOST_ZEROS, disabled=True)
        self.mode = w.ToggleButtons(options=MODES, value=mode, style={"button_width": "180px"})
        self.position = frame.slider("", 0, 0, 1, width="340px")
        self.back = w.Button(
            description="back", icon="step-backward", layout=w.Layout(width="90px")
        )
        self.next = w.Button(description="next", icon="step-forward", layout=w.Layout(width="90px"))
        self.stepping = w.Box(
            [self.back, self.position, self.next], layout=w.Layout(flex_flow="row wrap")
        )
        self.screen = frame.Screen(self.drawing)
        self.screen.quietly(lambda: self._fit_position(_FIRST[mode]))
        self._listen()

    def widget(self) -> Any:
        """Everything, to be displayed."""
        import ipywidgets as w  # not everywhere, and the still picture needs none

        steps = [self.down, self.right, self.padding, self.zeros, self.bias]
        controls = frame.wrapping(
            [
                frame.group("Input", [self.rows, self.columns, self.image]),
                frame.group("Kernel", [self.high, self.wide, self.kernel, self.preset]),
                frame.group("Steps and zeros", steps),
            ]
        )
        return w.VBox([self.mode, self.stepping, self.screen.widget, controls])

    def drawing(self) -> Drawing:
        """The picture of what the controls say."""
        drawn = draw(self._setting, self.mode.value, self.position.value)
        return Drawing(drawn.panels, [self.problem, *drawn.words]) if self.problem else drawn

    def _listen(self) -> None:
        for text in (self.image, self.kernel):
            text.observe(self._read_tables, names="value")
        for sliders in (self.rows, self.columns, self.high, self.wide):
            sliders.observe(self._resize, names="value")
        for control in (self.bias, self.down, self.right, self.padding, self.zeros, self.mode):
            control.observe(self._change, names="value")
        self.preset.observe(self._take_preset, names="value")
        self.back.on_click(lambda _: self._step(-1))
        self.next.on_click(lambda _: self._step(1))
        self.screen.follow(self.position)

    def _read_tables(self, _: Any = None) -> None:
        try:
            name = "The input"
            image = model.parse(self.image.value, model.MOST_ROWS)
            name = "The kernel"
            kernel = model.parse(self.kernel.value, model.MOST_KERNEL)
        except ValueError as error:
            self.problem = f"{name} {error}. Below are the last numbers that could be read."
            self.screen.refresh()
            return
        self.problem = ""
        self._setting = Setting(image, kernel)

        def follow() -> None:
            self.rows.value, self.columns.value = image.shape
            self.high.value, self.wide.value = kernel.shape
            self._update()

        self.screen.quietly(follow)

    def _resize(self, _: Any) -> None:
        image = model.resized(self._setting.image, self.rows.value, self.columns.value)
        kernel = model.resized(self._setting.kernel, self.high.value, self.wide.value)
        if image.shape == self._setting.image.shape and kernel.shape == self._setting.kernel.shape:
            return  # the text was changed, and the sliders follow

        def write() -> None:
            self.image.value, self.kernel.value = model.written(image), model.written(kernel)

        self.screen.quietly(write)

    def _take_preset(self, change: Any) -> None:
        if change.new in KERNELS:
            self.kernel.value = model.written(np.array(KERNELS[change.new], dtype=float))

    def _step(self, by: int) -> None:
        self.position.value = (self.position.value + by) % (self.position.max + 1)

    def _change(self, _: Any) -> None:
        self.screen.quietly(self._update)

    def _update(self) -> None:
        self.zeros.disabled = self.padding.value != _NUMBER
        padding = self.zeros.value if self.padding.value == _NUMBER else self.padding.value
        self._setting = Setting(
            self._setting.image, self._setting.kernel, self.bias.value,
            (self.down.value, self.right.value), padding,
        )  # fmt: skip
        self._fit_position()

    def _fit_position(self, start: int | None = None) -> None:
        last = max(positions(self._setting, self.mode.value) - 1, 0)
        self.stepping.layout.display = "none" if self.mode.value == COMPARE else "flex"
        self.position.max = last
        self.position.description = "output" if self.mode.value == FORWARD else "pixel"
        if start is not None:
            self.position.value = start
