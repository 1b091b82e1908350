"""How fast are the reference layers?  Against TensorFlow, and against loops as students write them.

One convolution, forward and backward (y, dx, dw, db), float32.  The contenders take turns, so that
whatever else the machine does hits all of them, and medians are compared.  Each number of threads
is measured in a process of its own, since libraries fix theirs when they start.  On a busy machine
(cores used well below the number of threads) believe the ratio by processor time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.bench import machine
from grader.course.judges.implementing_cnn import reference
from grader.course.truth import student_layers

ROUNDS = 25
IMAGES, SIZE, CHANNELS, FILTERS, KERNEL = 128, 32, 32, 32, 3
LOOP_ROUNDS = 3
"""Loops need seconds; they get one image per round, and times are compared per image."""

_MARK = "measured: "


def main() -> None:
    """Print what is measured, and the result as JSON on the last line."""
    print(
        f"x ({IMAGES}, {SIZE}, {SIZE}, {CHANNELS}), {FILTERS} filters {KERNEL}×{KERNEL}, SAME, "
        f"stride 1, float32, forward and backward; median of {ROUNDS} rounds, taking turns"
    )
    result = run()
    for threads, measured in (("one thread", result), ("two threads", result["two_threads"])):
        milliseconds = measured["milliseconds"]
        shown = ", ".join(f"{name} {value:.1f} ms" for name, value in milliseconds.items())
        print(
            f"{threads}: {shown}; ours / TensorFlow {measured['ratios']['vs_tensorflow']:.2f} "
            f"(by processor time {measured['vs_tensorflow_by_processor_time']:.2f})"
        )
    print(json.dumps(result))


def run() -> dict[str, Any]:
    """Measure with one thread, and with two; `ratios` are those with one, ours / peer."""
    single, double = (_measure_apart(threads) for threads in (1, 2))
    return {
        "name": "layers",
        "machine": machine.describe(),
        "samples": ROUNDS,
        **single,
        "two_threads": double,
    }


def measure() -> dict[str, Any]:
    """Measure in this process, whose libraries have their threads already."""
    import tensorflow as tf  # takes seconds to import

    rng = np.random.default_rng(0)
    x, dy = (_random(rng, IMAGES, SIZE, SIZE, n) for n in (CHANNELS, FILTERS))
    w, b = _random(rng, KERNEL, KERNEL, CHANNELS, FILTERS), _random(rng, FILTERS)
    settings = (1, 1), "SAME"
    tensors = [tf.constant(a) for a in (x, w, b)]
    upstream = tf.constant(dy)

    @tf.function
    def graph() -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = tf.nn.conv2d(tensors[0], tensors[1], *settings) + tensors[2]
        return [y, *tape.gradient(y, tensors, output_gradients=upstream)]

    def theirs() -> list[np.ndarray]:
        return [tensor.numpy() for tensor in graph()]

    def ours() -> list[np.ndarray]:
        y = reference.conv2d(x, w, b, *settings)
        return [y, *reference.conv2d_gradients(dy, x, w, *settings).values()]

    def loops() -> list[np.ndarray]:
        y = student_layers.forward_loops(x[:1], w, b, *settings)
        return [y, *student_layers.backward_loops(dy[:1], x[:1], w, *settings)]

    pairs = zip(ours(), theirs(), strict=True)  # also warms both up
    difference = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
    if difference > 1e-4:
        raise RuntimeError(f"ours and TensorFlow's results differ by {difference:.1e}")
    wall: dict[str, list[float]] = {"ours": [], "tensorflow": [], "loops": []}
    busy: dict[str, list[float]] = {name: [] for name in wall}
    for number in range(ROUNDS):
        for name, function in (("ours", ours), ("tensorflow", theirs), ("loops", loops)):
            if name != "loops" or number < LOOP_ROUNDS:
                seconds, cpu = _time(function)
                wall[name].append(seconds)
                busy[name].append(cpu)
    median = {name: float(np.median(times)) for name, times in wall.items()}
    busy_ratio = np.median(busy["ours"]) / np.median(busy["tensorflow"])
    return {
        "ratios": {
            "vs_tensorflow": round(median["ours"] / median["tensorflow"], 3),
            "vs_loops": round(median["ours"] / IMAGES / median["loops"], 6),
        },
        "milliseconds": {
            "ours": round(median["ours"] * 1e3, 1),
            "tensorflow": round(median["tensorflow"] * 1e3, 1),
            "loops, one image": round(median["loops"] * 1e3, 1),
        },
        "vs_tensorflow_by_processor_time": round(float(busy_ratio), 3),
        "cores_used": {n: round(sum(busy[n]) / sum(wall[n]), 2) for n in ("ours", "tensorflow")},
        "largest_relative_difference": difference,
    }


def _measure_apart(threads: int) -> dict[str, Any]:
    limits = ("OMP", "OPENBLAS", "MKL", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    environment = os.environ | {
        f"{name}_THREADS" if name.startswith("TF") else f"{name}_NUM_THREADS": str(threads)
        for name in limits
    }
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    finished = subprocess.run(
        [sys.executable, "-m", "grader.bench.layers", "--measure"],
        cwd=Path(__file__).resolve().parent.parent.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    lines = [line for line in finished.stdout.splitlines() if line.startswith(_MARK)]
    if finished.returncode or not lines:
        raise RuntimeError(f"the bench failed: {finished.stderr.strip()[-500:]}")
    return json.loads(lines[-1].removeprefix(_MARK))


def _random(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _time(function: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of processor time."""
    wall, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - busy


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(_MARK + json.dumps(measure()))
    else:
        main()
