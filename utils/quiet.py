"""Import TensorFlow and Keras without the log lines that TensorFlow writes to the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType


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


def import_keras() -> ModuleType:
    """Import Keras on TensorFlow, quietly, and return the module."""
    import_tensorflow()
    import keras

    return keras


def import_tensorflow() -> ModuleType:
    """Import TensorFlow, quietly, and return the module."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with silent_stderr():
        import tensorflow
    # advice about tracing and casts would stand in every notebook; errors are still told
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow
