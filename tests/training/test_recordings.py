"""What a recording holds, and when."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import xarray as xr

from helpers import data, measure, networks, training
from tests.training.readable import KEPT, small


def test_epoch_0_is_what_profile_measures(double):
    # to 1e-6: even in float64, TensorFlow's gelu divides by a float32's square root of 2
    dataset = small()
    same = {"dataset": dataset, "depth": 6, "normalization": None, "residual": True, "seed": 3}
    for activation in ("sigmoid", "relu", "prelu", "gelu"):
        recording = training.train(
            activation, "he_normal", epochs=0, batch_size=len(dataset), num_replicates=2, **same
        )
        profile = measure.profile(
            activation, "he_normal", num_examples=len(dataset), num_replicates=2, **same
        )
        assert recording.sizes["step"] == 1
        for name in profile.data_vars:
            xr.testing.assert_allclose(
                recording[name].isel(step=0, drop=True).drop_vars("epoch", errors="ignore"),
                profile[name],
                rtol=1e-6,
            )
            assert recording[name].attrs == profile[name].attrs


def test_rows_fall_where_they_should():
    run = {"dataset": small(), "epochs": 4, **KEPT}
    every = training.train("tanh", "glorot_uniform", **run)
    assert every.step.values.tolist() == list(range(21))
    np.testing.assert_allclose(every.epoch, np.arange(21) / 5)
    for number in (3, 5, 7, 50):
        some = training.train("tanh", "glorot_uniform", record_every=number, **run)
        assert some.step.values.tolist() == [*range(0, 20, number), 20]
        xr.testing.assert_identical(some.drop_attrs(), every.sel(step=some.step).drop_attrs())
    # a longer run begins with the shorter one
    longer = training.train("tanh", "glorot_uniform", **run | {"epochs": 6})
    xr.testing.assert_identical(longer.sel(step=every.step).drop_attrs(), every.drop_attrs())


def test_statistics_are_those_of_the_arrays():
    run = training.train("tanh", "glorot_uniform", dataset=small(), epochs=2, depth=3, **KEPT)
    for over, name in (("gradient", "gradient"), ("kernel", "weight")):
        entries = run[over].stack(entry=("fan_in", "fan_out"))
        np.testing.assert_allclose(run[f"{name}_mean"], entries.mean("entry"), rtol=1e-4, atol=1e-8)
        np.testing.assert_allclose(run[f"{name}_std"], entries.std("entry"), rtol=1e-4)
    norm = np.sqrt((run.gradient**2).sum(("fan_in", "fan_out")))
    np.testing.assert_allclose(run.gradient_norm, norm, rtol=1e-5)
    change = run.kernel.diff("step", label="lower").std(("fan_in", "fan_out"))
    ratio = change / run.weight_std.isel(step=slice(-1))
    np.testing.assert_allclose(run.update_ratio.isel(step=slice(-1)), ratio, rtol=1e-2)


def test_accuracy_is_that_of_the_weights_at_the_epoch_s_beginning():
    dataset = small()
    run = training.train(
        "tanh", "standard_normal", dataset=dataset, epochs=2, learning_rate=0.01, **KEPT
    )
    model = networks.make_mlp("tanh", "standard_normal")
    training.train_model(model, dataset, epochs=2, learning_rate=0.01)
    right = (model.predict(dataset.x, verbose=0)[:, 0] > 0.5) == (dataset.y > 0.5)
    np.testing.assert_allclose(run.accuracy[0, -1], right.mean(), rtol=1e-6)
    by_epoch = run.accuracy[0].groupby(np.floor(run.epoch))
    assert (by_epoch.max() == by_epoch.min()).all()


def test_a_tiny_gradient_keeps_its_norm():
    # 3e-32: its square is 0 in float32
    deep = training.train(
        "sigmoid", "heuristic_uniform", dataset=small(), depth=38, epochs=0, **KEPT
    )
    ratio = deep.delta_norm.sel(layer="hidden_1") / deep.delta_norm.sel(layer="output")
    assert 1e-37 < float(ratio.squeeze()) < 1e-25


def test_a_seed_is_a_recording():
    run = {"dataset": data.circles(), "epochs": 2, "num_replicates": 20, "record_every": 31}
    first, again = (training.train("rrelu", "he_normal", seed=1, **run) for _ in range(2))
    xr.testing.assert_identical(first, again)
    other = training.train("rrelu", "he_normal", seed=2, **run)
    assert abs(first.loss - other.loss).min() > 0
    assert abs(first.loss[0] - first.loss[1]).min() > 0


def test_a_recording_goes_into_a_file(tmp_path):
    run = training.train("tanh", "he_normal", dataset=small(), epochs=1, **KEPT)
    assert all(isinstance(value, (int, float, str)) for value in run.attrs.values())
    run.to_netcdf(tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc") as back:
        xr.testing.assert_equal(run, back)
    assert all(v.attrs["long_name"] and v.attrs["units"] for v in run.data_vars.values())


# 10-90 % bands of the training accuracy over 60 seeds
@pytest.mark.parametrize(
    ("activation", "learning_rate", "epochs", "low", "high"),
    [
        ("sigmoid", 0.001, 100, 0.567, 0.799),
        ("tanh", 0.001, 100, 0.990, 0.998),
        ("relu", 0.001, 100, 0.987, 0.997),
        ("sigmoid", 0.001, 500, 0.781, 0.998),
        ("sigmoid", 0.01, 100, 0.98, 0.998),
    ],
)
def test_source_a_comes_out(activation, learning_rate, epochs, low, high):
    run = training.train(
        activation,
        "standard_normal",
        dataset=data.circles(),
        learning_rate=learning_rate,
        epochs=epochs,
        num_replicates=20,
        record_every=31,
    )
    assert low <= float(run.accuracy.isel(step=-1).median()) <= high


def test_overflow_and_dead_networks_are_recorded_not_raised(recwarn, capfd):
    run = training.train(
        "linear",
        "standard_normal",
        dataset=small(),
        optimizer="sgd",
        depth=20,
        learning_rate=100.0,
        epochs=3,
        **KEPT,
    )
    at = run.attrs["diverged_at"]
    assert at > 0
    assert np.isfinite(run.loss.values[0, :at]).all()
    assert not np.isfinite(run.loss.values[0, at:]).any()
    dead = training.train("relu", "zeros", dataset=small(), epochs=1, **KEPT)
    assert dead.attrs["dead_at"] == 0
    assert (dead.gradient_norm.sel(layer="hidden_1") == 0).all()
    assert (dead.attrs["diverged_at"], run.attrs["dead_at"]) == (-1, -1)
    assert not recwarn.list
    assert capfd.readouterr().err == ""


def test_progress_is_told_and_stop_is_heard():
    told = []
    run = {"dataset": data.circles(), "epochs": 100}
    whole = training.train("tanh", "he_normal", progress=told.append, **run)
    assert len(told) >= 10
    assert told == sorted(told)
    assert told[-1] == 1
    assert whole.attrs["stopped"] == 0
    part = training.train("tanh", "he_normal", stop=lambda: True, **run)
    assert part.attrs["stopped"] == 1
    assert 0 < part.sizes["step"] < whole.sizes["step"]
    xr.testing.assert_identical(part.drop_attrs(), whole.sel(step=part.step).drop_attrs())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"activation": "rleu"}, "Unknown activation 'rleu'. Did you mean 'relu'"),
        ({"initializer": "he"}, "Unknown initializer 'he'"),
        ({"dataset": "circles"}, "dataset must be a Dataset"),
        ({"depth": 0}, "depth must be a whole number, 1 or more; got 0"),
        ({"width": 2.5}, "width must be a whole number, 1 or more; got 2.5"),
        ({"normalization": "instance"}, "Unknown normalization 'instance'. Allowed: None, batch"),
        ({"loss": "categorical_crossentropy"}, "loss must be None or 'binary_crossentropy' or"),
        ({"optimizer": "rms"}, "Unknown optimizer 'rms'. Did you mean 'rmsprop'"),
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0; got 0"),
        ({"clip": 1.0}, "clip must be None or a pair"),
        ({"clip": ("norms", 1.0)}, "clip must be None or a pair"),
        ({"clip": ("norm", -1)}, "the threshold of clip must be a finite number above 0"),
        ({"epochs": -1}, "epochs must be a whole number, 0 or more; got -1"),
        ({"batch_size": 167}, "batch_size must be a whole number, 1 to 166; got 167"),
        ({"num_replicates": 0}, "num_replicates must be a whole number, 1 or more"),
        ({"seed": -1}, "seed must be a whole number, 0 or more; got -1"),
        ({"record_every": 0}, "record_every must be a whole number, 1 or more; got 0"),
        ({"keep": "kernels"}, "keep may hold 'kernel' and 'gradient'; got 'kernels'"),
        ({"progress": 1}, "progress must be a function or None; got 1"),
    ],
    ids=str,
)
def test_bad_input_is_one_clear_sentence(change, words):
    arguments = {"activation": "relu", "initializer": "he_normal", "dataset": small()} | change
    with pytest.raises(ValueError) as error:
        training.train(**arguments)
    assert words in str(error.value)


@pytest.mark.parametrize("setting", [{}, {"normalization": "batch", "residual": True}])
@pytest.mark.parametrize("make", [data.circles, data.digits], ids=["circles", "digits"])
def test_probes_see_what_the_network_says_and_change_nothing(make, setting):
    dataset = make(200)
    options = {"dataset": dataset, "epochs": 3, "num_replicates": 2, "record_every": 6}
    probed = training.train("tanh", "he_normal", probe=dataset.x[:50], **options, **setting)
    plain = training.train("tanh", "he_normal", **options, **setting)
    xr.testing.assert_allclose(probed.drop_vars("output"), plain, rtol=1e-5)
    assert probed["output"].dims == ("replicate", "step", "point")
    everything = training.train("tanh", "he_normal", probe=dataset.x, **options, **setting)[
        "output"
    ]
    np.testing.assert_allclose(everything[..., :50], probed["output"], atol=1e-5)
    classes = everything > 0.5 if dataset.num_outputs == 1 else everything
    right = (classes == dataset.y).mean("point")
    np.testing.assert_allclose(right, plain["accuracy"], atol=1e-6)


@pytest.mark.parametrize(
    "probe", [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[1.0, np.nan]]], ids=["flat", "wide", "nan"]
)
def test_bad_probes_are_refused(probe):
    with pytest.raises(ValueError, match=r"probe must be finite, of shape \(num_points, 2\)"):
        training.train("tanh", "he_normal", dataset=data.circles(100), probe=probe)


def test_probes_need_an_optimizer_of_the_compiled_loop():
    with pytest.raises(ValueError, match="probe needs one of the optimizers sgd"):
        training.train(
            "tanh",
            "he_normal",
            dataset=data.circles(100),
            probe=[[0.0, 0.0]],
            optimizer=keras.optimizers.Adagrad(),
        )
