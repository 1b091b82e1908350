"""What the benches ran on, for their JSON."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe() -> str:
    """Processor and number of logical cores, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} logical cores"
