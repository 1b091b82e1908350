"""What every test can rely on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grader import build, judges


@pytest.fixture(autouse=True, scope="module")
def the_real_course() -> Iterator[None]:
    """A test module may put a small course in place of the real one; the next finds it back."""
    places = build.SOURCES, build.RELEASED, build.PUBLIC_CASES
    modules = dict(judges.MODULES)
    yield
    build.SOURCES, build.RELEASED, build.PUBLIC_CASES = places
    judges.MODULES.clear()
    judges.MODULES.update(modules)
    judges.judges_of.cache_clear()
