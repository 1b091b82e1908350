"""Event files are read without TensorFlow, and damaged ones are refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from utils.nets import graphs, quiet


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    tf = quiet.import_tensorflow()
    folder = tmp_path_factory.mktemp("events")

    @tf.function
    def net(x):  # type: ignore[no-untyped-def]
        x = tf.nn.relu(tf.nn.conv2d(x, tf.ones((3, 3, 3, 2)), 1, "SAME") + 1.0)
        return tf.reshape(x, (-1, 128)) @ tf.ones((128, 5))

    graph = net.get_concrete_function(tf.TensorSpec((None, 8, 8, 3))).graph
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        tf.summary.graph(graph)
    writer.close()
    return next(Path(folder).iterdir()).read_bytes()


def test_operations_come_in_the_order_of_the_flow(events: bytes) -> None:
    nodes = graphs.nodes_in(events)
    assert graphs.chain(nodes) == ["Conv2D", "Relu", "Reshape", "MatMul"]
    assert graphs.chain(nodes[::-1]) == graphs.chain(nodes)


def test_a_graph_that_is_traced_can_be_written_as_often_as_one_likes() -> None:
    tf = quiet.import_tensorflow()

    @tf.function
    def net(x):  # type: ignore[no-untyped-def]
        return tf.nn.relu(x @ tf.ones((4, 3))) @ tf.ones((3, 2))

    def write_graph(folder: str) -> None:
        writer = tf.summary.create_file_writer(folder)
        tf.summary.trace_on(graph=True)
        net(tf.ones((2, 4)))
        with writer.as_default():
            tf.summary.trace_export("net", step=0)
        writer.close()

    before = tf.config.optimizer.get_experimental_options()
    for _ in range(3):
        (event,) = graphs.event_file(write_graph)()["events"]
        nodes = graphs.nodes_in(event.tobytes())
        assert graphs.chain(nodes) == ["MatMul", "Relu", "MatMul"]
        assert "Atan2" not in {node.op for node in nodes}
        tf.math.atan2(1.0, 2.0)  # what a notebook computes between two writes is of no interest
    after = tf.config.optimizer.get_experimental_options()
    assert after == before | {"min_graph_nodes": 4}


def test_a_file_cut_short_or_full_of_noise_is_refused_or_empty(events: bytes) -> None:
    with pytest.raises(ValueError, match="cut short"):
        graphs.nodes_in(events[:-20])
    for seed in range(200):
        rng = np.random.default_rng(seed)
        noisy = bytearray(events)
        for at in rng.integers(0, len(noisy), 20):
            noisy[at] = int(rng.integers(256))
        try:
            nodes = graphs.nodes_in(bytes(noisy))
        except ValueError:
            continue
        assert len(graphs.chain(nodes)) <= len(nodes)


def test_a_file_with_too_many_operations_is_refused_before_it_fills_the_memory() -> None:
    many = b"\x0a\x00" * 100_000  # empty nodes
    length = len(many)
    size = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    event = b"\x22" + size + many
    record = len(event).to_bytes(8, "little") + bytes(4) + event + bytes(4)
    with pytest.raises(ValueError, match="more than 5000 operations"):
        graphs.nodes_in(record)
    with pytest.raises(ValueError, match="8 at most"):
        graphs.nodes_in(bytes(graphs.MAX_BYTES + 1))


def test_a_circle_of_nodes_has_an_end() -> None:
    circle = [graphs.Node("a", "MatMul", ("b",)), graphs.Node("b", "Relu", ("a",))]
    assert graphs.chain(circle) == ["Relu", "MatMul"]


def test_the_picture_shows_each_operation(events: bytes) -> None:
    figure = graphs.draw(events)
    shown = [text.get_text().strip() for text in figure.axes[0].texts]
    assert [text for text in shown if text] == [
        "input",
        "1  Conv2D",
        "2  Relu",
        "3  Reshape",
        "4  MatMul",
    ]


def test_too_large_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no event file"):
        graphs.event_file(lambda folder: None)()

    def large(folder: str) -> None:
        (Path(folder) / "events.tfevents.1").write_bytes(bytes(graphs.MAX_BYTES + 1))

    with pytest.raises(ValueError, match="8 at most"):
        graphs.event_file(large)()
