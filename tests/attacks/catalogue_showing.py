"""Attacks on whoever looks: what a browser or a spreadsheet would run, wherever it is shown.

All of it says 31337, so that tests find it as a tag, an address or an event where none may be.
"""

# ruff: noqa: E501  the attacks are lines of code within strings
from __future__ import annotations

import base64
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from tests.attacks.base import FULL, LEAKS, RIGHT, STOPS, VICTIMS, Attack

HTML = (
    "<script>alert(31337)</script><img src=x onerror=alert(31337)>"
    "<svg onload=alert(31337)></svg></textarea></pre></code></style></title>"
    "<style>body{background:url(//evil.example/31337)}</style>"
    "<iframe src=javascript:alert(31337)></iframe><a href='javascript:alert(31337)'>x</a>"
    "<base href=//evil.example/31337><meta http-equiv=refresh content='0;url=//evil.example/31337'>"
    "\"'><b onmouseover=alert(31337)>&lt;script&gt;"
)
MARKDOWN = (
    "[x](javascript:alert(31337)) [x](JaVaScRiPt:alert(31337)) [x](java&#115;cript:alert(31337)) "
    "[x](java\tscript:alert(31337)) [x](data:text/html,<script>alert(31337)</script>) "
    "[x](vbscript:alert(31337)) <javascript:alert(31337)> [ref][1] ![x](javascript:alert(31337)) "
    '![x](https://evil.example/31337.png) ![x"onerror="alert(31337)](y) '
    "[x](&#106;avascript&colon;alert(31337)) [x](\\x01javascript:alert(31337))\n\n"
    "[1]: javascript:alert(31337)\n\n"
    "$\\href{javascript:alert(31337)}{x}$ $$\\unicode{<img src=x onerror=alert(31337)>}$$\n\n"
    "$</span><img src=x onerror=alert(31337)>$\n\n"
    "```html\n<script>alert(31337)</script>\n```\n\n"
    "`<script>alert(31337)</script>`\n\n"
    "| a |\n|---|\n| <script>alert(31337)</script> |\n\n" + HTML
)


def _own_cells(notebook: NotebookNode) -> NotebookNode:
    notebook.cells.append(nbformat.v4.new_markdown_cell(MARKDOWN))
    notebook.cells.append(nbformat.v4.new_raw_cell(HTML))
    picture = base64.b64encode(f"<svg>{HTML}</svg>".encode()).decode()
    notebook.cells[-2]["attachments"] = {"x.svg": {"image/svg+xml": picture, "text/html": HTML}}
    return notebook


def _show(name: str, code: str, plain: str = "leaks") -> Attack:
    return Attack(name, LEAKS, f"html = {HTML!r}\nmarkdown = {MARKDOWN!r}\n{code}", plain=plain)


ATTACKS = [
    _show("html as output", "from IPython.display import HTML, display\ndisplay(HTML(html))"),
    _show(
        "script as output",
        "from IPython.display import Javascript, display\ndisplay(Javascript('alert(31337)'))",
    ),
    _show(
        "markdown as output",
        "from IPython.display import Markdown, display\ndisplay(Markdown(markdown))",
    ),
    _show(
        "picture with a script",
        "from IPython.display import SVG, display\ndisplay({'image/svg+xml': f'<svg xmlns=\"http://www.w3.org/2000/svg\">{html}</svg>'}, raw=True)",
        plain="",
    ),
    _show(
        "latex as output",
        "from IPython.display import display\ndisplay({'text/latex': '$' + html + '$'}, raw=True)",
        plain="",
    ),
    _show(
        "false pictures",
        "import base64\n"
        "from IPython.display import display\n"
        "kernel = get_ipython().kernel\n"
        "png = base64.b64encode(b'\\x89PNG' + html.encode()).decode()\n"
        "for data in ({'image/png': png}, {'image/png': html}, {'image/png': '\"><script>alert(31337)</script>'},\n"
        "             {'image/jpeg': '/9j/\" onerror=\"alert(31337)'}, {'image/gif': html}, {'IMAGE/PNG': html}):\n"
        "    kernel.session.send(kernel.iopub_socket, 'display_data', {'data': data, 'metadata':\n"
        "        {'image/png': {'width': '1\" onload=\"alert(31337)', 'height': html}}}, parent=kernel.get_parent('shell'))",
    ),
    _show(
        "widget state",
        "from IPython.display import display\ndisplay({'application/vnd.jupyter.widget-view+json': {'model_id': html}, 'text/plain': html, 'application/javascript': 'alert(31337)', 'application/vnd.plotly.v1+json': {'x': html}}, raw=True)",
    ),
    _show(
        "html as an error",
        "class Odd(Exception): pass\nOdd.__name__ = Odd.__qualname__ = html\nraise Odd(html)",
        plain="",
    ),
    _show(
        "html as a stream",
        "import sys\nprint(html); print(html, file=sys.stderr)\nprint('\\x1b]8;;javascript:alert(31337)\\x07x\\x1b]8;;\\x07 \\x1b[31m' + html)",
        plain="",
    ),
    _show(
        "html as a count",
        "kernel = get_ipython().kernel\n"
        "def count(*a):\n"
        "    kernel.session.send(kernel.iopub_socket, 'execute_input', {'code': '', 'execution_count': html}, parent=kernel.get_parent('shell'))\n"
        "count()\nget_ipython().events.register('post_run_cell', count)",
        plain="",
    ),
    Attack(
        "html from the tested function",
        LEAKS,
        square=f"def square(x):\n    raise type({HTML!r}, (Exception,), {{}})({HTML!r})",
        sums=f"sums = {{'a': {HTML!r}, {HTML!r}: 1}}",
    ),
    Attack(
        "html as the student's id",
        LEAKS,
        f"STUDENT_ID = {HTML!r}",
        sums="from utils.checks.identity import variant_of\n"
        "sums = {'a': variant_of(STUDENT_ID) + 1, 'b': variant_of(STUDENT_ID) + 2}",
        human="right for the numbers of",
    ),
    Attack("html in the essay", LEAKS, essay=MARKDOWN, plain="leaks"),
    Attack("html in own cells", LEAKS, change=_own_cells, plain="leaks"),
    Attack("html in the code", LEAKS, square=f"def square(x):\n    # {HTML}\n    return x + 100\n"),
    Attack(
        "formulas for a spreadsheet",
        LEAKS,
        "STUDENT_ID = '=HYPERLINK(\"https://evil.example/31337\")'",
        square="def square(x):\n    raise ValueError('=cmd|\\' /C calc\\'!A0')",
    ),
    Attack(
        "terminal codes",
        STOPS,
        "print('\\x1b[2J\\x1b]0;title\\x07\\x1b[8m hidden \\u202e reversed \\x00 \\x08\\x08')",
        square="def square(x):\n    raise ValueError('\\x1b[2J [red]bold[/red] \\u202e')",
    ),
]


def _honest(name: str, cell: str = "", square: str = RIGHT, **more: Any) -> Attack:
    return Attack(name, VICTIMS, cell, square, sums="", points=FULL, **more)


def _doubled(notebook: NotebookNode) -> NotebookNode:
    at = next(i for i, c in enumerate(notebook.cells) if "def square" in c.source)
    notebook.cells.insert(at, nbformat.from_dict(notebook.cells[at]))
    notebook.cells[at].source = "def square(x):\n    ...  # to do"
    return notebook


def _marked(notebook: NotebookNode) -> bytes:
    return b"\xef\xbb\xbf" + nbformat.writes(notebook).encode()


def _windows(notebook: NotebookNode) -> bytes:
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    return nbformat.writes(notebook).replace("\n", "\r\n").encode()


def _emoji(notebook: NotebookNode) -> NotebookNode:
    notebook.cells.append(nbformat.v4.new_markdown_cell("thanks \ud83d"))
    return notebook


HONEST = [
    _honest(
        "warns",
        "import warnings, sys, logging\n"
        "warnings.warn('careful')\n"
        "logging.warning('careful')\n"
        "print('careful', file=sys.stderr)",
        "def square(x):\n"
        "    import sys, warnings\n"
        "    warnings.warn('slow')\n"
        "    print('working', file=sys.stderr)\n"
        "    return x * x",
        plain="loses",
    ),
    _honest(
        "writes progress bars",
        square="def square(x):\n"
        "    from tqdm.auto import tqdm\n"
        "    for _ in tqdm(range(3)): pass\n"
        "    return x * x",
    ),
    _honest("defined twice", change=_doubled),
    _honest("with a byte order mark", change=_marked, plain="loses"),
    _honest("with Windows line ends", change=_windows),
    _honest("with a cut emoji", square=f"{RIGHT}# \ud83d", change=_emoji, plain="loses"),
    _honest("with a failing cell of its own", "import not_installed_here"),
    _honest("that uses the shell", "!echo hello\n%matplotlib inline\n%timeit -n1 -r1 1+1"),
    _honest("that asks for input on the way", "name = input('who? ')"),
    _honest("that draws", "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"),
    _honest("that is slow at first", "import time; time.sleep(1.2)"),
    _honest("that returns a list", square="def square(x):\n    return (x * x).tolist()"),
    _honest("that prints a lot", "for _ in range(100): print('x' * 10_000)"),
]
"""Right work that looks odd: it must earn all points, by itself."""
