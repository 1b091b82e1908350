"""Judges of notebook 04 for what is read off a net: filters in a grid, activation maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract import thresholds
from grader.contract.judge import Depiction, Handed, Judge, Mistake, Question
from utils.images import exam_images
from utils.images.datasets import DataUnavailable
from utils.nets import own
from utils.rules import maps
from utils.rules.maps import maps_and_relations

from ...nets import trusted
from ..training_cnn.handed import missing
from . import draws

# -- filters --------------------------------------------------------------------------------------


def _draw_filters(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    toy = draws.conv(rng, 8)
    yield Question("a first layer, in colour", {"net": toy, "layer": "conv1"}, 1e-4)
    yield Question("a second layer: its first input map", {"net": toy, "layer": "conv2"}, 1e-4)
    label = f"the first layer of {which.name}"
    if which.problem:
        yield Question(label, {"net": draws.MINI, "layer": "conv1"}, 1e-4, which.missing)
        return
    first = next(name for name, shape in draws.weighted(which.name).items() if len(shape) == 4)
    yield Question(label, {"net": which.name, "layer": first}, 1e-4)


def _kernel(net: Any, layer: str) -> np.ndarray:
    """(C_out, kh, kw, 3), or (C_out, kh, kw) for the first input map of a deeper layer."""
    kernel = np.moveaxis(draws.ask(net).kernel(layer), -1, 0)
    return kernel if kernel.shape[-1] == 3 else kernel[..., 0]


def _around_grey(filters: np.ndarray, axes: tuple[int, ...] | None) -> np.ndarray:
    return 0.5 + filters / (2 * np.abs(filters).max(axis=axes, keepdims=True))


def _all_but_first(filters: np.ndarray) -> tuple[int, ...]:
    return tuple(range(1, filters.ndim))


def _filter_pictures(net: Any, layer: str) -> np.ndarray:
    filters = _kernel(net, layer)
    return _around_grey(filters, _all_but_first(filters))


def _of_the_mini_net(net: Any, layer: str) -> np.ndarray:
    """What data/checks knows: the mini net is the same for everybody."""
    found = _filter_pictures(net, layer)
    return found if net == draws.MINI else np.zeros_like(found)


def _low_to_high(net: Any, layer: str) -> np.ndarray:
    filters = _kernel(net, layer)
    axes = _all_but_first(filters)
    low, high = filters.min(axis=axes, keepdims=True), filters.max(axis=axes, keepdims=True)
    return (filters - low) / (high - low)


def _by_channel(net: Any, layer: str) -> np.ndarray:
    filters = _kernel(net, layer)
    return _around_grey(filters, (1, 2))


def _of_all_maps(net: Any, layer: str) -> np.ndarray:
    kernel = np.moveaxis(draws.ask(net).kernel(layer), -1, 0)
    chosen = kernel if kernel.shape[-1] == 3 else kernel.mean(axis=-1)
    return _around_grey(chosen, _all_but_first(chosen))


def _scaled_by_all(net: Any, layer: str) -> np.ndarray:
    kernel = np.moveaxis(draws.ask(net).kernel(layer), -1, 0)
    pictures = _around_grey(kernel, (1, 2, 3))
    return pictures if kernel.shape[-1] == 3 else pictures[..., 0]


def _scrambled(net: Any, layer: str) -> np.ndarray:
    kernel = draws.ask(net).kernel(layer)
    kh, kw, channels, count = kernel.shape
    filters = kernel.reshape(count, kh, kw, channels)
    filters = filters if channels == 3 else filters[..., 0]
    return _around_grey(filters, _all_but_first(filters))


def _as_stored(net: Any, layer: str) -> np.ndarray:
    filters = draws.ask(net).kernel(layer)
    filters = filters if filters.shape[2] == 3 else filters[:, :, 0]
    return _around_grey(filters, tuple(range(filters.ndim - 1)))


_FILTER_MISTAKES = {
    "from the lowest to the highest weight: zero is not grey": Mistake(
        _low_to_high, "0.5 + w / (2 · largest |w|): a weight of zero stays at 0.5."
    ),
    "all filters scaled together": Mistake(
        lambda net, layer: _around_grey(_kernel(net, layer), None),
        "Each filter by its own largest weight: max over all axes but the first.",
    ),
    "each colour scaled by itself": Mistake(
        _by_channel, "One scale for the three colours of a filter: else its colour is lost."
    ),
    "weights as they are": Mistake(_kernel, "Pictures need values from 0 to 1."),
    "from -1 to 1": Mistake(
        lambda net, layer: 2 * _filter_pictures(net, layer) - 1, "Zero becomes 0.5, not 0."
    ),
    "scaled by the weights of all input maps, not of the one that is shown": Mistake(
        _scaled_by_all, "The largest |w| of the weights that the picture shows: it reaches 0 or 1."
    ),
    "reshaped in place of transposed": Mistake(
        _scrambled, "reshape keeps the order in memory; np.moveaxis(kernel, -1, 0) moves an axis."
    ),
    "filters still on the last axis": Mistake(
        _as_stored, "Keras keeps (kh, kw, C_in, C_out): the filters must come first."
    ),
    "mean over the input maps": Mistake(_of_all_maps, "The first input map is asked for."),
}


# -- a grid ---------------------------------------------------------------------------------------


def _draw_grids(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for shape, columns, what in (
        ((6, 3, 4), 3, "6 grey pictures of 3×4, 3 columns"),
        ((7, 4, 2, 3), 3, "7 colour pictures of 4×2, 3 columns"),
        ((3, 2, 3), 5, "3 pictures, 5 columns"),
        ((8, 3, 3, 3), 4, "8 colour pictures, 4 columns"),
    ):
        yield Question(what, {"pictures": rng.uniform(0, 0.9, shape), "columns": columns})


def _grid(
    pictures: np.ndarray, columns: int, gap: int = 1, around: int = 0, empty: float = 1.0,
    by_column: bool = False, rows: int = 0,
) -> np.ndarray:  # fmt: skip
    count, height, width = pictures.shape[:3]
    rows = rows or -(-count // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    out = np.full((*size, *pictures.shape[3:]), empty)
    for number, picture in enumerate(pictures[: rows * columns]):
        i, j = divmod(number, rows)[::-1] if by_column else divmod(number, columns)
        top, left = i * (height + gap), j * (width + gap)
        out[top : top + height, left : left + width] = picture
    margin = [(around, around)] * 2 + [(0, 0)] * (out.ndim - 2)
    return np.pad(out, margin, constant_values=empty)


def _black_rest(pictures: np.ndarray, columns: int) -> np.ndarray:
    rows = -(-len(pictures) // columns)
    missing = np.zeros((rows * columns - len(pictures), *pictures.shape[1:]))
    return _grid(np.concatenate([pictures, missing]), columns)


_GRID_MISTAKES = {
    "no line between pictures": Mistake(
        lambda pictures, columns: _grid(pictures, columns, gap=0),
        "One pixel of white between neighbours: pictures start height + 1 pixels apart.",
    ),
    "a line around the whole, too": Mistake(
        lambda pictures, columns: _grid(pictures, columns, around=1),
        "Only between pictures: the first one starts at [0, 0].",
    ),
    "a line below and to the right of the whole, too": Mistake(
        lambda pictures, columns: _grid(pictures, columns, around=1)[1:, 1:],
        "No line after the last row and the last column: rows · (h + 1) - 1 pixels.",
    ),
    "black lines": Mistake(
        lambda pictures, columns: _grid(pictures, columns, empty=0.0), "White is 1."
    ),
    "places that stay empty are black": Mistake(
        _black_rest, "Start from np.ones: what no picture covers stays white."
    ),
    "filled column by column": Mistake(
        lambda pictures, columns: _grid(pictures, columns, by_column=True),
        "Row by row, as one reads: divmod(number, columns) gives row and column.",
    ),
    "the last, incomplete row is missing": Mistake(
        lambda pictures, columns: _grid(pictures, columns, rows=max(len(pictures) // columns, 1)),
        "Round the number of rows up: -(-n // columns).",
    ),
    "rows and columns of the grid swapped": Mistake(
        lambda pictures, columns: _grid(pictures, -(-len(pictures) // columns)),
        "`columns` says how many pictures stand side by side.",
    ),
}


# -- activation maps ------------------------------------------------------------------------------


def _draw_maps(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
    which = draws.subject(handed)
    for number, size, range_, what in (
        (1, 12, "unit", "the first block of a small net"),
        (2, 8, "signed", "the second block of a net that takes -1 … 1, with one map"),
    ):
        layers = [f"{kind}{number}" for kind in ("conv", "relu", "pool")]
        yield Question(what, _on_small_net(rng, size, range_, layers), 1e-4)
    label = f"a photograph in {which.name}"
    if which.problem:
        yield Question(label, {}, 1e-4, which.missing)
        return
    image = draws.photographs(rng, which, 1).images[0]
    yield Question(label, {"net": which.name, "image": image, "layers": _first(which)}, 1e-4)


def _on_small_net(
    rng: np.random.Generator, size: int, range_: str, layers: list[str]
) -> dict[str, Any]:
    """The second convolution has a single map, of both signs."""
    while True:
        net = draws.conv(rng, size, range=range_, maps=1)
        image = draws.noise(rng, 1, size)[0]
        if 0.2 < np.mean(draws.ask(net).units(image[None], "conv2") > 0) < 0.8:
            return {"net": net, "image": image, "layers": layers}


def _first(which: draws.Subject) -> list[str]:
    """A convolution of the net and what follows it."""
    known = list(which.net.layers)
    if {"conv5", "relu5", "pool5"} <= set(known):
        return ["conv5", "relu5", "pool5"]
    first = next(n for n, shape in draws.weighted(which.name).items() if len(shape) == 4)
    start = known.index(first)
    return known[start : start + 3]


def _maps(
    net: Any, image: np.ndarray, layers: list[str],
    change: Callable[[np.ndarray], np.ndarray] = lambda x: x,
) -> dict[str, Any]:  # fmt: skip
    asked = draws.ask(net)
    maps = [change(asked.units(image[None], layer)[0]) for layer in layers]
    return maps_and_relations(maps)


def _zeros(net: Any, image: np.ndarray, layers: list[str]) -> list[np.ndarray]:
    """Zeros are the positive part of zeros, and their maximum."""
    asked = draws.ask(net)
    return [np.zeros_like(asked.units(image[None], layer)[0]) for layer in layers]


def _unprepared(net: Any, image: np.ndarray, layers: list[str]) -> dict[str, Any]:
    """As if the image itself had been given to the model."""
    asked = draws.ask(net)
    scale, offset = getattr(asked, "_scale", 1), getattr(asked, "_offset", 0)
    return _maps(net, (image - offset) / scale, layers)


def _prepared_twice(net: Any, image: np.ndarray, layers: list[str]) -> dict[str, Any]:
    asked = draws.ask(net)
    scale, offset = getattr(asked, "_scale", 1), getattr(asked, "_offset", 0)
    if (scale, offset) == (1, 0):
        raise ValueError("it makes no difference")
    return _maps(net, image * scale + offset, layers)


def _squeezed(net: Any, image: np.ndarray, layers: list[str]) -> dict[str, Any]:
    found = _maps(net, image, layers)
    if 1 not in found["first"].shape:
        raise ValueError("it makes no difference")
    return _maps(net, image, layers, np.squeeze)


def _same_layer(number: int) -> Callable[..., dict[str, Any]]:
    def answer(net: Any, image: np.ndarray, layers: list[str]) -> dict[str, Any]:
        return _maps(net, image, [layers[number]] * 3)

    return answer


def _stacked(net: Any, image: np.ndarray, layers: list[str]) -> dict[str, Any]:
    return _maps(net, image, layers, lambda m: m[None])


_MAP_MISTAKES = {
    "preprocessing left out": Mistake(
        _unprepared, "net.model takes what net.preprocess(images) returns."
    ),
    "preprocessed twice": Mistake(_prepared_twice, "net.preprocess once, on the image in 0 … 1."),
    maps.SQUEEZED: Mistake(_squeezed, maps.HINTS[maps.SQUEEZED]),
    maps.BATCH_AXIS: Mistake(_stacked, maps.HINTS[maps.BATCH_AXIS]),
    maps.CHANNELS_FIRST: Mistake(
        lambda net, image, layers: _maps(net, image, layers, lambda m: np.moveaxis(m, -1, 0)),
        maps.HINTS[maps.CHANNELS_FIRST],
    ),
    maps.SCALED: Mistake(
        lambda net, image, layers: _maps(net, image, layers, lambda m: m / np.abs(m).max()),
        maps.HINTS[maps.SCALED],
    ),
    "three times the same layer": Mistake(_same_layer(0), maps.HINTS[maps.OTHER_LAYER]),
    maps.UPSIDE_DOWN: Mistake(
        lambda net, image, layers: _maps(net, image, layers, lambda m: m[::-1]),
        maps.HINTS[maps.UPSIDE_DOWN],
    ),
}

MAPS = "Exercise 04.2: activation maps"

_TRIED = 100  # images: enough to tell a trained net from an untrained one


def _draw_own(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
    """The first and the last convolution of the net that was handed in, on a photograph each."""
    seed = draws.photographs(rng, draws.Subject(draws.MINI), 2)
    facts = _public_facts() if handed is None else _facts(rng, handed)
    for number, image, what in zip((1, -1), seed.images, ("first", "last"), strict=True):
        inputs = {"image": image, "number": number}
        yield Question(
            f"your net: the {what} convolution, and what follows it", inputs, expected=facts
        )


def _public_facts() -> dict[str, Any]:
    floors = {dataset: row["floor"] for dataset, row in thresholds.load()["own_maps"].items()}
    return {"subject": "", "tried": _TRIED, "floors": floors}


def _facts(rng: np.random.Generator, handed: Handed) -> dict[str, Any]:
    """What the judge makes of the file; nothing that is in it is executed."""
    wanted = f"{own.NAME}.npz"
    data = next((c for p, c in handed.files.items() if p.rpartition("/")[2] == wanted), None)
    if data is None:
        return {"problem": f"handin/{own.HOME}/{wanted} was not handed in"}
    try:
        kept = own.read(data)
        images, labels = exam_images.draw(kept.dataset, "test", _TRIED, rng)
    except own.NoOwnNet as error:
        return {"problem": f"{wanted} can't be opened: {error}"}
    except DataUnavailable as error:
        return missing(own.read(data).dataset, error)
    net = trusted.toy(kept.description)
    floor = (handed.thresholds or thresholds.load())["own_maps"][kept.dataset]["floor"]
    right = maps.recognised(net, images, labels)
    return {"subject": maps.Subject(net, kept.steps, right, float(floor))}


JUDGES_LAYERS = [
    Judge(
        "filter_pictures",
        _filter_pictures,
        _draw_filters,
        _FILTER_MISTAKES,
        section="Exercise 04.1: filters",
        by_files=True,
        depicted=Depiction(),
        idle=(_of_the_mini_net,),
    ),
    Judge(
        "grid",
        _grid,
        _draw_grids,
        _GRID_MISTAKES,
        section="Exercise 04.1: filters",
        depicted=Depiction(),
    ),
    Judge(
        "activation_maps",
        _maps,
        _draw_maps,
        _MAP_MISTAKES,
        parts=maps.PARTS,
        section=MAPS,
        measure=maps.activation_maps,
        by_files=True,
        idle=(_zeros,),
    ),
    Judge(
        "own_maps",
        draws.unused,
        _draw_own,
        section=MAPS,
        assess=maps.own_maps,
        hints=maps.HINTS,
        by_files=True,
        patience=2.0,
    ),
]
"""Judges of filters and maps."""
