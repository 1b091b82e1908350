"""What every test can rely on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from grader import places
from tests import long, tables


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: everything, for a release."""
    parser.addoption("--long", action="store_true", help="run what takes long by nature, too")


def pytest_configure(config: pytest.Config) -> None:
    """Tell modules, and the processes of a run in parallel, how long the run may be."""
    if config.getoption("--long"):
        os.environ[long.VARIABLE] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that take minutes first, so that none is left for one process at the end."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)
    if not long.asked():
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(autouse=True, scope="module")
def the_real_course() -> Iterator[None]:
    """A test module may put a small course in place of the real one; the next finds it back."""
    yield
    places.use(None)


@pytest.fixture(autouse=True, scope="module")
def tables_are_known() -> None:
    """A new gradebook needs no process more."""
    tables.are_known()
