"""`check(name, answer)`: the one call behind every autograde cell.

In a notebook it tries the answer on the public cases and shows what passed, what failed, by how
much, where, and why.  Under the grading harness it decides nothing: it calls the answer on the
inputs it was given and hands back what came out, for a judge elsewhere.  Under plain nbgrader the
cell's value is the number of points, and a failed check raises; whoever controls the kernel can
forge that, so it is for practice and not for grading.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils import codec
from utils.checks import cases, compare, raised
from utils.checks import shown as verdict
from utils.checks.answering import answering
from utils.checks.clock import CallTimeout, limited
from utils.checks.identity import variant_of
from utils.checks.verdicts import Reply

HANDOVER = "COURSE_HANDOVER"
"""Environment variable: folder in which the harness leaves inputs and expects answers."""

LATE = "late"
"""File in that folder which says that a call's time was up, or that of all of them."""

USUAL_SECONDS = 10.0
"""What a call has in all where nobody limits it; only of this a case can have a share."""

MAX_ANSWERS = 3
"""A check that runs more often than this writes no further files."""


class CheckFailed(raised.OneLine, AssertionError):
    """No points for this check; the table above says why."""


def check(name: str, answer: Any, student: str | None = None) -> Any:
    """Try an answer.

    name: which check.  answer: the function or the value that the exercise asks for.
    student: the id whose numbers were used, for exercises with numbers of one's own.

    Returns something that a notebook shows as a table of results.  Raises CheckFailed if nothing is
    right, so that nbgrader's Validate button sees it.
    """
    if handover := os.environ.get(HANDOVER):
        return _hand_back(name, answer, student, Path(handover))
    public = cases.load(name)
    variant = 0
    if public.by_student:
        try:
            variant = variant_of(student or "")
        except ValueError as error:
            raise CheckFailed(str(error)) from None
    calls, shares = [c.inputs for c in public.cases], [c.share for c in public.cases]
    replies, printed, stopped = _try(answer, public.kind, calls, shares=shares)
    if stopped:
        raise KeyboardInterrupt
    if all(_is_blank(reply, public.kind) for reply in replies):
        raise CheckFailed(f"{name}: not done yet")
    outcome = compare.compare(public, replies, variant)
    shown = verdict.Shown(outcome, public, _points(name), printed, _is_bonus(name))
    if outcome.score == 0:
        shown.display()
        raise CheckFailed(shown.failure())
    return shown


def _is_blank(reply: Reply, kind: str) -> bool:
    """Is it what a cell hands back in which nothing has been written?"""
    if reply.error:
        return reply.error == NotImplementedError.__name__
    return kind == "value" and _is_empty(reply.value)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_empty, value.values())))


class Tried(NamedTuple):
    """What came of trying an answer."""

    replies: list[Reply]
    printed: str = ""
    stopped: bool = False
    """Whether it was interrupted: by hand, or since the cell's time was up."""


def _try(
    answer: Any,
    kind: str,
    calls: list[dict[str, Any]],
    seconds_per_call: float = 0,
    shares: Sequence[float] = (),
) -> Tried:
    """One reply per call of a function, or one reply for a value."""
    if kind == "value":
        try:
            with answering():
                return Tried([Reply(_plain(answer))])
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Tried([Reply(error=raised.told(error))])
    return call_each(answer, calls, seconds_per_call, shares)


def answer_bytes(
    answer: Any,
    kind: str,
    calls: list[dict[str, Any]],
    student: str | None = None,
    seconds_per_call: float = 0,
    shares: Sequence[float] = (),
) -> bytes:
    """What is handed to a judge: one reply per call of a function, or the value itself."""
    return _packed(_try(answer, kind, calls, seconds_per_call, shares).replies, student)


def _packed(replies: list[Reply], student: str | None) -> bytes:
    rows = [{"value": r.value, "error": r.error, "changed": list(r.changed)} for r in replies]
    return codec.pack({"student": student, "replies": rows})


def call_each(
    function: Any,
    calls: list[dict[str, Any]],
    seconds_per_call: float = 0,
    shares: Sequence[float] = (),
) -> Tried:
    """Call a function once per set of arguments (by position), each time with copies of its own.

    shares: how much of that time each call has, all of it if left out; less of USUAL_SECONDS where
    there is no limit.
    seconds_per_call: limit for one call in processor time, 0 for none; after two calls that exceed
    it the rest are not tried, nor are those that are left when it is interrupted, as the harness
    does when the time of all calls is up.  Returns one reply per call.
    """
    if not callable(function):
        kind = type(function).__name__
        return Tried([Reply(error=f"expected a function, got a {kind}")] * len(calls))
    replies: list[Reply] = []
    too_slow, stopped, left = 0, False, ""
    limit = seconds_per_call * len(calls)
    started = time.monotonic()
    with _quiet() as printed:
        for arguments, share in zip(calls, shares or [1.0] * len(calls), strict=True):
            if left:
                replies.append(Reply(error=f"not tried: {left}"))
                continue
            try:
                whole = seconds_per_call or (USUAL_SECONDS if share < 1 else 0)
                reply = _call(function, arguments, whole * share)
            except KeyboardInterrupt:
                stopped, left = True, _time_up(started, limit)
                reply = Reply(error=left)
            too_slow += reply.error.startswith(CallTimeout.__name__)
            replies.append(reply)
            if too_slow >= 2:
                left = "two calls before it took too long"
    return Tried(replies, printed.getvalue()[:2000], stopped)


def _time_up(started: float, limit: float) -> str:
    allowed = f"; all calls together have {limit:g} seconds" if limit else ""
    return f"stopped after {time.monotonic() - started:.0f} seconds{allowed}"


def _call(function: Callable[..., Any], arguments: dict[str, Any], seconds: float) -> Reply:
    given = copy.deepcopy(arguments)
    try:
        with limited(seconds), answering():
            value = _plain(function(*given.values()))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too, is this call's failure and no other's
        return Reply(error=raised.told(error))
    changed = tuple(
        name for name, before in arguments.items() if not _unchanged(before, given[name])
    )
    return Reply(value, changed=changed)


def _unchanged(before: Any, after: Any) -> bool:
    """Is an argument what it was?  Arrays, lists and dictionaries are the caller's."""
    if isinstance(before, np.ndarray):
        nan = before.dtype.kind in "fc"
        return isinstance(after, np.ndarray) and np.array_equal(before, after, equal_nan=nan)
    if isinstance(before, (list, tuple)):
        same = isinstance(after, type(before)) and len(before) == len(after)
        return same and all(map(_unchanged, before, after))
    if isinstance(before, dict):
        same = isinstance(after, dict) and before.keys() == after.keys()
        return same and all(_unchanged(value, after[name]) for name, value in before.items())
    if isinstance(before, (int, float, str)):
        return bool(before == after or before != before)  # nan is not even itself
    return True  # a net or a function: nobody compares it


def _plain(value: Any) -> Any:
    """A copy of an answer as plain arrays and numbers; raises CodecError where there is none."""
    return codec.plain(None if value is Ellipsis else value)


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Keep what a student's function prints, on stderr too: nbgrader takes stderr for a failure."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
        _quiet_libraries(),
    ):
        yield printed


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Send what compiled code writes to stderr by itself (TensorFlow's log) to nowhere."""
    try:
        before = os.dup(2)
    except OSError:  # no such file: nothing can be written to it either
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def _points(name: str) -> float:
    listed = cases.PUBLIC_CASES / "points.json"
    try:
        return float(json.loads(listed.read_text())[name])
    except (OSError, KeyError, ValueError):
        return 1.0


def _is_bonus(name: str) -> bool:
    try:
        return name in json.loads((cases.PUBLIC_CASES / "bonus.json").read_text())
    except (OSError, ValueError):
        return False


def _hand_back(name: str, answer: Any, student: str | None, folder: Path) -> verdict.HandedBack:
    """Call the answer on the harness's inputs and leave the results for the judge."""
    if not name.isidentifier():
        raise CheckFailed(f"there is no check called {name!r}")
    try:
        given = codec.unpack((folder / f"{name}.inputs.npz").read_bytes())
    except FileNotFoundError:
        raise CheckFailed(f"there is no check called {name!r}") from None
    shares = given.get("shares", ())
    tried = _try(answer, given["kind"], given["calls"], given["seconds_per_call"], shares)
    if tried.stopped or any(r.error.startswith(CallTimeout.__name__) for r in tried.replies):
        (folder / LATE).touch()
    packed = _packed(tried.replies, student)
    for attempt in range(1, MAX_ANSWERS + 1):
        path = folder / f"{name}.answer{attempt}.npz"
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(packed)
            partial.rename(path)
            break
    if tried.stopped:  # the cell's time is up; what was done until then is handed over
        raise KeyboardInterrupt
    return verdict.HandedBack(name)
