"""Nothing that is handed in keeps formgrader, feedback or the search for copies busy.

What is not shown is said.
"""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader import apart, config
from grader.bench import small_course
from grader.classroom.folder import ClassFolder
from grader.contract import visible
from grader.formgrader import in_time, setup
from grader.grading.defuse import defuse
from grader.pages import similar
from grader.pages.feedback import work
from grader.places import ROOT
from tests import long
from tests.attacks import pumps
from utils.packing import notebooks, sizes

FORMGRADER = 4.0
"""Seconds of processor time for which one page may keep the server from others."""
GRADER = 25.0
"""Seconds that a page may cost us: what takes too long is tried, ended, and made otherwise."""
TEXTS = [
    *(("markdown", what, text) for what, text in pumps.MARKDOWN.items()),
    *(("code", what, text) for what, text in pumps.CODE.items()),
    *(("output", what, text) for what, text in pumps.OUTPUT.items()),
][:: long.choose(3, 1)]
NOTEBOOK = "01_implementing_cnn"


def cell_of(kind: str, text: str) -> NotebookNode:
    if kind == "markdown":
        return v4.new_markdown_cell(text)
    if kind == "code":
        return v4.new_code_cell(text)
    return v4.new_code_cell("print(text)", outputs=[v4.new_output("stream", text=text)])


def formgrader_shows(notebook: NotebookNode) -> float:
    """Seconds of processor time that its page takes; TooMuch if it is far too many."""
    return apart.call(3 * FORMGRADER, _shown, nbformat.writes(notebook))


def _shown(notebook: str) -> float:
    from nbconvert import HTMLExporter  # takes its time

    exporter = HTMLExporter(extra_template_basedirs=setup._TEMPLATES, template_name="formgrade")
    about = dict.fromkeys(
        ["assignment_id", "notebook_id", "submission_id", "base_url", "student"], "x"
    )
    about |= {"index": 0, "total": 1, "last_name": "", "first_name": "", "notebook_path": ""}
    exporter.from_notebook_node(v4.new_notebook(cells=[v4.new_code_cell("1")]), about)  # templates
    began = time.process_time()
    exporter.from_notebook_node(nbformat.reads(notebook, as_version=4), about)
    return time.process_time() - began


@pytest.mark.parametrize(("kind", "what", "text"), TEXTS, ids=lambda x: x[:30].strip())
def test_a_cell_that_keeps_parsers_busy_is_shown_in_time(
    kind: str, what: str, text: str, tmp_path: Path
) -> None:
    notebook = v4.new_notebook(cells=[cell_of(kind, text), v4.new_markdown_cell("# The end")])
    notebook.metadata["language_info"] = {"name": "python"}  # as in releases
    path = tmp_path / "executed.ipynb"
    path.write_text(nbformat.writes(notebook))
    began = time.monotonic()
    page = work.read(path)  # even of what was not made harmless
    assert time.monotonic() - began < GRADER
    assert page.problem in ("", work.PLAIN)
    began = time.monotonic()
    defuse(notebook)
    assert time.monotonic() - began < GRADER
    assert formgrader_shows(notebook) < FORMGRADER
    if kind != "output" and sizes.is_long(text):
        assert "more characters" in notebook.cells[0].source


def test_what_takes_long_is_shown_as_it_was_typed() -> None:
    code, words = pumps.CODE["attributes"][:90_000], pumps.MARKDOWN["environments"][:90_000]
    notebook = v4.new_notebook(
        cells=[v4.new_code_cell(code), v4.new_markdown_cell(words), v4.new_markdown_cell("**Hi**")]
    )
    defuse(notebook)
    assert notebook.cells[0].source == code
    said, _, typed = notebook.cells[1].source.partition("\n\n")
    assert said == in_time.AS_TYPED and typed.replace("\n", "").replace("    ", "") == words
    assert notebook.cells[2].source == "**Hi**"


def test_many_cells_are_as_good_as_a_long_one() -> None:
    cells = [v4.new_code_cell("a.b." * 2_000) for _ in range(700)]
    cells += [v4.new_markdown_cell("\\begin{x}" * 800) for _ in range(700)]
    notebook = v4.new_notebook(cells=cells)
    defuse(notebook)
    assert formgrader_shows(notebook) < FORMGRADER + in_time.NOTEBOOK_SECONDS


def test_an_answer_that_differs_in_what_is_not_shown_is_another_answer() -> None:
    shown = []
    for end in ("a", "b"):
        notebook = v4.new_notebook(cells=[v4.new_markdown_cell("word " * 100_000 + end)])
        defuse(notebook)
        shown.append(notebook.cells[0].source)
    assert shown[0] != shown[1] and max(map(len, shown)) < 1.01 * sizes.SHOWN_CHARACTERS


def test_two_notebooks_of_very_many_cells_are_compared_as_far_as_there_is_time(
    tmp_path: Path,
) -> None:
    folder, course = ClassFolder(tmp_path), config.load()
    for team in ("team_1", "team_2"):
        notebook = nbformat.read(visible.released(NOTEBOOK), as_version=4)
        lines = "\n".join(f"x = foo({number}, y[{number}]) + bar" for number in range(150))
        notebook.cells += [v4.new_code_cell(f"z{k} = 1\n{lines}") for k in range(1_500)]
        small_course.hand_in(folder, NOTEBOOK, team, notebook)
    began = time.monotonic()
    (found,) = similar.search(folder, course)
    assert time.monotonic() - began < 4 * GRADER
    assert found.teams == 2 and len(found.pairs) == 1
    assert [line.split(" from ")[0] for line in found.left_out] == [
        f"{team}/{NOTEBOOK}: too long, not compared" for team in ("team_1", "team_2")
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_the_course_is_far_from_these_bounds(path: Path) -> None:
    notebook = notebooks.parse(path.read_bytes())[0]
    texts = list(map(notebooks.text_of, notebook["cells"]))
    assert max(map(len, texts)) < sizes.SHOWN_CHARACTERS / 40
    assert sum(map(len, texts)) < sizes.SHOWN_IN_ALL / 10
    assert not notebooks.long_cells(notebook)


def test_a_process_ends_when_its_time_is_up_and_the_next_task_finds_another() -> None:
    assert apart.call(1, pow, 3, 4) == 81
    with pytest.raises(apart.TooMuch, match="more than"):
        apart.call(0.3, sum, range(10**12))
    with pytest.raises(apart.TooMuch, match="ZeroDivisionError"):
        apart.call(1, divmod, 1, 0)
    with pytest.raises(apart.TooMuch, match="MemoryError"):
        apart.call(5, bytearray, (apart.MEMORY_MB + 100) << 20)
    assert apart.call(1, pow, 3, 4) == 81
