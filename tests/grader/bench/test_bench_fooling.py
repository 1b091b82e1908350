"""The bench of the attacks: what counts as success; peers stay in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from grader.bench import fooling, peers
from grader.course.nets import attack as attack_reference
from grader.course.nets import trusted


def test_success_counts_saved_images_and_failures_are_charged() -> None:
    images, targets = fooling.draw(np.random.default_rng(0))
    assert len(images) == fooling.IMAGES and images.dtype == np.uint8
    p = trusted.net("mini").probabilities(images)
    assert (p.argmax(axis=1) != targets).all() and (p.max(axis=1) >= 0.9).all()
    few, wanted = images[:3], targets[:3]
    found = attack_reference.smallest_change(trusted.net("mini"), few, wanted, 40) / 255
    original = few / 255.0
    measured = fooling.measure(few, wanted, {"ours": found, "nothing": original})
    assert measured["ours"]["success_8bit"] == 1 and measured["nothing"]["success_8bit"] == 0
    assert measured["nothing"]["l2"] == measured["ours"]["l2"] > 0  # charged like the largest


def test_a_peer_is_asked_in_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "doubling.py").write_text(
        "from grader.bench import peers\n"
        "peers.answer(lambda q: {'twice': 2 * q['x'], 'text': q['text']})\n"
    )
    (tmp_path / "failing.py").write_text("raise SystemExit('no such luck')\n")
    peer = peers.Peer("small", ("nothing==1.0",))
    monkeypatch.setattr(peers.Peer, "python", lambda self: Path(sys.executable))
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    path = f"{tmp_path}:{Path(fooling.__file__).resolve().parents[2]}"
    question = {"x": np.arange(3), "text": "a"}
    answer = peer.ask("doubling", question, {"PYTHONPATH": path})
    assert answer["twice"].tolist() == [0, 2, 4] and answer["text"] == "a"
    with pytest.raises(peers.PeerUnavailable, match="no such luck"):
        peer.ask("failing", question, {"PYTHONPATH": path})


def test_a_peer_without_a_version_is_refused() -> None:
    with pytest.raises(ValueError, match="names no version"):
        peers.Peer("loose", ("foolbox",)).python()
