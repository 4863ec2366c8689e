"""Training with everything recorded, at the speed of the machine.

`train` trains networks of ``make_mlp``'s kind, one or many at once; `train_model` any Keras model;
`WeightCapture` watches an ordinary ``model.fit``. All give a recording: an ``xarray.Dataset`` with
dimensions replicate, step and layer. Row k holds what was measured at the weights after
k * record_every updates, on the batch about to be used; row 0 is the network as initialised, and
one more row follows the last update. The statistics are those of ``measure``, and

================  ============================================================================
loss              mean over the batch
accuracy          over the whole data set, at the weights with which the row's epoch began
weight_mean/std   over the entries of the kernel
update_ratio      std of the kernel's update about to be made / std of the kernel
================  ============================================================================

Gradients are those of the mean loss, before any clipping. Every epoch takes the batches from a
fresh shuffle, which depends on the seed alone; its last, short batch is dropped.

`train` runs in the engine (``engine``, plain loops compiled by numba) and loads no TensorFlow.
"""

import importlib

import numpy as np
import xarray as xr

from helpers.catalogue import Network
from helpers.checks import affordable, whole_number
from helpers.data import Dataset
from helpers.training import compiling, engine, native, optimizers, recording
from helpers.training.optimizers import OPTIMIZERS
from helpers.training.plan import Plan, check_probe

__all__ = ["OPTIMIZERS", "WeightCapture", "engine_status", "train", "train_model"]

# These load TensorFlow, so they are imported only when somebody asks for them.
WITH_TENSORFLOW = {"WeightCapture": "callback", "train_model": "keras_engine"}


def __getattr__(name):
    if name not in WITH_TENSORFLOW:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{WITH_TENSORFLOW[name]}"), name)


def engine_status() -> compiling.EngineStatus:
    """Say whether the engine is compiled for this machine, and where that is kept."""
    return compiling.status(engine.advance)


def train(
    activation: str,
    initializer: str,
    *,
    dataset: Dataset,
    depth: int = 4,
    width: int = 5,
    normalization: str | None = None,
    residual: bool = False,
    loss: str | None = None,
    optimizer="rmsprop",
    learning_rate: float | None = None,
    clip: tuple[str, float] | None = None,
    epochs: int = 100,
    batch_size: int = 32,
    num_replicates: int = 1,
    seed: int = 0,
    record_every: int = 1,
    keep: tuple[str, ...] = (),
    probe=None,
    progress=None,
    stop=None,
) -> xr.Dataset:
    """Train networks as ``make_mlp`` builds them, and record everything.

    Replicate k starts from the weights of ``make_mlp(..., seed=seed, replicate=k)``; all take the
    same batches, and run on all processors. Computed in float32, or in Keras's float type where
    that was changed (``keras.config.set_floatx``).

    Parameters
    ----------
    activation, initializer, depth, width, normalization, residual
        As in ``make_mlp``. An activation of your own is compiled where numba can compile it;
        elsewhere each replicate is trained as a Keras model, with the same result.
        Accuracy under batch normalisation uses the whole data set's statistics.
    loss : str, optional
        "binary_crossentropy" (the default for two classes), "categorical_crossentropy" (for more)
        or "mean_squared_error".
    optimizer : str or keras.optimizers.Optimizer
        "sgd", "momentum" (0.9), "rmsprop", "adam" with Keras's rules and defaults. A Keras
        optimizer that isn't one of these serves too, but trains Keras models, one by one.
    learning_rate : float, optional
        Keras's default for the optimizer if left out: 0.01 for the first two, else 0.001.
    clip : (str, float), optional
        ("global_norm" | "norm" | "value", threshold): the gradient of all variables together, of
        each variable, or each entry is cut to the threshold.
    keep : sequence of str
        Full arrays to store besides, "kernel" and "gradient": dims replicate, step, layer, fan_in,
        fan_out, with NaN where a layer is smaller.
    probe : array, shape (num_points, num_inputs), optional
        Inputs at which to record "output" (dims replicate, step, point) along with the accuracy:
        the probability of class 1, or the likeliest of more than two classes.
    progress : callable, optional
        ``progress(share_done)``, called at least 12 times in a run, the last time with 1.
    stop : callable, optional
        Asked as often; once it returns true, the run ends and returns what it has.

    Returns
    -------
    xr.Dataset
        A recording, as the module's text describes it; coordinate epoch = step / steps an epoch.
        attrs: the arguments, ``stopped`` (0 or 1), ``diverged_at`` and ``dead_at``: the first step
        at which a loss isn't finite, the first recorded one at which a whole hidden layer has
        slope 0 for the whole batch; -1 if never. Neither is an error: it's recorded as it is.

    Raises
    ------
    ValueError
        For an unknown name, or a number out of range.
    """
    network = Network(activation, initializer, depth, width, normalization, residual)
    num_replicates = whole_number("num_replicates", num_replicates)
    plan = Plan(dataset, loss, epochs, batch_size, seed, record_every, keep, progress, stop)
    _check_memory(network, plan, num_replicates)
    clip = optimizers.check_clip(clip)
    probe = check_probe(probe, dataset.num_inputs)
    chosen = optimizers.choose(optimizer, learning_rate)
    # every argument as it was resolved, so that a file of the recording says how it was made
    attrs = {
        "activation": network.activation,
        "initializer": network.initializer,
        "depth": network.depth,
        "width": network.width,
        "normalization": network.normalization,
        "residual": network.residual,
        "num_replicates": num_replicates,
        "clip": clip,
    }
    # what the engine doesn't know, Keras trains: slower, one network after another, same result
    if chosen is None or not native.can_train(network):
        from helpers.training import keras_engine

        if len(probe):
            raise ValueError(
                f"probe needs one of the optimizers {', '.join(OPTIMIZERS)}, and an activation "
                "that numba can compile."
            )
        optimizer = optimizers.make(optimizer, learning_rate, clip)
        return keras_engine.train_networks(network, plan, optimizer, num_replicates, attrs)
    arrays, failed = native.run(
        network, plan, chosen, clip=clip, num_replicates=num_replicates, probe=probe
    )
    attrs |= {"optimizer": chosen.name, "learning_rate": chosen.learning_rate}
    attrs |= {"compiled": "numba"}
    return recording.finish(plan, arrays, network.layers, np.asarray(failed), attrs)


def _check_memory(network, plan, num_replicates):
    """Raise a ``ValueError`` before any work, if the networks or their recording are too large."""
    network.check_memory(num_replicates, plan.batch_size)
    # a row holds twelve statistics of every layer
    numbers = 12 * (network.depth + 1) * num_replicates * plan.num_rows
    affordable("A recording of that length", numbers)
