"""The explorer of the gradient, as initialised and while it trains (notebook 03)."""

import functools

from helpers import measure, plots
from helpers.catalogue import NORMALIZATIONS
from helpers.explorers.base import Finding
from helpers.explorers.canvas import Panel, Scale
from helpers.explorers.controls import NONE, choice, new_draw
from helpers.explorers.frames import deepest_of, frame_layers, frame_sizes
from helpers.explorers.networks import (
    DEEPEST,
    EPOCHS,
    PRESETS,
    WIDTHS,
    Profile,
    color_of,
    last_accuracy,
    last_epoch,
    network_controls,
    plane_of,
    seconds_to_train,
    start_of,
    train_networks,
    training_controls,
    what_the_network_says,
)
from helpers.explorers.training import TrainingExplorer
from helpers.explorers.words import ALONE, DELTA_RATIO, judge, size_in_words

RELATIVE = "÷ last layer's"
WHITE_LINE = plots.REFERENCE | {"color": "white"}


def gradient_explorer(**first) -> TrainingExplorer:
    """Explore the gradient, as initialised and while four networks train (notebook 03).

    "layers" shows, at the chosen epoch: upper left the delta norm, dL/dz, and right of it the norm
    of the kernel gradient, dL/dW, both relative to the last hidden layer and on one scale; below
    loss and accuracy of the whole run, and the shares of saturated and of dead units. At epoch 0
    they are measured on ten networks as initialised; the dashed line is theory's RMS, and there is
    none under normalisation. "training" shows the run: loss and accuracy, the delta norm of every
    layer at every epoch, what one network says about the plane, and the spread of the activations.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    skips = [(NONE, False), ("a + φ(z)", True)]
    controls = {
        **network_controls(
            "sigmoid",
            "standard_normal",
            "circles",
            depth=4,
            width=5,
            deepest=DEEPEST,
            widest=WIDTHS[-1],
        ),
        "normalization": choice([NONE, *NORMALIZATIONS], NONE, description="normalisation"),
        "residual": choice(skips, False, description="skip"),
        **training_controls(),
        "seed": new_draw(),
    }
    names = ("activation", "initializer", "normalization", "residual")
    presets = {label: dict(zip(names, values, strict=True)) for label, values in PRESETS.items()}
    return TrainingExplorer(
        controls,
        start_of,
        {"layers": layer_panels(), "training": run_panels()},
        find,
        train=train_networks,
        seconds=seconds_to_train,
        epochs=EPOCHS,
        grid=(2, 2),
        presets=presets,
        first=first,
    )


def live_demo() -> TrainingExplorer:
    """Show the gradient explorer in a size for a hall: ``make demo`` (docs/lecturer_guide.md).

    The presets are large and numbered, for the number keys of that page.
    """
    explorer = gradient_explorer(depth=20, width=16)
    # the number is the key that presses it
    for number, button in enumerate(explorer.presets.values(), start=1):
        button.description = f"{number} {button.description}"
    explorer.add_class("course-live")
    return explorer


@functools.lru_cache(4)  # all panels ask, of the picture and of A
def at_epoch(run) -> Profile:
    """Take what is drawn by layer: as initialised, or from the recording at a later epoch."""
    # ten networks as initialised say more than the four that are trained
    if run.row == 0:
        return run.start
    hidden = run.recording[[*measure.STATISTICS]].isel(step=run.row, layer=slice(0, -1))
    # of trained weights theory has no prediction
    return Profile(hidden.astype(float), None, run.start.dataset)


def _color(run):
    return color_of(run.start.measured.activation)


# ---------------------------------------------------------------- panels: layers


def layer_panels() -> list[Panel]:
    """List what is shown of the layers at the chosen epoch."""
    # so that a falling delta and a level kernel gradient can be compared at a glance
    gradients = Scale()
    return [
        Panel("delta", _draw_delta, ("RMS", "theory"), scale=gradients),
        Panel("kernel gradient", _draw_kernel_gradient, ("median",), scale=gradients),
        Panel("", mark_epoch, ("loss", "accuracy", "A"), still=draw_learning),
        Panel("", _draw_shares, ("saturated", "dead")),
    ]


def _draw_delta(ax, run, pinned):
    _draw_relative(ax, run, pinned, "delta_norm", "delta", theory=True)


def _draw_kernel_gradient(ax, run, pinned):
    _draw_relative(ax, run, pinned, "gradient_norm", "kernel gradient", theory=False)


def _draw_relative(ax, run, pinned, name, quantity, *, theory):
    """Draw a norm by layer, relative to the last hidden layer."""
    now = at_epoch(run)
    forecast = now.forecast(name) if theory else None
    series = plots.Series(now.relative(name), _color(run), predicted=forecast)
    before = [] if pinned is None else [at_epoch(pinned).relative(name)]
    plots.by_layer([series], quantity=quantity, pinned=before, ax=ax)
    frame_sizes(ax, deepest_of(series.values, *before))
    ax.set_ylabel(RELATIVE)


def _draw_spread(ax, run, pinned):
    now = at_epoch(run)
    series = plots.Series(
        now.measured["activation_std"].values,
        _color(run),
        predicted=now.forecast("activation_std"),
    )
    before = [] if pinned is None else [at_epoch(pinned).measured["activation_std"].values]
    plots.by_layer([series], quantity="activation spread", relative=False, pinned=before, ax=ax)
    frame_layers(ax, deepest_of(series.values, *before))


def _draw_shares(ax, run, pinned):
    now = _shares(at_epoch(run))
    before = None if pinned is None else _shares(at_epoch(pinned))
    plots.shares(*now, pinned=before, color=_color(run), ax=ax)
    frame_layers(ax, deepest_of(*now, *(before or ())))


def _shares(profile):
    return [profile.measured[name].values for name in ("saturation", "dead")]


# ---------------------------------------------------------------- panels: training


def run_panels() -> list[Panel]:
    """List what is shown of the whole run."""
    return [
        Panel("", mark_epoch, ("loss", "accuracy", "A"), still=draw_learning),
        Panel("delta", _mark_on_heat_map, still=_draw_heat_map),
        Panel("", _draw_plane, ("class 0", "class 1", "class 2"), still=_say_no_plane),
        Panel("activation spread", _draw_spread, ("theory", "A")),
    ]


def wait(ax):
    """Say that the run isn't there yet."""
    plots.waiting("not trained yet", ax=ax)


def draw_learning(ax, run, pinned):
    """Draw loss and accuracy of the whole run."""
    if run.recording is None:
        wait(ax)
        return
    before = None if pinned is None else pinned.recording
    # a run of the weight explorer starts from kernels, which have no colour
    color = _color(run) if isinstance(run.start, Profile) else plots.OTHER_COLOR
    plots.learning_curves(run.recording, pinned=before, color=color, ax=ax)


def mark_epoch(ax, run, pinned):
    """Mark the chosen epoch on an axis of epochs; the slider says which one it is."""
    if run.recording is not None:
        ax.axvline(run.epoch, **plots.REFERENCE)


def _draw_heat_map(ax, run, pinned):
    if run.recording is None:
        wait(ax)
        return
    # without the output layer, which is no hidden one
    plots.heat_map(run.recording.isel(layer=slice(0, -1)), "delta_norm", ax=ax)


def _mark_on_heat_map(ax, run, pinned):
    if run.recording is not None:
        ax.axvline(run.epoch, **WHITE_LINE)


def _say_no_plane(ax, run, pinned):
    if run.recording is None:
        wait(ax)
    elif "output" not in run.recording:
        plots.waiting("no plane to show:\nmore than two inputs", ax=ax)


def _draw_plane(ax, run, pinned):
    # what is said instead is still: `_say_no_plane`
    if run.recording is None or "output" not in run.recording:
        return
    dataset = run.start.dataset
    outputs = what_the_network_says(run.recording, run.row)
    plots.decision_boundary(dataset, outputs, plane_of(dataset)[1], ax=ax)


# ---------------------------------------------------------------- the sentence


def find(run) -> Finding:
    """Say what happens to the gradient on its way back, and what came of the training."""
    now = at_epoch(run)
    word, dead = judge(now.measured["delta_norm"].values)
    when = "" if now is run.start else f" at epoch {run.epoch:g}"
    size = size_in_words(now.ratio())
    finding = f"{word.capitalize()}{when}: {dead}{_comparison(now, run, size)}."
    numbers = {f"{DELTA_RATIO}{when}": size}  # of one epoch: trained and not can't be compared
    if run.recording is None:
        return Finding(finding, numbers)
    trained, accuracy = what_training_brought(run.recording)
    return Finding(f"{finding} {trained}.", numbers | accuracy)


def what_training_brought(recording) -> tuple[str, dict[str, str]]:
    """Say how a run ended, for a sentence and for a comparison."""
    accuracy = f"{last_accuracy(recording):.2f}"
    when = f"after {last_epoch(recording):g} epochs"
    sentence = f"{when.capitalize()} accuracy {accuracy}"
    if recording.attrs["diverged_at"] >= 0:
        sentence += f", but exploded at step {recording.attrs['diverged_at']}"
    return sentence, {f"accuracy {when}": accuracy}


def _comparison(now, run, size):
    if now.measured.sizes["layer"] == 1:
        return ALONE
    forecast = ""
    if now.predicted is not None:
        forecast = f" (theory {size_in_words(now.predicted.delta_norm[0])})"
    elif now is run.start:  # of trained weights there is no prediction anyway
        forecast = " (theory has no prediction under normalisation)"
    kernel = size_in_words(now.ratio("gradient_norm"))
    return (
        f"delta = dL/dz in the first hidden layer is {size} times the last's{forecast}. "
        f"The kernel gradient: {kernel} times"
    )
