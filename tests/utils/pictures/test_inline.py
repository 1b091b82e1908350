"""Figures are told in words, with their numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from utils.pictures import inline


def test_a_figure_in_words_has_its_headings_and_numbers() -> None:
    figure, (left, middle, right) = plt.subplots(1, 3)
    figure.suptitle("Three panels")
    left.plot([3.0, 2.0, 0.5], label="training\nloss")
    left.plot([9, 9])  # without a name
    left.set(xlabel="epoch", ylabel="loss")
    middle.barh([0, 1], [0.25, 0.75])
    middle.set_yticks([0, 1], ["cat", "dog"])
    drawn = right.imshow(np.array([[0.0, 4.0], [np.nan, 1.0]]), vmin=0, vmax=4)
    right.set_title("evidence")
    right.text(0, 0, "here")
    figure.colorbar(drawn, ax=right).set_label("score")
    said = inline.in_words(figure)
    plt.close(figure)
    assert said == (
        "Figure. Three panels. loss; epoch: training loss from 3 to 0.5. cat 0.25, dog 0.75. "
        "evidence: a map of 2×2 from 0 to 4, here. Colours: score, from 0 to 4."
    )


def test_panels_that_say_the_same_are_counted() -> None:
    figure, axes = plt.subplots(1, 3)
    for axis in axes[:2]:
        axis.imshow(np.zeros((4, 4, 3)))
    axes[2].set_title("last")
    said = inline.in_words(figure)
    plt.close(figure)
    assert said == "Figure. 2 panels: an image. last."


def test_a_description_ends() -> None:
    figure, axes = plt.subplots(10, 10)
    for number, axis in enumerate(axes.flat):
        axis.set_title(f"a title of some length, {number}")
    said = inline.in_words(figure)
    plt.close(figure)
    assert len(said) == 1500 and said.endswith("…")
