"""Texts that keep parsers busy, or are longer than anybody would read."""

from __future__ import annotations

MARKDOWN = {
    "footnotes": "[^1]" * 60_000,
    "pictures": "![" * 200_000,
    "links": "[a](" * 30_000,
    "brackets": "[a" * 40_000,
    "environments": "\\begin{x}" * 30_000,
    "emphasis": "*a_" * 60_000,
    "stars": "**a" * 60_000,
    "a heading with blanks": "# a" + " " * 90_000 + "b",
    "nested lists": "\n".join("  " * depth + "- a" for depth in range(1_000)),
    "nested quotes": "> " * 60_000 + "a",
    "a table": "a|b\n-|-\n" * 20_000,
    "newlines": "\n" * 900_000,
    "backticks": "`a``" * 50_000,
    "tags": "<a" * 90_000,
}
CODE = {
    "format strings": "f'{" * 100_000,
    "attributes": "a.b." * 50_000,
    "brackets": "(" * 300_000,
    "minus": "-" * 300_000 + "1",
    "decorators": "@a." * 60_000,
    "newlines": "\n" * 900_000,
    "backslashes": "\\\n" * 200_000,
    "names": "'\\N{" * 40_000,
    "Perl": "%%perl\n" + "a =~ /" * 40_000,
    "JavaScript": "%%javascript\n" + "`${" * 60_000,
    "HTML": "%%html\n" + "<a " * 60_000,
    "shell": "%%bash\n" + "$((" * 60_000,
}
OUTPUT = {
    "colours": "\x1b[1m" * 50_000,
    "codes without an end": "\x1b]" * 90_000,
    "codes": "\x1b[1;" * 60_000,
    "one line": "x" * 900_000,
    "lines": "\n" * 190_000,
}
