"""The sandbox in which student notebooks run: kernels forked from a warm parent, isolated.

It never falls back on running without isolation.

A notebook in it has no network, sees the course read-only and nothing else of the machine, has a
scratch folder of its own, and is bounded in memory, processes, processor time and storage.  What is
enforced and how is said in `tree` (files), `child` (processes), `seccomp` (system calls), `bounds`
and `watch` (resources); `probe` says what this machine offers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from grader.sandbox.bounds import Bounds
from grader.sandbox.client import warm_parents
from grader.sandbox.errors import SandboxUnavailable
from grader.sandbox.probe import Report, probe, way

if TYPE_CHECKING:
    from grader.sandbox.inside import Attempt, probe_table
    from grader.sandbox.manager import kernel_manager, register
    from grader.sandbox.provisioner import CourseProvisioner, Ended

__all__ = [
    "Attempt",
    "Bounds",
    "CourseProvisioner",
    "Ended",
    "Report",
    "SandboxUnavailable",
    "kernel_manager",
    "probe",
    "probe_table",
    "register",
    "warm_parents",
    "way",
]

_LATER = {
    "Attempt": "inside",
    "probe_table": "inside",
    "kernel_manager": "manager",
    "register": "manager",
    "CourseProvisioner": "provisioner",
    "Ended": "provisioner",
}
"""What needs jupyter_client, which takes longer to import than a warm parent to start."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
