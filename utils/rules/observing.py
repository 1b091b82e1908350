"""What can be seen of augmentation: what it does to images, what streams deliver, whether masks
follow their images.

Each function takes a case's inputs and an answer as plain arrays and tells in words what it sees,
part by part; utils.rules.augmented says what of it is right.  Raises ValueError, worded for the
student, if there is nothing to see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from utils.checks.kinds import described, numeric
from utils.training import augmenters, augmenting

Array = np.ndarray

# -- augmenters -----------------------------------------------------------------------------------

_SEEN_AS: dict[str, Callable[[Array], Array]] = {
    "as it was": lambda images: images,
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1],
    "turned round": lambda images: images[:, ::-1, ::-1],
    "turned left": lambda images: images.swapaxes(1, 2)[:, ::-1],
    "turned right": lambda images: images.swapaxes(1, 2)[:, :, ::-1],
}
_CLEARLY = 0.1  # so much better must a mirrored image fit
_VISIBLE = 0.006  # mean change of a pixel: one and a half grey levels of 256
_NOTHING_LEFT = 0.1  # correlation with the original at the best shift; noise has 0.06
_SOME = 0.1  # fraction of images from which something counts as done on purpose


def augmenter(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """What an augmenter does to images whose originals are known, in words."""
    if not isinstance(answer, dict) or not {"first", "second", "repeated"} <= set(answer):
        raise ValueError("expected augmenting.tried(build_augmenter); the check cell was changed")
    originals = augmenting.probe_images(int(inputs["seed"]))
    first, second = (_images(answer[key], originals.shape) for key in ("first", "second"))
    repeated = _images(answer["repeated"], (len(answer["repeated"]), *originals.shape[1:]))
    low, high = float(min(first.min(), second.min())), float(max(first.max(), second.max()))
    if not np.isfinite([low, high]).all():
        raise ValueError("the augmented images hold NaN or infinite values")
    both, twice = np.concatenate([first, second]), np.concatenate([originals, originals])
    changed = np.mean(_different(both, twice))
    if changed < _SOME:
        return {"changes": "none"}
    if np.mean(np.abs(both - twice).mean(axis=(1, 2, 3)) > _VISIBLE) < _SOME:
        return {"changes": "hardly any"}
    pixels = _pixels(low, high, float(both.mean() / originals.mean()))
    if pixels == "nearly all zero":
        return {"pixels": pixels}
    if pixels != "in 0 … 1":
        return {"pixels": pixels, "evaluation": _evaluation(answer, originals)}
    anew = np.mean(_different(first, second)) > _SOME
    found = {
        "changes": "new in each call" if anew else "the same in each call",
        "each image": "by itself" if _different(repeated[1:], repeated[:1]).any() else "alike",
        "pixels": pixels,
    }
    fits, shifts = _fits(both, twice)
    if np.percentile(fits.max(axis=0), 70) < _NOTHING_LEFT:
        return {"content": "nothing is left"}
    seen_as = np.array(list(_SEEN_AS))[_best_fit(fits)]
    return found | {
        "brightness": _brightness(both, twice),
        "content": _content(fits.max(axis=0), shifts, both.shape[1]),
        "orientation": _orientation(seen_as, str(inputs["dataset"])),
        "edges": _edges(both, twice, shifts, seen_as == "as it was"),
        "evaluation": _evaluation(answer, originals),
    }


def _images(value: Any, shape: tuple[int, ...]) -> Array:
    found = numeric(value, f"augmented images of shape {shape}")
    if found.shape != shape:
        raise ValueError(f"expected augmented images of shape {shape}, got {described(found)}")
    return found.astype(np.float32)


def _different(a: Array, b: Array) -> Array:
    return np.abs(a - b).max(axis=(1, 2, 3)) > 1e-4


def _pixels(low: float, high: float, brightness: float) -> str:
    if brightness < 0.1:
        return "nearly all zero"
    if high > 1.5:
        return "far above 1"
    return "a little beyond 0 … 1" if low < -0.005 or high > 1.005 else "in 0 … 1"


def _brightness(images: Array, originals: Array) -> str:
    mean = float(images.mean() - originals.mean())
    spread = float(images.std() / originals.std())
    cut = np.mean((images < 0.002) | (images > 0.998)) - np.mean(
        (originals < 0.002) | (originals > 0.998)
    )
    if abs(mean) > 0.12:
        return "brighter on average" if mean > 0 else "darker on average"
    if cut > 0.2 or spread > 1.5:
        return "often cut off at 0 or 1"
    return "near the originals" if spread > 0.6 else "paler"


def _fits(images: Array, originals: Array) -> tuple[Array, Array]:
    """How well images fit their originals, seen in so many ways (ways, N), correlation at the best
    shift; and that shift for originals seen as they were (N, 2), down and right."""
    spectrum, norm = _spectrum(images)
    rows, shifts = [], np.zeros((len(images), 2), int)
    size = images.shape[1]
    for name, seen in _SEEN_AS.items():
        other, other_norm = _spectrum(seen(originals))
        product = np.fft.ifft2(spectrum * np.conj(other), axes=(1, 2)).real.sum(axis=-1)
        flat = np.abs(product.reshape(len(images), -1))  # a negative shows the same, too
        rows.append(flat.max(axis=1) / (norm * other_norm))
        if name == "as it was":
            best = np.stack(np.divmod(flat.argmax(axis=1), size), axis=1)
            shifts = np.where(best > size // 2, best - size, best)
    return np.array(rows), shifts


def _spectrum(images: Array) -> tuple[Array, Array]:
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    return np.fft.fft2(centred, axes=(1, 2)), np.sqrt((centred**2).sum(axis=(1, 2, 3))) + 1e-9


def _best_fit(fits: Array) -> Array:
    """Index into _SEEN_AS; "as it was" unless something else fits clearly better."""
    best = fits.argmax(axis=0)
    return np.where(fits.max(axis=0) > fits[0] + _CLEARLY, best, 0)


def _content(fits: Array, shifts: Array, size: int) -> str:
    far = np.percentile(np.abs(shifts).max(axis=1), 80)
    if np.percentile(fits, 30) < 0.42:
        return "hardly to be recognised"
    return "moved out of the picture" if far > size * 0.3 else "to be recognised"


def _orientation(seen_as: Array, dataset: str) -> str:
    mirrored = float(np.mean(seen_as == "mirrored"))
    turned = float(np.mean((seen_as == "upside down") | (seen_as == "turned round")))
    on_its_side = float(np.mean((seen_as == "turned left") | (seen_as == "turned right")))
    whole_turns = float(np.mean(seen_as == "turned round")) > on_its_side / 8
    if on_its_side > max(_SOME, mirrored, turned) and not whole_turns:
        return "on its side"
    if turned > max(_SOME, mirrored):
        return "upside down"
    return "mirrored" if mirrored > _SOME and dataset != "cifar10" else "kept"


def _edges(images: Array, originals: Array, shifts: Array, upright: Array) -> str:
    """Does what leaves an image on one side come back on the other?"""
    wrapped = counted = 0
    for image, original, (down, right), usable in zip(
        images, originals, shifts, upright, strict=True
    ):
        if not usable or max(abs(down), abs(right)) < 2 or max(abs(down), abs(right)) > 12:
            continue
        counted += 1
        rolled = np.roll(original, (down, right), axis=(0, 1))
        rows, columns = (_clipped(len(original), n) for n in (down, right))
        repeated = original[rows][:, columns]
        fresh = np.ones(original.shape[:2], bool)
        fresh[_inside(down), _inside(right)] = False
        error = [float(np.abs(image - other)[fresh].mean()) for other in (rolled, repeated)]
        wrapped += error[0] < 0.6 * error[1] and error[0] < 0.1
    if counted >= 4 and wrapped > 0.5 * counted:
        return "come back on the other side"
    return "as they should be"


def _clipped(size: int, shift: int) -> Array:
    return np.clip(np.arange(size) - shift, 0, size - 1)


def _inside(shift: int) -> slice:
    return slice(max(shift, 0), shift if shift < 0 else None)


def _evaluation(answer: dict[str, Any], originals: Array) -> str:
    if "evaluation" not in answer:
        return "can't be switched off"
    still = _images(answer["evaluation"], originals.shape)
    # the kernel rendered the images itself, and its pixels may be rounded the other way
    changed = np.abs(still - originals).max() > 2.5 / 255
    return "changes, too" if changed else "images stay as they are"


# -- streams --------------------------------------------------------------------------------------


def streams(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """What two epochs of a training and of a validation stream delivered, in words."""
    kinds = ("training", "validation")
    if not isinstance(answer, dict) or not all(isinstance(answer.get(k), list) for k in kinds):
        raise ValueError("expected augmenting.read(streams); the check cell was changed")
    data = augmenting.stream_data(*(int(inputs[k]) for k in ("count", "validation", "seed")))
    first, second = (_epoch(epoch) for epoch in answer["training"][:2])
    held_back = [_epoch(epoch) for epoch in answer["validation"][:2]]
    batch = int(inputs["batch"])
    if not len(first.numbers):
        raise ValueError("the training stream holds no images")
    stamped = np.mean(first.stamps > 0)
    if stamped < 0.05:
        more = first.goes_on == "longer"
        return {"training images": "not augmented, but more follow" if more else "not augmented"}
    order = _mixed(first.numbers)
    found = {
        "training images": "augmented" if stamped > 0.95 else "some not augmented",
        "next epoch": _next_epoch(first, second),
        "labels": "with their images"
        if all(_labels_fit(epoch, data.y_train, False) for epoch in (first, second))
        else "torn from their images",
        "an epoch": _an_epoch(first, len(data.x_train), batch),
        "order": order,
        "batches": _sizes(first, held_back[0], batch, len(data.y_val)),
        "validation images": _validation(held_back, data.y_val),
    }
    if order == "mixed":
        found["seed"] = _seed(first.numbers, answer.get("order"))
    return found


def _sizes(training: _epoch, validation: _epoch, batch: int, count: int) -> str:
    """Whether batches are as large as asked; those for validation may be all images at once."""
    if training.sizes[0] != batch:
        return f"of {training.sizes[0]}"
    if validation.sizes[0] not in (0, min(batch, count), count):
        return f"of {validation.sizes[0]} for validation"
    return "as asked"


def _seed(numbers: Array, orders: Any) -> str:
    """Whether the order hangs on the seed, and on nothing else."""
    if not isinstance(orders, list) or len(orders) != 2:
        raise ValueError("expected augmenting.read(streams); the check cell was changed")
    again, elsewhere = (augmenters.numbers_in(np.asarray(rows)) for rows in orders)
    if not np.array_equal(again, numbers):
        return "another order with the same seed"
    return "the same with another" if np.array_equal(elsewhere, numbers) else "decides the order"


_NEIGHBOURS = 0.8
"""So many images come right after their neighbour where whole batches are shuffled."""


def _mixed(numbers: Array) -> str:
    """Whether images come in an order of their own, or nearly in the one they were given in."""
    steps = np.diff(numbers)
    if (steps == 1).mean() > _NEIGHBOURS and (steps < 0).any():
        return "mixed by batches"
    if (steps > 0).mean() > 0.9:
        return "as given"
    places = np.arange(len(numbers))
    alike = len(numbers) > 2 and np.corrcoef(places, np.argsort(np.argsort(numbers)))[0, 1] > 0.7
    return "hardly changed" if alike else "mixed"


class _epoch:
    """One epoch of a stream, identified."""

    def __init__(self, content: Any):
        if not isinstance(content, dict):
            raise ValueError("expected augmenting.read(streams); the check cell was changed")
        images, labels = np.asarray(content.get("images")), np.asarray(content.get("labels"))
        self.numbers, self.held_back, self.stamps = augmenters.numbers_of(images)
        self.labels = labels
        self.sizes = np.append(np.asarray(content.get("sizes")).ravel(), 0)
        self.goes_on = str(content.get("goes on", ""))
        if len(labels) != len(images):
            raise ValueError(f"{len(images)} images, but {len(labels)} labels in an epoch")


def _next_epoch(first: _epoch, second: _epoch) -> str:
    if not len(second.numbers):
        return "there is none"
    before = dict(zip(first.numbers.tolist(), first.stamps.tolist(), strict=True))
    known = [n in before for n in second.numbers.tolist()]
    same = [
        abs(before[n] - s) < 1e-6
        for n, s in zip(second.numbers.tolist(), second.stamps.tolist(), strict=True)
        if n in before
    ]
    if not any(known):
        return "other images"
    if np.mean(same) > 0.5:
        return "the same again"
    in_order = np.array_equal(first.numbers, second.numbers) and _mixed(first.numbers) == "mixed"
    return "in the same order" if in_order else "augmented anew"


def _labels_fit(epoch: _epoch, labels: Array, held_back: bool) -> bool:
    own = (epoch.numbers < len(labels)) & (epoch.held_back == held_back)
    if not own.any():
        return True
    if epoch.labels.shape != (len(epoch.numbers), labels.shape[1]):
        raise ValueError(
            f"batches of labels have shape {('B', *epoch.labels.shape[1:])}; the labels of `data` "
            f"have {labels.shape[1]} columns: hand them on as they are"
        )
    return bool(np.mean(labels[epoch.numbers[own]].argmax(1) == epoch.labels[own].argmax(1)) > 0.98)


def _an_epoch(epoch: _epoch, count: int, batch: int) -> str:
    if epoch.held_back.any():
        return "with validation images"
    if epoch.goes_on == "longer":
        return "images more than once"
    distinct = len(set(epoch.numbers.tolist()))
    if distinct > count - batch:  # a last, incomplete batch may be left out
        return "all images"
    return "some twice, some not at all" if len(epoch.numbers) > count - batch else "images missing"


def _validation(epochs: Sequence[_epoch], labels: Array) -> str:
    first, second = epochs
    if len(set(first.numbers.tolist())) < len(labels) or not first.held_back.all():
        return "missing, or others"
    if (first.stamps > 0).any():
        return "augmented, too"
    if first.goes_on:
        return "again and again"
    if not len(second.numbers):
        return "to be read only once"
    return "untouched" if _labels_fit(first, labels, True) else "with wrong labels"


# -- masks ----------------------------------------------------------------------------------------

_RED, _GREEN = 0, 1


def spotted(count: int, seed: int, size: int = 32) -> tuple[Array, Array]:
    """Images (N, size, size, 3) float32 with a red spot on a bluish, cloudy ground, and the spots'
    masks (N, size, size) bool.  Spots keep away from the edges."""
    rng = np.random.default_rng(seed)
    clouds = rng.uniform(0.1, 0.9, (count, 5, 5, 1)).astype(np.float32)
    weights = _enlarging(size)
    cloudy = np.einsum("yi,nijc,xj->nyxc", weights, clouds, weights)
    images = np.concatenate([0.2 * cloudy, cloudy, 1 - 0.5 * cloudy], axis=-1)
    centre = rng.uniform(0.35 * size, 0.65 * size, (2, count, 1, 1))
    radii = rng.uniform(3.0, 6.0, (2, count, 1, 1))
    y, x = np.mgrid[:size, :size] + 0.5
    masks = ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 < 1
    images[masks] = (0.95, 0.05, 0.1)
    return (np.rint(images * 16) / 16).astype(np.float32), masks  # few values: they pack well


def _enlarging(size: int) -> Array:
    """Linear interpolation from 5 values to `size` pixels, (size, 5)."""
    position = np.linspace(0, 4, size)[:, None]
    return np.clip(1 - np.abs(position - np.arange(5)), 0, 1).astype(np.float32)


def moved_with_masks(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Whether images were moved, each by itself, and whether their masks show where spots are."""
    if answer is None:
        raise ValueError("your function returned None; is the return statement missing?")
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise ValueError(f"expected two results: images and masks; got {described(answer)}")
    before, masks_before = np.asarray(inputs["images"]), np.asarray(inputs["masks"])
    images = _images(answer[0], before.shape)
    masks = numeric(answer[1], f"masks of shape {masks_before.shape}")
    if masks.shape != masks_before.shape or masks.dtype.kind not in "fiub":
        raise ValueError(f"expected masks of shape {masks_before.shape}, got {described(masks)}")
    if len(before) > _MANY:
        return {"amounts": _amounts(images, masks.astype(np.float32))}
    values = masks.astype(np.float32)
    whole = bool(np.isin(values, (0, 1)).all())
    there = _red_spot(images)
    moves = _centres(there) - _centres(_red_spot(before))
    if not np.any(np.abs(moves) > 0.25) and not _different(images, before).any():
        return {"images": "not moved"}
    all_there = bool((there.sum((1, 2)) > 12).all())
    if all_there and not _are_moved(images, before).all():
        return {"images": "changed otherwise"}
    return {
        "images": "each moved by itself" if moves.std(axis=0).max() > 0.3 else "all moved alike",
        "masks": _masks(values > 0.5, there, masks_before),
        "values": "zeros and ones" if whole else "in between, too",
        "spots": "all there" if all_there else "some lost",
    }


_MANY = 100
_SIDE = 32  # of images on which distances can be read off
_FARTHEST = 4


def ruled(count: int) -> tuple[Array, Array]:
    """Images (N, 32, 32, 3) float32 whose pixels say where they are, all alike, and masks
    (N, 32, 32) bool of the middle: what has come to a place tells how far it was moved."""
    rows, columns = np.mgrid[:_SIDE, :_SIDE] / np.float32(_SIDE)
    image = np.stack([rows, columns, np.full_like(rows, 0.5)], axis=-1).astype(np.float32)
    mask = np.zeros((_SIDE, _SIDE), bool)
    mask[14:18, 14:18] = True
    return np.repeat(image[None], count, axis=0), np.repeat(mask[None], count, axis=0)


def _amounts(images: Array, masks: Array) -> str:
    """How far `ruled` images were moved, in words."""
    middle = _SIDE // 2
    down, right = (
        middle - np.rint(images[:, middle, middle, channel] * _SIDE).astype(int)
        for channel in (0, 1)
    )
    if not down.any() and not right.any():
        return "none"
    if not down.any() or not right.any():
        return "down and up alone" if down.any() else "left and right alone"
    if np.array_equal(down, right) or np.array_equal(down, -right):
        return "equal in both directions"
    for moved in (down, right):
        if moved.min() >= 0 or moved.max() <= 0:
            return "in one sense alone"
        if max(moved.max(), -moved.min()) > _FARTHEST:
            return "more than four"
        if moved.max() < _FARTHEST or moved.min() > -_FARTHEST:
            return "less than four"
    y, x = _centres(masks > 0.5).T
    there = np.abs(y - (down + middle - 0.5)) + np.abs(x - (right + middle - 0.5))
    return "up to four, and masks with them" if np.median(there) < 0.6 else "masks elsewhere"


def _are_moved(images: Array, before: Array) -> Array:
    """Is what stands in the middle of each image found again near there in the one it was?"""
    size, far = before.shape[1], 6
    inside = slice(far, size - far)
    found = np.zeros(len(images), bool)
    for down in range(-far, far + 1):
        for right in range(-far, far + 1):
            rows = slice(far - down, size - far - down)
            columns = slice(far - right, size - far - right)
            gap = np.abs(images[:, inside, inside] - before[:, rows, columns])
            found |= np.median(gap, axis=(1, 2, 3)) < 0.05  # or by parts of a pixel
    return found


def _red_spot(images: Array) -> Array:
    return images[..., _RED] - images[..., _GREEN] > 0.35


def _centres(masks: Array) -> Array:
    y, x = np.mgrid[: masks.shape[1], : masks.shape[2]]
    total = np.maximum(masks.sum(axis=(1, 2)), 1)
    return np.stack([(masks * y).sum((1, 2)) / total, (masks * x).sum((1, 2)) / total], axis=1)


def _masks(masks: Array, there: Array, before: Array) -> str:
    if np.median(_overlap(masks, there)) > 0.75 and np.percentile(_overlap(masks, there), 20) > 0.6:
        return "where the spots are"
    if np.median(_overlap(masks, before)) > 0.95:
        return "where they were"
    return "somewhere else"


def _overlap(a: Array, b: Array) -> Array:
    """Intersection over union of masks (N, H, W)."""
    union = np.maximum((a | b).sum(axis=(1, 2)), 1)
    return (a & b).sum(axis=(1, 2)) / union
