"""Cells of a notebook: what the harness adds to nbgrader's own marks."""

from __future__ import annotations

FIGURE = "figure"
"""Tag of read-only cells that are not executed when graded."""
