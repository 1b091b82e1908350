"""Seeing what a net sees: the reference solutions of notebook 04 against tf-keras-vis and xplique.

All run in one process in an environment that holds both libraries, on the same net and the same
images.  Measured are: whether maps point at the digit (its mask is known), whether the occlusion
heat map is the same as xplique's and how long both take, taking turns, and how many class images,
made in the same number of steps, a second net recognises.  The libraries' settings for class images
are searched first, with the second net as the judge; ours are those of the notebook.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader import places
from grader.authoring import source_text
from grader.bench import machine
from grader.bench.peers import Peer, same_version
from grader.cells import grade_id
from grader.course.nets import trusted
from utils.images import photo_digits
from utils.nets import pretrained

NOTEBOOK = "04_visualizing_cnn"
FUNCTIONS = ("saliency", "class_objective", "blur", "class_images", "occlusion_map", "heat_map")
"""Solution cells that are measured."""

PEER = Peer(
    "visualizing",
    (
        *same_version("tensorflow", "keras", "numpy"),
        "tf-keras==2.21.0",  # TensorFlow Probability wants it, and xplique wants that
        "tf-keras-vis==0.8.7",
        "tensorflow-probability==0.25.0",
        "scikit-image==0.25.2",
        "scikit-learn==1.7.2",
        "scipy==1.15.3",
        "einops==0.8.1",
        "matplotlib==3.10.7",
    ),
    # the first asks for an older NumPy, the second for an older TensorFlow with CUDA; both run
    ("opencv-python-headless==4.12.0.88", "xplique==2.0.2"),
)
LABELS = {"tf_keras_vis": "tf-keras-vis 0.8.7", "xplique": "xplique 2.0.2"}


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    photographs: int = 200
    """For pointing."""
    occluded: int = 8
    """Photographs for the heat map."""
    box: int = 8
    stride: int = 2
    rounds: int = 9
    class_images: int = 50
    steps: int = 128
    """Steps of every ascent: those of the notebook."""
    searched: int = 10
    """Class images with which each setting of a library is tried, other seeds than measured."""


def main() -> None:
    """Print what is measured, and the result as JSON on the last line."""
    result = run()
    measured = result["measured"]
    print(f"pointing at the digit, {result['samples']} photographs of PhotoDigits (hits, mass):")
    for name, (hits, mass) in measured["pointing"].items():
        print(f"  {name:34} {hits:.3f}  {mass:.3f}")
    occlusion = measured["occlusion"]
    print(
        f"occlusion, {occlusion['what']}: largest difference {occlusion['max_abs_diff']:.1e} "
        f"(largest value {occlusion['largest']:.2f}); ours {occlusion['ours_ms']:.0f} ms, "
        f"xplique {occlusion['xplique_ms']:.0f} ms a photograph; ours / xplique "
        f"{result['ratios']['occlusion_time']:.2f} (by processor time "
        f"{occlusion['time_by_processor_time']:.2f})"
    )
    images = measured["class_images"]
    print(f"class images, {images['what']}, recognised by the second net:")
    for name, share in result["ratios"]["class_image_recognised"].items():
        print(f"  {name:34} {share:.2f}   {images['settings'].get(name, 'as in the notebook')}")
    for name, share in images["with_defaults"].items():
        print(f"  {name + ', its defaults':34} {share:.2f}")
    print(json.dumps(result))


def run(size: Size = Size()) -> dict[str, Any]:
    """Measure; see the module for what.  Raises PeerUnavailable if the libraries can't be had."""
    asked = question(size)
    told = PEER.ask(
        "grader.bench.visualizing_peers",
        asked,
        {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
    )
    return summary(asked, told)


def question(size: Size) -> dict[str, Any]:
    """What the other process needs: our functions' text, images, masks, classes, sizes."""
    drawn = photo_digits.render(3 * size.photographs, "test", pretrained.MINI_SIZE, 77, keep=False)
    right = trusted.logits(drawn.images).argmax(axis=1) == drawn.labels
    few = np.flatnonzero(right)[: size.photographs]
    return {
        "functions": solutions(*FUNCTIONS),
        "weights": pretrained.mini_weights(),
        "images": drawn.images[few] / np.float32(255),
        "classes": drawn.labels[few].astype(np.int64),
        "occluded": size.occluded,
        "box": size.box,
        "stride": size.stride,
        "rounds": size.rounds,
        "class_images": np.arange(size.class_images) % 10,
        "searched": np.arange(size.searched) % 10,
        "steps": size.steps,
        "masks": drawn.masks[few],
    }


def summary(asked: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The bench's JSON, from what was asked and what came back."""
    pointing = {name: points_at(maps, asked["masks"]) for name, maps in told["maps"].items()}
    classes = asked["class_images"]
    shares = {name: recognised(images, classes) for name, images in told["class_images"].items()}
    defaults = {name: recognised(images, classes) for name, images in told["defaults"].items()}
    ours, theirs = (told["heat_maps"][name] for name in ("ours", "xplique"))
    wall, busy = ({n: float(np.median(t)) for n, t in told[k].items()} for k in ("wall", "busy"))
    per_photo = {name: 1e3 * seconds / asked["occluded"] for name, seconds in wall.items()}
    what = "box {box}, stride {stride}, {occluded} photographs, median of {rounds} rounds"
    return {
        "name": "visualizing",
        "machine": machine.describe(),
        "samples": len(asked["images"]),
        "peers": LABELS,
        "ratios": {
            "saliency_pointing": {n: pointing[f"{n} saliency"][0] for n in ("ours", *LABELS)},
            "occlusion_max_abs_diff": float(np.abs(ours - theirs).max()),
            "occlusion_time": round(wall["ours"] / wall["xplique"], 3),
            "class_image_recognised": shares,
        },
        "measured": {
            "pointing": pointing,
            "occlusion": {
                "what": what.format(**asked),
                "max_abs_diff": float(np.abs(ours - theirs).max()),
                "largest": round(float(np.abs(theirs).max()), 4),
                "ours_ms": round(per_photo["ours"], 2),
                "xplique_ms": round(per_photo["xplique"], 2),
                "xplique_batch": told["xplique_batch"],
                "time_by_processor_time": round(busy["ours"] / busy["xplique"], 3),
            },
            "class_images": {
                "what": f"{len(classes)} images, {asked['steps']} steps each",
                "settings": told["settings"],
                "with_defaults": defaults,
                "settings_tried": told["settings_tried"],
            },
        },
    }


def points_at(maps: np.ndarray, masks: np.ndarray) -> list[float]:
    """Share of maps whose maximum lies in the mask, and mean share of their sum that does.

    A map that is zero everywhere points nowhere.
    """
    positive = np.maximum(maps, 0).reshape(len(maps), -1)
    inside = masks.reshape(len(masks), -1)
    somewhere = positive.max(axis=1) > 0
    hits = inside[np.arange(len(maps)), positive.argmax(axis=1)] & somewhere
    mass = (positive * inside).sum(axis=1) / np.where(somewhere, positive.sum(axis=1), 1)
    return [round(float(hits.mean()), 4), round(float(mass.mean()), 4)]


def recognised(images: np.ndarray, classes: np.ndarray) -> float:
    """Share of images that the second net takes for what they were made to be."""
    return round(float(np.mean(trusted.second().logits(images).argmax(axis=1) == classes)), 4)


def solutions(*names: str) -> str:
    """Text of solution cells of notebook 04.  Raises LookupError for a cell that is not there."""
    notebook = source_text.with_solutions(
        source_text.read(places.folder() / "source" / f"{NOTEBOOK}.py")
    )
    cells = {grade_id(c): c.source for c in notebook.cells}
    if missing := [name for name in names if name not in cells]:
        raise LookupError(f"notebook 04 has no solution called {', '.join(missing)}")
    return "\n\n".join(cells[name] for name in names)


if __name__ == "__main__":
    main()
