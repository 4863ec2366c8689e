"""The engine against a loop anyone can read, and against its own promises."""

import itertools

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf
import xarray as xr

from helpers import catalogue, data, measure, networks, training, universal

KERAS_OPTIMIZERS = {
    "sgd": lambda **more: keras.optimizers.SGD(**more),
    "momentum": lambda **more: keras.optimizers.SGD(momentum=0.9, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(**more),
    "adam": lambda **more: keras.optimizers.Adam(**more),
}


def set_float_type(name):
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)


@pytest.fixture(params=["float32", "float64"])
def precision(request):
    """How many epochs (5 batches each) to compare, and how close they must be."""
    set_float_type(request.param)
    yield {"float32": (1, 1e-5), "float64": (10, 1e-9)}[request.param]
    set_float_type("float32")


@pytest.fixture
def double():
    set_float_type("float64")
    yield
    set_float_type("float32")


def small(num_examples=166, classes=2):
    """A little data set: 5 batches of 32, and 6 examples that the shuffle leaves out."""
    if classes == 2:
        return data.circles(num_examples)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(num_examples, 3))
    return data.Dataset(x, np.arange(num_examples) % classes, "blobs")


def by_hand(activation, initializer, dataset, *, epochs, optimizer, seed=0, replicate=0,
            batch_size=32, loss=None, **network):  # fmt: skip
    """Train with a Keras model, a Keras optimizer and a GradientTape: one step after another."""
    model = networks.make_mlp(
        activation, initializer, num_inputs=dataset.num_inputs, num_outputs=dataset.num_outputs,
        seed=seed, replicate=replicate, **network,
    )  # fmt: skip
    to_logits = keras.Model(model.input, model.get_layer("output").output)
    dense = networks.dense_layers(model)
    dtype = keras.config.floatx()
    slopes = {}
    if activation == "rrelu":  # the same draws for both
        for layer in dense[:-1]:
            name = f"{layer.name}_activation"
            model.get_layer(name).__dict__["call"] = lambda z, name=name, **_: tf.where(
                z > 0, z, slopes[name] * z
            )
    losses, kernels, gradients = [], [], []
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    per_epoch = len(dataset) // batch_size
    order = [rng.permutation(len(dataset))[: per_epoch * batch_size].reshape(per_epoch, -1)
             for _ in range(epochs + 1)]  # fmt: skip
    batches = [*np.concatenate(order[:epochs]), order[epochs][0]]
    for number, batch in enumerate(batches):
        x, y = dataset.x[batch].astype(dtype), dataset.y[batch].astype(dtype)
        for layer, each in enumerate(dense[:-1], start=1):
            keys = universal.replicate_keys(seed, replicate + 1)[-1:]
            draw = universal.random_slopes(keys, number, layer, each.units, batch_size, dtype)
            slopes[f"{each.name}_activation"] = tf.transpose(draw[0])
        with tf.GradientTape() as tape:
            logits = to_logits(x, training=True)
            if loss == "mean_squared_error":
                outputs = model.get_layer("output_activation")(logits)
                classes = dataset.num_outputs
                target = y[:, None] if classes == 1 else np.eye(classes)[y.astype(int)]
                value = tf.reduce_mean((outputs - target) ** 2)
            elif dataset.num_outputs == 1:
                value = keras.losses.BinaryCrossentropy(from_logits=True)(y[:, None], logits)
            else:
                value = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, logits)
        variables = model.trainable_variables
        found = tape.gradient(value, [v.value for v in variables], unconnected_gradients="zero")
        losses.append(float(value))
        kernels.append([layer.kernel.numpy() for layer in dense])
        gradients.append([
            next(g.numpy() for v, g in zip(variables, found, strict=True) if v is layer.kernel)
            for layer in dense
        ])  # fmt: skip
        if number < len(batches) - 1:
            optimizer.apply_gradients(zip(found, variables, strict=True))
    return losses, kernels, gradients


def assert_same_run(recording, hand, tolerance, replicate=0):
    """Loss, kernels and gradients of every step, norm by norm."""
    losses, kernels, gradients = hand
    one = recording.isel(replicate=replicate)
    np.testing.assert_allclose(one.loss, losses, rtol=tolerance)
    for name, expected in (("kernel", kernels), ("gradient", gradients)):
        for step, layers in enumerate(expected):
            for layer, array in enumerate(layers):
                ours = one[name].values[step, layer, : array.shape[0], : array.shape[1]]
                error = np.linalg.norm(ours - array)
                assert error <= tolerance * np.linalg.norm(array) + 1e-30, (
                    name,
                    step,
                    layer,
                    error,
                )


KEPT = {"batch_size": 32, "keep": ("kernel", "gradient")}


@pytest.mark.parametrize("activation", catalogue.ACTIVATIONS)
def test_every_activation_trains_as_in_keras(activation, precision):
    epochs, tolerance = precision
    recording = training.train(activation, "glorot_uniform", dataset=small(), epochs=epochs, **KEPT)
    hand = by_hand(activation, "glorot_uniform", small(), epochs=epochs,
                   optimizer=keras.optimizers.RMSprop())  # fmt: skip
    assert_same_run(recording, hand, tolerance)


# Keras casts a Python constant to float32 on its way to float64, so these are exact in both
EXACT = {
    "sgd": lambda **more: keras.optimizers.SGD(2**-7, **more),
    "momentum": lambda **more: keras.optimizers.SGD(2**-7, momentum=0.875, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(2**-10, rho=0.875, epsilon=2**-23, **more),
    "adam": lambda **more: keras.optimizers.Adam(
        2**-10, beta_1=0.875, beta_2=1 - 2**-10, epsilon=2**-23, **more
    ),
}


@pytest.mark.parametrize("optimizer", EXACT)
def test_every_optimizer_trains_as_in_keras(optimizer, precision):
    epochs, tolerance = precision
    run = {"dataset": small(), "epochs": epochs}
    recording = training.train(
        "tanh", "standard_normal", optimizer=EXACT[optimizer](), **run, **KEPT
    )
    hand = by_hand("tanh", "standard_normal", optimizer=EXACT[optimizer](), **run)
    assert recording.attrs["optimizer"] == optimizer
    assert_same_run(recording, hand, tolerance)


@pytest.mark.parametrize("optimizer", KERAS_OPTIMIZERS)
def test_a_name_means_keras_s_defaults(optimizer):
    run = {"dataset": small(), "epochs": 1}
    recording = training.train("tanh", "standard_normal", optimizer=optimizer, **run, **KEPT)
    hand = by_hand("tanh", "standard_normal", optimizer=KERAS_OPTIMIZERS[optimizer](), **run)
    assert_same_run(recording, hand, 1e-5)


@pytest.mark.parametrize(
    ("loss", "classes"), [(None, 3), ("mean_squared_error", 2), ("mean_squared_error", 3)]
)
def test_every_loss_trains_as_in_keras(loss, classes, double):
    run = {"dataset": small(classes=classes), "loss": loss, "depth": 2, "width": 9, "epochs": 10}
    recording = training.train("tanh", "glorot_uniform", **run, **KEPT)
    hand = by_hand("tanh", "glorot_uniform", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-9)


NETWORKS = [
    {"depth": 1},
    {"residual": True},
    {"normalization": "batch", "residual": True, "depth": 7},
]


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_kind_of_network_trains_as_in_keras(activation, network, double):
    run = {"dataset": small(), "epochs": 10, **network}
    recording = training.train(activation, "he_normal", **run, **KEPT)
    hand = by_hand(activation, "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-9)


@pytest.mark.parametrize(
    ("kind", "argument"),
    [("global_norm", "global_clipnorm"), ("norm", "clipnorm"), ("value", "clipvalue")],
)
def test_clipping_is_keras_s(kind, argument, double):
    threshold = 2**-6
    run = {"dataset": small(), "epochs": 10, "normalization": "batch"}
    recording = training.train(
        "prelu", "standard_normal", clip=(kind, threshold), optimizer="sgd", learning_rate=0.5,
        **run, **KEPT,
    )  # fmt: skip
    hand = by_hand("prelu", "standard_normal", **run,
                   optimizer=keras.optimizers.SGD(0.5, **{argument: threshold}))  # fmt: skip
    assert_same_run(recording, hand, 1e-9)
    loose = training.train("prelu", "standard_normal", clip=(kind, 1e6), optimizer="sgd",
                           learning_rate=0.5, **run, **KEPT)  # fmt: skip
    assert abs(loose.kernel - recording.kernel).max() > 0.1  # it did clip


@pytest.mark.parametrize("activation", ["tanh", "rrelu"])
def test_a_replicate_among_many_is_the_network_trained_alone(activation, double):
    run = {"dataset": small(), "epochs": 10, "seed": 5}
    recording = training.train(activation, "he_normal", num_replicates=32, **run, **KEPT)
    for replicate in (0, 7, 31):
        hand = by_hand(activation, "he_normal", replicate=replicate,
                       optimizer=keras.optimizers.RMSprop(), **run)  # fmt: skip
        assert_same_run(recording, hand, 1e-9, replicate)


# ---------------------------------------------------------------- one step, by its formula


@pytest.mark.parametrize("optimizer", KERAS_OPTIMIZERS)
def test_an_optimizer_s_steps_are_its_formula(optimizer, double):
    recording = training.train(
        "sigmoid", "glorot_uniform", dataset=small(), epochs=1, optimizer=optimizer, **KEPT
    )
    # layer 1 of this net has gradients of 1e-5: there it matters where RMSprop's epsilon stands
    kernels = recording.kernel.sel(layer="hidden_1").values[0, :, :2]
    gradients = recording.gradient.sel(layer="hidden_1").values[0, :, :2]
    m = v = 0.0
    for t, g in enumerate(gradients[:-1], start=1):
        if optimizer == "sgd":
            change = -0.01 * g
        elif optimizer == "momentum":
            change = m = 0.9 * m - 0.01 * g
        elif optimizer == "rmsprop":
            v = 0.9 * v + 0.1 * g**2
            change = -0.001 * g / np.sqrt(v + 1e-7)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            corrected_m, corrected_v = m / (1 - 0.9**t), v / (1 - 0.999**t)
            # Keras adds epsilon before it corrects the second moment
            change = -0.001 * corrected_m / (np.sqrt(corrected_v) + 1e-7 / np.sqrt(1 - 0.999**t))
        np.testing.assert_allclose(kernels[t] - kernels[t - 1], change, rtol=1e-8, atol=1e-16)
    assert np.abs(gradients).max() < 3e-4


# ---------------------------------------------------------------- what is recorded


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
    run = training.train("tanh", "standard_normal", dataset=dataset, epochs=2, learning_rate=0.01,
                         **KEPT)  # fmt: skip
    model = networks.make_mlp("tanh", "standard_normal")
    training.train_model(model, dataset, epochs=2, learning_rate=0.01)
    right = (model.predict(dataset.x, verbose=0)[:, 0] > 0.5) == (dataset.y > 0.5)
    np.testing.assert_allclose(run.accuracy[0, -1], right.mean(), rtol=1e-6)
    by_epoch = run.accuracy[0].groupby(np.floor(run.epoch))
    assert (by_epoch.max() == by_epoch.min()).all()


def test_a_tiny_gradient_keeps_its_norm():
    # 3e-32: its square is 0 in float32
    deep = training.train("sigmoid", "heuristic_uniform", dataset=small(), depth=38,
                          epochs=0, **KEPT)  # fmt: skip
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


# ---------------------------------------------------------------- source A, and things going wrong


# facts.md 5.1: 10-90 % bands of the training accuracy over 60 seeds
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
        activation, "standard_normal", dataset=data.circles(), learning_rate=learning_rate,
        epochs=epochs, num_replicates=20, record_every=31,
    )  # fmt: skip
    assert low <= float(run.accuracy.isel(step=-1).median()) <= high


def test_overflow_and_dead_networks_are_recorded_not_raised(recwarn, capfd):
    run = training.train("linear", "standard_normal", dataset=small(), optimizer="sgd",
                         depth=20, learning_rate=100.0, epochs=3, **KEPT)  # fmt: skip
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


# ---------------------------------------------------------------- one program, progress, stop


def test_one_program_serves_every_setting(monkeypatch):
    programs, program = set(), universal.program
    monkeypatch.setattr(
        universal, "program", lambda spec: programs.add(program(spec)) or program(spec)
    )
    run = {"dataset": small(), "epochs": 1, **KEPT}
    training.train("tanh", "he_normal", **run)
    for depth, width, activation, initializer, optimizer in (
        (1, 8, "relu", "zeros", "sgd"), (50, 2, "prelu", "orthogonal", "adam"),
        (13, 3, "rrelu", "he_normal", "momentum"),
    ):  # fmt: skip
        training.train(activation, initializer, depth=depth, width=width, optimizer=optimizer,
                       residual=depth == 50, learning_rate=0.02, seed=9, record_every=2,
                       **run | {"epochs": 3})  # fmt: skip
    (only,) = programs
    assert only.experimental_get_tracing_count() == 1


def test_units_that_only_fill_the_room_weigh_nothing(monkeypatch):
    """Not even where everything overflows: the recording is that of a program without room."""
    run = {"dataset": small(), "epochs": 2, "depth": 9, "width": 5, "residual": True, **KEPT}
    huge = catalogue.Initializer(lambda fan_in, fan_out: 1e10)  # overflows on the way back
    monkeypatch.setitem(catalogue.INITIALIZERS, "huge", huge)
    for activation, initializer, optimizer, clip in (
        ("sigmoid", "standard_normal", "adam", None), ("prelu", "he_normal", "momentum", None),
        ("relu", "huge", "sgd", ("value", 0.1)),
    ):  # fmt: skip
        options = {"optimizer": optimizer, "clip": clip, **run}
        with monkeypatch.context() as patched:
            patched.setattr(universal, "room_for", lambda width: width)
            exact = training.train(activation, initializer, **options)
        roomy = training.train(activation, initializer, **options)
        for name in roomy.data_vars:
            np.testing.assert_allclose(roomy[name], exact[name], rtol=1e-4, atol=1e-6)


def test_a_learner_s_activation_trains(monkeypatch):
    entry = catalogue.Activation(np.sin, keras.ops.sin)
    monkeypatch.setitem(catalogue.ACTIVATIONS, "sine", entry)
    run = {"dataset": small(), "epochs": 1}
    recording = training.train("sine", "he_normal", **run, **KEPT)
    hand = by_hand("sine", "he_normal", optimizer=keras.optimizers.RMSprop(), **run)
    assert_same_run(recording, hand, 1e-5)


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
        ({"normalization": "layer"}, "normalization must be None or 'batch'; got 'layer'"),
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


# ---------------------------------------------------------------- models of the learner's own


@pytest.mark.parametrize("network", [{}, {"residual": True, "depth": 6}], ids=str)
def test_train_model_says_what_train_says(network, double):
    dataset = small()
    run = {"dataset": dataset, "epochs": 10, "clip": ("global_norm", 0.5), "record_every": 3}
    ours = training.train("tanh", "glorot_uniform", **network, **run, **KEPT)
    model = networks.make_mlp("tanh", "glorot_uniform", **network)
    theirs = training.train_model(model, **run, **KEPT)
    assert theirs.layer.values.tolist() == ours.layer.values.tolist()
    for name in ours.data_vars:
        np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-6, atol=1e-12, err_msg=name)
    last = theirs.kernel.sel(layer="output").values[0, -1, :, :1]
    np.testing.assert_array_equal(model.get_layer("output").kernel.numpy(), last)


def test_train_model_records_the_same_however_it_is_cut_up():
    model = networks.make_mlp("tanh", "he_normal")
    start, run = model.get_weights(), {"dataset": small(), "epochs": 30}  # 150 steps: 5 blocks

    def recording(**more):
        model.set_weights(start)
        return training.train_model(model, **run, **more)

    whole, told = recording(), []
    assert recording(progress=told.append).identical(whole) and len(told) > 10
    for more in ({"record_every": 7}, {"record_every": 7, "progress": told.append}, KEPT,
                 {"record_every": 4, "stop": lambda: False, **KEPT}):  # fmt: skip
        some = recording(**more)
        every = more.get("record_every", 1)
        rows = [*range(0, 150, every), 150]
        assert some.step.values.tolist() == rows
        for name in whole.data_vars:
            np.testing.assert_allclose(some[name], whole[name][:, rows], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("network", [{}, {"residual": True, "normalization": "batch"}], ids=str)
def test_without_xla_everything_is_the_same(network, monkeypatch):
    run = {"dataset": small(), "epochs": 3, "record_every": 2, **KEPT}

    def recordings():
        universal.program.cache_clear()
        model = networks.make_mlp("tanh", "he_normal", **network)
        return [
            training.train("tanh", "he_normal", num_replicates=2, **network, **run),
            training.train_model(model, **run),
        ]

    compiled = recordings()
    with monkeypatch.context() as patch:
        patch.setattr(universal, "has_xla", lambda: False)
        plain = recordings()
    universal.program.cache_clear()
    for theirs, ours in zip(compiled, plain, strict=True):
        assert (theirs.attrs["compiled"], ours.attrs["compiled"]) == ("XLA", "tf.function")
        for name in theirs.data_vars:
            difference = np.nan_to_num(ours[name] - theirs[name])
            norm = np.linalg.norm(np.nan_to_num(theirs[name]))
            assert np.linalg.norm(difference) <= 1e-5 * norm, name
            np.testing.assert_array_equal(np.isnan(ours[name]), np.isnan(theirs[name]))


def test_each_layer_of_a_model_gets_its_own_numbers():
    """Layers of one shape are summed up together, wherever they stand in the model."""
    units = {"a": 4, "b": 4, "c": 3, "d": 4, "e": 4, "f": 1}
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(n, "sigmoid", kernel_initializer="normal", name=name)
        for name, n in units.items()
    ]
    model, dataset = keras.Sequential([keras.Input((2,)), *layers]), small()
    start = {layer.name: layer.kernel.numpy() for layer in layers}
    run = training.train_model(model, dataset, epochs=1, **KEPT).isel(replicate=0, step=0)
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
    a = tf.constant(dataset.x[rng.permutation(len(dataset))[:32]])
    for layer in layers:
        at, kernel = run.sel(layer=layer.name), start[layer.name]
        a = tf.sigmoid(a @ kernel)  # biases start at 0
        fan_in, fan_out = kernel.shape
        np.testing.assert_array_equal(at.kernel[:fan_in, :fan_out], kernel)
        assert float(at.weight_std) == pytest.approx(kernel.std(), rel=1e-5)
        assert float(at.activation_mean) == pytest.approx(float(tf.reduce_mean(a)), rel=1e-5)
        gradient = at.gradient.values[:fan_in, :fan_out]
        assert float(at.gradient_norm) == pytest.approx(np.linalg.norm(gradient), rel=1e-5)


def own_model(kind):
    keras.utils.set_random_seed(0)
    if kind == "fused":
        layers = [
            keras.layers.Dense(4, "tanh", name="dense_1"),
            keras.layers.Dense(3, "relu", name="dense_2"),
        ]
    else:
        recurrent = {
            "simple": keras.layers.SimpleRNN,
            "lstm": keras.layers.LSTM,
            "gru": keras.layers.GRU,
        }
        layers = [keras.layers.Reshape((2, 1)), recurrent[kind](4, name=kind)]
    last = keras.layers.Dense(1, "sigmoid", name="dense")
    return keras.Sequential([keras.Input((2,)), *layers, last])


@pytest.mark.parametrize("kind", ["fused", "simple", "lstm", "gru"])
def test_any_keras_model_trains_as_in_keras(kind):
    dataset, model, twin = small(), own_model(kind), own_model(kind)
    run = training.train_model(model, dataset, epochs=1, optimizer="adam", seed=4, **KEPT)
    rng = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(0,)))
    optimizer = keras.optimizers.Adam()
    for step, batch in enumerate(rng.permutation(len(dataset))[:160].reshape(5, 32)):
        with tf.GradientTape() as tape:
            outputs = twin(dataset.x[batch], training=True)
            loss = keras.losses.BinaryCrossentropy()(dataset.y[batch][:, None], outputs)
        np.testing.assert_allclose(run.loss[0, step], loss, rtol=1e-5)
        optimizer.apply_gradients(
            zip(
                tape.gradient(loss, twin.trainable_variables), twin.trainable_variables, strict=True
            )
        )
    for ours, theirs in itertools.zip_longest(model.get_weights(), twin.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert run.gradient_norm.notnull().all()
    dense = [name for name in run.layer.values if name.startswith("dense")]
    assert run.delta_norm.sel(layer=dense).notnull().all()
    # again at once, from where it is now, with a fresh optimizer
    again = training.train_model(model, dataset, epochs=1, optimizer="adam", seed=4, **KEPT)
    np.testing.assert_allclose(again.kernel[0, 0], run.kernel[0, -1])


def test_another_optimizer_of_keras_serves_train_too():
    run = {"dataset": small(), "epochs": 1}
    recording = training.train("tanh", "he_normal", optimizer=keras.optimizers.Nadam(0.01),
                               num_replicates=2, **run, **KEPT)  # fmt: skip
    for replicate in range(2):
        hand = by_hand("tanh", "he_normal", replicate=replicate,
                       optimizer=keras.optimizers.Nadam(0.01), **run)  # fmt: skip
        assert_same_run(recording, hand, 1e-5, replicate)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("model", "model must be a keras.Model; got str"),
        (keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), "the model takes (None, 3)"),
        (keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), "to (None, 2), but"),
        (keras.Sequential([keras.Input((2,)), keras.layers.Reshape((2, 1)),
                           keras.layers.GlobalAveragePooling1D()]), "has no kernel"),
    ],
    ids=["text", "inputs", "outputs", "kernel"],
)  # fmt: skip
def test_a_model_that_does_not_fit_is_one_clear_sentence(model, words):
    with pytest.raises(ValueError) as error:
        training.train_model(model, small())
    assert words in str(error.value)


def test_weight_capture_keeps_every_kernel_of_a_fit():
    dataset, model = small(), own_model("lstm")
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    first = [v.numpy() for v in model.trainable_variables if v.name.endswith("kernel")]
    capture = training.WeightCapture()
    with pytest.raises(ValueError, match="nothing was captured yet"):
        _ = capture.recording
    history = model.fit(dataset.x, dataset.y, epochs=3, verbose=0, callbacks=[capture])
    run = capture.recording
    assert [*capture.weights[0]] == run.layer.values.tolist() == ["lstm", "lstm_recurrent", "dense"]
    for name, kernel in zip(capture.weights[0], first, strict=True):
        np.testing.assert_array_equal(capture.weights[0][name], kernel)
    np.testing.assert_array_equal(capture.weights[-1]["lstm"], model.layers[1].cell.kernel.numpy())
    assert run.step.values.tolist() == [0, 6, 12, 18]
    assert run.epoch.values.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(run.loss[0, 1:], history.history["loss"])
    kernel = capture.weights[2]["dense"]
    np.testing.assert_allclose(run.weight_std.sel(layer="dense")[0, 2], kernel.std(), rtol=1e-6)


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
        training.train("tanh", "he_normal", dataset=data.circles(100), probe=[[0.0, 0.0]],
              optimizer=keras.optimizers.Adagrad())  # fmt: skip


def test_what_compiling_needed_is_given_back_once(monkeypatch):
    calls = []
    monkeypatch.setattr(training, "_give_memory_back", lambda: calls.append("trim"))
    for rate in (0.1, 0.2):  # the second run finds its program made
        training.train("tanh", "zeros", dataset=small(41), width=2, optimizer="sgd",
                       learning_rate=rate, epochs=1, batch_size=8)  # fmt: skip
        assert calls == ["trim"]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    for _ in range(2):
        training.train_model(model, data.circles(41), epochs=1, batch_size=8)
        assert calls == ["trim"] * 2


def test_biases_begin_as_the_initializer_draws_them(monkeypatch):
    rule = catalogue.Initializer(lambda n_in, n_out: 1.5 / n_in, bias_variance=0.3)
    monkeypatch.setitem(catalogue.INITIALIZERS, "biased", rule)
    dataset = small()
    recording = training.train(
        "tanh", "biased", dataset=dataset, depth=3, epochs=1, num_replicates=2
    )
    hand = training.train_model(
        networks.make_mlp("tanh", "biased", depth=3, replicate=1), dataset, epochs=1
    )
    np.testing.assert_allclose(recording.loss[1], hand.loss[0], rtol=1e-4)
