"""Notebooks as plain code: what is in them, and that nobody takes it for a module."""

from __future__ import annotations

from utils.packing import beside, exported
from utils.packing.beside import Names


def test_text_and_magic_become_comments_and_code_stays() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "text"]},
        {"cell_type": "code", "source": "%matplotlib inline\nx = 1\n!ls\n"},
        {"cell_type": "code", "source": ""},
    ]
    code = exported.exported("04_seeing", {"cells": cells}).decode()
    assert code.endswith(
        "# %% [markdown]\n# # Title\n#\n# text\n\n# %%\n# %matplotlib inline\nx = 1\n# !ls\n"
    )
    assert compile(code, "code", "exec")


def test_an_export_is_neither_a_module_nor_in_the_way_of_one() -> None:
    names = Names.of(["utils"], [])
    files = {exported.path_of("04_seeing"): b"x = 1", "helpers.py": b"y = 1"}
    found = beside.sort_out("04_seeing", "import helpers, code", files, names)
    assert (found.kept, found.unneeded, found.refused) == (["helpers.py"], [], [])
    own = beside.sort_out("04_seeing", "import code", {"code/helpers.py": b""}, names)
    assert "'code'" in own.refused[0][1]  # a package of that name is still told to be taken
