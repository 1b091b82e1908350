"""An ordinary run leaves out what is marked as long, and begins with what takes minutes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest, long

ITEMS = {"short": (), "all seeds": ("long",), "sample class": ("minutes",), "other": ()}


def order(monkeypatch: pytest.MonkeyPatch, variable: str) -> tuple[list[str], list[str]]:
    """Names of tests that run, in their order, and of those that are left out."""
    monkeypatch.setenv(long.VARIABLE, variable)
    left_out: list[Any] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: left_out.extend(items))
    items: list[Any] = [
        SimpleNamespace(name=name, get_closest_marker=lambda mark, on=marks: mark in on or None)
        for name, marks in ITEMS.items()
    ]
    conftest.pytest_collection_modifyitems(SimpleNamespace(hook=hook), items)  # type: ignore[arg-type]
    return [item.name for item in items], [item.name for item in left_out]


def test_an_ordinary_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert order(monkeypatch, "") == (["sample class", "short", "other"], ["all seeds"])
    assert long.choose(10, 500) == 10


def test_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert order(monkeypatch, "1") == (["sample class", "short", "all seeds", "other"], [])
    assert long.choose(10, 500) == 500
