"""The convolution stepper's pictures: a window forward, a pixel backward, two kinds of padding."""

from __future__ import annotations

import numpy as np

from utils.explorers import convolution_model as model
from utils.explorers.canvas import Drawing, Panel, grid, number
from utils.explorers.convolution_model import Setting
from utils.palette import BLUE, GREY, INK, ORANGE, PALE, RED, SAND

FORWARD, BACKWARD, COMPARE = "forward", "backward", "SAME and symmetric"
MODES = (FORWARD, BACKWARD, COMPARE)

_NO_OUTPUT = (
    "The kernel doesn't fit into the padded input anywhere, so there is no output. Make the kernel "
    "smaller, or pad more."
)
_ZERO = "#EDEDED"
_PANEL = 322
_READERS = (RED, BLUE, "#007A5E", "#B0568A", "#8A5F00", INK)


def draw(setting: Setting, mode: str, position: int) -> Drawing:
    """The picture for a mode.  position: of the output or pixel, in reading order."""
    if 0 in setting.output_shape and mode != BACKWARD:
        return Drawing([_input_panel(setting)], [_NO_OUTPUT])
    if mode == COMPARE:
        return compare(setting)
    size = setting.image.shape if mode == BACKWARD else setting.output_shape
    row, column = divmod(position % (size[0] * size[1]), size[1])
    return (backward if mode == BACKWARD else forward)(setting, row, column)


def positions(setting: Setting, mode: str) -> int:
    """How many positions a mode can be stepped through."""
    rows, columns = setting.image.shape if mode == BACKWARD else setting.output_shape
    return rows * columns if mode != COMPARE else 0


def forward(setting: Setting, i: int, j: int) -> Drawing:
    """One output: the window, its products, and where the sum goes."""
    down, right = setting.axes
    terms = model.terms(setting, i, j)
    left = _input_panel(setting, windows=[(i, j, RED)])
    middle = _kernel_panel(setting, _products(setting, i, j))
    outputs = model.outputs(setting)
    last = _output_panel(f"output: {outputs.shape[0]}×{outputs.shape[1]}", outputs)
    _frame_cell(last, outputs.shape, i, j, RED)
    sum_of = " + ".join(f"{number(t.value)}·{_signed(t.weight)}" for t in terms)
    total = number(outputs[i, j])
    words = [
        f"Output [{i}, {j}] = {sum_of} + bias {_signed(setting.bias)} = {total}",
        f"Its window begins in row {number(down.starts[i])}, column {number(right.starts[j])} of "
        f"the input. {_padding_words(setting)}",
    ]
    return Drawing([left, middle, last], words)


def backward(setting: Setting, row: int, column: int) -> Drawing:
    """One pixel: the outputs whose windows read it, each with the weight that lies on it there."""
    found = model.readers(setting, row, column)
    few = len(found) <= len(_READERS)
    colours = [_READERS[k] if few else INK for k in range(len(found))]
    left = _input_panel(
        setting,
        windows=[(r.i, r.j, c) for r, c in zip(found, colours, strict=True)] if few else [],
        pixel=(row, column),
    )
    marks = [(r.u, r.v, c) for r, c in zip(found, colours, strict=True)]
    middle = _kernel_panel(setting, None, marks)
    shape = setting.output_shape
    cell = _cell(shape)
    last = _output_panel("dy, and the weights it passes", np.full(shape, np.nan))
    for i, j in np.ndindex(shape):
        last.text((j + 0.5) * cell, (i + 0.25) * cell, f"{i},{j}", 0.28 * cell, GREY)
    for reader, colour in zip(found, colours, strict=True):
        x, y = (reader.j + 0.5) * cell, (reader.i + 0.65) * cell
        last.text(x, y, f"×{number(reader.weight)}", 0.33 * cell, bold=True)
        _frame_cell(last, shape, reader.i, reader.j, colour)
    if found:
        sum_of = " + ".join(f"dy[{r.i}, {r.j}]·{_signed(r.weight)}" for r in found)
        who = (
            "The window of one output covers"
            if len(found) == 1
            else (f"The windows of {len(found)} outputs cover")
        )
        each = "it sends its" if len(found) == 1 else "each sends its"
        words = [
            f"dx[{row}, {column}] = {sum_of}",
            f"{who} this pixel, and {each} dy back through the weight that lies on it.",
        ]
    else:
        words = [
            f"dx[{row}, {column}] = 0",
            "No window covers this pixel: no output depends on it, and no gradient comes back.",
        ]
    return Drawing([left, middle, last], words)


def compare(setting: Setting) -> Drawing:
    """TensorFlow's SAME beside padding with the same number of zeros on every side."""
    same = Setting(setting.image, setting.kernel, setting.bias, setting.stride, "SAME")
    other = model.with_symmetric_padding(setting)
    first, second = model.outputs(same), model.outputs(other)
    panels = [
        _compared(same, first, "TensorFlow's SAME"),
        _compared(other, second, f"symmetric: {other.padding} on every side"),
    ]
    shift = [a.starts[0] - b.starts[0] for a, b in zip(same.axes, other.axes, strict=True)]
    if first.shape != second.shape:
        verdict = "The outputs differ in size."
    elif np.allclose(first, second):
        verdict = "Here both give the same."
    else:
        verdict = f"Same size, other values: {int((first != second).sum())} of {first.size} differ."
    if any(shift):
        verdict += (
            f" SAME begins {_steps(shift)}: weights that were trained with one of the two see a "
            "shifted image with the other."
        )
    return Drawing(panels, [_padding_words(same), verdict])


def _steps(shift: list[int]) -> str:
    names = [
        f"{abs(s)} {'row' if axis == 0 else 'column'}{'s' if abs(s) > 1 else ''} "
        f"{'later' if s > 0 else 'earlier'}"
        for axis, s in enumerate(shift)
        if s
    ]
    return " and ".join(names)


def _padding_words(setting: Setting) -> str:
    down, right = setting.axes
    zeros = (down.before, down.after, right.before, right.after)
    if not any(zeros):
        return f"{_name(setting.padding)} adds no zeros here."
    return (
        f"{_name(setting.padding)} adds zeros here: {zeros[0]} above, {zeros[1]} below, {zeros[2]} "
        f"to the left, {zeros[3]} to the right."
    )


def _name(padding: model.Padding) -> str:
    return padding if isinstance(padding, str) else f"A padding of {padding}"


def _signed(value: float) -> str:
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def _cell(shape: tuple[int, int], room: float = _PANEL) -> float:
    return min(40.0, room / max(1, *shape))


def _input_panel(
    setting: Setting,
    title: str = "",
    windows: list[tuple[int, int, str]] | None = None,
    pixel: tuple[int, int] | None = None,
) -> Panel:
    """The padded input, with frames around windows."""
    down, right = setting.axes
    rows = down.before + down.size + down.after
    columns = right.before + right.size + right.after
    cell = _cell((rows, columns))
    shown = title or f"input: {down.size}×{right.size}"
    if not title and (rows, columns) != (down.size, right.size):
        shown += f", padded to {rows}×{columns}"
    panel = Panel(shown, max(columns * cell + 3, 250), rows * cell + 4)
    values = np.zeros((rows, columns))
    inside = np.s_[down.before : down.before + down.size, right.before : right.before + right.size]
    values[inside] = np.nan
    grid(panel, values, 1, 1, cell, _ZERO)
    x, y = 1 + right.before * cell, 1 + down.before * cell
    grid(panel, setting.image, x, y, cell, PALE)
    panel.rect(x, y, right.size * cell, down.size * cell, edge="#333333", line=1.6)
    height, width = setting.kernel.shape
    for count, (i, j, colour) in enumerate(windows or []):
        inset = 1.5 + 2.5 * count
        panel.rect(
            x + right.starts[j] * cell + inset, y + down.starts[i] * cell + inset,
            width * cell - 2 * inset, height * cell - 2 * inset,
            edge=colour, line=3 if len(windows or []) == 1 else 2,
        )  # fmt: skip
    if pixel is not None:
        panel.rect(
            x + pixel[1] * cell + 3, y + pixel[0] * cell + 3, cell - 6, cell - 6,
            edge=ORANGE, line=5,
        )  # fmt: skip
    return panel


def _products(setting: Setting, i: int, j: int) -> np.ndarray:
    terms = model.terms(setting, i, j)
    return np.array([t.value * t.weight for t in terms]).reshape(setting.kernel.shape)


def _kernel_panel(
    setting: Setting, products: np.ndarray | None, marks: list[tuple[int, int, str]] | None = None
) -> Panel:
    """The kernel, and below it the window's products with it."""
    height, width = setting.kernel.shape
    cell = min(40.0, 200 / max(width, height))
    both = 1 if products is None else 2
    panel = Panel(f"kernel: {height}×{width}", 210, both * height * cell + (both - 1) * 30 + 4)
    left = 1.0
    grid(panel, setting.kernel, left, 1, cell, SAND)
    if products is not None:
        top = height * cell + 30
        panel.text(left, top - 13, "window × kernel", 15, INK, "start")
        grid(panel, products, left, top, cell)
        panel.rect(left, top, width * cell, height * cell, edge=RED, line=3)
    for count, (u, v, colour) in enumerate(marks or []):
        inset = 1.5 + 2.5 * (count % 2)
        panel.rect(
            left + v * cell + inset, u * cell + inset, cell - 2 * inset, cell - 2 * inset,
            edge=colour, line=2.5,
        )  # fmt: skip
    return panel


def _output_panel(title: str, values: np.ndarray) -> Panel:
    cell = _cell(values.shape)
    panel = Panel(title, max(values.shape[1] * cell + 3, 250), values.shape[0] * cell + 4)
    grid(panel, values, 1, 1, cell)
    return panel


def _compared(setting: Setting, values: np.ndarray, title: str) -> Panel:
    """The padded input with the first cell of every window framed, and the outputs below."""
    panel = _input_panel(setting, title)
    down, right = setting.axes
    cell = _cell((down.before + down.size + down.after, right.before + right.size + right.after))
    x, y = 1 + right.before * cell, 1 + down.before * cell
    for top in down.starts:
        for left in right.starts:
            panel.rect(
                x + left * cell + 2.5, y + top * cell + 2.5, cell - 5, cell - 5,
                edge=BLUE, line=2.5,
            )  # fmt: skip
    height, width = setting.kernel.shape
    top, left = down.starts[0], right.starts[0]
    panel.rect(x + left * cell, y + top * cell, width * cell, height * cell, edge=RED, line=3)
    panel.text(1, panel.height + 14, "framed: where windows begin", 13, GREY, "start")
    panel.text(
        1, panel.height + 38, f"output: {values.shape[0]}×{values.shape[1]}", 15, INK, "start"
    )
    cell = _cell(values.shape)
    grid(panel, values, 1, panel.height + 50, cell)
    panel.width = max(panel.width, 330, values.shape[1] * cell + 3)
    panel.height += 54 + values.shape[0] * cell
    return panel


def _frame_cell(panel: Panel, shape: tuple[int, int], i: int, j: int, colour: str) -> None:
    cell = _cell(shape)
    panel.rect(j * cell + 2.5, i * cell + 2.5, cell - 3, cell - 3, edge=colour, line=3)
