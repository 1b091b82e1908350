"""What goes on while Keras trains: divergence ends it, what was learned is kept, the rate falls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.nets.quiet import import_keras
from utils.training import models


class Watch:
    """Ends a training that diverges, and keeps what it has learned, should its kernel end."""

    def __init__(
        self,
        name: str = "",
        seen: dict[str, Any] | None = None,
        record_now: Callable[[bool], dict[str, Any]] | None = None,
    ):
        self.name, self.seen, self.record_now = name, seen or {}, record_now
        self.diverged = ""
        """Why training was ended, "" if it wasn't."""
        self.kept = time.monotonic()

    def callback(self) -> Any:
        """What Keras calls during training."""
        watch = self

        class _Callback(import_keras().callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.epoch = epoch + 1

            def on_train_batch_end(self, step: int, logs: Any = None) -> None:
                if not np.isfinite((logs or {}).get("loss", 0.0)):
                    watch.diverged = _DIVERGED.format(self.epoch)
                    self.model.stop_training = True

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                watch.after(self.model)

        return _Callback()

    def after(self, model: Any) -> None:
        """An epoch is over."""
        if self.record_now is None or self.diverged or time.monotonic() < self.kept + _KEEP_EVERY:
            return
        self.kept = time.monotonic()
        record = self.record_now(True)
        curves = record["history"]
        for part, curve in (("train", "accuracy"), ("validation", "val_accuracy")):
            record[part] = curves.get(curve, [0.0])[-1]
        models.keep_unfinished(self.name, model.get_weights(), record, self.seen)


_KEEP_EVERY = 5.0
"""Seconds between two times that what was learned is kept."""
_DIVERGED = (
    "training diverged in epoch {}: the loss is no number any more.  Nothing was saved, and what "
    "was saved before stays.  Try a smaller learning rate, and see that the pixels are in 0 … 1"
)


def falling_rate(steps: int, done: int = 0) -> Any:
    """A callback that lowers the learning rate in a straight line to zero.  done: steps before."""

    class _Falling(import_keras().callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.highest = float(self.model.optimizer.learning_rate)
            self.done = done

        def on_train_batch_begin(self, step: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = self.highest * (1 - self.done / steps)
            self.done += 1

    return _Falling()
