"""What a student might write to run a script in the browser of whoever marks the work, or worse.

Each payload sets `window.pwned`, or leads to a page that would.  They go in as an essay, as a cell
of the student's own, and as outputs of every kind.
"""

from __future__ import annotations

import base64

from nbformat import v4
from nbformat.notebooknode import NotebookNode

_RUN = "window.pwned=1"
_IMG = f'<img src=x onerror="{_RUN}">'
_SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{_RUN}"><script>{_RUN}</script></svg>'
_URL = f"javascript:{_RUN}"
_DATA = "data:text/html;base64," + base64.b64encode(f"<script>{_RUN}</script>".encode()).decode()

ESSAY = f"""\
Because a < b.

<script>{_RUN}</script>
{_IMG}
{_SVG}
<iframe srcdoc="<script>parent.pwned=1</script>"></iframe><ScRiPt>{_RUN}</sCrIpT>
<details open ontoggle="{_RUN}">x</details> <a href="{_URL}">a tag</a> <{_URL}>

[a link]({_URL}) [capitals](JaVaScRiPt:{_RUN}) [entity](&#106;avascript:{_RUN})
[tab](<java\tscript:{_RUN}>) [control](\x01{_URL}) [page]({_DATA}) [escaped](javascript\\:{_RUN})
[reference][label] [label]

[label]: {_URL} "title"
> [quoted]: {_URL}

[quoted]

[![inside](attachment:x.png)]({_URL}) [two
lines]({_URL}) [ends](
{_URL}
) https://example.org/?{_URL}

![missing](attachment:x.svg) ![far](https://example.org/seen.png)
![picture]({_URL}) ![quote](x" onerror="{_RUN}) ![title](x "\\" onerror=\\"{_RUN}")

# heading <script>{_RUN}</script> {_IMG}

```html" onmouseover="{_RUN}
{_IMG}
```

```mermaid
{_IMG} </pre>{_IMG}
```

`{_IMG}` &lt;img src=x onerror={_RUN}&gt; <\\script>{_RUN}</script> <!--><script>{_RUN}</script>-->

| a | {_IMG} |
|---|---|
| [x]({_URL}) | {_SVG} |

$x {_IMG}$ $$ </script>{_IMG} $$ \\begin{{a}}{_IMG}\\end{{a}} $\\href{{{_URL}}}{{x}}$
"""
"""An essay in Markdown."""

OWN_CELL = f"My own cell. {_IMG}\n\n<script>{_RUN}</script>\n\n[x]({_URL})"
"""A Markdown cell that the student added."""

OUTPUTS = f"""\
# {_IMG}
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
display(HTML({_IMG!r}), SVG({_SVG!r}), Javascript({_RUN!r}), Latex({_IMG!r}), Markdown({_IMG!r}))
display({{"text/plain": {_IMG!r}}}, raw=True)
display({{"image/png": '"><script>{_RUN}</script>', "text/plain": ""}}, raw=True)
print({_IMG!r}, "\\x1b[31m<script>{_RUN}</script>\\x1b[0m\\x1b]8;;{_URL}\\x07x\\x1b]8;;\\x07")
raise type({_IMG!r}, (Exception,), {{}})({_IMG!r})
"""
"""A code cell that shows the same in every kind of output."""

CONFIG = """\
from pathlib import Path

Path({marker!r}).write_text("formgrader ran a student's nbgrader_config.py")
"""
"""A file to hand in: what nbgrader would execute if it took the folder for a course's."""

LOADED_BY = "formgrader?path=submitted/{team}/{notebook}/files"
"""Formgrader's own page that makes it read the configuration in a folder.  GET is enough."""


def undefused() -> list[NotebookNode]:
    """What an instructor's browser would get if nobody defused the outputs."""
    return [
        v4.new_output("display_data", {"text/html": f"<script>{_RUN}</script>{_IMG}"}),
        v4.new_output("display_data", {"image/svg+xml": _SVG}),
    ]
