"""Assess what was observed of augmenters, streams and masks: what should be seen, and names for
what is seen instead.  See utils.rules.training and utils.rules.observing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

from utils.checks import together
from utils.checks.cases import Case
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.rules import observing

Wanted = dict[str, str]
Names = dict[tuple[str, str], tuple[str, str]]
"""(part, what is seen) -> (name of the mistake, what to think about next)."""

AUGMENTER: Wanted = {
    "changes": "new in each call",
    "each image": "by itself",
    "pixels": "in 0 … 1",
    "orientation": "kept",
    "edges": "as they should be",
    "content": "to be recognised",
    "brightness": "near the originals",
    "evaluation": "images stay as they are",
}

MIRRORED = "digits are mirrored"
TURNED = "images are turned upside down"
ON_ITS_SIDE = "images are turned until they lie on their side"

_AUGMENTER: Names = {
    ("changes", "none"): (
        "nothing is augmented",
        "With training=True images must change, by themselves and anew in each call.",
    ),
    ("changes", "hardly any"): (
        "hardly anything is changed",
        "Nobody sees a change of a thousandth: move, turn, zoom, or change brightness clearly.",
    ),
    ("content", "nothing is left"): (
        "nothing is left of the images",
        "Change the images that are handed over; a new picture has no label.",
    ),
    ("changes", "the same in each call"): (
        "the same changes in each call",
        "A fixed seed inside the call draws the same numbers each time.",
    ),
    ("each image", "alike"): (
        "all images of a batch are changed alike",
        "Draw new numbers for each image, not one for the batch.",
    ),
    ("pixels", "far above 1"): (
        "pixels far above 1",
        "Keras' layers take 0 … 255 for granted: give them value_range=(0, 1).",
    ),
    ("pixels", "a little beyond 0 … 1"): (
        "pixels beyond 0 … 1",
        "Cut off at 0 and 1 after adding noise or contrast: np.clip, or value_range=(0, 1).",
    ),
    ("pixels", "nearly all zero"): (
        "images turn black",
        "Divided by 255 once more, or turned into whole numbers?",
    ),
    ("orientation", "mirrored"): (
        MIRRORED,
        "A mirrored cat is a cat, a mirrored digit is none: no flips for PhotoDigits.",
    ),
    ("orientation", "upside down"): (
        TURNED,
        "A six turned round is a nine: rotate by small angles only.  RandomRotation's factor is "
        "a fraction of a full turn.",
    ),
    ("orientation", "on its side"): (
        ON_ITS_SIDE,
        "Rotate by small angles only.  RandomRotation's factor is a fraction of a full turn: 0.25 "
        "is a quarter of it.",
    ),
    ("edges", "come back on the other side"): (
        "what leaves the image comes back on the other side",
        'np.roll and fill_mode="wrap" do that; repeat the pixels at the edge: "nearest".',
    ),
    ("content", "hardly to be recognised"): (
        "too strong: hardly to be recognised",
        "Look at the picture: would you still name the class?",
    ),
    ("content", "moved out of the picture"): (
        "too strong: moved out of the picture",
        "RandomTranslation(0.1, 0.1) moves by up to a tenth of the image.",
    ),
    ("brightness", "often cut off at 0 or 1"): (
        "bright and dark parts are cut off",
        "Smaller changes of brightness and contrast leave what is there.",
    ),
    ("brightness", "brighter on average"): (
        "brighter than the originals on average",
        "Draw changes of brightness from both sides of zero.",
    ),
    ("brightness", "darker on average"): (
        "darker than the originals on average",
        "Draw changes of brightness from both sides of zero.",
    ),
    ("brightness", "paler"): ("paler than the originals", "Is contrast lost on the way?"),
    ("evaluation", "changes, too"): (
        "augmented when evaluated, too",
        "With training=False images must stay as they are.",
    ),
    ("evaluation", "can't be switched off"): (
        "can't be switched off",
        "def augmenter(images, training=True), and return images as they are without it.",
    ),
}

STREAMS: Wanted = {
    "training images": "augmented",
    "next epoch": "augmented anew",
    "labels": "with their images",
    "an epoch": "all images",
    "validation images": "untouched",
    "order": "mixed",
    "seed": "decides the order",
    "batches": "as asked",
}

_STREAMS: Names = {
    ("training images", "not augmented"): (
        "training images are not augmented",
        "Call augmenter(images, training=True) for each batch of the training stream.",
    ),
    ("training images", "not augmented, but more follow"): (
        "the first images of an epoch are not augmented, and it goes on after all of them",
        "Each training image once in an epoch, and each batch through the augmenter: no "
        ".concatenate(…), no .repeat(…).",
    ),
    ("training images", "some not augmented"): (
        "some training images are not augmented",
        "Every batch of the training stream goes through the augmenter.",
    ),
    ("next epoch", "the same again"): (
        "augmented once: the same images in each epoch",
        "Augment when a batch is asked for, not before; no .cache() after .map(…).",
    ),
    ("next epoch", "there is none"): (
        "the stream can be read only once",
        "A generator is used up after one epoch; a tf.data.Dataset or a keras.utils.PyDataset "
        "starts anew.",
    ),
    ("next epoch", "in the same order"): (
        "the same order in each epoch",
        "shuffle draws a new order for each epoch, unless reshuffle_each_iteration=False.",
    ),
    ("next epoch", "other images"): ("the next epoch has other images", "All images, each epoch."),
    ("labels", "torn from their images"): (
        "labels torn from their images",
        "Shuffle pairs of image and label together.",
    ),
    ("an epoch", "images missing"): (
        "images are missing from an epoch",
        "Every training image once in each epoch.",
    ),
    ("an epoch", "images more than once"): (
        "an epoch goes on after all images",
        "Each training image once per epoch: no .repeat(…); fit reads the stream anew.",
    ),
    ("an epoch", "some twice, some not at all"): (
        "some images twice, others not at all",
        "shuffle comes before repeat, or leave repeat out.",
    ),
    ("an epoch", "with validation images"): (
        "validation images in the training stream",
        "data.x_train is for training, data.x_val for validation.",
    ),
    ("validation images", "augmented, too"): (
        "validation images are augmented",
        "Validation asks how good the net is on real images: leave them as they are.",
    ),
    ("validation images", "with wrong labels"): (
        "labels of validation images are wrong",
        "data.y_val belongs to data.x_val, in the same order.",
    ),
    ("validation images", "missing, or others"): (
        "validation images are missing, or others",
        "The second stream holds all of data.x_val, and nothing else.",
    ),
    ("validation images", "to be read only once"): (
        "the stream can be read only once",
        "A generator is used up after one epoch.",
    ),
    ("validation images", "again and again"): (
        "validation does not end after all images",
        "Each validation image once: no .repeat().",
    ),
    ("seed", "another order with the same seed"): (
        together.OWN_CHANCE,
        "shuffle(…, seed=seed): the same seed must give the same order.",
    ),
    ("seed", "the same with another"): (together.DEAF, together.HINTS[together.DEAF]),
    ("order", "as given"): (
        "training images are not shuffled",
        "shuffle(len(data.x_train)) before batch: the images may be sorted.",
    ),
    ("order", "mixed by batches"): (
        "whole batches are shuffled, not images",
        ".shuffle(…) comes before .batch(…): otherwise the same images stay together.",
    ),
    ("order", "hardly changed"): (
        "shuffled among few neighbours",
        "The number that shuffle gets is how many images it draws from: len(data.x_train).",
    ),
}

MASKS: Wanted = {
    "images": "each moved by itself",
    "spots": "all there",
    "masks": "where the spots are",
    "values": "zeros and ones",
    "amounts": "up to four, and masks with them",
}

_MASKS: Names = {
    ("images", "not moved"): ("images are not moved", "Draw a shift for each image."),
    ("images", "all moved alike"): (
        "all images are moved alike",
        "rng.integers(-4, 5, len(images)) draws a number for each image.",
    ),
    ("images", "changed otherwise"): (
        "images are not moved, but changed otherwise",
        "Each image stays in its place in the batch, and its pixels move: shift(images, …).",
    ),
    ("amounts", "none"): ("images are not moved", "Draw a shift for each image."),
    ("amounts", "down and up alone"): (
        "moved in one direction alone",
        "Two amounts for each image: down, and to the right.",
    ),
    ("amounts", "left and right alone"): (
        "moved in one direction alone",
        "Two amounts for each image: down, and to the right.",
    ),
    ("amounts", "equal in both directions"): (
        "one amount for both directions",
        "Draw down and right apart: rng.integers(-4, 5, (2, len(images))).",
    ),
    ("amounts", "in one sense alone"): (
        "never moved up, or never to the left",
        "Negative amounts move up and left: from -4 to 4.",
    ),
    ("amounts", "more than four"): ("moved by more than four pixels", "From -4 to 4."),
    ("amounts", "less than four"): (
        "never moved as far as four pixels",
        "rng.integers leaves out its upper end: rng.integers(-4, 5, n).",
    ),
    ("amounts", "masks elsewhere"): (
        "the masks are moved by other amounts than the images",
        "Draw the amounts once, and use them for both.",
    ),
    ("masks", "where they were"): (
        "the masks stay where they were",
        "A mask says where the object is now: move it like its image.",
    ),
    ("masks", "somewhere else"): (
        "the masks are moved by other amounts than the images",
        "Draw the amounts once, and use them for both.",
    ),
    ("values", "in between, too"): (
        "masks with values between 0 and 1",
        "A pixel belongs to the object or it doesn't: round, or take the nearest pixel.",
    ),
    ("spots", "some lost"): (
        "objects are moved out of the picture",
        "Shift by four pixels at most.",
    ),
}

HINTS = dict([*_AUGMENTER.values(), *_STREAMS.values(), *_MASKS.values()])
"""What to think about next, for each mistake named here."""


_SLIP = 0.8
"""What is left of a case after a slip; of any other mistake in it, half."""


def _observed(
    see: Callable[[dict[str, Any], Any], dict[str, str]],
    wanted: Wanted,
    names: Names,
    slips: Collection[str] = (),
) -> Callable[[Case, Any], CaseVerdict]:
    def assess(case: Case, answer: Any) -> CaseVerdict:
        seen = see(case.inputs, answer)
        parts = []
        for part, want in wanted.items():
            if part in seen:
                got = seen[part]
                named = (names[part, got][0],) if (part, got) in names else ()
                parts.append(PartVerdict(part, got == want, Told(got), mistakes=named))
        left = [_SLIP if part.part in slips else 0.5 for part in parts if not part.ok]
        # one part alone is seen where there is nothing else to see: all is lost then
        return of_parts(case.label, parts, math.prod(left) if len(parts) > 1 else 0.0)

    return assess


def augmenter(case: Case, answer: Any) -> CaseVerdict:
    """What `augmenting.tried` hands back."""
    return _observed(observing.augmenter, AUGMENTER, _AUGMENTER)(case, answer)


def streams(case: Case, answer: Any) -> CaseVerdict:
    """What `augmenting.read` hands back."""
    slips = ("seed", "batches")
    return _observed(observing.streams, STREAMS, _STREAMS, slips)(case, answer)


def moved_with_masks(case: Case, answer: Any) -> CaseVerdict:
    """Images and masks after both were moved."""
    return _observed(observing.moved_with_masks, MASKS, _MASKS)(case, answer)
