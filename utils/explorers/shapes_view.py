"""The shape builder: stack layers, and see sizes, costs, and what one unit sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from utils.explorers import frame, shapes_model
from utils.explorers.canvas import Drawing, Panel
from utils.explorers.shapes_model import DoesNotFit, Layer, Stage
from utils.palette import BLUE, GREY, INK, ORANGE, PALE

MOST_LAYERS = 8
SIDES = (12, 16, 32, 96, 128, 224)

NETS: dict[str, tuple[int, list[Layer]]] = {
    "three convolutions, pooled": (
        32,
        [
            Layer("conv", 5, units=32), Layer("pool", 2, 2),
            Layer("conv", 3, units=48), Layer("pool", 2, 2),
            Layer("conv", 3, units=64), Layer("pool", 2, 2),
            Layer("dense", units=128), Layer("dense", units=10),
        ],
    ),
    "five small convolutions": (16, [Layer("conv", 3, padding="VALID", units=8)] * 5),
    "strides instead of pooling": (96, [Layer("conv", 3, 2, units=16 * 2**k) for k in range(4)]),
    "a large first layer": (
        224, [Layer("conv", 11, 4, "VALID", 96), Layer("pool", 3, 2, "VALID"), Layer("conv", 5)]
    ),
}  # fmt: skip
START = "three convolutions, pooled"

_TABLE = 590
_COLUMNS = (0, 138, 248, 350, 478)
_HEADS = ("layer", "output", "parameters", "multiplications", "sees at most")


def draw(side: int, layers: list[Layer], top: int, row: float, column: float) -> Drawing:
    """The table of stages, and the part of each that one unit depends on.

    top: number of the unit's layer, 0 for the image.  row, column: where it is, in [0, 1].
    """
    try:
        stages = shapes_model.build(side, 3, layers)
    except DoesNotFit as error:
        return Drawing([], [str(error)])
    top = min(top, len(layers))
    position = [_at(stages[top].side, share) for share in (row, column)]
    down, right = (shapes_model.seen(stages, top, p) for p in position)
    parameters, multiplications = shapes_model.totals(stages)
    words = [
        f"All layers together: {parameters:,} parameters, {multiplications:,} multiplications for "
        "an image.",
        f"The unit in row {position[0]}, column {position[1]} of “{stages[top].name}” sees rows "
        f"{down[0][0]} to {down[0][1]} and columns {right[0][0]} to {right[0][1]} of the image.",
    ]
    return Drawing([_table(stages, top), *_squares(stages, top, down, right)], words)


def twin() -> Drawing:
    """What stands where widgets don't run."""
    side, layers = NETS[START]
    return draw(side, layers, 5, 0.5, 0.5)


def _at(side: int, share: float) -> int:
    return min(int(share * side), side - 1)


def _table(stages: list[Stage], top: int) -> Panel:
    panel = Panel("What each layer makes", _TABLE, 26 * (len(stages) + 1))
    for x, head in zip(_COLUMNS, _HEADS, strict=True):
        panel.text(x + 6, 12, head, 14, GREY, "start")
    for number, stage in enumerate(stages):
        y = 26 * (number + 1)
        if number == top:
            panel.rect(0, y, _TABLE, 25, "#FDF0D5", "none")
        flat = stage.axis is None and number > 0
        side = shapes_model.side_seen(stages, number)
        cells = (
            stage.name,
            f"{stage.depth}" if flat else f"{stage.side}×{stage.side}×{stage.depth}",
            f"{stage.parameters:,}",
            f"{stage.multiplications:,}",
            f"{side}×{side} pixels",
        )
        for x, text in zip(_COLUMNS, cells, strict=True):
            panel.text(x + 6, y + 13, text, 14, INK, "start", number == top)
    return panel


def _squares(
    stages: list[Stage], top: int, down: list[tuple[int, int]], right: list[tuple[int, int]]
) -> list[Panel]:
    """A square for each stage up to the unit's, with what the unit depends on."""
    panels = []
    for number in range(top + 1):
        stage = stages[number]
        room = 210.0 if number == 0 else 118.0
        title = stage.name if number else f"image, {stage.side}×{stage.side}"
        panel = Panel(title, max(room + 6, 8.6 * len(title)), room + 6)
        cell = room / stage.side
        panel.rect(2, 2, room, room, PALE, "#333333", 1.5)
        if stage.side <= 32:
            for k in range(1, stage.side):
                panel.stroke(2 + k * cell, 2, 2 + k * cell, 2 + room, "white", 0.8)
                panel.stroke(2, 2 + k * cell, 2 + room, 2 + k * cell, "white", 0.8)
        (first, last), (begin, end) = down[number], right[number]
        panel.rect(
            2 + begin * cell, 2 + first * cell, (end - begin + 1) * cell, (last - first + 1) * cell,
            ORANGE, BLUE, 2.5,
        )  # fmt: skip
        panels.append(panel)
    return panels


class _Row:
    """The controls of one layer."""

    def __init__(self, number: int):
        import ipywidgets as w  # not everywhere, and the still picture needs none

        def choose(options: list[Any], label: str, width: str) -> Any:
            return w.Dropdown(
                options=options, description=label, style={"description_width": "initial"},
                layout=w.Layout(width=width),
            )  # fmt: skip

        def count(label: str, most: int, width: str) -> Any:
            return w.BoundedIntText(
                1, 1, most, description=label, style={"description_width": "initial"},
                layout=w.Layout(width=width), continuous_update=False,
            )  # fmt: skip

        self.kind = choose(["conv", "pool", "dense"], f"{number}", "105px")
        self.kernel = count("window", 15, "105px")
        self.stride = count("stride", 8, "95px")
        self.padding = choose(["SAME", "VALID"], "pad", "120px")
        self.units = count("filters", 4096, "125px")
        self.controls = (self.kind, self.kernel, self.stride, self.padding, self.units)
        self.box = w.Box(self.controls, layout=w.Layout(flex_flow="row wrap"))

    def read(self) -> Layer:
        return Layer(*(control.value for control in self.controls))

    def write(self, layer: Layer) -> None:
        self.kind.value, self.kernel.value, self.stride.value = (
            layer.kind, layer.kernel, layer.stride,
        )  # fmt: skip
        self.padding.value, self.units.value = layer.padding, layer.units
        self.fit()

    def fit(self) -> None:
        """Grey out what this kind of layer doesn't have."""
        kind = self.kind.value
        for control in (self.kernel, self.stride, self.padding):
            control.disabled = kind == "dense"
        self.units.disabled = kind == "pool"
        self.units.description = "units" if kind == "dense" else "filters"


class Builder:
    """The explorer's controls and what they mean."""

    def __init__(self) -> None:
        import ipywidgets as w  # not everywhere, and the still picture needs none

        initial = {"description_width": "initial"}
        self.preset = w.Dropdown(
            options=list(NETS), value=START, description="begin with", style=initial,
            layout=w.Layout(width="300px"),
        )  # fmt: skip
        self.side = w.Dropdown(
            options=[(f"{s}×{s}", s) for s in SIDES], description="image", style=initial,
            layout=w.Layout(width="160px"),
        )  # fmt: skip
        self.more = w.Button(description="add a layer", icon="plus")
        self.less = w.Button(description="take one off", icon="minus")
        self.rows = [_Row(number) for number in range(1, MOST_LAYERS + 1)]
        self.top = frame.slider("unit of layer", 5, 0, MOST_LAYERS, width="260px")
        share = {"min": 0.0, "max": 1.0, "step": 0.01, "readout": False}
        self.row, self.column = (
            w.FloatSlider(
                0.5, description=label, style=initial, layout=w.Layout(width="240px"), **share
            )
            for label in ("its row", "its column")
        )
        self.layers = 0
        self.screen = frame.Screen(self.drawing)
        self._load(START, top=5)
        self.preset.observe(lambda change: self._load(change.new), names="value")
        self.more.on_click(lambda _: self._grow(1))
        self.less.on_click(lambda _: self._grow(-1))
        for row in self.rows:
            row.kind.observe(lambda _, row=row: self.screen.quietly(row.fit), names="value")
            self.screen.follow(*row.controls[1:])
        self.screen.follow(self.side, self.top, self.row, self.column)

    def widget(self) -> Any:
        """Everything, to be displayed."""
        import ipywidgets as w  # not everywhere, and the still picture needs none

        head = frame.wrapping([self.preset, self.side, self.more, self.less])
        unit = frame.wrapping([self.top, self.row, self.column])
        return w.VBox([head, *(row.box for row in self.rows), unit, self.screen.widget])

    def drawing(self) -> Drawing:
        """The picture of what the controls say."""
        layers = [row.read() for row in self.rows[: self.layers]]
        return draw(
            self.side.value, layers, self.top.value, self.row.value, self.column.value
        )  # fmt: skip

    def _load(self, name: str, top: int | None = None) -> None:
        side, layers = NETS[name]

        def write() -> None:
            self.side.value = side
            for row, layer in zip(self.rows, layers, strict=False):
                row.write(layer)
            self._show(len(layers))
            self.top.value = top if top is not None else len(layers)

        self.screen.quietly(write)

    def _grow(self, by: int) -> None:
        count = min(max(self.layers + by, 1), MOST_LAYERS)

        def write() -> None:
            if count > self.layers:
                like = self.rows[self.layers - 1].read()
                self.rows[self.layers].write(replace(like, stride=1))
            self._show(count)
            self.top.value = count

        self.screen.quietly(write)

    def _show(self, count: int) -> None:
        self.layers = count
        self.top.max = count
        for number, row in enumerate(self.rows):
            row.box.layout.display = "flex" if number < count else "none"
        self.more.disabled, self.less.disabled = count == MOST_LAYERS, count == 1
