"""Start the warm parents of the kernels before anything heavy is imported.

Importing TensorFlow takes longer than all that the grader itself imports, and a machine has more
than one core; so a command that will grade calls `begin` first.  This module imports little.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from grader import config, sandbox
from grader.classroom.folder import ClassFolder
from grader.contract.kernels import Profile
from grader.sandbox import leftovers, warm_parents


def begin(
    folder: ClassFolder, course: config.Course, only: Callable[[str, str], bool] = lambda *_: True
) -> None:
    """Let the parents that this class's notebooks need import their libraries meanwhile.

    only: whether (team, notebook) will be graded.
    """
    names = {name for team, name in folder.submissions() if only(team, name)}
    start({course.notebooks[name].kernel for name in names & set(course.notebooks)})


def start(profiles: Iterable[Profile]) -> None:
    """Start the parents for some profiles, if this machine's sandbox uses any."""
    leftovers.sweep()
    if not sys.platform.startswith("linux"):
        return
    for profile in profiles:  # at once: finding out takes a while, and is rarely in vain
        warm_parents.start(profile)
    if sandbox.way() != "direct":
        warm_parents.close()


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import without collecting garbage: there is none, and looking takes a quarter of the time."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
