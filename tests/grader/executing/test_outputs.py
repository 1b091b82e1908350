"""What of a kernel's messages gets into a notebook: only what can be written and read again."""

from __future__ import annotations

from typing import Any

import pytest

from grader.executing.execute import _sound

DATA = {"data": {"text/plain": "4"}, "metadata": {}}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {"name": "stderr", "text": "a line"}),
        ("display_data", DATA | {"transient": {"display_id": "a"}}),
        ("execute_result", DATA | {"execution_count": 3}),
        ("update_display_data", DATA),
        ("error", {"ename": "ValueError", "evalue": "", "traceback": ["a line"]}),
        ("clear_output", {"wait": True}),
    ],
)
def test_what_kernels_send_is_kept(kind: str, content: dict[str, Any]) -> None:
    assert _sound({"msg_type": kind, "content": content})


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {"name": 7, "text": 10**50}),
        ("stream", {"name": "elsewhere", "text": ""}),
        ("display_data", {"data": -1, "metadata": {}}),
        ("display_data", DATA | {"transient": 7}),
        ("execute_result", DATA | {"metadata": [1]}),
        ("error", {"ename": "E", "evalue": "", "traceback": "a line"}),
        ("clear_output", {"wait": "yes"}),
        ("display_data", [1]),
        ("comm_open", {"comm_id": "a"}),
    ],
)
def test_what_no_notebook_can_hold_is_not(kind: str, content: Any) -> None:
    assert not _sound({"msg_type": kind, "content": content})
