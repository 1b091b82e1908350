"""An essay of several cells, made one."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import quote

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.executing.matching import text


def whole_answer(released: NotebookNode, copies: list[NotebookNode]) -> NotebookNode:
    """An essay with all that was written into copies of its cell, and the pictures in them."""
    parts: list[str] = []
    pictures: dict[str, object] = {}
    seen: defaultdict[str, list[object]] = defaultdict(list)
    for cell in copies:
        part, given = text(cell), cell.get("attachments")
        if (part == released.source and len(copies) > 1) or given in seen[part]:
            continue
        seen[part].append(given)
        for name, picture in (given if isinstance(given, dict) else {}).items():
            key = str(name)
            while key in pictures and pictures[key] != picture:
                key = f"{len(pictures)}-{key}"
            if key != name:
                for spelling in {str(name), quote(str(name))}:
                    part = part.replace(f"attachment:{spelling})", f"attachment:{key})")
            pictures[key] = picture
        parts.append(part)
    whole: list[str] = []
    for part in dict.fromkeys(part.strip() for part in parts):
        if whole and whole[-1] in part:  # the same, and more
            whole[-1] = part
        elif not whole or part not in whole[-1]:
            whole.append(part)
    cell = nbformat.from_dict(released)
    cell.source = ("\n\n".join(whole) if len(parts) > 1 else "".join(parts)) or released.source
    if pictures:
        cell.attachments = pictures
    return cell
