"""Explorers of chains and networks: as initialised, and while they train."""

import dataclasses
import functools
import itertools
import math
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np
import xarray as xr

from helpers import data, measure, plots, theory, training
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, NORMALIZATIONS, Network
from helpers.explorer import Explorer, Finding, TrainingExplorer, choice


def product_explorer() -> Explorer:
    """Explore the product of derivatives along a chain of single neurons (notebook 01).

    Above, the factors w * phi'(z) one by one; below, their product so far, with the slope that
    theory predicts. z ~ N(0, spread^2); w ~ N(0, scale^2), or left out, as source B did.
    """
    scales = [("left out", 0), *((f"{s:g}", s) for s in WEIGHT_SCALES)]
    controls = {
        "activation": choice(ACTIVATIONS, "sigmoid", description="activation"),
        "depth": widgets.IntSlider(50, 1, 100, description="depth"),
        "weight_std": widgets.SelectionSlider(options=scales, description="weight scale"),
        "spread": widgets.FloatSlider(
            1.0, min=0.1, max=10, step=0.1, readout_format=".1f", description="spread of z"
        ),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }

    def compute(activation, depth, weight_std, spread, seed):
        setting = {"weight_std": weight_std or None, "pre_activation_std": spread}
        values = theory.derivative_product(activation, depth, **setting, seed=seed)[0]
        return activation, values, theory.expected_log10_factor(activation, **setting)

    def draw(axes, result, pinned):
        activation, values, predicted = result
        color = plots.COLORS.get(activation, plots.OTHER_COLOR)
        before = None if pinned is None else pinned[1]
        plots.factors(values, color=color, ax=axes[0])
        plots.running_product(values, color=color, predicted=predicted, pinned=before, ax=axes[1])
        sentence, product = _product_sentence(values, predicted)
        return Finding(sentence, "the product", product)

    return Explorer(controls, compute, draw, grid=(2, 1))


WEIGHT_SCALES = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 25, 40)


def _product_sentence(values, predicted):
    if not values.all():
        first = int(np.argmax(values == 0)) + 1
        return (
            f"Dead: factor {first} of {len(values)} is exactly 0, and so is the product; "
            "nothing passes along this path.",
            "exactly 0",
        )
    log10 = float(np.log10(np.abs(values)).sum())
    word = theory.verdict(10 ** min(max(log10, -300), 300)).capitalize()
    product = plots.scientific(log10)
    count = "one factor gives" if len(values) == 1 else f"{len(values)} factors multiply to"
    forecast = _signed(predicted) if math.isfinite(predicted) else "a dead path"
    return (
        f"{word}: {count} {product}. Powers of ten per factor: {_signed(log10 / len(values))} "
        f"measured, {forecast} predicted.",
        product,
    )


def in_words(size):
    """Write a size, 0 included, for a sentence."""
    return plots.scientific(np.log10(size) if size else -np.inf)


def _signed(number):
    return f"{round(number, 2) + 0.0:+.2f}"  # no "-0.00"


WIDTHS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 80, 100, 103, 128, 160, 200, 256)


@functools.lru_cache(8)
def _made(maker):
    return maker()


def _network_controls(activation, initializer, dataset, depth, width):
    return {
        "activation": choice(ACTIVATIONS, activation, description="activation"),
        "initializer": choice(INITIALIZERS, initializer, description="initializer"),
        "depth": widgets.IntSlider(depth, 1, 50, description="depth"),
        "width": widgets.SelectionSlider(options=WIDTHS, value=width, description="width"),
        "dataset": choice(data.DATASETS, dataset, description="data set"),
    }


ALONE = "a single hidden layer has no other to be compared with"
EPOCHS = 100
BATCH_SIZE = 32
NUM_TRAINED = 4  # networks
NONE = "none"  # how a control calls None
SPEED = 2e9  # multiplications a second of the engine, about
PATIENCE = 60  # seconds: what would train for longer isn't trained
LARGE = 50 * 64**2  # depth * width^2 from which on fewer networks and examples are measured
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
PRESETS = {  # in the order of history
    "sigmoid, N(0, 1)": ("sigmoid", "standard_normal", NONE, False),
    "tanh, ±1/√n": ("tanh", "heuristic_uniform", NONE, False),
    "Glorot 2010": ("tanh", "glorot_uniform", NONE, False),
    "He 2015": ("relu", "he_normal", NONE, False),
    "batch norm 2015": ("relu", "he_normal", "batch", False),
    "ResNet 2016": ("relu", "he_normal", "batch", True),
}


def gradient_explorer(**first) -> Explorer:
    """Explore the gradient, as initialised and while four networks train (notebook 03).

    "layers" shows, at the chosen epoch: upper left the delta norm, dL/dz, and right of it the norm
    of the kernel gradient, dL/dW, both relative to the last hidden layer and on one scale; below
    the spread of the activations, and the shares of saturated and of dead units. At epoch 0 they
    are measured on ten networks as initialised; the dashed line is theory's RMS, and there is none
    under batch normalisation. "training" shows the whole run: loss and accuracy, the delta norm of
    every layer at every epoch, what one network says about the plane, and the delta norm.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.
    """
    controls = _network_controls("sigmoid", "standard_normal", "circles", 4, 5) | {
        "normalization": choice([NONE, *NORMALIZATIONS], NONE, description="normalisation"),
        "residual": choice([(NONE, False), ("a + φ(z)", True)], False, description="skip"),
        **_training_controls(),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }
    names = ("activation", "initializer", "normalization", "residual")
    presets = {label: dict(zip(names, values, strict=True)) for label, values in PRESETS.items()}
    for name, value in first.items():
        controls[name].value = value
    view = choice(["layers", "training"], "layers", description="show")

    def draw(axes, run, pinned):
        return (_draw_gradient if view.value == "layers" else _draw_training)(axes, run, pinned)

    def draw_run(axes, run, pinned):
        if view.value == "training":
            _draw_whole_run(axes, run, pinned)

    explorer = TrainingExplorer(
        controls, _start, draw, draw_run=draw_run, train=_train, epochs=EPOCHS, grid=(2, 2),
        presets=presets,
    )  # fmt: skip
    explorer.add_view(view)
    return explorer


def _training_controls():
    return {
        "optimizer": choice(["sgd", "momentum", "rmsprop", "adam"], "rmsprop",
                            description="optimizer"),
        "learning_rate": choice([(f"{rate:g}", rate) for rate in RATES], 0.001,
                                description="learning rate"),
    }  # fmt: skip


def _start(optimizer, learning_rate, **setting):
    """Measure the setting as initialised; how it trains doesn't matter yet."""
    return _profile(**setting)


def _train(
    dataset, optimizer, learning_rate, seed, *, progress, stop, keep_kernels=False, **setting
):
    """Train four networks, with a row for each epoch, and look all over the plane if it is one."""
    network = network_of(**setting)
    chosen = _made(data.DATASETS[dataset])
    if _seconds_to_train(network, chosen) > PATIENCE:
        raise ValueError("This network would take minutes to train; use fewer layers or units.")
    return training.train(
        **dataclasses.asdict(network),
        dataset=chosen,
        optimizer=optimizer,
        learning_rate=learning_rate,
        seed=seed,
        epochs=EPOCHS,
        num_replicates=NUM_TRAINED,
        record_every=len(chosen) // BATCH_SIZE,
        probe=_plane(chosen)[0],
        progress=progress,
        stop=stop,
        keep="kernel" if keep_kernels else (),
    )


def network_of(normalization, **setting) -> Network:
    """Make the network that the controls describe; this alone knows what "none" means."""
    return Network(**setting, normalization=None if normalization == NONE else normalization)


def _seconds_to_train(network, dataset):
    """Estimate how long a run takes: a forward and two backward products for each weight."""
    sizes = network.sizes(dataset.num_inputs, dataset.num_outputs)
    weights = sum(below * above for below, above in itertools.pairwise(sizes))
    examples = EPOCHS * len(dataset) * NUM_TRAINED
    return 3 * weights * examples / SPEED


def _plane(dataset, points=32):
    """Points all over the plane of a 2-D data set, and its extent; None for other data sets."""
    if dataset.num_inputs != 2 or dataset.num_outputs != 1:
        return None, None
    (left, bottom), (right, top) = dataset.x.min(axis=0) - 0.2, dataset.x.max(axis=0) + 0.2
    grid = np.meshgrid(np.linspace(left, right, points), np.linspace(bottom, top, points))
    return np.stack(grid, axis=-1).reshape(-1, 2), (left, right, bottom, top)


def _profile(dataset, seed, *, num_replicates=10, **setting):
    """Measure networks as initialised, and predict the same where theory can.

    Of very large networks three are enough, and 32 examples: wide ones hardly differ.
    """
    network = network_of(**setting)
    chosen = _made(data.DATASETS[dataset])
    count = {"num_replicates": num_replicates}
    if is_large(network.depth, network.width):
        count = {"num_replicates": 3, "num_examples": 32}
    measured = measure.profile(**dataclasses.asdict(network), **count, dataset=chosen, seed=seed)
    predicted = None
    if theory.predicts(network):
        predicted = theory.signals(
            network.activation,
            network.initializer,
            depth=network.depth,
            width=network.width,
            residual=network.residual,
            num_inputs=chosen.num_inputs,
            input_second_moment=np.mean(chosen.x**2, axis=1),
        )
    return _Profile(measured.isel(layer=slice(0, -1)), predicted)


def is_large(depth, width, **others):
    """Whether measuring so large a network would hold up a slider."""
    return depth * width**2 > LARGE


class _Profile(NamedTuple):
    measured: xr.Dataset
    predicted: object | None

    def relative(self, name):
        """Sizes relative to the RMS in the last hidden layer."""
        return measure.over_last(self.measured[name].values)

    def ratio(self, name="delta_norm"):
        """RMS in the first hidden layer over the last's."""
        return measure.first_over_last(self.measured[name].values)


def _at_epoch(run):
    """Take what is drawn by layer: as initialised, or from the recording at a later epoch."""
    if run.recording is None or run.epoch == 0:
        return run.start
    measured = run.recording[[*measure.STATISTICS]].isel(step=_row(run), layer=slice(0, -1))
    return _Profile(measured.astype(float), None)


def _draw_whole_run(axes, run, pinned):
    recording, before = run.recording, None if pinned is None else pinned.recording
    plots.small_legend(axes[1])  # none
    if recording is None:
        _wait(axes[:3])
        return
    color = plots.COLORS.get(run.start.measured.activation, plots.OTHER_COLOR)
    plots.learning_curves(recording, pinned=before, color=color, ax=axes[0])
    plots.small_legend(axes[0], "loss", "accuracy", "A")
    plots.heat_map(recording.isel(layer=slice(0, -1)), "delta_norm", ax=axes[1])
    if "output" not in recording:
        plots.waiting("no plane to show:\nmore than two inputs", ax=axes[2])
        plots.small_legend(axes[2])


def _wait(axes):
    for ax in axes:
        plots.waiting("training ...", ax=ax)
        plots.small_legend(ax)


def _draw_training(axes, run, pinned):
    color = plots.COLORS.get(run.start.measured.activation, plots.OTHER_COLOR)
    recording = run.recording
    if recording is not None:
        plots.mark_epoch(run.epoch, ax=axes[0])
        axes[1].axvline(run.epoch, **plots.REFERENCE | {"color": "white"})
        if "output" in recording:
            chosen = _made(data.DATASETS[recording.dataset])
            outputs = recording["output"].values[0, _row(run)].reshape(32, 32)
            plots.decision_boundary(chosen, outputs, _plane(chosen)[1], ax=axes[2])
            plots.small_legend(axes[2], "class 0", "class 1")
    before = [] if pinned is None else [_at_epoch(pinned)]
    _draw_delta(axes[3], _at_epoch(run), color, before)
    plots.small_legend(axes[3], "RMS", "theory")
    return _gradient_finding(run)


def _draw_delta(ax, now, color, before):
    predicted = now.predicted.delta_norm if now.predicted else None
    series = plots.Series(now.relative("delta_norm"), color, predicted=predicted)
    pinned = [b.relative("delta_norm") for b in before]
    plots.by_layer([series], quantity="delta", pinned=pinned, ax=ax)
    ax.set_ylabel("÷ last layer's")


def _draw_gradient(axes, run, pinned):
    now = _at_epoch(run)
    pinned = pinned and _at_epoch(pinned)
    color = plots.COLORS.get(run.start.measured.activation, plots.OTHER_COLOR)
    spread = now.predicted.activation_std if now.predicted else None
    before = [] if pinned is None else [pinned]
    _draw_delta(axes[0], now, color, before)
    series = plots.Series(now.relative("gradient_norm"), color)
    plots.by_layer(
        [series], quantity="kernel gradient", ax=axes[1],
        pinned=[b.relative("gradient_norm") for b in before],
    )  # fmt: skip
    limits = np.array([ax.get_ylim() for ax in axes[:2]])
    for ax in axes[:2]:
        ax.set(ylim=(limits[:, 0].min(), limits[:, 1].max()), ylabel="÷ last layer's")
    series = plots.Series(now.measured["activation_std"].values, color, predicted=spread)
    plots.by_layer(
        [series], quantity="activation spread", relative=False, ax=axes[2],
        pinned=[b.measured["activation_std"].values for b in before],
    )  # fmt: skip
    plots.shares(*_shares(now), pinned=pinned and _shares(pinned), color=color, ax=axes[3])
    plots.small_legend(axes[0], "RMS", "theory")
    plots.small_legend(axes[1], "median")
    plots.small_legend(axes[2], "A")
    plots.small_legend(axes[3], "saturated", "dead")
    return _gradient_finding(run)


def _shares(profile):
    return [profile.measured[name].values for name in ("saturation", "dead")]


def judge(delta: np.ndarray) -> tuple[str, str]:
    """Judge networks by the delta norms of their hidden layers, shape (num_networks, depth).

    Returns the verdict's word, and how many are dead, for a sentence: "5 of 10 networks are dead; "
    or nothing. A network is dead if no gradient reaches its first layer.
    """
    ratio = measure.first_over_last(delta)
    dead = delta[:, 0] == 0
    count = f"{dead.sum()} of {len(dead)} networks are dead; " if dead.any() else ""
    if np.isnan(ratio):  # a run that diverged: NaN, or infinite over infinite
        return "exploding", count
    return theory.verdict(ratio, dead_share=dead.mean()), count


def _gradient_finding(run):
    now = _at_epoch(run)
    delta = now.measured["delta_norm"].values
    size = in_words(now.ratio())
    word, count = judge(delta)
    when = f" at epoch {run.epoch}" if now is not run.start else ""
    begin = f"{word.capitalize()}{when}: {count}"
    if delta.shape[1] == 1:
        finding = f"{begin}{ALONE}."
    else:
        forecast = " (theory has no prediction under normalisation)"
        if now.predicted:
            forecast = f" (theory {in_words(now.predicted.delta_norm[0])})"
        elif now is not run.start:
            forecast = ""  # nor is there one of trained weights
        finding = (
            f"{begin}delta = dL/dz in the first hidden layer is {size} times the last's"
            f"{forecast}. The kernel gradient: {in_words(now.ratio('gradient_norm'))} times."
        )
    if run.recording is None:
        return Finding(finding, "first-layer delta over the last's", size)
    accuracy = np.median(run.recording["accuracy"].values[:, -1])
    finding += f" After {run.recording.epoch.values[-1]:g} epochs accuracy {accuracy:.2f}"
    if run.recording.attrs["diverged_at"] >= 0:
        finding += f", but exploded at step {run.recording.attrs['diverged_at']}"
    return Finding(finding + ".", "delta ratio and accuracy", f"{size} and {accuracy:.2f}")


def live_demo() -> Explorer:
    """Show the gradient explorer in a size for a hall: ``make demo`` (docs/lecturer_guide.md).

    The presets are large and numbered, for the number keys of that page.
    """
    explorer = gradient_explorer(depth=20, width=16)
    for number, button in enumerate(explorer.presets.values(), start=1):
        button.description = f"{number} {button.description}"
    explorer.add_class("course-live")
    return explorer


def weight_explorer() -> Explorer:
    """Explore the weights while four networks train (notebook 02).

    Mean and spread of every kernel against the epoch (source A's picture), the update ratio with
    the line at 1e-3, and the distribution of the weights at the chosen epoch. Of a deep network
    six layers are drawn, evenly chosen.
    """
    controls = {
        **_network_controls("sigmoid", "standard_normal", "circles", 4, 5),
        **_training_controls(),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }
    controls["depth"].max = 20
    controls["width"].options = [width for width in WIDTHS if width <= 32]
    controls["width"].value = 5
    names = ("activation", "initializer")
    presets = {
        label: dict(zip(names, values, strict=False))
        for label, values in PRESETS.items()
        if values[2:] == (NONE, False)
    }

    def train(**setting):
        return _train(normalization=NONE, residual=False, keep_kernels=True, **setting)

    return TrainingExplorer(
        controls, lambda **values: values, _draw_weights, draw_run=_draw_all_weights, train=train,
        epochs=EPOCHS, grid=(2, 2), presets=presets,
    )  # fmt: skip


def _draw_all_weights(axes, run, pinned):
    if run.recording is None:
        _wait(axes)
        return
    chosen, before = _six_layers(run.recording), None if pinned is None else pinned.recording
    for ax, name, title in (
        (axes[0], "weight_mean", "mean weight"),
        (axes[1], "weight_std", "spread of the weights"),
        (axes[2], "update_ratio", "update ratio (dotted: 10⁻³)"),
    ):
        plots.over_epochs(chosen, name, legend=False, pinned=before, ax=ax)
        ax.set(title=title, ylabel="")
    axes[2].axhline(-3, **plots.REFERENCE)


def _six_layers(recording):
    numbers = np.linspace(0, recording.sizes["layer"] - 1, 6).astype(int)
    return recording.isel(layer=np.unique(numbers))


def _draw_weights(axes, run, pinned):
    if run.recording is None:
        return Finding(f"Training: {EPOCHS} epochs of four networks.", "run", "training")
    chosen, before = _six_layers(run.recording), None if pinned is None else pinned.recording
    for ax in axes[:3]:
        plots.mark_epoch(run.epoch, ax=ax)
    plots.distributions(
        _kernels(chosen, _row(run)), plots.layer_colors(chosen.layer.values), ax=axes[3],
        pinned=None if before is None else _kernels(before, _row(pinned)),
    )  # fmt: skip
    return _weight_finding(run.recording)


def _kernels(recording, row):
    """Weights of all networks by layer."""
    kernels = np.moveaxis(recording["kernel"].values[:, row], 1, 0)
    return dict(zip(recording.layer.values, kernels, strict=True))


def _row(run):
    """Which row of the recording the chosen epoch is."""
    return min(run.epoch, run.recording.sizes["step"] - 1)


def _weight_finding(recording):
    kernels = recording["kernel"].values
    names = [str(name) for name in recording.layer.values]
    if recording.attrs["diverged_at"] >= 0:
        step = recording.attrs["diverged_at"]
        return Finding(
            f"Exploded at step {step}: the loss is no number any more.", "run", "exploded"
        )
    shift = np.nanmedian(np.abs(kernels[:, -1] - kernels[:, 0]), axis=(0, 2, 3))
    most, least = int(np.nanargmax(shift)), int(np.nanargmin(shift))
    accuracy = np.median(recording["accuracy"].values[:, -1])
    return Finding(
        f"{names[most]} moves most: by {shift[most]:.2g} per weight (median), {names[least]} "
        f"least, by {shift[least]:.2g}. After {recording.epoch.values[-1]:g} epochs accuracy "
        f"{accuracy:.2f}.",
        "accuracy", f"{accuracy:.2f}",
    )  # fmt: skip


INITIALIZER_PRESETS = {
    "Glorot 2010": ("tanh", "heuristic_uniform", "glorot_uniform"),
    "Saxe 2014": ("linear", "lecun_normal", "orthogonal"),
    "He 2015": ("relu", "glorot_uniform", "he_uniform"),
    "SELU 2017": ("selu", "he_normal", "lecun_normal"),
}


def initializer_explorer() -> Explorer:
    """Explore two initializers on the same draws, layer by layer (notebook 04).

    Above the spread of the activations and the delta norm (Glorot & Bengio 2010, figures 6 and 7,
    in one number a layer), with theory's RMS dashed; below the singular values of the Jacobian
    from one hidden layer to the next, and the measured spread against the predicted one. Five
    networks each, on common random numbers.
    """
    controls = _network_controls("tanh", "heuristic_uniform", "digits", 5, 64)
    controls = {
        "activation": controls.pop("activation"),
        "first": controls.pop("initializer"),
        "second": choice(INITIALIZERS, "glorot_uniform", description="second"),
    } | controls | {"seed": widgets.Button(description="New draw", icon="refresh")}  # fmt: skip
    controls["first"].description = "first"
    controls["width"].options = [width for width in WIDTHS if width <= 128]
    controls["width"].value = 64
    presets = {
        label: dict(zip(("activation", "first", "second"), values, strict=True))
        for label, values in INITIALIZER_PRESETS.items()
    }

    def compute(first, second, dataset, **setting):
        both = []
        count = 1 if is_large(**setting) else 2
        for name in (first, second):
            profile = _profile(
                dataset,
                normalization=NONE,
                initializer=name,
                residual=False,
                num_replicates=5,
                **setting,
            )
            values = measure.singular_values(
                initializer=name,
                dataset=_made(data.DATASETS[dataset]),
                num_replicates=count,
                **setting,
            )
            both.append((profile, values.reshape(len(values), count * setting["width"]).T))
        return both

    return Explorer(controls, compute, _draw_initializers, grid=(2, 2), presets=presets)


PAIR = ("#0072B2", "#D55E00")  # the first initializer's colour, and the second's


def _draw_initializers(axes, now, pinned):
    names = [profile.measured.initializer for profile, _ in now]
    before = pinned or []

    def series(values, predicted):
        return [
            plots.Series(v, color, name, p)
            for v, color, name, p in zip(values, PAIR, names, predicted, strict=True)
        ]

    spread = series(
        [profile.measured["activation_std"].values for profile, _ in now],
        [profile.predicted.activation_std for profile, _ in now],
    )
    delta = series(
        [profile.relative("delta_norm") for profile, _ in now],
        [profile.predicted.delta_norm for profile, _ in now],
    )
    plots.by_layer(
        spread, quantity="activation spread", relative=False, ax=axes[0],
        pinned=[profile.measured["activation_std"].values for profile, _ in before],
    )  # fmt: skip
    plots.by_layer(
        delta, quantity="delta", ax=axes[1],
        pinned=[profile.relative("delta_norm") for profile, _ in before],
    ).set(ylabel="÷ last layer's")  # fmt: skip
    plots.singular_values(
        series([values for _, values in now], [None, None]), ax=axes[2],
        pinned=[values for _, values in before],
    )  # fmt: skip
    plots.predicted_measured(spread, quantity="activation spread", ax=axes[3])
    plots.small_legend(axes[1], "theory", "A")
    axes[3].legend(loc="upper left", fontsize=11)
    ratios = [in_words(profile.ratio()) for profile, _ in now]
    judged = [judge(profile.measured["delta_norm"].values) for profile, _ in now]
    (word, dead), (other_word, other_dead) = judged
    verdicts = f"{word.capitalize()} and {other_word}: {dead or other_dead}"
    if not now[0][1].size:
        sentence = f"{verdicts}{ALONE}."
    else:
        means = [f"{values.mean():.2g}" for _, values in now]
        sentence = (
            f"{verdicts}delta = dL/dz in the first hidden layer is {ratios[0]} times the last's "
            f"under {names[0]}, {ratios[1]} under {names[1]}. Mean singular values: {means[0]} "
            f"and {means[1]}."
        )
    return Finding(
        sentence,
        "first-layer deltas over the last's", " and ".join(ratios),
    )  # fmt: skip
