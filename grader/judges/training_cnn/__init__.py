"""Judges of notebook 02: data, configurations, trained models, a network by hand and its graph."""

from __future__ import annotations

from grader.judges.training_cnn.by_hand import JUDGES_BY_HAND
from grader.judges.training_cnn.data import JUDGES_DATA
from grader.judges.training_cnn.nets import JUDGES_NETS

JUDGES = [*JUDGES_DATA, *JUDGES_NETS, *JUDGES_BY_HAND]
