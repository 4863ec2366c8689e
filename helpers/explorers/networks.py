"""What the explorers of networks share: their controls, what is measured, and how they train."""

import dataclasses
import functools
import itertools
from typing import NamedTuple

import numpy as np
import xarray as xr

from helpers import data, measure, plots, theory, training
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Network
from helpers.explorers.controls import NONE, choice, none_or, steps, whole

WIDTHS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 80, 100, 103, 128, 160, 200, 256)
DEEPEST = 50
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
EPOCHS = 100
BATCH_SIZE = 32
NUM_TRAINED = 4  # networks
NUM_MEASURED = 10  # networks as initialised
LARGE = 50 * 64**2  # depth * width^2 above which fewer networks and examples are measured
SECONDS_PER_UNIT = 4e-9  # that the engine takes for one unit and one example, about
SECONDS_PER_WEIGHT = 0.2e-9  # and for one weight
PATIENCE = 60  # seconds: what would train for longer isn't trained
PLANE_POINTS = 32  # of a side of the grid at which a network of the plane is asked
PLANE_MARGIN = 0.2  # round the data, in units of the inputs
PRESETS = {  # in the order of history
    "sigmoid, N(0, 1)": ("sigmoid", "standard_normal", NONE, False),
    "tanh, ±1/√n": ("tanh", "heuristic_uniform", NONE, False),
    "Glorot 2010": ("tanh", "glorot_uniform", NONE, False),
    "He 2015": ("relu", "he_normal", NONE, False),
    "batch norm 2015": ("relu", "he_normal", "batch", False),
    "ResNet 2016": ("relu", "he_normal", "batch", True),
}


# ---------------------------------------------------------------- controls


def network_controls(activation, initializer, dataset, *, depth, width, deepest, widest) -> dict:
    """Make the controls of a network, with what they say at first."""
    size = {"depth": depth, "width": width, "deepest": deepest, "widest": widest}
    return {
        "activation": choice(ACTIVATIONS, activation, description="activation"),
        "initializer": choice(INITIALIZERS, initializer, description="initializer"),
        **size_controls(dataset, **size),
    }


def size_controls(dataset, *, depth, width, deepest, widest) -> dict:
    """Make the controls of a network's size, and of its data."""
    widths = [units for units in WIDTHS if units <= widest]
    return {
        "depth": whole(depth, 1, deepest, description="depth"),
        "width": steps(widths, width, description="width"),
        "dataset": choice(data.DATASETS, dataset, description="data set"),
    }


def training_controls() -> dict:
    """Make the controls of a training."""
    # here, not above: an explorer that trains nothing need not wait for the engine
    from helpers.training import OPTIMIZERS

    return {
        "optimizer": choice(OPTIMIZERS, "rmsprop", description="optimizer"),
        "learning_rate": steps(RATES, 0.001, description="learning rate"),
    }


def network_of(normalization: str, **network) -> Network:
    """Make the network that the controls describe."""
    return Network(**network, normalization=none_or(normalization))


@functools.lru_cache(8)
def _made_by(make):
    return make()


def dataset_named(name: str) -> data.Dataset:
    """Make a data set once; again if another function has its name."""
    return _made_by(data.DATASETS[name])


def color_of(activation: str) -> str:
    """Return the colour of an activation; one of the learner's own is grey."""
    return plots.COLORS.get(activation, plots.OTHER_COLOR)


# ---------------------------------------------------------------- as initialised


class Profile(NamedTuple):
    """Hidden layers, measured, and what theory predicts of them, if it does."""

    measured: xr.Dataset
    predicted: theory.ExpectedProfile | None
    dataset: data.Dataset

    def relative(self, name):
        """Sizes relative to the RMS in the last hidden layer."""
        return measure.over_last(self.measured[name].values)

    def ratio(self, name="delta_norm"):
        """RMS in the first hidden layer over the last's."""
        return measure.first_over_last(self.measured[name].values)

    def forecast(self, name):
        """Return what theory says of a quantity, or None."""
        return None if self.predicted is None else getattr(self.predicted, name)


def is_large(depth: int, width: int) -> bool:
    """Whether measuring ten networks of this size would hold up a slider."""
    return depth * width**2 > LARGE


def profile_of(dataset, seed, *, num_replicates=NUM_MEASURED, **network) -> Profile:
    """Measure networks as initialised, and predict the same where theory can.

    Of very large networks three are enough, and 32 examples: wide ones hardly differ.
    """
    network = network_of(**network)
    chosen = dataset_named(dataset)
    count = {"num_replicates": num_replicates}
    if is_large(network.depth, network.width):
        count = {"num_replicates": 3, "num_examples": 32}
    measured = measure.profile(**dataclasses.asdict(network), **count, dataset=chosen, seed=seed)
    hidden = measured.isel(layer=slice(0, -1))
    predicted = _prediction(network, chosen) if theory.predicts(network) else None
    return Profile(hidden, predicted, chosen)


def _prediction(network, dataset):
    return theory.expected_profile(
        network.activation,
        network.initializer,
        depth=network.depth,
        width=network.width,
        residual=network.residual,
        num_inputs=dataset.num_inputs,
        input_second_moment=np.mean(dataset.x**2, axis=1),
    )


def start_of(optimizer, learning_rate, **setting) -> Profile:
    """Measure a setting as initialised; how it trains doesn't matter yet."""
    return profile_of(**setting)


# ---------------------------------------------------------------- trained


def train_networks(
    dataset, optimizer, learning_rate, seed, *, progress, stop, keep=(), **network
) -> xr.Dataset:
    """Train four networks, with a row for each epoch, and look all over the plane if it is one.

    Raises
    ------
    ValueError
        For a network that would train for minutes.
    """
    network = network_of(**network)
    chosen = dataset_named(dataset)
    if _seconds(network, chosen) > PATIENCE:
        raise ValueError("This network would take minutes to train; use fewer layers or units.")
    return training.train(
        **dataclasses.asdict(network),
        dataset=chosen,
        optimizer=optimizer,
        learning_rate=learning_rate,
        seed=seed,
        epochs=EPOCHS,
        num_replicates=NUM_TRAINED,
        batch_size=batch_size_for(chosen),
        record_every=len(chosen) // batch_size_for(chosen),
        keep=keep,
        probe=plane_of(chosen)[0],
        progress=progress,
        stop=stop,
    )


def batch_size_for(dataset: data.Dataset) -> int:
    """Return the batch size: a data set may have fewer examples than a batch."""
    return min(BATCH_SIZE, len(dataset))


def seconds_to_train(dataset, optimizer, learning_rate, seed, **network) -> float:
    """Estimate how long `train_networks` takes for this setting."""
    return _seconds(network_of(**network), dataset_named(dataset))


def _seconds(network, dataset):
    sizes = network.sizes(dataset.num_inputs, dataset.num_outputs)
    weights = sum(below * above for below, above in itertools.pairwise(sizes))
    once = SECONDS_PER_UNIT * sum(sizes[1:]) + SECONDS_PER_WEIGHT * weights
    return once * EPOCHS * len(dataset) * NUM_TRAINED


def plane_of(dataset: data.Dataset):
    """Points all over the plane of a 2-D data set, and its extent; None for other data sets."""
    if dataset.num_inputs != 2:
        return None, None
    left, bottom = dataset.x.min(axis=0) - PLANE_MARGIN
    right, top = dataset.x.max(axis=0) + PLANE_MARGIN
    across = np.linspace(left, right, PLANE_POINTS)
    upwards = np.linspace(bottom, top, PLANE_POINTS)
    points = np.stack(np.meshgrid(across, upwards), axis=-1).reshape(-1, 2)
    return points, (left, right, bottom, top)


def what_the_network_says(recording, row) -> np.ndarray:
    """Return what the first network says of the points of the plane, from the lower left."""
    return recording["output"].values[0, row].reshape(PLANE_POINTS, PLANE_POINTS)


def last_epoch(recording) -> float:
    """Epoch of the last row; less than `EPOCHS` where the run was stopped."""
    return recording.epoch.values[-1]


def last_accuracy(recording) -> float:
    """Median accuracy over the networks at the end."""
    return float(np.median(recording["accuracy"].values[:, -1]))
