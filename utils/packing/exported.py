"""A notebook's code as a plain .py file, for whoever wants to read it without Jupyter.

The notebook is what is graded: graders pass over such files.
"""

from __future__ import annotations

import re
from typing import Any

from utils.packing.notebooks import text_of

_EXPORT = re.compile(r"(?:.*/)?code/\d\d_\w+\.py")
_FOR_IPYTHON = re.compile(r"^(?=[%!])", re.MULTILINE)


def path_of(name: str) -> str:
    """Where a notebook's export lies in an archive."""
    return f"code/{name}.py"


def is_export(path: str) -> bool:
    """Is it a file that an archive holds beside the notebook?  None that Python could import."""
    return _EXPORT.fullmatch(path) is not None


def exported(name: str, notebook: dict[str, Any]) -> bytes:
    """All cells in order: code as it is, text and IPython's own lines as comments."""
    parts = [f"# {name}: exported from the notebook, which is what counts.\n"]
    for cell in notebook["cells"]:
        text = text_of(cell).rstrip()
        if not text:
            continue
        if cell["cell_type"] == "code":
            parts.append("# %%\n" + _FOR_IPYTHON.sub("# ", text) + "\n")
        else:
            lines = (f"# {line}".rstrip() for line in text.split("\n"))
            parts.append("# %% [markdown]\n" + "\n".join(lines) + "\n")
    return "\n".join(parts).encode("utf-8", "replace")
