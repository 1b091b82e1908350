"""Right nets written in other ways than the reference: what a net does counts, not its spelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import Sample, right
from utils.nets import quiet
from utils.training import models

from .training_nets import net

Build = Callable[[], Any]


def _keras() -> Any:
    return quiet.import_keras()


def _compiled(model: Any, loss: Any = "categorical_crossentropy") -> Any:
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


# -- activations ----------------------------------------------------------------------------------


def _own_softmax(scores: Any) -> Any:
    ops = _keras().ops
    powers = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
    return powers / ops.sum(powers, axis=-1, keepdims=True)


def _one_layer(activation: Any = "softmax", regulariser: Any = None, **options: Any) -> Any:
    layers = _keras().layers
    regulariser = regulariser or _keras().regularizers.L2(0.05)
    dense = layers.Dense(10, activation=activation, kernel_regularizer=regulariser)
    return net(layers.Flatten(), dense, **options)


def _softmax_of_tensor(softmax: Callable[[Any], Any]) -> Any:
    keras = _keras()
    images = keras.Input((32, 32, 3))
    flat = keras.ops.reshape(images, (-1, 3072))
    scores = keras.layers.Dense(10, kernel_regularizer="l2")
    scores.kernel_regularizer.l2 = 0.05
    return _compiled(keras.Model(images, softmax(scores(flat))))


def _square(weights: Any) -> Any:
    tf = quiet.import_tensorflow()
    return 0.05 * tf.reduce_sum(weights**2)


_ONE_LAYER: dict[str, Build] = {
    "tf.nn.softmax": lambda: _one_layer(quiet.import_tensorflow().nn.softmax),
    "Softmax() as the activation": lambda: _one_layer(_keras().layers.Softmax()),
    "keras.ops.softmax as the activation": lambda: _one_layer(_keras().ops.softmax),
    "a softmax of one's own": lambda: _one_layer(_own_softmax),
    "keras.ops.softmax of a tensor": lambda: _softmax_of_tensor(_keras().ops.softmax),
    "keras.activations.softmax of a tensor": lambda: _softmax_of_tensor(
        _keras().activations.softmax
    ),
    "a regulariser in TensorFlow's functions": lambda: _one_layer(regulariser=_square),
    "the loss in a list": lambda: _one_layer(loss=["categorical_crossentropy"]),
    "the loss as a function": lambda: _one_layer(loss=_keras().losses.categorical_crossentropy),
}


def _mlp(relu: Any, reshape: bool = False) -> Any:
    """A functional net; relu: of a tensor, or an activation of the layer."""
    keras = _keras()
    layers = keras.layers
    images = keras.Input((32, 32, 3))
    flat = keras.ops.reshape(images, (-1, 3072)) if reshape else layers.Flatten()(images)
    hidden = relu(layers.Dense(128)(flat))
    return _compiled(keras.Model(images, layers.Dense(10, activation="softmax")(hidden)))


def _mlp_with(activation: Any) -> Any:
    layers = _keras().layers
    hidden = layers.Dense(128, activation=activation)
    return net(layers.Flatten(), hidden, layers.Dense(10, activation="softmax"))


def _subclassed_mlp(called: bool = True) -> Any:
    """Layers as attributes, in another order than they are called in."""
    keras = _keras()

    class Net(keras.Model):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scores = keras.layers.Dense(10, activation="softmax")
            self.hidden = keras.layers.Dense(128)
            self.flat = keras.layers.Flatten()

        def call(self, images: Any) -> Any:
            return self.scores(keras.activations.relu(self.hidden(self.flat(images))))

    model = Net()
    if called:
        model(np.zeros((1, 32, 32, 3), np.float32))
    return _compiled(model)


def _own_layer_mlp() -> Any:
    """Hidden units and their activation as a layer of one's own, made of Keras' layers."""
    keras = _keras()

    class Hidden(keras.layers.Layer):  # type: ignore[name-defined]
        def __init__(self, units: int) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def build(self, shape: Any) -> None:
            self.dense.build(shape)

        def call(self, x: Any) -> Any:
            return keras.ops.relu(self.dense(x))

    scores = keras.layers.Dense(10, activation="softmax")
    return net(keras.layers.Flatten(), Hidden(128), scores)


_MLP: dict[str, Build] = {
    "ReLU() as the activation": lambda: _mlp_with(_keras().layers.ReLU()),
    "tf.nn.relu": lambda: _mlp_with(quiet.import_tensorflow().nn.relu),
    "a lambda": lambda: _mlp_with(lambda x: _keras().ops.maximum(x, 0)),
    "keras.ops.relu of a tensor": lambda: _mlp(_keras().ops.relu),
    "keras.activations.relu of a tensor": lambda: _mlp(_keras().activations.relu),
    "a Lambda layer": lambda: _mlp(_keras().layers.Lambda(quiet.import_tensorflow().nn.relu)),
    "reshaped with keras.ops": lambda: _mlp(_keras().ops.relu, reshape=True),
    "subclassed and called": _subclassed_mlp,
    "subclassed, built by its first images": lambda: _subclassed_mlp(called=False),
    "a layer of one's own": _own_layer_mlp,
}


def _cnn(*steps: Any) -> Any:
    layers = _keras().layers
    return net(*steps, layers.Flatten(), layers.Dense(10, activation="softmax"))


def _conv(**options: Any) -> Any:
    return _keras().layers.Conv2D(32, 3, **options)


_SIMPLE_CNN: dict[str, Build] = {
    "pooling SAME, which is the same": lambda: _cnn(
        _conv(padding="same", activation="relu"), _keras().layers.MaxPooling2D(2, padding="same")
    ),
    "zeros around, then VALID": lambda: _cnn(
        _keras().layers.ZeroPadding2D(1), _conv(activation="relu"), _keras().layers.MaxPooling2D(2)
    ),
    "ReLU after pooling": lambda: _cnn(
        _conv(padding="same"), _keras().layers.MaxPooling2D(2), _keras().layers.ReLU()
    ),
    "a Sequential in a Sequential": lambda: _cnn(
        _keras().Sequential([_conv(padding="same", activation="relu")]),
        _keras().layers.MaxPooling2D(2),
    ),
}

# -- inception ------------------------------------------------------------------------------------


def _inception(
    stack: Callable[[list[Any]], Any] | None = None,
    sequential: bool = False,
    relu: Callable[[Any], Any] | None = None,
) -> Any:
    """stack: joins the branches' maps.  sequential: a model per branch.  relu: of a tensor."""

    def module(x: Any, filters: Any) -> Any:
        keras = _keras()
        layers = keras.layers

        def conv(count: int, side: int) -> list[Any]:
            name = None if relu else "relu"
            found = [layers.Conv2D(int(count), side, padding="same", activation=name)]
            return [*found, relu] if relu else found

        a, r3, b, r5, c, d = filters
        branches = [
            conv(a, 1),
            conv(r3, 1) + conv(b, 3),
            conv(r5, 1) + conv(c, 5),
            [layers.MaxPooling2D(3, strides=1, padding="same"), *conv(d, 1)],
        ]
        maps = []
        for steps in branches:
            y = x
            for step in [keras.Sequential(steps)] if sequential else steps:
                y = step(y)
            maps.append(y)
        return stack(maps) if stack else layers.Concatenate()(maps)

    return models.module(module)


def _two_by_two(maps: list[Any]) -> Any:
    joined = _keras().layers.concatenate
    return joined([joined(maps[:2]), joined(maps[2:])])


def _one_by_one(maps: list[Any]) -> Any:
    joined = maps[0]
    for following in maps[1:]:
        joined = _keras().layers.Concatenate(axis=3)([joined, following])
    return joined


_INCEPTIONS = {
    "keras.ops.concatenate": _inception(lambda maps: _keras().ops.concatenate(maps, axis=-1)),
    "stacked two by two": _inception(_two_by_two),
    "stacked one by one": _inception(_one_by_one),
    "a Sequential per branch": _inception(sequential=True),
    "keras.activations.relu of tensors": _inception(relu=lambda y: _keras().activations.relu(y)),
    "keras.ops.relu of tensors": _inception(relu=lambda y: _keras().ops.relu(y)),
}


def _configured(check: str, builds: dict[str, Build]) -> list[Sample]:
    name = f"{check}_configuration"
    return [right(f"{name}: {t}", models.configuration(build)) for t, build in builds.items()]


SAMPLES_STYLES = [
    *_configured("one_layer", _ONE_LAYER),
    *_configured("mlp", _MLP),
    *_configured("simple_cnn", _SIMPLE_CNN),
    *(right(f"inception_module: {title}", answer) for title, answer in _INCEPTIONS.items()),
]
"""Known answers."""
