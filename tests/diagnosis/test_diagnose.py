"""`diagnose` as a learner meets it: what it shows, what it takes, what it refuses."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import networks, plots
from helpers.diagnosis import diagnose
from tests.diagnosis import kinds

layers = keras.layers


def small():
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4, "relu"), layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    return model, kinds.points(6), kinds.classes(2)


def test_it_shows_itself_with_verdict_rule_step_and_picture():
    model = networks.make_mlp("sigmoid", "glorot_uniform", depth=8)
    model.compile("sgd", "binary_crossentropy")
    rng = np.random.default_rng(0)
    diagnosis = diagnose(model, rng.normal(size=(50, 2)), rng.integers(0, 2, 50))
    assert diagnosis.verdict == "vanishing" and diagnosis.is_blamed
    text = repr(diagnosis)
    assert "hidden_1 to hidden_8" in text and "below 0.001" in text and "lesson 04" not in text[:50]
    page = diagnosis._repr_html_()
    assert "<b>Next step</b>: hidden_1 to hidden_8 (sigmoid)" in page
    assert 'src="data:image/png;base64,' in page and "9 kernels; delta is" in page
    assert "from output back to hidden_1" in page


@pytest.mark.parametrize("depth", [9, 199])
def test_the_picture_holds_the_table_at_any_depth(depth):
    layer_names = [f"hidden_{number}" for number in range(1, depth + 1)] + ["output"]
    import xarray as xr

    sizes = np.geomspace(1e-6, 1, depth + 1)
    table = xr.Dataset(
        {"delta_norm": ("layer", sizes), "gradient_norm": ("layer", 0 * sizes)},
        {"layer": layer_names},
    )
    ax = plots.diagnosis_by_layer(table)
    (line,) = (line for line in ax.lines if line.get_label() == "delta")
    np.testing.assert_allclose(line.get_ydata(), np.log10(sizes))
    assert len(ax.get_xticks()) <= 12 and ax.get_xticklabels()[0].get_text() == "hidden_1"
    assert ax.get_ylim()[0] <= -6


def test_batches_change_nothing_but_the_memory():
    model, x, y = kinds.make("dense")
    whole, parts = (diagnose(model, x, y, batch_size=size).table for size in (24, 7))
    for name in whole.data_vars:
        np.testing.assert_allclose(whole[name], parts[name], rtol=2e-5, atol=1e-7, err_msg=name)


def test_of_many_examples_some_are_taken():
    model, _, _ = small()
    x = np.zeros((5000, 6), "float32")
    assert diagnose(model, x, np.zeros(5000)).table.attrs["num_examples"] == 2000


def test_tables_lists_and_objects_will_do():
    pandas = pytest.importorskip("pandas")
    model, x, y = small()
    expected = diagnose(model, x, y).table
    for given in (pandas.DataFrame(x), x.tolist(), x.astype(object), tf.constant(x)):
        assert diagnose(model, given, y).table.identical(expected)


def test_a_loss_can_be_given_in_place_of_the_compiled_one():
    model, x, y = small()
    by_name = diagnose(model, x, y, loss="mse").table
    by_function = diagnose(model, x, y, loss=lambda t, p: keras.ops.mean((t - p) ** 2, -1)).table
    assert by_name.attrs["loss"] == pytest.approx(by_function.attrs["loss"], rel=1e-6)
    outputs = model.predict(x, verbose=0)[:, 0]
    assert by_name.attrs["loss"] == pytest.approx(np.mean((outputs - y) ** 2), rel=1e-5)


def test_a_model_without_an_optimizer_has_no_update():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
    table = diagnose(model, kinds.points(6), kinds.points(1), loss="mse").table
    assert "update_ratio" not in table and table.attrs["update"].startswith("none")


def sparse():
    from scipy.sparse import csr_matrix

    return csr_matrix(kinds.points(6))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "model"}, "model must be a keras.Model; got str"),
        ({"x": kinds.points(5)}, r"takes inputs of shape \(None, 6\); x has \(24, 5\)"),
        ({"x": kinds.points(6)[:20]}, r"same number of examples, 1 or more; got \[20, 24\]"),
        ({"x": None}, "x is None"),
        ({"y": None}, "y is None"),
        ({"y": ["yes"] * 24}, "return_inverse=True"),
        ({"x": [["red"]] * 24}, "x must hold numbers"),
        ({"x": sparse()}, "x is a sparse matrix"),
        ({"x": tf.data.Dataset.range(3)}, "x is a tf.data.Dataset"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"loss": "crossentropy"}, "Keras knows no loss 'crossentropy'"),
        ({"y": kinds.classes(2)[:, None] * np.ones(3)}, "compares 1 output units with 3 numbers"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_clear_sentence(change, words):
    model, x, y = small()
    with pytest.raises(ValueError, match=words):
        diagnose(**{"model": model, "x": x, "y": y} | change)


def test_a_model_without_a_loss_or_a_kernel_is_refused():
    bare = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="has no loss yet: compile it with one, or give"):
        diagnose(bare, kinds.points(6), kinds.points(1))
    empty = keras.Sequential([keras.Input((6,)), layers.Rescaling(2.0)])
    with pytest.raises(ValueError, match="has no kernel to look at"):
        diagnose(empty, kinds.points(6), kinds.points(6), loss="mse")


def test_the_table_can_be_kept(tmp_path):
    import xarray as xr

    model, x, y = kinds.make("recurrent")
    table = diagnose(model, x, y).table
    for variable in table.data_vars.values():
        assert variable.attrs["long_name"] and variable.attrs["units"]
    table.to_netcdf(tmp_path / "table.nc")
    kept = xr.load_dataset(tmp_path / "table.nc")
    np.testing.assert_allclose(kept.delta_norm, table.delta_norm)
    assert kept.layer.values.tolist() == table.layer.values.tolist()
