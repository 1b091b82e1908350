"""Where notebooks run: on this machine, or on the workers of a cluster that was named."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Annotated

import typer

from grader.classroom.folder import ClassFolder
from grader.commands import errors
from grader.grading.runlog import RunLog

SchedulerOption = Annotated[
    str, typer.Option(help="Dask scheduler of a cluster: tcp://host:port, or its file.")
]


@contextmanager
def executor(scheduler: str, place: ClassFolder) -> Iterator[Executor | None]:
    """The workers of a cluster, or None for this machine."""
    if not scheduler:
        yield None
        return
    from grader.cluster import ClusterExecutor  # what executes takes its time to import

    def say(text: str) -> None:
        errors.print(text, markup=False)
        RunLog(place.root).write(text)

    with ClusterExecutor(scheduler, say=say) as workers:
        yield workers
