"""What a terminal shows while a class is graded: done, running, failed, and the time left.

On a terminal a bar that moves; elsewhere a plain line every now and then.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 15.0
"""Seconds between plain lines."""


class Display:
    """Shows how far grading is.  Give it to `grade` as its progress."""

    def __init__(self, console: Console, total: int, at_once: int | None = None) -> None:
        """total: how many submissions there are.  at_once: most that run at a time, if known."""
        self.console, self.total, self.at_once = console, total, at_once
        self.done = self.kept = self.again = self.failed = self.on_the_way = 0
        self.executed = 0
        self.began = self._said = time.monotonic()
        self._bar = Progress(
            TextColumn("grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[label]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, state="", label="")

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self._bar.stop()
        elif self.done:
            self._say()

    def __call__(self, what: str, label: str) -> None:
        """Something happened to a submission, in the words of `grader.grading.run.Progress`."""
        if what == "queued":
            if not self.executed and not self.on_the_way:
                self.began = time.monotonic()  # what was kept took no time worth counting
            self.on_the_way += 1
        else:
            self.done += 1
            self.kept += what == "kept"
            self.again += what == "marked again"
            self.failed += what == "failed"
            if what not in ("kept", "marked again") and self.on_the_way:
                self.on_the_way -= 1
                self.executed += 1
        if self.console.is_terminal:
            self._bar.update(self._task, completed=self.done, state=self.state(), label=label)
        elif time.monotonic() >= self._said + EVERY:
            self._say()

    @property
    def running(self) -> int:
        """How many run now, as far as can be told from here."""
        return min(self.on_the_way, self.at_once) if self.at_once else self.on_the_way

    def state(self) -> str:
        """In a few words: "4 running, 1 failed, about 3 min left"."""
        words = [f"{self.running} running"]
        if self.kept:
            words.append(f"{self.kept} kept")
        if self.again:
            words.append(f"{self.again} marked again")
        if self.failed:
            words.append(f"{self.failed} failed")
        if self.executed and (left := self.total - self.done):
            each = (time.monotonic() - self.began) / self.executed
            words.append(f"about {duration(each * left)} left")
        return ", ".join(words)

    def _say(self) -> None:
        self._said = time.monotonic()
        self.console.print(f"{self.done} of {self.total} done, {self.state()}", markup=False)


def duration(seconds: float) -> str:
    """A length of time in words, roughly.

    >>> duration(5), duration(200), duration(20000)
    ('5 s', '3 min', '5.6 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
