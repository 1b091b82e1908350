"""Hostile notebooks by number: the same number gives the same one.

Each is an honest one with some of the ways in which a notebook can be odd, large or slow, and with
what a hostile kernel would make of it.
"""

from __future__ import annotations

import base64
import io
import json
import random
import string
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.attacks import pumps
from tests.grader.tiny_course import NAME, reference

PIECES = (
    *("[^1]", "![", "[a](", "](attachment:", "\\begin{x}", "*a_", "**", "> ", "- ", "1. ", "`a``"),
    *("$", "$$", "\\(", "|a", "a|b\n-|-\n", "~~", "<!--", "<a ", "&#", "http://a.", "# ", "\n\n"),
    *(
        "[a]: b\n",
        "[[]]",
        "\\",
        "    ",
        "\t",
        "\r",
        "f'{",
        "(",
        "{",
        "'''",
        '"',
        "\\\n",
        "@a.",
        "a.b.",
    ),
    *(
        "0x",
        "1_",
        "#",
        "%%",
        "!",
        "?",
        "lambda ",
        "from a import ",
        "def a",
        "class a:\n ",
        "'\\N{",
    ),
    *("check(", "STUDENT_ID = ", "check('square', ", "import ", "team_1", "x" * 50, "é", "\u202e"),
    *(
        "\x1b[1m",
        "\x1b]",
        "\x1b[",
        "\ud83d",
        "\ufeff",
        "\u0301",
        "\0",
        "<script>",
        "{{",
        "{%",
        "=1+",
    ),
)
_NASTY: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    10**40,
    "",
    "x" * 10_000,
    [],
    {},
    [[]],
    {"a": None},
)


@dataclass
class Hostile:
    """What is handed in, and what would come back from its kernel."""

    number: int
    archive: bytes
    """A tar.gz."""
    outputs: list[Any]
    """Outputs for its code cells, one after the other, again and again."""
    answers: list[bytes]
    """What its checks hand back."""
    ways: list[str] = field(default_factory=list)


def make(number: int) -> Hostile:
    """The notebook of that number."""
    chance = random.Random(number)
    notebook = json.loads(json.dumps(reference(f"team_{number}")))
    files: dict[str, bytes] = {}
    ways = chance.sample(sorted(WAYS), chance.randint(1, 3))
    for way in ways:
        WAYS[way](chance, notebook, files)
    content = json.dumps(notebook, ensure_ascii=True).encode()
    if chance.random() < 0.05:
        content = _damaged(chance, content)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for name, data in {f"notebooks/{NAME}.ipynb": content, **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    outputs = [_output(chance) for _ in range(chance.choice((0, 1, 5, 300)))]
    answers = [chance.randbytes(chance.choice((0, 10, 100_000))) for _ in range(2)]
    return Hostile(number, stream.getvalue(), outputs, answers, ways)


def text(chance: random.Random, most: int = 1_000_000) -> str:
    """Something repeated, between other things; or just long."""
    odd = "".join(chance.choices(string.punctuation + "a 1\n", k=chance.randint(1, 6)))
    piece = chance.choice((*PIECES, odd, chance.choice(PIECES) + chance.choice(PIECES)))
    length = int(10 ** chance.uniform(1, len(str(most)) - 1))
    start = chance.choice(("", "a", "# ", "x = '", "> "))
    end = chance.choice(("", "b", "\n", "'", "$"))
    return start + piece * (length // len(piece) + 1) + end


def _pump(chance: random.Random) -> str:
    return chance.choice([*pumps.MARKDOWN.values(), *pumps.CODE.values()])


def _cell(chance: random.Random, source: str) -> dict[str, Any]:
    kind = chance.choice(("code", "markdown", "raw"))
    cell: dict[str, Any] = {"cell_type": kind, "id": f"x{chance.random()}"[:20], "metadata": {}}
    cell["source"] = source
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def _deep(chance: random.Random, depth: int) -> Any:
    value: Any = chance.choice(_NASTY)
    for _ in range(depth):
        value = {"a": value} if chance.random() < 0.5 else [value]
    return value


def _output(chance: random.Random) -> Any:
    kind = chance.randint(0, 6)
    if kind == 0:
        return {"output_type": "stream", "name": "stdout", "text": text(chance)}
    if kind == 1:
        lines = [text(chance, 10_000) for _ in range(chance.choice((1, 300)))]
        return {"output_type": "error", "ename": "E", "evalue": text(chance), "traceback": lines}
    if kind == 2:
        data = {
            chance.choice(("text/plain", "text/html", "image/png", text(chance, 1000))): text(
                chance
            )
        }
        return {"output_type": "display_data", "data": data, "metadata": {"a": _deep(chance, 50)}}
    if kind == 3:
        png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + chance.randbytes(5000)).decode()
        return {"output_type": "display_data", "data": {"image/png": png}, "metadata": {}}
    if kind == 4:
        return {"output_type": "stream", "name": _deep(chance, 3), "text": ["a\n"] * 50_000}
    if kind == 5:
        return {
            "output_type": chance.choice(("odd", "execute_result")),
            "data": chance.choice(_NASTY),
        }
    return {
        "output_type": "stream",
        "name": "stderr",
        "text": chance.choice([*pumps.OUTPUT.values()]),
    }


def _long_cells(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    for _ in range(chance.randint(1, 4)):
        source = _pump(chance) if chance.random() < 0.3 else text(chance)
        notebook["cells"].insert(chance.randrange(len(notebook["cells"])), _cell(chance, source))


def _long_answers(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    for cell in notebook["cells"]:
        if chance.random() < 0.5:
            cell["source"] = chance.choice(("", cell["source"], "x = 1\n")) + text(chance)


def _many_cells(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    source = text(chance, 10_000)
    notebook["cells"] += [_cell(chance, source) for _ in range(chance.choice((100, 1900, 2500)))]


def _copies(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    cell = chance.choice(notebook["cells"])
    notebook["cells"] += [dict(cell, source=f"# {k}\n{cell['source']}") for k in range(300)]


def _metadata(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    for cell in notebook["cells"]:
        about = cell["metadata"].setdefault("nbgrader", {})
        about[chance.choice(("grade_id", "locked", "points", "solution", "tags"))] = chance.choice(
            (*_NASTY, _deep(chance, 60), text(chance, 10_000))
        )
    notebook["metadata"][chance.choice(("kernelspec", "language_info", "course", "a"))] = (
        chance.choice((*_NASTY, _deep(chance, 90), {"name": text(chance, 1000)}))
    )


def _structure(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    for cell in notebook["cells"]:
        if chance.random() < 0.1:
            key = chance.choice(
                ("id", "outputs", "execution_count", "attachments", "source", "odd")
            )
            cell[key] = chance.choice((*_NASTY, _deep(chance, 80)))
    if chance.random() < 0.2:
        notebook["nbformat_minor"] = chance.choice((0, 4, 5, 99, -1))


def _outputs(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [_output(chance) for _ in range(chance.choice((1, 20)))]


def _attachments(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    words = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    for cell in words or notebook["cells"][:1]:
        names = [text(chance, 1000) for _ in range(chance.choice((1, 200)))]
        cell["attachments"] = {name: {"image/png": text(chance, 100_000)} for name in names}
        cell["source"] = "".join(f"![](attachment:{name})" for name in names)


def _lines(chance: random.Random, notebook: dict[str, Any], _: dict[str, bytes]) -> None:
    line = chance.choice(("", "a\n", "\n", "#\n", " ", "x = 1\n"))
    notebook["cells"].append(_cell(chance, ""))
    notebook["cells"][-1]["source"] = [line] * 200_000


def _modules(chance: random.Random, notebook: dict[str, Any], files: dict[str, bytes]) -> None:
    notebook["cells"][0]["source"] += "\nimport helpers"
    notebook["cells"][0]["cell_type"] = "code"
    notebook["cells"][0].setdefault("outputs", [])
    notebook["cells"][0].setdefault("execution_count", None)
    source = text(chance, 100_000).encode("utf-8", "replace")
    files["notebooks/helpers.py"] = source
    files[f"notebooks/handin/{NAME}/w.npz"] = chance.randbytes(1000)
    files[f"notebooks/handin/{NAME}/report.pdf"] = b"%PDF-1.7" + source


WAYS: dict[str, Callable[[random.Random, dict[str, Any], dict[str, bytes]], None]] = {
    "long cells": _long_cells,
    "long answers": _long_answers,
    "many cells": _many_cells,
    "copies": _copies,
    "metadata": _metadata,
    "structure": _structure,
    "outputs": _outputs,
    "attachments": _attachments,
    "lines": _lines,
    "modules": _modules,
}


def _damaged(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    odd = (b"NaN", b"1" * 5000, b"[" * 500, b'"', b"\xff", b"1e999", b",,", b"")
    return content[:at] + chance.choice(odd) + content[at + chance.randint(0, 3) :]
