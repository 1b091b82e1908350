"""The handout's recipe and ours: same machine, same images, same test, three seeds.

By default on PhotoDigits, offline and in minutes; `--full` on CIFAR-10, where our recipe has two
settings, for 85 and for 90 %.  Every run is a process of its own, so that its processor time is its
own.  A full run takes long, so what has been measured is kept in data/cache/ and not measured again
unless the recipe has changed; delete the file to start over.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from grader import places
from grader.bench import machine
from utils.fast import recipe as fast_recipe
from utils.images import datasets
from utils.nets.quiet import import_tensorflow

SEEDS = (0, 1, 2)
THREADS = 2
KEPT = places.ROOT / "data" / "cache" / "bench_training.jsonl"

TARGET = 0.85
"""The accuracy to which the handout's recipe is trained on CIFAR-10 …"""
STOP_S = {"cifar10": 720.0, "photodigits": 40.0}
"""… unless so many seconds of processor time have passed before."""

SHORT_RUN = 5_000
"""Training images of PhotoDigits; all of CIFAR-10's are used."""

Images = tuple[np.ndarray, np.ndarray]
"""Images (N, 32, 32, 3) in [0, 1] and their labels (N,)."""

_MARK = "measured: "


@dataclass(frozen=True)
class Plan:
    """One run."""

    dataset: str
    contender: str
    """ "85 %", "90 %" or "digits": a setting of ours; or "handout"."""
    seed: int


def main(full: bool = False, seeds: tuple[int, ...] = SEEDS) -> None:
    """Print what is measured, and the result as JSON on the last line."""
    print(json.dumps(run(full, seeds)))


def run(full: bool = False, seeds: tuple[int, ...] = SEEDS) -> dict[str, Any]:
    """Measure every contender with every seed; take from KEPT what was measured before."""
    dataset = "cifar10" if full else "photodigits"
    found: dict[str, list[dict[str, Any]]] = {}
    for plan in plans(dataset, seeds):
        measured = _kept(plan) if full else None
        if measured is None:
            print(f"{plan.dataset}, {plan.contender}, seed {plan.seed} …", flush=True)
            measured = _measure_apart(plan)
            if full:
                _keep(plan, measured)
        print(_in_words(plan, measured), flush=True)
        found.setdefault(plan.contender, []).append({"seed": plan.seed, **measured})
    return report(dataset, found)


def plans(dataset: str, seeds: tuple[int, ...]) -> Iterator[Plan]:
    """All runs, the shortest first."""
    ours = ("85 %", "90 %") if dataset == "cifar10" else ("digits",)
    for contender in (*ours, "handout"):
        for seed in seeds:
            yield Plan(dataset, contender, seed)


def report(dataset: str, found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The JSON: each contender's runs, and ours against the handout's by their medians."""
    columns = {
        contender: {name: [run[name] for run in runs] for name in runs[0]}
        for contender, runs in found.items()
    }
    peer = columns.pop("handout")
    ratios = {}
    for contender, values in columns.items():
        key = "" if len(columns) == 1 else f" to {contender}"
        for name in ("cpu_s", "wall_s", "pflop"):
            ratio = np.median(values[name]) / np.median(peer[name])
            ratios[f"{name}{key}"] = round(float(ratio), 3)
        points = np.median(values["accuracy"]) - np.median(peer["accuracy"])
        ratios[f"accuracy_points{key}"] = round(100 * float(points), 1)
    return {
        "name": "training",
        "machine": machine.describe(),
        "samples": len(peer["seed"]),
        "dataset": dataset,
        "ratios": ratios,
        "ours": columns,
        "handout": {**peer, "stops_at": {"accuracy": TARGET, "cpu_s": STOP_S[dataset]}},
    }


def measure(plan: Plan) -> dict[str, Any]:
    """One run in this process, whose libraries have their threads already."""
    full = plan.dataset == "cifar10"
    counts = {} if full else {"train": SHORT_RUN, "validation": 0}
    known, test = datasets.load_unsplit(plan.dataset, **counts)
    before = calibrate()
    if plan.contender == "handout":
        measured = _theirs(plan, known, test)
    else:
        measured = _ours(plan, known, test)
    return {**measured, "calibration_ms": [before, calibrate()]}


def _ours(plan: Plan, known: Images, test: Images) -> dict[str, Any]:
    from utils.fast import training as fast_training  # with TensorFlow, which takes seconds

    recipe = _recipe(plan)
    trained = fast_training.train(recipe, known[0], known[1], plan.seed)
    measured = {}
    for copies in (False, True) if recipe.mirror != "never" else (False,):
        cpu = time.process_time()
        accuracy = fast_training.accuracy(trained.model, test[0], test[1], copies)
        suffix = "_with_copies" if copies else ""
        measured[f"accuracy{suffix}"] = round(accuracy, 4)
        measured[f"evaluation_cpu_s{suffix}"] = round(time.process_time() - cpu, 1)
    return measured | {
        "cpu_s": round(trained.cpu_s, 1),
        "wall_s": round(trained.wall_s, 1),
        "pflop": round(trained.pflop, 5),
    }


def _theirs(plan: Plan, known: Images, test: Images) -> dict[str, Any]:
    from grader.bench import handout_recipe  # with TensorFlow, which takes seconds

    stopped = handout_recipe.train(
        known[0],
        known[1],
        test,
        mirror=plan.dataset == "cifar10",
        seed=plan.seed,
        target=TARGET,
        stop_s=STOP_S[plan.dataset],
    )
    return {
        "accuracy": round(stopped.accuracy, 4),
        "reached": stopped.accuracy >= TARGET,
        "cpu_s": round(stopped.cpu_s, 1),
        "wall_s": round(stopped.wall_s, 1),
        "pflop": round(stopped.pflop, 5),
        "epochs": [round(a, 4) for a in stopped.epochs],
    }


def _recipe(plan: Plan) -> Any:
    return {
        "85 %": fast_recipe.TO_85,
        "90 %": fast_recipe.TO_90,
        "digits": fast_recipe.FOR_DIGITS,
    }[plan.contender]


def calibrate() -> float:
    """Milliseconds of processor time of one fixed convolution, forward and backward, in float32.

    Other work on the machine makes a second of processor time worth less (shared caches, shared
    cores); compare this number where seconds of different runs are compared.
    """
    tf = import_tensorflow()
    x, kernel = tf.ones((128, 16, 16, 64)), tf.ones((3, 3, 64, 64))

    @tf.function
    def both(x: Any, kernel: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.nn.conv2d(x, kernel, 1, "SAME")
        return tape.gradient(y, [x, kernel], output_gradients=y)

    both(x, kernel)
    times = []
    for _ in range(20):
        started = time.process_time()
        both(x, kernel)
        times.append(time.process_time() - started)
    return round(float(np.median(times)) * 1e3, 1)


def _measure_apart(plan: Plan) -> dict[str, Any]:
    environment = os.environ | {
        "OMP_NUM_THREADS": str(THREADS),
        "TF_NUM_INTRAOP_THREADS": str(THREADS),
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    told = json.dumps({"plan": asdict(plan), "key": _key(plan)})
    command = [sys.executable, "-m", "grader.bench.training", "--measure", told]
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=places.ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            if line.startswith(_MARK):
                lines.append(line)
            else:
                print(line, end="", flush=True)
    if process.returncode or not lines:
        raise RuntimeError(f"the run of {plan} failed with exit status {process.returncode}")
    return json.loads(lines[-1].removeprefix(_MARK))


def _in_words(plan: Plan, measured: dict[str, Any]) -> str:
    with_copies = measured.get("accuracy_with_copies")
    also = f" ({100 * with_copies:.2f} % with copies)" if with_copies else ""
    return (
        f"{plan.contender}, seed {plan.seed}: {100 * measured['accuracy']:.2f} %{also}, "
        f"{measured['cpu_s']:.0f} CPU-s, {measured['wall_s']:.0f} s, {measured['pflop']:.4f} PFLOP"
    )


def _key(plan: Plan) -> str:
    """Changes with whatever changes what is measured."""
    text = repr((plan, machine.describe()))
    text += repr((TARGET, STOP_S) if plan.contender == "handout" else _recipe(plan))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _kept(plan: Plan) -> dict[str, Any] | None:
    if not KEPT.is_file():
        return None
    rows = [json.loads(line) for line in KEPT.read_text().splitlines()]
    return next((row["measured"] for row in rows if row["key"] == _key(plan)), None)


def _keep(plan: Plan, measured: dict[str, Any]) -> None:
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    row = {"key": _key(plan), "plan": asdict(plan), "measured": measured}
    with KEPT.open("a") as stream:
        stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    if "--measure" in sys.argv:
        told = json.loads(sys.argv[-1])
        chosen = Plan(**told["plan"])
        if _key(chosen) != told["key"]:
            raise SystemExit("the recipe was changed while the bench ran: start the bench again")
        print(_MARK + json.dumps(measure(chosen)))
    else:
        main("--full" in sys.argv)
