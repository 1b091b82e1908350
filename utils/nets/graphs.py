"""Read and draw the graph in an event file of TensorBoard; that asks for no TensorFlow.

An event file is a series of records (length, checksum, bytes, checksum), each a protocol buffer
`Event`; field 4 holds a `GraphDef`, or a summary holds a `RunMetadata` with graphs of functions.
Formats: tensorflow/core/util/event.proto, framework/graph.proto, protobuf/config.proto.
Files come from students: every length is checked, and nothing is executed.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.nets.quiet import import_tensorflow

MAX_BYTES = 8 * 2**20
"""Largest event file that is read."""

INTERESTING = ("Conv2D", "Relu", "MaxPool", "Reshape", "MatMul")
"""Operations of the small network; the others (biases, copies, constants) are passed over."""

_MAX_NODES = 5000
_MAX_PRODUCTS = 100


@dataclass(frozen=True)
class Node:
    """One operation of a graph."""

    name: str
    op: str
    inputs: tuple[str, ...]


def event_file(write_graph: Callable[[str], Any]) -> Callable[[], dict[str, Any]]:
    """What `check` asks for where a graph counts: the bytes of the event file that is written."""

    def answer() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder, _anew():
            write_graph(folder)
            paths = sorted(Path(folder).rglob("*tfevents*"))
            if not paths:
                raise FileNotFoundError("write_graph(folder) left no event file in the folder")
            sizes = [path.stat().st_size for path in paths]
            if sum(sizes) > MAX_BYTES:
                raise ValueError(f"the event files have {sum(sizes) / 2**20:.0f} MB, 8 at most")
            return {
                "events": [np.frombuffer(path.read_bytes(), np.uint8) for path in paths],
            }

    return answer


_fewest_nodes = itertools.count(5)
"""TensorFlow optimises graphs of 4 nodes or more, and all that are written have more."""


@contextlib.contextmanager
def _anew() -> Iterator[None]:
    """Let TensorFlow prepare functions once more that have been called before, and forget others.

    `tf.summary.trace_export` writes only what has been prepared since `trace_on`: whoever runs a
    cell twice would get an empty file.  With another setting, TensorFlow prepares anew.  After the
    first trace it goes on collecting, and would add all that a notebook has computed since: what
    was collected is exported to nowhere before.
    """
    if "tensorflow" not in sys.modules:
        yield
        return
    tf = import_tensorflow()
    tf.summary.trace_on(graph=True, profiler=False)
    with tf.summary.record_if(False):
        tf.summary.trace_export("forgotten", step=0)
    optimizer = tf.config.optimizer
    before = optimizer.get_experimental_options()
    optimizer.set_experimental_options(before | {"min_graph_nodes": next(_fewest_nodes)})
    try:
        yield
    finally:
        optimizer.set_experimental_options(before | {"min_graph_nodes": 4})


def nodes_in(data: bytes) -> list[Node]:
    """All nodes of the graphs in an event file.

    Raises ValueError if it is damaged, or larger than the graph of any small network.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"the event file has {len(data) / 2**20:.0f} MB, 8 at most")
    found: list[Node] = []
    for event in _records(data):
        for number, value in _fields(event):
            nodes = _graph(value) if number == 4 else _summary(value) if number == 5 else ()
            for node in nodes:
                found.append(node)
                if len(found) > _MAX_NODES:
                    raise ValueError(f"the graph has more than {_MAX_NODES} operations")
    return found


def chain(nodes: list[Node]) -> list[str]:
    """The interesting operations from the input to the last matrix product, in order of the flow.

    From the last MatMul that no other MatMul takes its input from, each node's first input is
    followed back.
    """
    by_name = {node.name: node for node in nodes}
    best: list[str] = []
    products = [node for node in nodes if node.op == "MatMul"]
    for node in products[-_MAX_PRODUCTS:]:
        ops: list[str] = []
        here: Node | None = node
        seen: set[str] = set()
        while here is not None and here.name not in seen:
            seen.add(here.name)
            if here.op in INTERESTING:
                ops.append(here.op)
            sources = [i for i in here.inputs if not i.startswith("^")]
            here = by_name.get(sources[0].split(":")[0]) if sources else None
        best = max(best, ops[::-1], key=len)
    return best


def draw(data: bytes) -> Any:
    """The chain of operations as a picture, numbered, line by line from left to right."""
    # matplotlib takes its time to import
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    ops = ["input", *chain(nodes_in(data))]
    colours = {"Conv2D": "#9ecae1", "Relu": "#fdd49e", "MaxPool": "#a1d99b", "MatMul": "#bcbddc"}
    columns = 5
    rows = -(-len(ops) // columns)
    figure, axis = plt.subplots(figsize=(10, 0.95 * rows + 0.2), layout="constrained")
    arrow = {"arrowstyle": "-|>", "color": "#555555"}
    for number, op in enumerate(ops):
        row, column = divmod(number, columns)
        x, y = 2.0 * column, -float(row)
        fill = colours.get(op, "white")
        axis.add_patch(Rectangle((x - 0.7, y - 0.25), 1.4, 0.5, fc=fill, ec="#555555"))
        axis.text(x, y, f"{number}  {op}" if number else op, ha="center", va="center", fontsize=12)
        if column < columns - 1 and number < len(ops) - 1:
            axis.annotate("", (x + 1.3, y), (x + 0.7, y), arrowprops=arrow)
        if column == 0 and number:
            axis.plot([-1.2, 2.0 * columns - 0.9], [y + 0.5] * 2, color="#555555", lw=1)
            axis.plot([2.0 * columns - 1.3, 2.0 * columns - 0.9, 2.0 * columns - 0.9],
                      [y + 1, y + 1, y + 0.5], color="#555555", lw=1)  # fmt: skip
            axis.plot([-1.2, -1.2], [y + 0.5, y], color="#555555", lw=1)
            axis.annotate("", (-0.7, y), (-1.2, y), arrowprops=arrow)
    axis.set(xlim=(-1.3, 2.0 * columns - 0.8), ylim=(-rows + 0.6, 0.4))
    axis.axis("off")
    return figure


def _records(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        if position + 12 > len(data):
            raise ValueError("the event file is cut short")
        length = int.from_bytes(data[position : position + 8], "little")
        start = position + 12
        if start + length + 4 > len(data):
            raise ValueError("the event file is cut short or damaged")
        yield data[start : start + length]
        position = start + length + 4


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(field number, content) of a protocol buffer's fields with a length; others are skipped."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            _, position = _varint(data, position)
        elif kind == 1:
            position += 8
        elif kind == 5:
            position += 4
        elif kind == 2:
            length, position = _varint(data, position)
            if position + length > len(data):
                raise ValueError("the event file is damaged: a field is longer than its record")
            yield key >> 3, data[position : position + length]
            position += length
        else:
            raise ValueError("the event file is damaged: unknown kind of field")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ValueError("the event file is damaged: a number is cut short")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("the event file is damaged: a number is too long")


def _graph(data: bytes) -> Iterator[Node]:
    """Nodes (field 1) of a GraphDef, those of its functions (library, field 2) included."""
    for number, value in _fields(data):
        if number == 1:
            yield _node(value)
        elif number == 2:
            for kind, function in _fields(value):
                if kind == 1:  # FunctionDef: node_def is field 3
                    yield from (_node(part) for k, part in _fields(function) if k == 3)


def _node(data: bytes) -> Node:
    name = op = ""
    inputs: list[str] = []
    for number, value in _fields(data):
        text = value[:300].decode("utf-8", "replace") if number in (1, 2, 3) else ""
        if number == 1:
            name = text
        elif number == 2:
            op = {"_FusedConv2D": "Conv2D"}.get(text, text)
        elif number == 3 and len(inputs) < 20:
            inputs.append(text)
    return Node(name, op, tuple(inputs))


def _summary(data: bytes) -> Iterator[Node]:
    """Graphs in a Summary: value 1, tensor 8, string 8, a RunMetadata with graphs in 3 and 4."""
    for number, value in _fields(data):
        if number != 1:
            continue
        for kind, tensor in _fields(value):
            if kind != 8:
                continue
            for part, text in _fields(tensor):
                if part == 8:
                    yield from _run_metadata(text)


def _run_metadata(data: bytes) -> Iterator[Node]:
    try:
        for number, value in _fields(data):
            if number == 3:
                yield from _graph(value)
            elif number == 4:
                for kind, graph in _fields(value):
                    if kind == 2:  # before optimisation
                        yield from _graph(graph)
    except ValueError:  # some other tensor of text
        return
