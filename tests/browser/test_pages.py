"""Report and feedback in a real browser: sound for keyboards and screen readers, and narrow.

axe-core, which finds what the accessibility guidelines (WCAG 2) call failures, looks at each page.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import axe_core_python
import pytest

from grader.pages import feedback, report
from tests.browser.conftest import Browser
from tests.grader.pages.test_report import a_class
from tests.grader.planted import mistaken, packed, plant
from tests.grader.sample_class import START, SampleClass

AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
WIDTHS = (1280, 400)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleClass:
    made = a_class(tmp_path_factory.mktemp("pages"))
    made.hand_in("team_9", START, late=timedelta(days=3), late_fraction=0.3)
    signed = ("04_visualizing_cnn", "team_8", "saliency", "no absolute value")
    notebook, team, check, _ = signed
    plant(made, team, notebook, check, packed(mistaken(*signed)))  # a mistake with pictures
    return made


@pytest.fixture(scope="module")
def pages(sample: SampleClass) -> dict[str, Path]:
    written = feedback.write(sample.folder, sample.course)
    team_2 = next(path for path in written if re.search(r"team_2\b.*html", str(path)))
    return {"report": report.write(sample.folder, sample.course), "feedback": team_2}


def failures(browser: Browser) -> list[dict[str, Any]]:
    """What axe calls serious or critical on the page that is open."""
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run().then(result => done(result.violations), error => done([{id: String(error)}]));"
    )
    return [
        {"id": rule["id"], "where": [node["html"][:200] for node in rule.get("nodes", [])[:3]]}
        for rule in found
        if rule.get("impact", "critical") in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["report", "feedback"])
def test_axe_finds_nothing_serious_and_nothing_runs_out_of_the_page(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.resize(width, 900)
    browser.get(pages[name].as_uri())
    browser.keep_whole_page(f"{name}_{width}", width)
    if name == "report":
        pictures = browser.execute_script(
            "return Array.from(document.images).map(i => i.complete && i.offsetWidth)"
        )
        assert len(pictures) == 3 and min(pictures) > 80
    assert failures(browser) == []
    browser.resize(width, 900)
    wide = browser.execute_script(
        "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]"
    )
    assert wide[0] <= wide[1] + 1, f"{wide[0]} pixels wide, the window has {wide[1]}"


def test_axe_would_find_something(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<html><body><img src='data:,'><input></body></html>")
    browser.get(bad.as_uri())
    assert {rule["id"] for rule in failures(browser)} >= {"image-alt", "html-has-lang"}
