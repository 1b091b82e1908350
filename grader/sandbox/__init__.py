"""The sandbox in which student notebooks run: kernels forked from a warm parent, isolated.

A notebook in it has no network, sees the course read-only and nothing else of the machine, has a
scratch folder of its own, and is bounded in memory, processes, processor time and storage.  What is
enforced and how is said in `tree` (files), `child` (processes), `seccomp` (system calls), `bounds`
and `watch` (resources); `probe` says what this machine offers.
"""

from grader.sandbox.bounds import Bounds
from grader.sandbox.client import warm_parents
from grader.sandbox.errors import SandboxUnavailable
from grader.sandbox.inside import Attempt, probe_table
from grader.sandbox.manager import kernel_manager, register
from grader.sandbox.probe import Report, probe
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
]
