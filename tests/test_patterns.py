"""No text that a student may write keeps a regular expression of ours busy without end.

Every pattern in the code is found, taken apart, and given texts made from its own repeats: what
leads to a repeat, then that many characters which it takes, then something that does not fit.
"""

from __future__ import annotations

import ast
import contextlib
import re
import signal
import string
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

import pytest

from grader.formgrader import anonymity
from grader.places import ROOT

SHORT, LONG = 16_384, 65_536
"""Characters of the texts; one of four times the length may take four times as long."""
SECONDS = 1.0
"""Longest time of the processor for a long text."""
NOISE = 0.1
"""Time that is too short to tell how it grows."""
GROWTH = 10
"""Largest factor between the two lengths: 4 would be linear, 16 the square."""

BOUNDED = {
    # file names, which no file system lets be longer than 255 characters
    "grader/intake/notebooks.py: COPY": 255,
    "grader/intake/naming.py: BROWSER_COPY": 255,
    # paths in archives, and archives' names
    "grader/intake/handin.py:": 255,
    "utils/packing/beside.py: PROGRAM": 255,
    # texts of exceptions, cut by `_masked`
    "utils/checks/verdicts.py:": 1300,
}
"""What meets short texts only, and how many characters these have at most."""

THE_INSTRUCTORS = ROOT / "grader" / "intake" / "downloads" / "rule.py"
"""Has no pattern of ours: the instructor gives one; it is tried in a process that can be killed."""

_FUNCTIONS = ("compile", "search", "match", "fullmatch", "findall", "finditer", "sub", "subn")
_FUNCTIONS += ("split",)
_MANY = 50
"""Repeats of fewer times take no time worth counting."""
_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " \n\t\x00\x1b\xe9"


@dataclass
class Pattern:
    """A pattern in the code."""

    where: str
    """File and name, or file and text."""
    text: str | bytes
    flags: int = 0
    uses: set[str] = field(default_factory=set)
    """Methods called on it, as far as they are known."""

    @property
    def compiled(self) -> re.Pattern[Any]:
        return re.compile(self.text, self.flags)

    @property
    def longest(self) -> int:
        return next((n for where, n in BOUNDED.items() if self.where.startswith(where)), LONG)


# ---------------------------------------------------------------- finding them


def patterns() -> list[Pattern]:
    """Every pattern in the code of the grader and of what students get."""
    paths = sorted(path for room in ("grader", "utils") for path in (ROOT / room).rglob("*.py"))
    paths = [path for path in paths if "source" not in path.relative_to(ROOT).parts]
    paths.remove(THE_INSTRUCTORS)
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    uses: dict[str, set[str]] = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                name = getattr(node.value, "attr", getattr(node.value, "id", ""))
                uses.setdefault(name, set()).add(node.attr)
    found = []
    for path, tree in trees.items():
        found += _in_module(path.relative_to(ROOT).as_posix(), tree, uses)
    for name in ("Team 07", "000", "anne@example.org"):
        found.append(Pattern(f"grader/formgrader/anonymity.py: {name}", anonymity._pattern(name)))
    return found


def _in_module(where: str, tree: ast.Module, uses: dict[str, set[str]]) -> Iterator[Pattern]:
    texts: dict[str, Any] = {}
    names: dict[ast.AST, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.value] = node.targets[0].id
            texts[node.targets[0].id] = _text_of(node.value, texts)
    for node in ast.walk(tree):
        if not _is_of_re(node):
            continue
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        text = _text_of(node.args[0], texts)
        if text is None and isinstance(node.args[0], ast.Call):
            continue  # put together from names by `anonymity._pattern`, which is tried by itself
        assert text is not None, f"{where}:{node.lineno}: what is the pattern?"
        name = names.get(node, "")
        known = {node.func.attr} if node.func.attr != "compile" else uses.get(name, set())
        given = [word.value for word in node.keywords if word.arg == "flags"] + [
            word for word in node.args[1:] if "re." in ast.unparse(word)
        ]
        flags = sum(int(eval(ast.unparse(flag), {"re": re})) for flag in given)
        yield Pattern(f"{where}: {name or repr(text)}", text, flags, known)


def _is_of_re(node: ast.AST) -> bool:
    """Whether it is a call that takes a pattern."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in _FUNCTIONS
    )


def _text_of(node: ast.expr, texts: dict[str, Any]) -> Any:
    """The text of an expression; what it is made of at run time stands as an x."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value
    if isinstance(node, ast.Name):
        return texts.get(node.id)
    if isinstance(node, ast.JoinedStr):
        parts = [_text_of(getattr(part, "value", part), texts) if isinstance(
            part, ast.FormattedValue) else part.value for part in node.values]  # fmt: skip
        return "".join("x" if part is None else part for part in parts)
    return None


# ---------------------------------------------------------------- texts made from their repeats


class _Taken:
    """A pattern taken apart."""

    def __init__(self, pattern: Pattern) -> None:
        text = pattern.text if isinstance(pattern.text, str) else pattern.text.decode("latin-1")
        self.tree = _parser.parse(text, pattern.flags)
        self.kept: dict[int, tuple[Any, frozenset[str]]] = {}
        classes: dict[tuple[bool, ...], str] = {}
        singles = list(self._singles(self.tree))
        for character in _CHARACTERS + "".join(c for c in text if c not in _CHARACTERS):
            classes.setdefault(tuple(character in self.takes(s) for s in singles), character)
        self.kinds = list(classes.values())
        """One character of each kind that the pattern tells apart."""

    def takes(self, single: Any) -> frozenset[str]:
        """Which of the characters a part that takes one of them takes."""
        if id(single) not in self.kept:
            part = _parser.SubPattern(self.tree.state, [single])
            tried = _compiler.compile(part, self.tree.state.flags)
            found = frozenset(c for c in _CHARACTERS if tried.fullmatch(c))
            self.kept[id(single)] = single, found
        return self.kept[id(single)][1]

    def _singles(self, parts: Any) -> Iterator[Any]:
        for part in parts:
            if part[0] in _SINGLE:
                yield part
            for inner in _inner(part):
                yield from self._singles(inner)

    def sample(self, parts: Any) -> str:
        """A short text that the parts take."""
        text = ""
        for part in parts:
            kind, value = part
            if kind is _constants.LITERAL:
                text += chr(value)
            elif kind in _SINGLE:
                text += min(self.takes(part), key=_CHARACTERS.index, default="")
            elif kind in _REPEATS:
                text += self.sample(value[2]) * min(value[0], 3)
            elif kind not in (_constants.ASSERT, _constants.ASSERT_NOT):
                text += next(map(self.sample, _inner(part)), "")
        return text

    def repeats(self, parts: Any, before: str = "") -> Iterator[tuple[str, Any]]:
        """(what leads to it, what is repeated) of every repeat."""
        for index, part in enumerate(parts):
            here = before + self.sample(parts[:index])
            if part[0] in _REPEATS and part[1][1] >= _MANY:
                yield here, part[1][2]
            for inner in _inner(part):
                yield from self.repeats(inner, here)

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """(beginning, what is repeated, end) of texts that may take long."""
        found: dict[tuple[str, str, str], None] = {}
        for before, body in self.repeats(self.tree):
            single = len(body) == 1 and body[0][0] in _SINGLE
            fitting = [c for c in self.kinds if not single or c in self.takes(body[0])]
            fitting += [] if single else [self.sample(body)]
            for repeated in filter(None, fitting):
                found |= dict.fromkeys((before, repeated, end) for end in (*self.kinds, ""))
                found["", before + repeated, ""] = None
            found["", before or "x", ""] = None
        yield from found


_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_SINGLE = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)


def _inner(part: Any) -> list[Any]:
    """The parts within a part."""
    kind, value = part
    if kind is _constants.BRANCH:
        return list(value[1])
    if kind in _REPEATS:
        return [value[2]]
    if kind is _constants.SUBPATTERN:
        return [value[-1]]
    if kind in (_constants.ASSERT, _constants.ASSERT_NOT):
        return [value[1]]
    return [value] if kind is _constants.ATOMIC_GROUP else []


# ---------------------------------------------------------------- trying them


class _TooLong(Exception):
    pass


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End what takes longer, in time of the processor: patterns let a signal interrupt them."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _spent(pattern: Pattern, text: str) -> float:
    """Seconds of the processor that a text takes; infinite if it is over the limit."""
    compiled = pattern.compiled
    whole = pattern.uses and pattern.uses <= {"match", "fullmatch"}
    given = text if isinstance(pattern.text, str) else text.encode("latin-1")
    began = time.process_time()
    try:
        with _at_most(2 * SECONDS):
            if whole:
                for use in pattern.uses:
                    getattr(compiled, use)(given)
            else:
                for _ in compiled.finditer(given):
                    pass
    except _TooLong:
        return float("inf")
    return time.process_time() - began


def slow_text(pattern: Pattern) -> str:
    """A text that takes a pattern too long, in words, or ""."""
    for before, repeated, end in _Taken(pattern).texts():

        def text(length: int) -> str:
            return before + repeated * (length // len(repeated)) + end  # noqa: B023

        long = _spent(pattern, text(pattern.longest))
        if long == float("inf"):
            return f"{before!r} + {repeated!r} * n + {end!r}: more than {2 * SECONDS} s"
        if long > NOISE:  # a second look, since the machine may have been busy
            long = min(long, _spent(pattern, text(pattern.longest)))
            short = _spent(pattern, text(pattern.longest * SHORT // LONG))
            if long > SECONDS or (long > NOISE and long > GROWTH * short):
                return f"{before!r} + {repeated!r} * n + {end!r}: {short:.2f}, {long:.2f} s"
    return ""


PATTERNS = patterns()


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.where)
def test_no_text_keeps_a_pattern_busy(pattern: Pattern) -> None:
    assert slow_text(pattern) == ""


def test_every_pattern_is_found() -> None:
    words = [
        line
        for room in ("grader", "utils")
        for path in (ROOT / room).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bre\.[a-z]+\(", line)
        and Path(path).parent.name != "source"
        and path != THE_INSTRUCTORS
    ]
    assert len(PATTERNS) >= len(words) > 40
    for where in BOUNDED:
        assert [pattern for pattern in PATTERNS if pattern.where.startswith(where)]


@pytest.mark.parametrize(
    "text",
    [
        r"!\[[^\]\n]*\]\(attachment:([^)\n]*)\)",
        r"(?m)^#{1,6}\s+(.+?)\s*#*\s*$",
        r"(?m)^(\s*STUDENT_ID\s*=\s*).+$",
        r"(a+)+$",
        r"(?:a|b|ab)*c",
        r"\s*\(\d+\)$",
        r"<!--.*?-->",
    ],
)
def test_a_pattern_that_can_be_kept_busy_is_noticed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", 0.3)  # each of them takes all there is
    assert slow_text(Pattern("here", text, uses={"search"}))
