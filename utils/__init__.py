"""What the notebooks import."""

from utils.check import CheckFailed, check

__all__ = ["CheckFailed", "check"]
