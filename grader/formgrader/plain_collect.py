"""Keeps formgrader's Collect button and `nbgrader collect` out of a class folder.

nbgrader's collecting removes the folder of a submission before it copies a newer one there, and
what it copies is never graded.  Named in the nbgrader configuration of every class folder.
"""

from __future__ import annotations

from nbgrader.exchange.default import ExchangeCollect


class Refuse(ExchangeCollect):
    """nbgrader's collecting from the exchange; it ends before anything is looked at."""

    def start(self) -> None:
        """Raises ExchangeError, with what to do instead."""
        self.fail(
            "What nbgrader collects is not graded here, and it would replace what was handed in. "
            f"Run ./course collect --exchange {self.root} instead."
        )
