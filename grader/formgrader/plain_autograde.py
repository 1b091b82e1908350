"""Keeps formgrader's Autograde button and `nbgrader autograde` from running student code.

Named in the nbgrader configuration of every class folder.
"""

from __future__ import annotations

from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor


class Refuse(NbGraderPreprocessor):
    """The first step of nbgrader's own autograding; it ends there."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Raises RuntimeError, with what to do instead."""
        raise RuntimeError(
            "nbgrader's autograde would run this notebook without a sandbox and believe what it "
            "says about itself.  Run ./course grade instead."
        )
