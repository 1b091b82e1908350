"""What a kernel claims of nets, held against the files: helpers replaced in it gain nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.making.reference import NOTEBOOK, REFERENCE
from grader.course.nets import rebuilt
from grader.course.truth import training_nets as nets
from grader.course.truth.training_styles import SAMPLES_STYLES
from grader.judging import examination as judging
from utils import codec
from utils.checks.handover import answer_bytes
from utils.checks.verdicts import CheckVerdict
from utils.images import exam_images
from utils.nets import quiet
from utils.nets.blueprint import rows_of
from utils.nets.describe import describe
from utils.training import models, sealed, searching
from utils.training.claims import about

keras = quiet.import_keras()
layers = keras.layers
Files = dict[str, bytes]


@pytest.fixture
def files() -> Files:
    return {path.name: path.read_bytes() for path in REFERENCE.iterdir()}


@pytest.fixture(autouse=True)
def _trained_in(tmp_path: Path) -> Iterator[None]:
    before = models._Place.notebook, models._Place.base
    models.use(NOTEBOOK, tmp_path)
    yield
    models._Place.notebook, models._Place.base = before


def proven(
    check: str, answer: Any, files: Files, notebook: str = NOTEBOOK
) -> tuple[CheckVerdict, str, str]:
    """An answer judged with the files that came along: verdict, what is denied, what unproven."""
    for name, content in files.items():
        models.folder().mkdir(parents=True, exist_ok=True)
        (models.folder() / name).write_bytes(content)
    cases = judging.draw(notebook, "team_1", "a seed", files, only=(check,)).cases[check]
    packed = answer_bytes(answer, cases.kind, [case.inputs for case in cases.cases])
    return judging.proven(cases, packed, "team_1")


def saved(name: str, model: Any, **record: Any) -> bytes:
    """A file as `fit` saves it."""
    known, _ = models.read((REFERENCE / "simple_cnn.npz").read_bytes())
    weights = models.rounded([np.asarray(w) for w in model.get_weights()])
    content = {"record": known | {"name": name} | record, "weights": weights}
    return codec.pack(content | {"net": rows_of(model)})


def renamed(files: Files, old: str, new: str) -> bytes:
    content = codec.unpack(files[f"{old}.npz"], models.MAX_BYTES)
    return codec.pack(content | {"record": content["record"] | {"name": new}})


# -- honest work ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ("simple_cnn", models.answers("simple_cnn", nets.simple_cnn)),
        ("one_layer", models.answers("one_layer", nets.one_layer_functional)),
        ("simple_cnn_configuration", models.configuration(nets.simple_cnn)),
        ("rest_configuration", models.configuration(nets.rest_net)),
    ],
)
def test_honest_nets_keep_all_and_nobody_is_asked(check: str, answer: Any, files: Files) -> None:
    verdict, denied, unproven = proven(check, answer, files)
    assert (verdict.score, denied, unproven) == (1, "", ""), verdict.cases[0].message


def test_records_of_honest_work_prove_the_choice_and_the_trials(files: Files) -> None:
    def chosen() -> Any:  # read when it is asked, as in a notebook
        return sealed.choice("choosing a net")

    proven("simple_cnn", models.answers("simple_cnn", nets.simple_cnn), files)  # puts files there
    verdict, denied, unproven = proven("own_choice", chosen(), files)
    assert (verdict.score, denied, unproven) == (1, "", "")
    verdict, denied, unproven = proven("rest_tuned", searching.tuning("rest_search", "rest"), files)
    assert (verdict.score, denied, unproven) == (1, "", "")


@pytest.mark.parametrize("sample", SAMPLES_STYLES, ids=lambda s: f"{s.check}: {s.title}")
def test_nets_in_other_words_are_made_again(sample: Any, files: Files) -> None:
    answer = sample.answer
    cases = judging.draw(NOTEBOOK, "team_1", "s", files, only=(sample.check,)).cases[sample.check]
    for case in cases.cases:
        weighed = cases.evidence(case, codec.plain(answer(*case.inputs.values())))  # type: ignore[misc]
        assert not weighed.contradiction and not weighed.note, weighed


# -- helpers replaced in the kernel ---------------------------------------------------------------


def test_looked_up_answers_are_not_those_of_the_weights(files: Files) -> None:
    def patched(images: Any) -> Any:
        honest = models.answers("simple_cnn", nets.simple_cnn)(images)
        better = np.eye(10)[nets.better(images)]
        return honest | {"outputs": better, "outputs_255": better[:100]}

    verdict, denied, _ = proven("simple_cnn", patched, files)
    assert verdict.score == 0 and "not the net whose weights were handed in" in denied
    verdict, denied, _ = proven("simple_cnn", lambda images: patched(images) | {"net": []}, files)
    assert verdict.score == 0 and denied  # what the file says it is made of speaks


def test_a_net_without_weights_has_not_answered(files: Files) -> None:
    answer = nets.trained
    without = {name: content for name, content in files.items() if name != "simple_cnn.npz"}
    verdict, denied, _ = proven("simple_cnn", answer, without)
    assert verdict.score == 0 and "no weights simple_cnn.npz" in denied


def test_one_trained_net_is_no_other_net(files: Files) -> None:
    """The convolutional net under the names of the dense ones, with a build() to match."""
    for name in ("mlp", "one_layer"):
        files[f"{name}.npz"] = renamed(files, "simple_cnn", name)
        verdict, denied, _ = proven(name, models.answers(name, nets.simple_cnn), files)
        assert verdict.score <= 0.5 and not denied
        assert "the net is another one" in verdict.cases[0].message


def _claimed(rows: dict[str, Any]) -> Callable[[Any], Any]:
    """`table_answers` of nets that nobody trained, as good as their table says."""

    def patched(images: Any) -> Any:
        shown = models.images_for("photodigits", images)
        classes = (
            exam_images.behind("photodigits", images)[1]
            if isinstance(images, str)
            else nets.better(shown)
        )
        said = {"train": 0.9, "validation": 0.9, "classes": classes}
        return {"rows": {n: said | row for n, row in rows.items()}, "dataset": "photodigits"}

    return patched


def test_a_table_of_nets_that_nobody_trained_is_denied(files: Files) -> None:
    made_up = {f"net_{n}": {"steps": [f"conv {n} 3×3 same"], "net": []} for n in range(3)}
    verdict, denied, _ = proven("results_table", _claimed(made_up), files)
    assert verdict.score == 0 and "no weights net_0.npz were handed in" in denied
    names = ("two_pairs", "three_pairs", "large_kernels")  # there, and not as good
    verdict, denied, _ = proven(
        "results_table", _claimed({n: {"steps": [n]} for n in names}), files
    )
    assert verdict.score == 0 and "two_pairs: what answered is not the net" in denied


def test_a_gain_of_patched_nets_is_denied(files: Files) -> None:
    builds = {"simple_cnn": nets.simple_cnn, "mlp": nets.mlp}
    said = {"best dense net": "mlp", "points": 40.0}

    def patched(shown: Any) -> Any:
        found = about(builds, said)(shown)
        if not isinstance(shown, str):
            return found
        labels = exam_images.behind("photodigits", shown)[1]
        reached = np.where(np.arange(len(labels)) % 10 < 9, labels, (labels + 1) % 10)
        found["rows"]["simple_cnn"]["validation"] = reached
        return found

    verdict, denied, _ = proven("cnn_gain", patched, files)
    assert verdict.score == 0 and "simple_cnn: what answered" in denied


def test_records_are_those_of_the_files(files: Files) -> None:
    """Epochs and batch that a kernel says, of a net that was trained in another way."""
    content = codec.unpack(files["one_layer.npz"], models.MAX_BYTES)
    record = content["record"] | {"epochs": 1, "history": {"loss": [1.0], "val_accuracy": [0.1]}}
    files["one_layer.npz"] = codec.pack(content | {"record": record})

    def patched(images: Any, known: Any) -> Any:
        told = {"epochs": 5.0, "batch": 128.0, "length of its curves": 5}
        return models.answers("one_layer", nets.one_layer)(images, known) | {"record": told}

    verdict, _, _ = proven("one_layer", patched, files)
    assert verdict.score == 0.5


@pytest.mark.parametrize("there", [{}, {"own_best": 0.9, "a": 0.8, "b": 0.7, "c": 0.6}])
def test_nothing_was_chosen_where_nothing_was_trained(there: dict[str, float]) -> None:
    """`sealed.choice` replaced; then files, too, of nets that have their first weights."""
    opened = b'{"choosing a net": {"times": 1, "chosen": "own_best", "decisions": ["x"]}}'
    files = {"test_set.json": opened}
    for name, validation in there.items():
        files[f"{name}.npz"] = saved(name, nets.simple_cnn(), validation=validation)
    claimed = {"own_best": 0.9, "a": 0.8, "b": 0.7, "c": 0.6}
    answer = {"purpose": "choosing a net", "chosen": "own_best", "times opened": 1}
    verdict, denied, _ = proven("own_choice", answer | {"validation": claimed}, files)
    assert verdict.score == 0
    assert bool(denied) == bool(there)


@pytest.mark.parametrize("there", [False, True])
def test_nothing_was_tuned_where_nothing_was_trained(there: bool, files: Files) -> None:
    """`searching.tuning` replaced; then files, too, with the first weights of a net."""
    few = {"rest_search.npz": files["rest_search.npz"]}
    if there:
        few["rest.npz"] = saved("rest", nets.rest_net(), rate=1e-3, batch=32, outputs=2)
    rows = [{"rate": r, "batch": b, "validation": 0.9} for r in (1e-3, 1e-2) for b in (32.0, 64.0)]
    answer = {"trials": rows, "chosen": {"rate": 1e-3, "batch": 32.0}}
    verdict, denied, _ = proven("rest_tuned", lambda: answer, few)
    assert verdict.score == 0
    assert ("has not learned" if there else "no weights rest.npz") in denied


CONFIGURED = ("one_layer", "mlp", "simple_cnn")


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_description_of_no_net_is_denied(name: str, files: Files) -> None:
    """`models.configuration` replaced by what the public case expects."""
    check = f"{name}_configuration"
    expected = (
        judging.draw(NOTEBOOK, "team_1", "s", {}, only=(check,)).cases[check].cases[0].expected
    )
    forged = {"steps": [], "metric": "accuracy"} | expected
    assert proven(check, lambda: forged, {})[0].score == 0
    other = describe(nets.simple_cnn(filters=16))["net"]  # a net, but another one
    assert proven(check, lambda: forged | {"net": other}, {})[0].score < 1
    rows = [dict(row, parameters=row["parameters"] * 2) for row in describe(nets.mlp())["net"]]
    assert (
        "other layers than its description" in proven(check, lambda: forged | {"net": rows}, {})[1]
    )


# -- own layers -----------------------------------------------------------------------------------


def own_net() -> Any:
    """The simple CNN with a layer that nobody can make again."""
    tf = quiet.import_tensorflow()

    class Own(layers.Layer):  # type: ignore[name-defined,misc]
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(3, 3, shape[-1], 32), name="kernel")
            self.bias = self.add_weight(shape=(32,), name="bias")

        def call(self, x: Any) -> Any:
            return tf.nn.relu(tf.nn.conv2d(x, self.kernel, 1, "SAME") + self.bias)

    return nets.net(
        Own(), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(10, activation="softmax")
    )


def without_rows(files: Files, name: str) -> bytes:
    content = codec.unpack(files[f"{name}.npz"], models.MAX_BYTES)
    return codec.pack({key: value for key, value in content.items() if key != "net"})


def test_own_layers_lose_nothing_and_a_human_reads_them(files: Files) -> None:
    files["simple_cnn.npz"] = without_rows(files, "simple_cnn")
    verdict, denied, unproven = proven("simple_cnn", models.answers("simple_cnn", own_net), files)
    assert verdict.score == 1 and not denied
    assert "simple_cnn could not be made again (it has a layer 'Own'" in unproven
    verdict, denied, unproven = proven(
        "simple_cnn_configuration", models.configuration(own_net), files
    )
    assert not denied and unproven


def test_own_layers_with_weights_of_another_net_are_denied(files: Files) -> None:
    files["simple_cnn.npz"] = without_rows(files, "simple_cnn")
    files["own_best.npz"] = renamed(
        {"simple_cnn.npz": files["simple_cnn.npz"]}, "simple_cnn", "own_best"
    )
    verdict, denied, _ = proven("own_best", models.answers("own_best", own_net), files)
    assert verdict.score == 0 and "are those of simple_cnn" in denied


def test_own_layers_without_weights_are_denied() -> None:
    verdict, denied, _ = proven("simple_cnn_configuration", models.configuration(own_net), {})
    assert verdict.score == 0 and "no weights came" in denied


# -- hostile descriptions -------------------------------------------------------------------------


def _rows(*steps: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, (kind, options) in enumerate((("Input", {}), *steps)):
        rows.append({
            "kind": kind, "options": options, "from": [number - 1] if number else [],
            "weights": [], "output": [32, 32, 3], "known": True,
        })  # fmt: skip
    return rows


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [],
        [1, 2],
        _rows(("Lambda", {})),
        _rows(("TFSMLayer", {"filepath": "/etc"})),
        _rows(("Dense", {"units": 10**9, "use_bias": True})),
        _rows(("Dense", {"units": 2**14, "use_bias": True}),
              ("Dense", {"units": 2**14, "use_bias": True})),
        _rows(("UpSampling2D", {"size": [4000, 4000], "interpolation": "nearest"})),
        _rows(("ZeroPadding2D", {"padding": [[9000, 9000], [9000, 9000]]})),
        _rows(("Activation", {"function": "keras.utils.get_file"})),
        _rows(("Dense", {"units": "10", "use_bias": True})),
        _rows(("Dense", {"units": 10, "use_bias": True, "kernel_initializer": "ones"})),
        _rows(("Rescaling", {"scale": float("nan"), "offset": 0.0})),
    ],
)  # fmt: skip
def test_hostile_descriptions_are_refused_in_words(rows: Any) -> None:
    with pytest.raises(rebuilt.CannotRebuild):
        rebuilt.outputs(rows, [], np.zeros((2, 32, 32, 3), np.uint8))


def test_rebuilt_nets_say_what_the_model_says() -> None:
    rng = np.random.default_rng(0)
    steps = [
        layers.Rescaling(2.0, offset=-1.0),
        layers.RandomFlip("horizontal"),
        layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(negative_slope=0.1),
        layers.SeparableConv2D(12, 3, activation="gelu"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.PReLU(shared_axes=[1, 2]),
        layers.GroupNormalization(4),
        layers.Conv2D(16, 3, dilation_rate=2, groups=4, padding="same"),
        layers.AveragePooling2D(2, padding="same"),
        layers.Dropout(0.5),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    ]
    model = nets.net(*steps)
    weights = [rng.normal(0.3, 0.3, w.shape).astype(np.float32) ** 2 for w in model.get_weights()]
    model.set_weights(weights)
    images = rng.integers(0, 256, (7, 32, 32, 3)).astype(np.uint8)
    found = rebuilt.outputs(rows_of(model), weights, images)
    np.testing.assert_allclose(found, models.outputs_of(model, images), atol=1e-5)
