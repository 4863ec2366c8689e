"""Training a Keras model of the learner's own, with everything recorded.

One program of TensorFlow serves one model, loss, optimizer and batch size (``keras_program``).
"""

import ctypes
import functools
import sys

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from helpers.catalogue import Network
from helpers.data import Dataset
from helpers.diagnosis.table import reasons
from helpers.networks import make_mlp
from helpers.training import keras_statistics, optimizers, recording
from helpers.training.keras_program import program_for
from helpers.training.plan import Plan


def train_model(
    model: keras.Model,
    dataset: Dataset,
    *,
    loss: str | None = None,
    optimizer="rmsprop",
    learning_rate: float | None = None,
    clip: tuple[str, float] | None = None,
    epochs: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    record_every: int = 1,
    keep: tuple[str, ...] = (),
    progress=None,
    stop=None,
) -> xr.Dataset:
    """Train a Keras model that you built, in place as ``model.fit`` does, and record it.

    A layer of the recording is a kernel, by the name of its Keras layer; a recurrent layer has two,
    "lstm" and "lstm_recurrent". Frozen layers stay as they are, and are recorded. activation_*,
    delta_norm, saturation and dead need a pre-activation: they're there for every dense or
    convolutional layer whose activation can be found, wherever it stands, and NaN elsewhere;
    attrs["unknown"] says why. The loss has the model's regularisers in it. Accuracy is what
    ``model.evaluate`` would say, so batch normalisation uses its moving averages there.

    The model compiles in a second or more (a deep one takes longer, and up to 100 MB that are never
    freed); the next run of the same model and settings starts at once.

    Parameters
    ----------
    model : keras.Model
        Takes (num_examples, num_inputs), ends in a sigmoid for two classes, in a softmax for more,
        or in a layer without activation, whose outputs are then taken as logits. It needn't be
        compiled. For other data, losses and models use ``diagnosis.GradientWatch``.
    The others as in `train`; an optimizer of yours is copied, so that every run starts fresh.

    Raises
    ------
    ValueError
        For a model that doesn't fit the data set or has no kernel, one in mixed precision, or a
        number out of range.
    """
    plan = Plan(dataset, loss, epochs, batch_size, seed, record_every, keep, progress, stop)
    clip = optimizers.check_clip(clip)
    optimizer = optimizers.make(optimizer, learning_rate, clip)
    return _train(model, plan, optimizer, {"clip": clip})


def _train(model, plan, optimizer, attrs):
    """Run the program of a checked model, part by part."""
    dataset = plan.dataset
    program = program_for(model, plan, optimizer)
    program.reset()  # the optimizer starts afresh, as a newly made one would
    carried = tf.zeros((), program.dtype), tf.constant(-1)
    fixed = tf.constant(dataset.x, program.dtype), tf.constant(dataset.y, program.dtype)
    every = min(plan.record_every, 2**31 - 1)  # what TensorFlow's whole numbers hold
    numbers = tf.constant(every), tf.constant(plan.steps_per_epoch)
    names = list(program.kernels)
    parts = []
    # a chunk has one row more than it records at most, for a step that is overwritten
    for first, steps in plan.chunks(min(program.rows, (program.rows - 1) * every)):
        # always so many batches: another number would be another program
        batches = np.zeros((program.rows, plan.batch_size), np.int32)
        batches[:steps] = plan.batches[first : first + steps]
        only_measure = first == plan.num_steps
        # multiples of `every` from first on; the double minus rounds up
        rows = 1 if only_measure else -(-(first + steps) // every) + -first // every
        # one accuracy and the first failure go on from chunk to chunk; the weights are the model's
        carried, table, arrays = program.run(
            carried,
            *fixed,
            tf.constant(batches),
            tf.constant(first),
            tf.constant(steps),
            *numbers,
            tf.constant(only_measure),
        )
        parts.append(_unpack(program, names, rows, table.numpy(), arrays))
    # compiling takes much memory for a moment, and the C library would not give it back by itself
    if program.is_new:
        program.is_new = False
        _give_memory_back()
    arrays = {
        name: np.concatenate([part[name] for part in parts], axis=1)
        for name in parts[0]
        if name not in ("kernel", "gradient") or name in plan.keep
    }
    attrs = attrs | {
        "model": model.name,
        "optimizer": optimizer.name,
        "learning_rate": float(optimizer.learning_rate),
        "compiled": program.compiled,
        "unknown": reasons(program.classifier.anatomy.parts),
    }
    return recording.finish(plan, arrays, names, np.atleast_1d(carried[1].numpy()), attrs)


def train_networks(
    network: Network, plan: Plan, optimizer, num_replicates: int, attrs: dict
) -> xr.Dataset:
    """Train networks of ``make_mlp`` in turn, as the replicates of one recording."""
    runs = []
    progress = plan.progress
    for replicate in range(num_replicates):
        if progress is not None:
            plan.progress = functools.partial(_tell, progress, replicate, num_replicates)
        model = make_mlp(
            network.activation,
            network.initializer,
            depth=network.depth,
            width=network.width,
            num_inputs=plan.dataset.num_inputs,
            num_outputs=plan.dataset.num_outputs,
            seed=plan.seed,
            replicate=replicate,
            normalization=network.normalization,
            residual=network.residual,
        )
        fresh = optimizers.make(optimizer, None, None)  # it belongs to the variables of one model
        runs.append(_train(model, plan, fresh, attrs))
        if plan.stopped:
            break
    # a stopped run is shorter than the others: xarray fills what it lacks with NaN
    numbers = xr.DataArray(range(len(runs)), dims="replicate", name="replicate")
    together = xr.concat(runs, numbers)
    for name in ("diverged_at", "dead_at"):
        steps = [run.attrs[name] for run in runs if run.attrs[name] >= 0]
        together.attrs[name] = min(steps, default=-1)
    together.attrs["stopped"] = runs[-1].attrs["stopped"]
    return together


def _tell(progress, replicate, num_replicates, share):
    progress((replicate + share) / num_replicates)


def _give_memory_back():
    """Return to the system what compiling needed for a moment: glibc would keep some 150 MB."""
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)


def _unpack(program, names, rows, blocks, arrays):
    """Turn what a chunk returned into {name: array (1, row, layer, ...)}."""
    flat = blocks.swapaxes(0, 1).reshape(blocks.shape[1], -1)[:, :rows]
    part = {"loss": flat[None, 0], "accuracy": flat[None, 1]}
    of_kernels, of_taps = (
        [names.index(name) for group in groups.values() for name in group]
        for groups in (program.of_kernels, program.of_taps)
    )
    count = len(keras_statistics.OF_KERNEL)
    # NaN where a kernel belongs to no Dense layer, and so has no pre-activation that is known
    table = np.full((len(keras_statistics.BY_LAYER), len(names), rows), np.nan, flat.dtype)
    split = 2 + count * len(names)
    both = (of_kernels, table[:count], flat[2:split]), (of_taps, table[count:], flat[split:])
    for places, part_of, values in both:
        part_of[:, places] = values.reshape(len(places), len(part_of), rows).swapaxes(0, 1)
    part |= {name: table[index].T[None] for index, name in enumerate(keras_statistics.BY_LAYER)}
    if arrays:
        arrays = [array.numpy() for array in arrays]
        arrays = [array.reshape(-1, 1, *array.shape[2:])[:rows] for array in arrays]
        layers = [array[:, :, number] for array in arrays for number in range(array.shape[2])]
        for name, some in (("gradient", layers[: len(names)]), ("kernel", layers[len(names) :])):
            in_order = dict(zip(of_kernels, some, strict=True))
            part[name] = recording.pad([in_order[place] for place in range(len(names))])
    return part
