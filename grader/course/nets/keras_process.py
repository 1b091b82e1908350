"""Trusted nets that need Keras: one process that has it, and what the grader asks it through.

The process is started when it is first asked, serves every such net, and ends with the grader.  It
is sent arrays and plain values, as `utils.codec` packs them, and never a student's file or code.
Weights are those in the grader's own `~/.keras/models` or `data/`, or those of a net that is made
again from rows, see `rebuilt`; nothing is downloaded here.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import struct
import subprocess
import sys
import threading
import time
from functools import cache
from typing import IO, Any

import numpy as np

from grader import places
from utils import codec
from utils.nets import pretrained

from . import attack as attack_reference
from . import rebuilding
from .base import TrustedNet

SECONDS_PER_ANSWER = 300
"""The process takes seconds to start and, for a few images, less than one to answer."""

_ROOT = places.ROOT
_MAIN = (
    "import sys; sys.path.insert(0, {root!r}); from grader import places; "
    "places.module('nets.keras_process').serve()"
)
_LENGTH = struct.Struct("!Q")
_LARGEST = codec.MAX_BYTES


class TrustedProcessError(RuntimeError):
    """The process with Keras ended, hangs, or could not do what it was asked to."""


class KerasNet(TrustedNet):
    """A net in the trusted process."""

    def __init__(self, name: str):
        """Raises ValueError for an unknown name, NetUnavailable if the weights are not at hand."""
        pretrained.require(name)
        facts = ask({"do": "load", "net": name})
        self.name = name
        height, width, channels = facts["shape"]
        self.input_shape = (int(height), int(width), int(channels))
        self.classes = int(facts["classes"])
        self.layers = tuple(facts["layers"])

    def _logits(self, x: np.ndarray) -> np.ndarray:
        return ask({"do": "logits", "net": self.name, "images": x})

    def _gradient(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return ask({"do": "gradient", "net": self.name, "images": x, "weights": weights})

    def _units(self, x: np.ndarray, layer: str) -> np.ndarray:
        return ask({"do": "units", "net": self.name, "images": x, "layer": layer})

    def smallest_change(self, images: np.ndarray, targets: np.ndarray, steps: int) -> np.ndarray:
        """`attack_reference.smallest_change`, run where the net is: its steps are many."""
        request = {"do": "smallest_change", "net": self.name, "images": images, "targets": targets}
        return ask(request | {"steps": steps})

    def ascend(self, image: np.ndarray, target: int, size: float, most: int) -> np.ndarray:
        """Scores (T + 1, classes) on the way that `attack_reference.ascend` takes."""
        request = {"do": "ascend", "net": self.name, "image": image, "target": target}
        return ask(request | {"size": size, "most": most})

    def _kernel(self, layer: str) -> np.ndarray:
        return ask({"do": "kernel", "net": self.name, "layer": layer})


class _Process:
    """The grader's end of the process."""

    def __init__(self) -> None:
        environment = {
            name: os.environ[name] for name in ("PATH", "HOME", "KERAS_HOME") if name in os.environ
        }
        environment |= {
            places.VARIABLE: str(places.folder()),
            "LANG": "C.UTF-8",
            "CUDA_VISIBLE_DEVICES": "-1",  # the same numbers on every machine
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": "tensorflow",
            "TF_NUM_INTRAOP_THREADS": "2",
            "TF_NUM_INTEROP_THREADS": "1",
        }
        self.owner = os.getpid()
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _MAIN.format(root=str(_ROOT))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,  # an interrupted grader says itself when this one ends
        )

    def usable(self) -> bool:
        return self.owner == os.getpid() and self._child.poll() is None

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._child.stdin is not None and self._child.stdout is not None
        try:
            _write(self._child.stdin, codec.pack(request))
            reply = codec.unpack(_read(self._child.stdout, time.monotonic() + SECONDS_PER_ANSWER))
        except (OSError, EOFError, TimeoutError, codec.CodecError) as error:
            self.close()
            raise TrustedProcessError(
                f"the process that runs {request['net']!r} did not answer "
                f"({type(error).__name__}: {error}); is the machine short of memory?"
            ) from None
        except BaseException:  # an answer left in the pipe would be taken for the next one
            self.close()
            raise
        if "error" in reply:
            raise TrustedProcessError(f"{request['net']}, {request['do']}: {reply['error']}")
        return reply["value"]

    def close(self) -> None:
        """End the process, unless another one started it."""
        if self.owner != os.getpid():
            return
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


_lock = threading.Lock()
_process: _Process | None = None


def ask(request: dict[str, Any]) -> Any:
    """The process's answer to what is asked under "do".  Raises TrustedProcessError."""
    global _process
    with _lock:
        if _process is None or not _process.usable():
            _process = _Process()
        return _process.ask(request)


@atexit.register
def close() -> None:
    """End the process; it is started again when it is asked again."""
    global _process
    if _process is not None:
        _process.close()
        _process = None


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _read(stream: IO[bytes], deadline: float = float("inf")) -> bytes:
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size, deadline))
    if length > _LARGEST:
        raise EOFError("the answer is too large")
    return _read_exactly(stream, length, deadline)


def _read_exactly(stream: IO[bytes], length: int, deadline: float) -> bytes:
    """Raises EOFError if the other end is closed, TimeoutError if it takes too long."""
    data = bytearray()
    while len(data) < length:
        left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
        if not select.select([stream], [], [], left)[0]:
            raise TimeoutError(f"no answer within {SECONDS_PER_ANSWER} seconds")
        part = os.read(stream.fileno(), min(length - len(data), 1 << 20))
        if not part:
            raise EOFError("it ended")
        data += part
    return bytes(data)


def serve() -> None:
    """The process itself: answer until the other end closes the pipe."""
    requests, replies = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # libraries print; the pipe is for answers
    while True:
        try:
            request = codec.unpack(_read(requests))
        except EOFError:
            return
        try:
            answer = codec.pack({"value": _answer(request)})
        except Exception as error:  # whatever it is, the grader shall hear of it
            answer = codec.pack({"error": f"{type(error).__name__}: {str(error)[:500]}"})
        _write(replies, answer)


def _answer(request: dict[str, Any]) -> Any:
    do = request["do"]
    if do == "rebuild":
        return rebuilding.rebuild(request["key"], request["rows"], request["weights"])
    if do == "rebuilt facts":
        return rebuilding.facts(request["rows"])
    if do == "rebuilt outputs":
        return rebuilding.said(request["key"], request["images"])
    net = _loaded(request["net"])
    if do == "load":
        names = [layer.name for layer in net.model.layers if layer.__class__.__name__ != _INPUT]
        shape = [int(side) for side in net.model.input_shape[1:]]
        return {"shape": shape, "classes": int(net.model.output_shape[-1]), "layers": names}
    if do == "kernel":
        return _kernel(net.model.get_layer(request["layer"]))
    if do == "logits":
        return np.asarray(_function(request["net"], "logits")(request["images"]))
    if do == "units":
        return np.asarray(_function(request["net"], "units", request["layer"])(request["images"]))
    if do == "gradient":
        function = _function(request["net"], "gradient")
        return np.asarray(function(request["images"], request["weights"]))
    if do == "smallest_change":
        return _smallest_change(request)
    if do == "ascend":
        return _ascend(request)
    raise ValueError(f"nobody can {do!r}")


_INPUT = "InputLayer"


def _smallest_change(request: dict[str, Any]) -> np.ndarray:
    function = _function(request["net"], "likelihood")

    def likelihood(images: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, gradient = function(images, targets)
        return p.numpy(), gradient.numpy()

    targets = np.asarray(request["targets"], np.int32)
    return attack_reference.search(likelihood, request["images"], targets, request["steps"])


def _ascend(request: dict[str, Any]) -> np.ndarray:
    class Inside:
        def logits(self, images: np.ndarray) -> np.ndarray:
            return np.asarray(_function(request["net"], "logits")(images))

        def gradient(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
            return np.asarray(_function(request["net"], "gradient")(images, weights))

    net = Inside()
    arguments = (request["image"], request["target"], request["size"], request["most"])
    return net.logits(attack_reference.ascend(net, *arguments))


@cache
def _loaded(name: str) -> pretrained.PretrainedNet:
    pretrained.require(name)
    return pretrained.load(name)


@cache
def _function(name: str, do: str, layer: str = "") -> Any:
    """A compiled function for arrays of any number of images.

    Images are only scaled, as the net's makers do it: floats may exceed [0, 1] by any amount.
    """
    import tensorflow as tf  # takes seconds to import

    net = _loaded(name)
    model = net.model
    if layer:
        import keras  # so does Keras

        model = keras.Model(model.inputs, model.get_layer(layer).output)
    images = tf.TensorSpec((None, *net.model.input_shape[1:]), tf.float32)

    def forward(x: Any) -> Any:
        return model(net.scale(x * 255.0), training=False)

    def gradient(x: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.reduce_sum(forward(x) * weights)
        return tape.gradient(score, x)

    def likelihood(x: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            logs = tf.gather(tf.nn.log_softmax(forward(x)), targets, batch_dims=1)
        return tf.exp(logs), tape.gradient(logs, x)

    if do == "likelihood":
        targets = tf.TensorSpec((None,), tf.int32)
        return tf.function(likelihood, input_signature=[images, targets])
    if do == "gradient":
        weights = tf.TensorSpec((None, net.model.output_shape[-1]), tf.float32)
        return tf.function(gradient, input_signature=[images, weights])
    return tf.function(forward, input_signature=[images])


def _kernel(layer: Any) -> np.ndarray:
    weights = layer.get_weights()
    if not weights or weights[0].ndim < 2:
        raise ValueError(f"layer {layer.name!r} has no weights")
    return np.asarray(weights[0], np.float32)
