"""The explorer of the weights while they are trained (notebook 02)."""

import numpy as np

from helpers import plots
from helpers.explorers.base import Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import NONE, new_draw
from helpers.explorers.gradient import draw_learning, mark_epoch, wait, what_training_brought
from helpers.explorers.networks import (
    EPOCHS,
    NUM_TRAINED,
    PRESETS,
    network_controls,
    seconds_to_train,
    train_networks,
    training_controls,
)
from helpers.explorers.training import TrainingExplorer

MOST_LAYERS = 6  # that are drawn
USUAL_RATIO = -3  # log10 of an update ratio that is often called right


def weight_explorer(**first) -> TrainingExplorer:
    """Explore the weights while four networks train (notebook 02).

    "weights" shows mean and spread of every kernel against the epoch (source A's picture), loss and
    accuracy, and the distribution of the weights at the chosen epoch; "updates" the update ratio
    with the line at 1e-3, and the norm of the kernel gradient. Of a deep network six layers are
    drawn, evenly chosen.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    controls = {
        **network_controls(
            "sigmoid", "standard_normal", "circles", depth=4, width=5, deepest=20, widest=32
        ),
        **training_controls(),
        "seed": new_draw(),
    }
    presets = {
        label: {"activation": activation, "initializer": initializer}
        for label, (activation, initializer, normalization, residual) in PRESETS.items()
        if normalization == NONE and not residual
    }
    return TrainingExplorer(
        controls,
        lambda **values: values,
        {"weights": _weight_panels(), "updates": _update_panels()},
        _find,
        train=_train,
        seconds=_seconds,
        epochs=EPOCHS,
        grid=(2, 2),
        presets=presets,
        first=first,
    )


def _weight_panels():
    return [
        Panel("mean weight", mark_epoch, still=_draw_over_epochs("weight_mean")),
        Panel("spread of the weights", mark_epoch, still=_draw_over_epochs("weight_std")),
        Panel("", mark_epoch, ("loss", "accuracy", "A"), still=draw_learning),
        Panel("weights by layer", _draw_distributions),
    ]


def _update_panels():
    return [
        Panel("update ratio (dotted: 10⁻³)", mark_epoch, still=_draw_update_ratio),
        Panel("kernel gradient", mark_epoch, still=_draw_over_epochs("gradient_norm")),
        Panel("", mark_epoch, ("loss", "accuracy", "A"), still=draw_learning),
        Panel("weights by layer", _draw_distributions),
    ]


def _seconds(**setting):
    return seconds_to_train(normalization=NONE, residual=False, **setting)


def _train(**setting):
    return train_networks(normalization=NONE, residual=False, keep="kernel", **setting)


def _drawn_layers(recording):
    """Take at most six layers, evenly chosen."""
    numbers = np.linspace(0, recording.sizes["layer"] - 1, MOST_LAYERS).astype(int)
    return recording.isel(layer=np.unique(numbers))


def _draw_over_epochs(name):
    def draw(ax, run, pinned):
        if run.recording is None:
            wait(ax)
            return
        before = None if pinned is None else pinned.recording
        plots.over_epochs(_drawn_layers(run.recording), name, legend=False, pinned=before, ax=ax)
        ax.set_ylabel("")

    return draw


def _draw_update_ratio(ax, run, pinned):
    _draw_over_epochs("update_ratio")(ax, run, pinned)
    if run.recording is not None:
        ax.axhline(USUAL_RATIO, **plots.REFERENCE)


def _draw_distributions(ax, run, pinned):
    if run.recording is None:
        return
    now = _kernels(run)
    before = None if pinned is None else _kernels(pinned)
    plots.distributions(now, plots.layer_colors(now), pinned=before, ax=ax)


def _kernels(run):
    """Weights of all networks by layer, at the chosen epoch."""
    recording = _drawn_layers(run.recording)
    kernels = np.moveaxis(recording["kernel"].values[:, run.row], 1, 0)
    return dict(zip(recording.layer.values, kernels, strict=True))


def _find(run):
    recording = run.recording
    if recording is None:
        return Finding(f"Training: {EPOCHS} epochs of {NUM_TRAINED} networks.")
    trained, accuracy = what_training_brought(recording)
    if recording.attrs["diverged_at"] >= 0:
        step = recording.attrs["diverged_at"]
        return Finding(f"Exploded at step {step}: the loss is NaN. {trained}.", accuracy)
    kernels = recording["kernel"].values
    names = [str(name) for name in recording.layer.values]
    shift = np.nanmedian(np.abs(kernels[:, -1] - kernels[:, 0]), axis=(0, 2, 3))
    most = int(np.nanargmax(shift))
    least = int(np.nanargmin(shift))
    return Finding(
        f"{names[most]} moves most: by {shift[most]:.2g} per weight (median), {names[least]} "
        f"least, by {shift[least]:.2g}. {trained}.",
        accuracy,
    )
