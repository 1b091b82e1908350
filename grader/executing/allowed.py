"""How long the calls, cells and the whole of a notebook may take while it is graded.

Processor time is what counts: a busy machine does not use it up.  A call has `seconds_per_call`
(times what its judge and its net allow).  A check has the sum of its calls, and so has its cell,
if that is more than the `seconds_per_cell` that every cell has.  The notebook has
`seconds_per_notebook` for everything else, and the sum of its checks: whoever keeps to the limit of
each call keeps to all of them.

Beside it runs a clock, for those who sleep: five times as long for a call and a cell.  For the
notebook it is five times `seconds_per_notebook`, or a quarter more than the processor time that it
has, whichever is longer.  So no submission holds a worker longer than `Allowed.clock`, twice if it
is tried again, and what a course sets bounds that: how many calls there are is for judges to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.cells import Cell, check_of
from grader.config import Limits
from utils.checks.clock import CLOCK

_SPARE = 1.25
"""By the clock a machine that is not busy takes little longer than it computes."""


@dataclass(frozen=True)
class Allowed:
    """The limits of one notebook, in seconds."""

    limits: Limits
    checks: Mapping[str, float] = field(default_factory=dict)
    """Name of a check -> the sum of what its calls have."""

    def cell(self, cell: Cell) -> float:
        """Processor time of one cell."""
        return max(self.limits.seconds_per_cell, self.checks.get(check_of(cell), 0.0))

    def cell_clock(self, cell: Cell) -> float:
        """How long it may take by the clock."""
        return CLOCK * self.cell(cell)

    @property
    def notebook(self) -> float:
        """Processor time of all that runs for the notebook."""
        return self.limits.seconds_per_notebook + sum(self.checks.values())

    @property
    def clock(self) -> float:
        """How long the notebook may take by the clock."""
        return max(CLOCK * self.limits.seconds_per_notebook, _SPARE * self.notebook)
