"""Nets that no student has touched: what judges ask when a net's opinion counts.

They are sent arrays, and never a student's file or code.  What the harness asks about them is here;
see `grader.contract.nets`.
"""

from grader.contract.judge import Handed
from utils.nets.pretrained import NAMES, files, keras_home, require
from utils.nets.toy import NET

__all__ = ["DEFAULT", "NAMES", "environment", "files", "of_class", "patience", "require"]

DEFAULT = "mini"
"""The net of public cases, and of a class that has chosen none."""


def environment(name: str) -> dict[str, str]:
    """What a kernel needs to find a net's files, and which net it is going to be asked for."""
    return {"KERAS_HOME": str(keras_home()), NET: name}


def patience(name: str) -> float:
    """ImageNet nets take ten times as long as the mini net, but not all of a call is theirs."""
    return 1.0 if name == DEFAULT else 4.0


def of_class(handed: Handed | None) -> str:
    """The net that a class's questions are about."""
    return (handed.net if handed is not None else "") or DEFAULT
