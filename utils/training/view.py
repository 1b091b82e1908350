"""What is seen of training: a progress bar and curves while it runs, a sentence, and a table."""

from __future__ import annotations

import base64
import html
import io
import sys
import time
from typing import Any

import numpy as np

from utils.nets.quiet import import_keras
from utils.palette import BLUE, ORANGE

_WIDTH, _DPI = 8.4, 84
"""Of the curves, in inches, and what an inch is on a screen."""


class LiveView:
    """Shows one training while it runs; in a terminal, a line per epoch."""

    def __init__(
        self,
        name: str,
        epochs: int,
        steps: int,
        expected: float,
        history: dict[str, list[float]] | None = None,
    ):
        """history: curves of the epochs that were trained before."""
        self.name, self.epochs, self.steps = name, epochs, steps
        self.history: dict[str, list[float]] = {"loss": [], "val_loss": []}
        self.history |= {key: list(values) for key, values in (history or {}).items()}
        self._before = len(self.history["loss"])
        self._started = self._shown = time.monotonic()
        self._display = _display_handle()
        self._bar(
            0, f"{name}: {_epochs(epochs - self._before)}, {_duration(expected)} on two CPU cores"
        )

    def callback(self) -> Any:
        """What Keras calls during training."""
        view = self

        class _Callback(import_keras().callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, step: int, logs: Any = None) -> None:
                if time.monotonic() - view._shown > 1.0:
                    view._progress(step + 1)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                view._epoch(logs or {})

        return _Callback()

    def _progress(self, step: int) -> None:
        self._shown = time.monotonic()
        over = len(self.history["loss"])
        missing = max(self.epochs - self._before, 1)
        done = min((over - self._before + step / self.steps) / missing, 1.0)
        self._bar(done, f"{self.name}: epoch {min(over + 1, self.epochs)} of {self.epochs}")

    def _epoch(self, logs: dict[str, Any]) -> None:
        for key, value in logs.items():
            if "loss" in key or "acc" in key:
                short = "val_accuracy" if key.startswith("val_") else "accuracy"
                self.history.setdefault(key if "loss" in key else short, []).append(
                    round(float(value), 5)
                )
        if self._display is None:
            print(f"{self.name}: " + self._numbers())
        else:
            self._progress(0)

    def _numbers(self) -> str:
        return f"epoch {len(self.history['loss'])} of {self.epochs}: " + ", ".join(
            f"{key} {values[-1]:.3f}" for key, values in self.history.items() if values
        )

    def _bar(self, done: float, text: str) -> None:
        passed = time.monotonic() - self._started
        left = f", {_duration(passed / done * (1 - done))} left" if done > 0.05 else ""
        if self._display is None:
            if not done:
                print(text)
            return
        picture = curves_svg(self.history, self.epochs) if self.history["loss"] else ""
        self._display.update(
            {
                "text/html": f"<div>{html.escape(text + left)}<br>"
                f'<progress value="{done:.3f}" style="width:24em"></progress>'
                f"<br>{picture}</div>",
                "text/plain": text + left,
            },
            raw=True,
        )

    def close(self, text: str) -> None:
        """Leave the final curves and a sentence."""
        if self._display is None:
            print(text)
            return
        self._display.update(_final(text, self.history), raw=True)


def show(text: str, record: dict[str, Any]) -> None:
    """What is seen of a training that was done before: a sentence, its result and its curves."""
    text = f"{text}  {in_words(record)}"
    display = _display_handle()
    if display is None:
        print(text)
    else:
        display.update(_final(text, record.get("history", {})), raw=True)


def _final(text: str, history: dict[str, list[float]]) -> dict[str, str]:
    """A sentence and the curves, as a notebook displays them."""
    picture = curves_svg(history, len(history.get("loss", [])))
    return {"text/html": f"<div>{html.escape(text)}<br>{picture}</div>", "text/plain": text}


def _display_handle() -> Any:
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return None
    from IPython.display import display  # only where IPython runs

    return display({"text/plain": "…"}, raw=True, display_id=True)


def curves_svg(history: dict[str, list[float]], epochs: int) -> str:
    """Curves of loss and accuracy as an HTML image; "" if there is nothing to draw.

    epochs: where the axis ends.
    """
    if not history.get("loss"):
        return ""
    # matplotlib takes its time to import
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    said = []
    for axis, key in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for values, colour, marker, label in (
            (history.get(key), BLUE, "o-", "training"),
            (history.get(f"val_{key}"), ORANGE, "s--", "validation"),
        ):
            if values:
                numbers = np.arange(1, len(values) + 1)
                axis.plot(numbers, values, marker, ms=4, color=colour, label=label)
                ends = f"{values[0]:.3g} to {values[-1]:.3g}"
                said.append(f"{key} on {label} images from {ends}")
        axis.set_xlabel("epoch", fontsize=11)
        axis.set_ylabel(key, fontsize=11)
        axis.set_xlim(0.5, max(epochs, 2) + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.25)
    axis = figure.axes[0]
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * _DPI)  # sharp on screens of high resolution
    coded = base64.b64encode(buffer.getvalue()).decode()
    alt = f"Curves over {_epochs(len(history['loss']))}: {'; '.join(said)}."
    return (
        f'<img alt="{html.escape(alt)}" style="width:{_WIDTH * _DPI:.0f}px;max-width:100%" '
        f'src="data:image/png;base64,{coded}">'
    )


def in_words(record: dict[str, Any]) -> str:
    """A record in a sentence."""
    stopped = " (interrupted)" if record.get("interrupted") else ""
    return (
        f"{record.get('name')}: {_epochs(record.get('epochs', 0))}{stopped} in "
        f"{record.get('seconds', 0):.0f} s, {record.get('parameters', 0):,} parameters, "
        f"{_percent(record.get('train'))} of training and "
        f"{_percent(record.get('validation'))} of validation images right"
    )


class TextTable:
    """Cells of text that a notebook shows as a table, and a terminal as lines."""

    def lines(self) -> list[list[str]]:
        """The cells as text, the head first."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        head, *body = self.lines()
        side = ' style="text-align:left;white-space:normal"'
        rows = ["<tr>" + "".join(f"<th{side}>{html.escape(c)}</th>" for c in head) + "</tr>"]
        for cells in body:
            inside = "".join(f"<td{side}>{html.escape(c)}</td>" for c in cells)
            rows.append(f"<tr>{inside}</tr>")
        return f'<table style="font-size:13px;max-width:70em">{"".join(rows)}</table>'

    def __repr__(self) -> str:
        return "\n".join("  ".join(cells) for cells in self.lines())


class Table(TextTable):
    """Results of several models; a notebook shows it as a table."""

    def __init__(self, rows: list[dict[str, Any]], test: dict[str, float] | None = None):
        self.rows = rows
        self.test = test or {}

    def lines(self) -> list[list[str]]:
        """The cells as text, the head first."""
        head = ["model", "architecture", "parameters", "epochs", "batch", "rate", "training",
                "validation"]  # fmt: skip
        body = [
            [
                str(row.get("name")),
                str(row.get("architecture", "not trained yet")),
                f"{row['parameters']:,}" if "parameters" in row else "",
                str(row.get("epochs", "")),
                str(row.get("batch", "")),
                f"{row['rate']:g}" + ", falling" * bool(row.get("falling"))
                if "rate" in row
                else "",
                _percent(row.get("train")),
                _percent(row.get("validation")),
            ]
            for row in self.rows
        ]
        if self.test:
            head.append("test")
            for cells, row in zip(body, self.rows, strict=True):
                cells.append(_percent(self.test.get(str(row.get("name")))))
        return [head, *body]


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' * (count != 1)}"


def _percent(fraction: Any) -> str:
    return f"{100 * fraction:.1f} %" if isinstance(fraction, float) else ""


def _duration(seconds: float) -> str:
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"about {whole} second{'s' * (whole != 1)}"
    return f"about {round(seconds / 60)} minutes"
