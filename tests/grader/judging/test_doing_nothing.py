"""What is earned without doing anything, and by what is shipped.  With nets only in a long run."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from grader import config
from grader.contract.judges import samples_of
from grader.judging import doing_nothing, truth

NUMPY = "01_implementing_cnn"
OTHERS = [name for name in config.load().notebooks if name != NUMPY]


@pytest.mark.parametrize(
    "notebook", [NUMPY, *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)]
)
def test_doing_nothing_earns_next_to_nothing(notebook: str, capsys: Any) -> None:
    said = io.StringIO()
    assert doing_nothing.run(Console(file=said, width=120), [notebook], "a seed") == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])["by_notebook"][notebook[:2]]
    assert 0 <= row["earned"] <= doing_nothing.MOST * row["points"]
    assert "all checks" in said.getvalue()


def test_a_table_that_gives_points_away_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doing_nothing, "best", lambda notebook, check, seed: doing_nothing.Best(check, 0.1, "zeros")
    )
    said = io.StringIO()
    assert doing_nothing.run(Console(file=said, width=120), [NUMPY], "a seed") == 1
    assert "at most 3 %" in said.getvalue() and "zeros" in said.getvalue()


def test_public_cases_looked_up_are_no_answers() -> None:
    for check in ("same_padding", "receptive_field", "conv_parameters", "conv2d_forward"):
        drawn = truth.drawn(NUMPY, "team_1", "a seed", check).cases[check]
        answers = dict(doing_nothing._of_functions(drawn, "a seed"))
        score = doing_nothing._score(drawn, answers["the public cases looked up"])
        assert score <= truth.NOTHING


def test_what_explorers_compute_earns_nothing() -> None:
    found = [s for s in samples_of(NUMPY) if s.idle and ("explorer" in s.title or "num" in s.title)]
    assert len(found) >= 6
    for sample in found:
        finding = truth.find(NUMPY, sample, "a seed")
        said = " ".join(case.message for case in finding.verdict.cases)
        assert finding.verdict.score == 0 and "is there to look at" in said, sample.title
