"""Compare an answer with a case: right or wrong, by how much, where, and which known mistake.

The same code runs in a student's notebook (public cases) and in the grader's judge (fresh cases).
It never calls the answer; it only looks at values.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from utils.checks import raised, together
from utils.checks.cases import Case, CaseSet, is_sealed, rule_called, salt_of, seal
from utils.checks.clock import CallTimeout
from utils.checks.kinds import described, wanted
from utils.checks.verdicts import CaseVerdict, CheckVerdict, PartVerdict, Reply, Told, of_parts
from utils.codec import CodecError

LONGEST_TEXT = 300
"""Letters of a text that are told."""
TOO_SLOW = "too slow for what is asked: a loop where none is to be"
OTHER_TYPE = "another type than asked for"
OTHER_TYPE_HINT = "The values are right.  The text says which type of array it is to be: .astype."
OTHER_ORDER = "the results are returned in another order"
CHANGED = "an argument is changed in place"
HINTS = {
    OTHER_ORDER: "The right results, each in the place of another: the text says their order.",
    CHANGED: "Arguments belong to whoever calls: work on a copy, x.copy(), or on a new array.",
}
"""What to think about next, for mistakes that any function can have."""


def compare(cases: CaseSet, replies: list[Reply], variant: int = 0) -> CheckVerdict:
    """Hold replies against the cases, in order.  A missing reply counts as wrong."""
    wanted = [cases.cases[variant % len(cases.cases)]] if cases.by_student else list(cases.cases)
    verdicts = []
    for number, case in enumerate(wanted):
        reply = (
            replies[number] if number < len(replies) else Reply(error="no result was handed back")
        )
        verdict = compare_case(cases, case, reply)
        verdicts.append(together.with_earlier(case, reply, replies, verdict))
    score = float(np.mean([v.score for v in verdicts])) if verdicts else 0.0
    mistake = _most_likely_mistake(wanted, verdicts)
    if 0 < score < 1:
        floor = cases.zero()
        score = max(0.0, (score - floor) / (1 - floor)) if floor < 1 else 0.0
    if mistake in cases.core or any(TOO_SLOW in verdict.mistakes for verdict in verdicts):
        score = min(score, 0.5)
    hint = cases.hints.get(mistake) or HINTS.get(mistake, "")
    return CheckVerdict(cases.name, score, tuple(verdicts), mistake, hint)


def compare_case(cases: CaseSet, case: Case, reply: Reply) -> CaseVerdict:
    """Hold one reply against one case.  An answer that can't be judged costs this case alone."""
    try:
        return _compare_case(cases, case, reply)
    except Exception as error:  # whatever an odd answer does to a measure or to numpy
        if type(error).__module__.startswith("utils."):  # our own: worded for whoever reads it
            return CaseVerdict(case.label, 0.0, Told(str(error)))
        why = f"the judge met {type(error).__name__}: {raised.last_words(str(error))}"
        told = Told(f"is not what the exercise asks for, but {described(reply.value)}", "", why)
        return CaseVerdict(case.label, 0.0, told)


def _compare_case(cases: CaseSet, case: Case, reply: Reply) -> CaseVerdict:
    if reply.error:
        slow = case.share < 1 and reply.error.startswith(CallTimeout.__name__)
        told = _explain_error(reply.error)
        return CaseVerdict(case.label, 0.0, told, mistakes=(TOO_SLOW,) if slow else ())
    changed = f"your function modified its input {', '.join(reply.changed)} in place"
    try:
        if cases.assess:
            if reply.changed:
                return CaseVerdict(case.label, 0.0, Told(changed), mistakes=(CHANGED,))
            return rule_called(cases.assess)(case, reply.value)
        values = _split(cases, case, reply.value)
    except ValueError as error:
        return CaseVerdict(case.label, 0.0, Told(str(error)))
    if reply.changed:
        return CaseVerdict(case.label, 0.0, Told(changed), mistakes=(CHANGED,))
    parts = []
    for part in cases.parts:
        if part not in values:
            parts.append(PartVerdict(part, False, Told("is missing")))
            continue
        verdict = _compare_part(cases, case, part, values[part])
        parts.append(_of_type(case.types.get(part, ""), values[part], verdict))
    named = _explaining(case, parts)
    if not named and not cases.measure and _in_another_order(case, values, parts):
        named = (OTHER_ORDER,)
    vain = any(part.part in cases.needed and not part.ok for part in parts)
    return of_parts(case.label, parts, 0.0 if vain else None, mistakes=named)


def _explaining(case: Case, parts: list[PartVerdict]) -> tuple[str, ...]:
    """Mistakes that explain at least half of the parts they would spoil, best ones first: what is
    right although they would spoil it speaks against them."""
    hits = Counter(m for part in parts if not part.ok for m in part.mistakes)
    spoiled = {m: len(_spoiled(case, m)) for m in hits}
    likely = [m for m in hits if 2 * hits[m] >= spoiled[m]]
    return tuple(sorted(likely, key=lambda m: spoiled[m] - 2 * hits[m]))


def _in_another_order(case: Case, values: dict[str, Any], parts: list[PartVerdict]) -> bool:
    """Would all parts that are wrong be right if they changed places?"""
    wrong = [part.part for part in parts if not part.ok]
    if not 2 <= len(wrong) <= _FEW or any(part not in values for part in wrong):
        return False
    return any(
        all(
            not _is_all_zero(values[taken]) and _same(values[taken], case.expected[part], case.rtol)
            for part, taken in zip(wrong, order, strict=True)
        )
        for order in permutations(wrong)
    )


_FEW = 5
"""So many results at most are tried in all orders."""


def _spoiled(case: Case, mistake: str) -> list[str]:
    """The parts of a case that a mistake leads astray."""
    outputs = case.mistakes.get(mistake, {})
    return [
        part
        for part in case.expected
        if part in outputs and not _same(outputs[part], case.expected[part], case.rtol)
    ]


def _split(cases: CaseSet, case: Case, value: Any) -> dict[str, Any]:
    """Cut an answer into named parts.  Raises ValueError, worded for the student."""
    if cases.measure:
        return rule_called(cases.measure)(case.inputs, value)
    if value is None and cases.kind == "function":
        raise ValueError("your function returned None; is the return statement missing?")
    names = cases.parts
    if isinstance(value, dict) and (not value.keys().isdisjoint(names) or len(names) > 1):
        if value.keys().isdisjoint(names):
            raise ValueError(f"{_asked_for(cases)}, got {described(value)}")
        return value
    if len(names) == 1:
        return {names[0]: value}
    if isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim == 1):
        if len(value) != len(names):
            raise ValueError(f"{_asked_for(cases)}, got {len(value) or 'none'}")
        return dict(zip(names, value, strict=True))
    raise ValueError(f"{_asked_for(cases)}, got {described(value)}")


def _asked_for(cases: CaseSet) -> str:
    """The parts of an answer, in words."""
    what = "results, in this order" if cases.kind == "function" else "entries"
    return f"expected {len(cases.parts)} {what}: {'; '.join(cases.parts)}"


def _compare_part(cases: CaseSet, case: Case, part: str, got: Any) -> PartVerdict:
    expected = case.expected[part]
    salt = salt_of(cases.name, case.label, part)
    ok, told, error = _compare_value(expected, got, case.rtol, salt)
    if ok:
        return PartVerdict(part, True, error=error)
    if _is_all_zero(got):  # an empty answer is no mistake worth a name
        return PartVerdict(part, False, replace(told, relation="all zeros"), error)
    matching = tuple(
        name
        for name, outputs in case.mistakes.items()
        if part in outputs
        and not _same(outputs[part], expected, case.rtol)
        and _compare_value(outputs[part], got, case.rtol, salt)[0]
    )
    return PartVerdict(part, False, told, error, matching)


def _of_type(wanted: str, got: Any, verdict: PartVerdict) -> PartVerdict:
    """The verdict on a part, which fails too if its values are right and its type is not."""
    if not wanted or not verdict.ok:
        return verdict
    found = np.asarray(got).dtype
    if found.kind in "iu" if wanted == "integer" else found == wanted:
        return verdict
    asked = "an integer array" if wanted == "integer" else wanted
    told = Told(f"has the right values, but is an array of {found}; {asked} is asked for")
    return PartVerdict(verdict.part, False, told, mistakes=(OTHER_TYPE,))


def same_parts(case: Case, outputs: dict[str, Any]) -> bool:
    """Would these values, part for part, pass for what the case expects?"""
    return all(
        part in outputs and _same(outputs[part], expected, case.rtol)
        for part, expected in case.expected.items()
    )


def _is_all_zero(value: Any) -> bool:
    numeric = isinstance(value, np.ndarray) and value.dtype.kind in "biufc"
    return numeric and value.size > 0 and not value.any()  # without entries it is a shape to name


def _same(a: Any, b: Any, rtol: float) -> bool:
    if is_sealed(a) or is_sealed(b):
        return bool(a == b)
    return _compare_value(a, b, rtol, "")[0]


def _compare_value(
    expected: Any, got: Any, rtol: float, salt: str
) -> tuple[bool, Told, float | None]:
    """(equal?, what is said of it, largest absolute error)."""
    if got is None or got is Ellipsis:
        return False, Told("is not filled in yet"), None
    if is_sealed(expected):
        try:
            equal = seal(got, salt) == expected
        except (CodecError, ValueError):
            return False, Told(f"is {described(got)}, and a number or a text is asked for"), None
        return equal, Told("" if equal else "is not right"), None
    if isinstance(expected, str):
        equal = isinstance(got, str) and " ".join(got.casefold().split()) == expected.casefold()
        return equal, Told() if equal else _explain_text(expected, got), None
    if isinstance(expected, dict):
        return False, Told("can't be compared"), None
    want = np.asarray(expected)
    try:
        have = np.asarray(got)
    except (ValueError, TypeError):
        have = None
    if have is None or have.dtype.kind not in "biufc":
        told = Told(got=f"is {described(got)}", expected=f"expected {wanted(expected)}")
        return False, told, None
    if want.shape != have.shape:
        return False, _explain_shape(want.shape, have.shape), None
    if want.size == 0:
        return True, Told(), 0.0
    with np.errstate(all="ignore"):  # what is too large becomes infinite, and is told as such
        return _compare_numbers(_wide(want), _wide(have), rtol)


def _wide(array: np.ndarray) -> np.ndarray:
    """The same numbers in a type in which they can be subtracted: booleans can't, unsigned
    integers wrap around, and small floats overflow."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _compare_numbers(
    want: np.ndarray, have: np.ndarray, rtol: float
) -> tuple[bool, Told, float | None]:
    bad = ~np.isfinite(have) & np.isfinite(want)
    if bad.any():
        where = _where(np.unravel_index(int(np.argmax(bad)), have.shape))
        counted = f"has {int(bad.sum())} values that are NaN or infinite, the first at {where}"
        return False, Told(counted), None
    alike = (have == want) | (np.isnan(have) & np.isnan(want))  # NaN is what a mistake gives
    difference = np.where(alike, 0.0, np.abs(have - want))
    error = float(np.max(difference))
    scale = float(np.max(np.abs(want[np.isfinite(want)]), initial=0.0))
    if error <= rtol * max(scale, 1e-3):
        return True, Told(), error
    return False, _explain_values(want, have, difference, rtol * max(scale, 1e-3)), error


def _explain_text(expected: str, got: Any) -> Told:
    """Of descriptions in parts, such as the branches of a net, the first that differs."""
    if not isinstance(got, str):
        return Told(f"is {described(got)}, expected a text")
    ours, own = expected.split(" | "), got.split(" | ")
    if len(ours) != len(own):
        many = f"has {len(own)} part{'' if len(own) == 1 else 's'}: {_quoted(got)}"
        return Told(got=many, expected=f"expected {len(ours)}: {_quoted(expected)}")
    if len(ours) == 1:
        return Told(got=f"is {_quoted(got)}", expected=f"expected {_quoted(expected)}")
    pairs = zip(own, ours, strict=True)
    at, (had, asked) = next((n, p) for n, p in enumerate(pairs, 1) if _alike(*p) is False)
    return Told(f"part {at} of {len(ours)}", f"is {_quoted(had)}", f"expected {_quoted(asked)}")


def _alike(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


def _quoted(text: str) -> str:
    return f"“{text[:LONGEST_TEXT]}”" if text.strip() else "empty"


def _explain_shape(want: tuple[int, ...], have: tuple[int, ...]) -> Told:
    if not have:
        return Told("is one number", expected=f"expected an array of shape {want}")
    if not want:
        return Told("has shape", str(have), "expected one number")
    swapped = len(want) == 4 and have == (want[0], want[2], want[1], want[3])
    moved = len(want) > 1 and want != have and sorted(want) == sorted(have)
    relation = "the axes are in another order" if moved else ""
    relation = "height and width are swapped" if swapped else relation
    return Told("has shape", str(have), f"expected {want}", relation)


def _explain_values(
    want: np.ndarray, have: np.ndarray, difference: np.ndarray, limit: float
) -> Told:
    wrong = difference > limit
    worst = np.unravel_index(int(np.argmax(difference)), difference.shape)
    if want.ndim == 0:
        return Told(got=f"is {_number(have)}", expected=f"expected {_number(want)}")
    told = Told(
        f"{int(wrong.sum())} of {wrong.size} values are off; the worst: {_where(worst)}",
        f"is {_number(have[worst])}",
        f"expected {_number(want[worst])}",
    )
    if np.allclose(-have, want, rtol=1e-6, atol=limit):
        return replace(told, relation="the sign is reversed")
    if relation := _whole_or_moved(want, have, limit):
        return replace(told, relation=relation)
    if np.any(have):
        factor = np.vdot(have, want).real / np.vdot(have, have).real
        if factor > 0 and np.allclose(factor * have, want, rtol=1e-6, atol=limit):
            return replace(told, relation="off by a constant factor", amount=f"{1 / factor:.4g}")
    return told


def _whole_or_moved(want: np.ndarray, have: np.ndarray, limit: float) -> str:
    """What an array of whole numbers, a return within a loop and a wrong reshape leave behind."""
    if not np.any(have) or want.dtype.kind == "c" or have.dtype.kind == "c":
        return ""
    if np.array_equal(have, np.trunc(want)):
        return "cut off to whole numbers"
    filled = have != 0
    if not filled.all() and np.allclose(have[filled], want[filled], rtol=1e-6, atol=limit):
        return "what is not zero is right"
    if np.allclose(np.sort(have, None), np.sort(want, None), rtol=1e-6, atol=limit):
        return "the right values in other places"
    return ""


def _explain_error(error: str) -> Told:
    if error.startswith("NotImplementedError"):
        return Told("not implemented yet")
    return Told(raised=error)


def _most_likely_mistake(cases: list[Case], verdicts: list[CaseVerdict]) -> str:
    """The mistake that explains most failed cases, and most of those in which it would show, be
    they failed or passed; among equals, the one named first.  A single coincidence names nothing.
    """
    tried = list(zip(cases, verdicts, strict=True))
    counts = Counter(m for _, v in tried if v.score < 1 for m in v.mistakes)
    for mistake, hits in counts.most_common():
        shows = sum(
            mistake in v.mistakes or bool(_spoiled(c, mistake))
            for c, v in tried
            if not v.told.raised  # a call that ended so showed nothing
        )
        if 2 * hits > shows:
            return mistake
    return ""


def _where(index: tuple[Any, ...]) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def _number(value: Any) -> str:
    value = np.asarray(value).item()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
