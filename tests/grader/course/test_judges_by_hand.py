"""The judges of notebook 01's second half, on known answers, and in what they give away."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grader.contract.judge import Judge
from grader.contract.sample import Sample
from grader.course.judges.implementing_cnn.by_hand import JUDGES_BY_HAND
from grader.course.making.spreadsheet import TARGET, build
from grader.course.truth.by_hand import SAMPLES
from utils import codec
from utils.checks import cases
from utils.checks.compare import compare
from utils.checks.handover import answer_bytes
from utils.checks.identity import VARIANTS, variant_of
from utils.checks.verdicts import CheckVerdict, Reply
from utils.exercises.by_hand import BIASES, FILTERS, VOLUME

JUDGES = {judge.name: judge for judge in JUDGES_BY_HAND}
BY_STUDENT = [judge for judge in JUDGES_BY_HAND if judge.by_student]


@pytest.fixture(scope="module")
def public() -> dict[str, cases.CaseSet]:
    """Public cases as they are read from disk."""
    found = {}
    for judge in JUDGES_BY_HAND:
        stored = codec.unpack(cases.dump(judge.public_cases()))
        rows = tuple(cases.Case(**row) for row in stored["cases"])
        head = stored["head"] | {"parts": tuple(stored["head"]["parts"])}
        found[judge.name] = cases.CaseSet(cases=rows, **head)
    return found


def verdict_on(case_set: cases.CaseSet, sample: Sample) -> CheckVerdict:
    """As judged from the bytes that a kernel would hand back."""
    calls = [case.inputs for case in case_set.cases]
    rows = codec.unpack(answer_bytes(sample.answer, case_set.kind, calls))["replies"]
    replies = [Reply(row["value"], row["error"], tuple(row["changed"])) for row in rows]
    return compare(case_set, replies, variant_of(sample.student))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.check}: {s.title}")
def test_known_answers_get_what_they_deserve(sample: Sample) -> None:
    rng = np.random.default_rng()
    fresh = JUDGES[sample.check].cases(rng, variant_of(sample.student))
    verdict = verdict_on(fresh, sample)
    assert (verdict.score == 1) == sample.right
    assert verdict.mistake == ("" if sample.right else sample.diagnosis)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.check}: {s.title}")
def test_a_student_offline_gets_the_same_verdict(
    sample: Sample, public: dict[str, cases.CaseSet]
) -> None:
    verdict = verdict_on(public[sample.check], sample)
    assert (verdict.score == 1) == sample.right
    assert verdict.mistake == ("" if sample.right else sample.diagnosis)


def test_every_check_has_a_right_and_a_wrong_sample() -> None:
    for name in JUDGES:
        kinds = {sample.right for sample in SAMPLES if sample.check == name}
        assert kinds == {True, False}, name


def test_what_a_wide_net_is_told() -> None:
    sample = next(s for s in SAMPLES if s.title == "the shallow net itself")
    verdict = verdict_on(JUDGES["build_deep"].cases(np.random.default_rng(1)), sample)
    assert verdict.score == 0
    assert "a layer may have 12, however large n is" in verdict.cases[0].message


def test_nothing_filled_in_earns_nothing(public: dict[str, cases.CaseSet]) -> None:
    for name, judge in JUDGES.items():
        for empty in (None, {}, [], dict.fromkeys(judge.parts), [None] * len(judge.parts)):
            assert compare(public[name], [Reply(empty)]).score == 0, (name, empty)


def test_values_worked_out_by_hand_stay_right_from_run_to_run() -> None:
    for judge in JUDGES_BY_HAND:
        if judge.kind == "value":
            first, second = (judge.cases(np.random.default_rng(seed), 42) for seed in (1, 2))
            for a, b in zip(first.cases, second.cases, strict=True):
                assert a.label == b.label
                assert codec.pack(a.expected) == codec.pack(b.expected)


def test_public_cases_of_hand_calculations_hold_no_values(
    public: dict[str, cases.CaseSet],
) -> None:
    for name, judge in JUDGES.items():
        if judge.kind == "value":
            for case in public[name].cases:
                shown = [case.expected, *case.mistakes.values()]
                assert all(cases.is_sealed(v) for parts in shown for v in parts.values())
                assert not case.inputs


@pytest.mark.parametrize("judge", BY_STUDENT, ids=lambda judge: judge.name)
def test_every_students_numbers_tell_the_mistakes_apart(judge: Judge) -> None:
    """A mistake changes the answer, and no other mistake has its name."""
    rng = np.random.default_rng(0)
    for variant in range(0, VARIANTS, 25):
        case_set = judge.cases(rng, variant)
        (case,) = case_set.cases
        for name, parts in case.mistakes.items():
            verdict = compare(case_set, [Reply(case.expected | parts)])
            assert verdict.score < 1, (variant, name)
            assert verdict.mistake == name, variant


@pytest.mark.parametrize("judge", BY_STUDENT, ids=lambda judge: judge.name)
def test_neighbours_have_different_answers(judge: Judge) -> None:
    rng = np.random.default_rng(0)
    answers = [judge.cases(rng, variant).cases[0].expected for variant in range(20)]
    same = [codec.pack(a) == codec.pack(b) for a, b in itertools.combinations(answers, 2)]
    assert np.mean(same) < 0.1


def test_nets_to_see_through_are_new_every_time() -> None:
    judge = JUDGES["receptive_field"]
    drawn = [
        [case.inputs["layers"] for case in judge.cases(np.random.default_rng(seed)).cases]
        for seed in (1, 2)
    ]
    assert drawn[0] != drawn[1]


def test_every_hint_belongs_to_a_mistake_and_every_mistake_has_one() -> None:
    for judge in JUDGES_BY_HAND:
        assert judge.section
        assert all(mistake.hint for mistake in judge.mistakes.values()), judge.name


def test_spreadsheet_is_up_to_date_and_makes_the_same_bytes() -> None:
    assert build() == build() == TARGET.read_bytes()


def test_spreadsheet_holds_what_is_given_and_nothing_more() -> None:
    from openpyxl import load_workbook

    sheet = load_workbook(TARGET).active
    numbers = [cell.value for row in sheet for cell in row if isinstance(cell.value, (int, float))]
    given = [*VOLUME.ravel(), *FILTERS.ravel(), *BIASES]
    assert sorted(numbers) == sorted(int(v) for v in given)
    yellow = [c for row in sheet for c in row if c.fill.fgColor.rgb == "00FFF9DB"]
    assert len(yellow) == 2 * (3 + 1) * 12
    assert all(cell.value is None for cell in yellow)
    assert not any(str(cell.value).startswith("=") for row in sheet for cell in row)


def test_spreadsheet_formulas_lead_to_the_answer() -> None:
    """One formula copied over a block, as the sheet suggests, gives the expected maps."""
    from openpyxl import load_workbook

    sheet = load_workbook(TARGET).active

    def block(row: int, column: int) -> np.ndarray:
        return np.array([[sheet.cell(row + i, column + j).value for j in (0, 1)] for i in (0, 1)])

    expected = JUDGES["conv2d_by_hand"].reference()
    for number, left in ((1, 9), (2, 20)):
        total = np.full((3, 4), float(sheet.cell(26, left).value))
        for top in (8, 14, 20):
            for i, j in np.ndindex(3, 4):
                total[i, j] += (block(top + i, 2 + j) * block(top, left)).sum()
        assert np.array_equal(total, expected[f"map {number}"])
