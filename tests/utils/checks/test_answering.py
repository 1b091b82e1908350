"""What is shipped to be looked at computes nothing while an answer is tried."""

from __future__ import annotations

import inspect
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from utils.checks import answering, cases
from utils.checks.answering import NotInAnswers, aside, to_look_at
from utils.checks.cases import Case, CaseSet
from utils.checks.handover import CheckFailed, call_each, check
from utils.exercises import gradient_check
from utils.explorers import convolution_model, evidence_model, shapes_model
from utils.images import exam_images, photo_digits
from utils.nets import opinions, pretrained

SENTENCE = "is there to look at and to play with"


@to_look_at
def doubled(x: int) -> int:
    """Twice as much."""
    return 2 * x


def _told(answer: Callable[[Any], Any], given: Any = 3) -> str:
    return call_each(answer, [{"x": given}]).replies[0].error


def test_it_computes_for_whoever_looks_and_not_for_an_answer() -> None:
    assert doubled(3) == 6
    assert _told(doubled).startswith("NotInAnswers: doubled is there to look at")
    assert doubled(3) == 6
    assert (doubled.__name__, doubled.__doc__) == ("doubled", "Twice as much.")
    assert "x: 'int'" in str(inspect.signature(doubled)) and not hasattr(doubled, "__wrapped__")


KEPT = {"for later": doubled}


def _in_a_thread(x: int) -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(doubled(x)))
    threading.excepthook, before = lambda _: None, threading.excepthook
    thread.start()
    thread.join()
    threading.excepthook = before
    return found[0]


POOL = ThreadPoolExecutor(1)


def _in_a_thread_begun_before(x: int) -> int:
    return POOL.submit(doubled, x).result()


def _forked(x: int) -> int:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(doubled, (x,))


def _started(x: int) -> int:
    program = f"from tests.utils.checks.test_answering import doubled; print(doubled({x}))"
    return int(subprocess.check_output([sys.executable, "-c", program], stderr=subprocess.DEVNULL))


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: KEPT["for later"](x),
        _in_a_thread,
        _in_a_thread_begun_before,
        _forked,
        pytest.param(_started, marks=pytest.mark.long),
    ],
    ids=["kept before", "thread", "thread begun before", "forked", "started"],
)
def test_no_way_around_it_is_a_plain_call(answer: Callable[[int], int]) -> None:
    assert answer(3) == 6
    assert _told(answer)
    assert answer(3) == 6


def test_the_courses_own_helpers_draw_images_while_an_answer_is_tried() -> None:
    @aside
    def helper(x: int) -> int:
        return doubled(x)

    assert _told(helper) == ""
    assert "NotInAnswers" in _told(lambda x: helper(x) + doubled(x))
    assert _told(lambda x: exam_images.public("photodigits", x)[0]) == ""


def _computing() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Whatever computes something in modules that are there to play with."""
    words = {"parse", "resized", "written"}  # tables of numbers as they are typed
    for module in (convolution_model, shapes_model, gradient_check):
        for name, thing in vars(module).items():
            own = inspect.isfunction(thing) and thing.__module__ == module.__name__
            if own and not name.startswith("_") and name not in words:
                yield f"{module.__name__}.{name}", thing
    for kind in (evidence_model.Evidence, opinions._AtHand):
        for name, thing in vars(kind).items():
            if inspect.isfunction(thing):
                yield f"{kind.__name__}.{name}", thing
    yield "opinions.of", opinions.of
    yield "PretrainedNet.top", pretrained.PretrainedNet.top
    yield "render", photo_digits.render


@pytest.mark.parametrize(("name", "thing"), list(_computing()))
def test_nothing_that_is_there_to_play_with_answers(name: str, thing: Callable[..., Any]) -> None:
    count = len(inspect.signature(thing).parameters)
    with answering.answering(), pytest.raises(NotInAnswers, match=SENTENCE):
        thing(*[None] * count)


def test_at_home_and_graded_alike(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("two windows", {"size": 5, "kernel": 3}, {"output": 3})
    cases.save(CaseSet("windows", "function", ("output",), (case,)), tmp_path / "windows.npz")
    monkeypatch.setattr(cases, "PUBLIC_CASES", tmp_path)

    def windows(size: int, kernel: int) -> int:
        return len(convolution_model.place(size, kernel, 1, "VALID").starts)

    assert windows(5, 3) == 3
    with pytest.raises(CheckFailed):
        check("windows", windows)
    assert SENTENCE in call_each(windows, [case.inputs]).replies[0].error
