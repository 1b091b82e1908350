"""Import TensorFlow and Keras without the log lines that TensorFlow writes to the terminal."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, by C++ code too; show it if all fails."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError, ValueError):  # no stderr at all: nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(kept, log.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


_OURS = {
    "backend": "tensorflow",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
}
"""What the course takes, whatever a machine has set for Keras: so it is when graded, too."""
_set: list[dict[str, Any]] = []
"""What the machine had set for Keras, read before we change it; a second entry: it is changed."""


def import_keras() -> ModuleType:
    """Import Keras on TensorFlow, quietly and with the course's settings, and return the module.

    Raises ValueError if Keras can't be set up by its own file of settings.
    """
    import_tensorflow()
    import keras  # quietly, once TensorFlow is there

    if len(_set) == 1:
        _set_up(keras, _set[0])
    return keras


def _set_up(keras: ModuleType, found: dict[str, Any]) -> None:
    """Give Keras the course's settings, once; what a notebook sets afterwards stays."""
    if keras.config.backend() != _OURS["backend"]:
        _say(
            f"Keras runs on {keras.config.backend()}, the course needs tensorflow: restart the "
            "kernel, and run the notebook's first cells before others"
        )
        return
    keras.config.set_floatx(_OURS["floatx"])
    keras.config.set_epsilon(_OURS["epsilon"])
    keras.config.set_image_data_format(_OURS["image_data_format"])
    other = {key: value for key, value in found.items() if value != _OURS.get(key)}
    if other:
        _say(
            f"Keras: {', '.join(f'{key} {value}' for key, value in other.items())} was set on this "
            f"machine; the course takes {', '.join(str(_OURS.get(k, 'none')) for k in other)}"
        )
    _set.append(found)


def _keras_file() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "keras.json"


def _take_over() -> None:
    """Read what the machine has set for Keras, and let none of it reach Keras."""
    if _set:
        return
    try:
        settings = json.loads(_keras_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    found = settings if isinstance(settings, dict) else {}
    found = {key: found[key] for key in _OURS if key in found}
    if backend := os.environ.get("KERAS_BACKEND"):
        found["backend"] = backend
    for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
        if bound := os.environ.pop(name, ""):
            found[name] = bound
    os.environ["KERAS_BACKEND"] = str(_OURS["backend"])
    _set.append(found)


def _say(text: str) -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no stderr to say it on
        print(text, file=sys.stderr)


@contextlib.contextmanager
def usual_settings() -> Iterator[ModuleType]:
    """Keras with the course's precision and order of axes, for nets of the course's own.

    What a notebook has set is in force again afterwards.
    """
    config = import_keras().config
    policy, order = config.dtype_policy(), config.image_data_format()
    config.set_dtype_policy(_OURS["floatx"])
    config.set_image_data_format(_OURS["image_data_format"])
    try:
        yield import_keras()
    finally:
        config.set_dtype_policy(policy)
        config.set_image_data_format(order)


def import_tensorflow() -> ModuleType:
    """Import TensorFlow, quietly, and return the module.  Raises ValueError, as `import_keras`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _take_over()
    try:
        with silent_stderr():
            import tensorflow  # when it is wanted, since it takes seconds
    except AssertionError as error:  # raised by Keras, which TensorFlow imports
        if not _keras_file().is_file():
            raise
        told = " ".join(_keras_file().read_text(encoding="utf-8").split())[:200]
        raise ValueError(f"{_keras_file()} can't be used, remove it: {told}") from error
    # advice about tracing and casts would stand in every notebook; errors are still told
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow
