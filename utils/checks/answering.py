"""While a check tries an answer, nothing that is shipped computes it.

Explorers, the gradient check and the like are there to be played with and to be looked at.  Some of
them compute what an exercise asks for, so they do not while a student's function runs: from
whatever thread or process it calls them, and wherever it has kept them.

This is there to be fair, not to be safe: who wants to can paste their text, and everybody sees it.
"""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar, cast

_MARK = "COURSE_ANSWERING"
"""Environment variable by which processes that an answer starts know."""

_calls = 0
"""How many answers are being called.  Of the process and not of a context: an answer may have
threads, and may have begun them before."""

_aside: ContextVar[bool] = ContextVar("aside", default=False)
"""Is it the course that computes here, and not the answer?"""

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class NotInAnswers(RuntimeError):
    """Something that is there to look at was called by an answer."""


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """For as long as a student's function is called."""
    global _calls
    before = os.environ.get(_MARK)
    _calls += 1
    os.environ[_MARK] = "1"
    try:
        yield
    finally:
        _calls -= 1
        if before is None:
            os.environ.pop(_MARK, None)


def to_look_at(thing: T) -> T:
    """A function, or all that the objects of a class can do: it raises NotInAnswers while an answer
    is tried."""
    if isinstance(thing, type):
        for name, method in list(vars(thing).items()):
            if inspect.isfunction(method) and (name == "__init__" or not name.startswith("__")):
                setattr(thing, name, _guarded(method))
        return thing
    return cast(T, _guarded(cast(Callable[..., Any], thing)))


def aside(function: Callable[P, R]) -> Callable[P, R]:
    """A helper that checks themselves need while they try an answer, images to ask a net about:
    what it calls is not called by the answer."""

    def helper(*given: P.args, **named: P.kwargs) -> R:
        token = _aside.set(True)
        try:
            return function(*given, **named)
        finally:
            _aside.reset(token)

    return _named_like(function, helper)


def _guarded(function: Callable[P, R]) -> Callable[P, R]:
    name = getattr(function, "__name__", "this")

    def guarded(*given: P.args, **named: P.kwargs) -> R:
        if (_calls or _MARK in os.environ) and not _aside.get():
            raise NotInAnswers(
                f"{name} is there to look at and to play with; while an answer is tried it can't "
                "be called, since what it does is for your own code to do"
            )
        return function(*given, **named)

    return _named_like(function, guarded)


def _named_like(function: Callable[..., Any], new: Callable[P, R]) -> Callable[P, R]:
    """As functools.wraps does, but for the way back to what is wrapped."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        with contextlib.suppress(AttributeError):
            setattr(new, name, getattr(function, name))
    with contextlib.suppress(TypeError, ValueError):
        cast(Any, new).__signature__ = inspect.signature(function)
    return new
