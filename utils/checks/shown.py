"""How a verdict looks: a table in a notebook, plain lines in a terminal, a number for nbgrader."""

from __future__ import annotations

import html
from typing import Any

from utils.checks.cases import CaseSet
from utils.checks.verdicts import CaseVerdict, CheckVerdict

_OK, _NO = "✔", "✘"
_AT_ONCE = 8
"""Longest table that is shown whole; of a longer one, the failed cases that come first …"""
_FAILED = 4
"""… so many of them, since cases go from simple to hard, and the rest on a click."""
_STYLE = "border-collapse:collapse;font-size:13px;line-height:1.45;margin:2px 0 6px;max-width:90em"


_RIGHT, _PARTLY, _WRONG = "#1a7f37", "#9a4d00", "#b3261e"
_BADGE = "padding:0 5px;border-radius:3px;font-weight:600"


class Shown:
    """A verdict on its way to the reader.

    nbgrader reads the cell's value as points, so the plain-text form is that number; notebooks
    prefer the HTML form.
    """

    def __init__(
        self,
        outcome: CheckVerdict,
        cases: CaseSet,
        points: float,
        printed: str = "",
        bonus: bool = False,
    ):
        self.bonus = bonus
        self.outcome = outcome
        self.cases = cases
        self.points = points
        self.printed = printed

    def headline(self) -> str:
        """One line: the name, how much passed, and the diagnosis."""
        done = sum(c.score == 1 for c in self.outcome.cases)
        total = len(self.outcome.cases)
        kind = "bonus points" if self.bonus else "points"
        earned = f"{round(self.outcome.score * self.points, 2):g} of {self.points:g} {kind}"
        if total == 1 and len(self.outcome.cases[0].parts) > 1:
            parts = self.outcome.cases[0].parts
            counted = f"{sum(p.ok for p in parts)} of {len(parts)} answers right"
        elif self.cases.kind == "value":
            counted = "right" if done else "not right yet"
        else:
            counted = self._counted(done, total)
        return f"{self.outcome.name}: {counted}, {earned}{self._named()}"

    def _counted(self, done: int, total: int) -> str:
        """How many cases passed, in words that agree with the points beside them."""
        some = sum(0 < case.score < 1 for case in self.outcome.cases)
        if self.outcome.score == 0 and (done or some):
            return f"{done} of {total} cases passed, no more than without any idea"
        return f"{done} of {total} cases passed" + (f", {some} in part" if some else "")

    def failure(self) -> str:
        """What the exception says, which stands below the table."""
        return f"{self.outcome.name}: no points yet{self._named()}"

    def _named(self) -> str:
        if not self.outcome.mistake:
            return ""
        half = ", for which half of the points is the most"
        core = self.outcome.mistake in self.cases.core and self.outcome.score > 0
        return f". Looks like: {self.outcome.mistake}{half if core else ''}"

    def lines(self) -> list[str]:
        """The table as plain text."""
        first, rest = self._in_short()
        shown = [self.headline()]
        shown += [f"  {mark} {label}  {text}".rstrip() for mark, label, text in first]
        shown += [f"  … and {rest}"] if rest and first else []
        if self.outcome.hint:
            shown.append(f"  Hint: {self.outcome.hint}")
        if self.outcome.score < 1 and self.cases.section:
            shown.append(f"  Read again: “{self.cases.section}”")
        return shown

    def to_html(self) -> str:
        """The table as HTML.  Everything is escaped: labels, messages, what the student printed."""
        ok = self.outcome.score == 1
        head = f"{_sign(ok, _PARTLY)} {html.escape(self.headline())}"
        body = [f'<div style="font-weight:600">{head}</div>']
        first, rest = self._in_short()
        rows = self._rows()
        if first and (not ok or len(rows) > 1 or self.cases.assess):
            body.append(_table(first))
        if rest:
            body.append(f"<details><summary>show all {len(rows)}</summary>{_table(rows)}</details>")
        if self.outcome.hint:
            body.append(f"<div><b>Hint:</b> {html.escape(self.outcome.hint)}</div>")
        if not ok and self.cases.section:
            body.append(f"<div>Read again: “{html.escape(self.cases.section)}”</div>")
        if self.printed:
            body.append(
                f"<details><summary>what your function printed</summary>"
                f"<pre>{html.escape(self.printed)}</pre></details>"
            )
        return "".join(body)

    def _in_short(self) -> tuple[list[tuple[str, str, str]], str]:
        """The rows to show at once, and what is left out, in words ("": nothing)."""
        rows = self._rows()
        if len(rows) <= _AT_ONCE:
            return rows, ""
        failed = [row for row in rows if row[0] == _NO]
        more = max(len(failed) - _FAILED, 0)
        words = [f"{more} more that failed"] if more else []
        words += [f"{len(rows) - len(failed)} that passed"] if len(failed) < len(rows) else []
        return failed[:_FAILED], ", ".join(words)

    def _rows(self) -> list[tuple[str, str, str]]:
        if len(self.outcome.cases) == 1 and len(self.outcome.cases[0].parts) > 1:
            return [(_OK if p.ok else _NO, p.part, p.message) for p in self.outcome.cases[0].parts]
        named = self.outcome.mistake
        return [
            (_OK if c.score == 1 else _NO, c.label, _result(c, named)) for c in self.outcome.cases
        ]

    def display(self) -> None:
        """Show the table now, in a notebook or on the terminal."""
        try:
            from IPython import display, get_ipython  # not everywhere, and slow to import
        except ImportError:
            get_ipython = None
        if get_ipython is not None and get_ipython() is not None:
            display.display(
                {"text/html": self.to_html(), "text/plain": "\n".join(self.lines())},
                raw=True,
                metadata=self.metadata(),
            )
        else:
            print("\n".join(self.lines()))

    def metadata(self) -> dict[str, Any]:
        """What stands beside it in the notebook, for the packer: it tells what still fails."""
        return {"check": {"name": self.outcome.name, "score": round(self.outcome.score, 4)}}

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}, self.metadata()

    def __repr__(self) -> str:
        return repr(round(float(self.outcome.score * self.points), 4))


class HandedBack:
    """What `check` returns under the harness: results are on their way to the judge."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"{self.name}: handed to the judge"


def _sign(ok: bool, otherwise: str) -> str:
    """✔ or ✘ in white on a colour: as legible on a dark page as on a white one."""
    style = f"background:{_RIGHT if ok else otherwise};color:#fff;{_BADGE}"
    return f'<span style="{style}">{_OK if ok else _NO}</span>'


def _table(rows: list[tuple[str, str, str]]) -> str:
    cells = []
    for mark, label, text in rows:
        sign = _sign(mark == _OK, _WRONG)
        cells.append(
            f'<tr><td style="padding:1px 8px;text-align:center">{sign}</td>'
            f'<td style="text-align:left;padding:1px 12px 1px 0;min-width:14em">'
            f"{html.escape(label)}</td>"
            f'<td style="text-align:left;padding:1px 8px">{html.escape(text)}</td></tr>'
        )
    return f'<table style="{_STYLE}">{"".join(cells)}</table>'


def _result(case: CaseVerdict, named: str) -> str:
    """What to say of one case; the mistake that the headline names is not repeated."""
    if case.score == 1:
        return f"largest error {case.error:.1g}" if case.error else case.message
    if not case.mistakes or named in case.mistakes:
        return case.message
    return f"{case.message} — {case.mistakes[0]}"
