"""What the notebooks import.

It never imports the grader, and no solution is in it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from utils.checks.handover import CheckFailed, check

__all__ = ["CheckFailed", "check"]


def __getattr__(name: str) -> Any:
    # numpy comes with them, which no command needs to say what it can do
    if name in __all__:
        import_module("utils.checks.unfinished").install()
        return getattr(import_module("utils.checks.handover"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
