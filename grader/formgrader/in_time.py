"""Cells that formgrader's server can show in no time: tried before they are put in front of it.

That server sets Markdown and colours code with parsers that promise nothing about odd text, and
waits for them, so that one cell could block it for everybody.  What takes long here is shown as it
was typed; nothing of it is lost.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from nbformat.notebooknode import NotebookNode

from grader import apart

NOTEBOOK_SECONDS = 2.0
"""Of processor time for all of a notebook's cells that are tried together."""
CELL_SECONDS = 0.5
MOST_SLOW = 2
"""Cells that are tried by themselves and take too long; then every one of some length does."""
SHORT, ALL_SHORT = 1000, 50_000
"""Characters of a cell that is not in doubt, and of all such cells of a notebook."""

WIDTH = 200
"""Characters of a line that is shown as it was typed."""

AS_TYPED = "*This cell is shown as it was typed: to set it would take too long.*"
WITHOUT_COLOURS = "# shown without colours, which would take too long\n"
_OWN_PICTURE = re.compile(r"!\[\]\(attachment:picture\d{1,6}\)")


def fit(cells: Sequence[NotebookNode]) -> None:
    """Make cells, which are harmless otherwise, such as can be shown in time."""
    for cell in _slow(list(_in_doubt(cells))):
        if cell.cell_type == "code":
            cell.metadata["magics_language"] = "text"  # nbconvert colours it as that
            if cell.source.lstrip().startswith("%%"):  # and would take the language from there
                cell.source = WITHOUT_COLOURS + cell.source
        else:
            pictures = _OWN_PICTURE.findall(cell.source)
            lines = _OWN_PICTURE.sub("", cell.source).splitlines()
            # one more pattern of nbconvert's goes over each line, however it is set
            folded = (
                line[at : at + WIDTH] for line in lines for at in range(0, len(line) or 1, WIDTH)
            )
            typed = "\n".join(f"    {line}" for line in folded)
            cell.source = "\n\n".join([AS_TYPED, typed, *pictures])


def _in_doubt(cells: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    """Those that could take long: most cells are short, and nobody waits for their trial."""
    room = ALL_SHORT
    for cell in cells:
        if len(cell.source) > SHORT or room < len(cell.source):
            yield cell
        else:
            room -= len(cell.source)


def _slow(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Those that take too long, by themselves or after all before them."""
    if not cells:
        return []
    tried = [(cell.cell_type, cell.source) for cell in cells]
    try:
        fitting = apart.call(NOTEBOOK_SECONDS + 1, show_all, tried, NOTEBOOK_SECONDS)
        return cells[fitting:]
    except apart.TooMuch:
        pass
    slow: list[NotebookNode] = []
    spent = 0.0
    for cell, one in zip(cells, tried, strict=True):
        try:
            if len(slow) >= MOST_SLOW or spent > NOTEBOOK_SECONDS:
                raise apart.TooMuch
            began = time.monotonic()
            apart.call(CELL_SECONDS, show_all, [one], NOTEBOOK_SECONDS)
            spent += time.monotonic() - began
        except apart.TooMuch:
            slow.append(cell)
    return slow


def show_all(cells: list[tuple[str, str]], seconds: float) -> int:
    """Do what formgrader does with (type, source) of cells; how many fit into the time.

    It is called in a process of its own.
    """
    # the grader itself needs none of it, and would wait for it
    from bs4 import BeautifulSoup
    from nbconvert.filters import Highlight2HTML, strip_files_prefix
    from nbconvert.filters.markdown_mistune import markdown2html_mistune
    from nbconvert.preprocessors import HighlightMagicsPreprocessor

    colour, magics = Highlight2HTML(), HighlightMagicsPreprocessor()
    began = time.process_time()
    for number, (kind, source) in enumerate(cells):
        if kind == "code":
            language = magics.which_magic_language(source)
            html = colour(source, metadata={"magics_language": language} if language else {})
        else:
            html = strip_files_prefix(markdown2html_mistune(source))
        str(BeautifulSoup(html, "html.parser"))  # as nbconvert does with the whole page
        if time.process_time() - began > seconds:
            return number
    return len(cells)
