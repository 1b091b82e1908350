"""Names taken out of what markers see, where they must not know whose work they mark.

Formgrader's Manual Grading numbers submissions and hides names; what would give them away is what
stands in the notebooks.  The gradebook goes by team as ever, so exports need nothing put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from nbformat.notebooknode import NotebookNode

HIDDEN = "…"
"""What stands in the place of a name."""

_SHORTEST = 3
_OWN_ID = re.compile(r"^([ \t\f]*STUDENT_ID[ \t]*=[ \t]*).+$", re.MULTILINE)


def without_names(notebook: NotebookNode, names: Iterable[str]) -> NotebookNode:
    """A copy in which no text that was written or printed tells whose it is.

    names: ids and full names of a team and its members; "Team 07" is found where "team_7" is named.
    Pictures stay as they are.
    """
    patterns = sorted(filter(None, map(_pattern, names)), key=len, reverse=True)
    named = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None
    copy = deepcopy(notebook)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.source = _OWN_ID.sub(rf'\1"{HIDDEN}"', cell.source)
        if named is not None:
            cell.source = named.sub(HIDDEN, cell.source)
            for output in cell.get("outputs", []):
                _hide(output, named)
    return copy


def _pattern(name: str) -> str:
    """What finds a name in whatever way its words are joined; "" if it is too short to be one."""
    words = re.findall(r"\d+|[^\W\d_]+", name)
    if sum(map(len, words)) < _SHORTEST:
        return ""
    parts = [f"0*{int(word)}" if word.isdecimal() else re.escape(word) for word in words]
    return r"(?<![^\W_])" + r"[\W_]{0,3}".join(parts) + r"(?![^\W_])"


def _hide(value: Any, named: re.Pattern[str]) -> None:
    """Hide names in the texts of an output, in place."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(item, str):
            value[key] = named.sub(HIDDEN, item)
        elif isinstance(item, dict):
            pictures = [mime for mime in item if str(mime).startswith("image/")]
            texts = {mime: text for mime, text in item.items() if mime not in pictures}
            _hide(texts, named)
            item.update(texts)
        elif isinstance(item, list):
            _hide(item, named)
