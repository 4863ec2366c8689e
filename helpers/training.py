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
"""

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from helpers import Named, positive_number, universal, whole_number
from helpers.catalogue import ACTIVATIONS, INITIALIZERS
from helpers.data import Dataset
from helpers.measure import UNITS, _check_dataset
from helpers.networks import check_normalization, make_mlp

tf.get_logger().setLevel("ERROR")  # it warns of retracing, which is not the learner's business

RECORDED = {
    "loss": ("loss", "1"),
    "accuracy": ("accuracy over the whole data set", "1"),
    **UNITS,
    "weight_mean": ("mean weight", "1"),
    "weight_std": ("standard deviation of the weights", "1"),
    "update_ratio": ("update ratio, std(update) / std(kernel)", "1"),
    "kernel": ("kernel", "1"),
    "gradient": ("kernel gradient", "loss per unit of weight"),
}
KEEP = ("kernel", "gradient")
CLIPS = ("global_norm", "norm", "value")
CHUNKS = 12  # progress is told at least that often


class Rule(NamedTuple):
    """An optimizer of the compiled loop: how Keras makes it, and the constants it reads there."""

    keras: type
    learning_rate: float
    constants: dict[str, float]


OPTIMIZERS = Named(
    "optimizer",
    {
        "sgd": Rule(keras.optimizers.SGD, 0.01, {}),
        "momentum": Rule(keras.optimizers.SGD, 0.01, {"momentum": 0.9}),
        "rmsprop": Rule(keras.optimizers.RMSprop, 0.001, {"rho": 0.9, "epsilon": 1e-7}),
        "adam": Rule(
            keras.optimizers.Adam, 0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
        ),
    },
)
LOSSES = {  # by whether the network has one output
    True: ("binary_crossentropy", "mean_squared_error"),
    False: ("categorical_crossentropy", "mean_squared_error"),
}
_COURSE_ACTIVATIONS = tuple(ACTIVATIONS.values())  # one program serves them all


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
    progress=None,
    stop=None,
) -> xr.Dataset:
    """Train networks as ``make_mlp`` builds them, and record everything.

    Replicate k starts from the weights of ``make_mlp(..., seed=seed, replicate=k)``; all take the
    same batches. Computed in Keras's float type (``keras.config.floatx()``, float32).

    The first run of a kind compiles for a second or two, and the program is kept for good (some
    100 MB at width 5): a kind is a size of data set, width, batch size, number of replicates,
    optimizer, loss, sort of clip, normalization and residual. Anything else, such as the depth (to
    50), the activation, initializer, seed or learning rate, may change at no cost. An activation
    that you added to the catalogue compiles once more.

    Parameters
    ----------
    activation, initializer, depth, width, normalization, residual
        As in ``make_mlp``. Accuracy under batch normalisation uses the whole data set's statistics.
    loss : str, optional
        "binary_crossentropy" (the default for two classes), "categorical_crossentropy" (for more)
        or "mean_squared_error".
    optimizer : str or keras.optimizers.Optimizer
        "sgd", "momentum" (0.9), "rmsprop", "adam" with Keras's rules and defaults. A Keras
        optimizer that isn't one of these serves too, but each replicate compiles by itself.
    learning_rate : float, optional
        Keras's default for the optimizer if left out: 0.01 for the first two, else 0.001.
    clip : (str, float), optional
        ("global_norm" | "norm" | "value", threshold): the gradient of all variables together, of
        each variable, or each entry is cut to the threshold.
    keep : sequence of str
        Full arrays to store besides, "kernel" and "gradient": dims replicate, step, layer, fan_in,
        fan_out, with NaN where a layer is smaller.
    progress : callable, optional
        ``progress(share_done)``, called at least 12 times in a long run, the last time with 1.
    stop : callable, optional
        Asked after each part; once it returns true, the run ends and returns what it has.

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
    entry, sampler = ACTIVATIONS[activation], INITIALIZERS[initializer]
    depth, width = whole_number("depth", depth), whole_number("width", width)
    num_replicates = whole_number("num_replicates", num_replicates)
    check_normalization(normalization)
    _check_dataset(dataset)
    loss = _loss(loss, dataset.num_outputs)
    plan = _Plan.make(dataset, epochs, batch_size, seed, record_every, keep, progress, stop)
    kind, threshold = _clip(clip)
    rule = _rule(optimizer)
    network = {
        "activation": activation, "initializer": initializer, "depth": depth, "width": width,
        "normalization": normalization, "residual": residual,
    }  # fmt: skip
    if rule is None:
        runs = []
        for replicate in range(num_replicates):
            model = make_mlp(**network, num_inputs=dataset.num_inputs, seed=seed,
                             num_outputs=dataset.num_outputs, replicate=replicate)  # fmt: skip
            runs.append(train_model(
                model, dataset, loss=loss, optimizer=optimizer, learning_rate=learning_rate,
                clip=clip, epochs=epochs, batch_size=batch_size, seed=seed,
                record_every=record_every, keep=keep, progress=progress, stop=stop,
            ))  # fmt: skip
        together = xr.concat(runs, xr.DataArray(range(num_replicates), dims="replicate"))
        return together.assign_attrs(_plain(network | {"num_replicates": num_replicates}))
    name, default_rate, constants = rule
    rate = positive_number("learning_rate", default_rate if learning_rate is None else learning_rate)

    dtype = keras.config.floatx()
    course = any(entry is other for other in _COURSE_ACTIVATIONS)
    activations = _COURSE_ACTIVATIONS if course else (entry,)
    spec = universal.Spec(
        len(dataset), dataset.num_inputs, width, dataset.num_outputs, plan.batch_size,
        num_replicates, name, kind, loss, normalization, bool(residual), activations,
        layers=universal.DEPTH * math.ceil(depth / universal.DEPTH), keep=bool(keep), dtype=dtype,
    )  # fmt: skip
    run = universal.program(spec)
    blocks = _first_blocks(spec, sampler, entry, depth, seed)
    slots = [tuple(tf.zeros_like(block) for block in blocks) for _ in range(spec.num_slots)]
    carried = tf.zeros(num_replicates, dtype), tf.fill([num_replicates], -1)
    choice = {
        "depth": tf.constant(depth),
        "branch": tf.constant(next(i for i, other in enumerate(activations) if other is entry)),
        "learned": tf.constant(entry.slope_kind == "learned"),
        "largest": tf.constant(entry.largest_slope, dtype),
        "epoch": tf.constant(plan.steps_per_epoch),
    }
    keys = np.array([
        np.random.SeedSequence([seed, replicate], spawn_key=(1,)).generate_state(1)[0]
        for replicate in range(num_replicates)
    ])  # fmt: skip
    fixed = (
        tf.constant(dataset.x, dtype), tf.constant(dataset.y, dtype), tf.constant(plan.order),
        tf.constant(keys, tf.uint32),
    )  # fmt: skip
    settings = tf.constant([rate, threshold, *constants], dtype)
    every = tf.constant(plan.record_every)

    parts = []
    for first, steps, rows in plan.chunks(spec.steps(depth)):
        blocks, slots, carried, scores, statistics, arrays = run(
            blocks, slots, carried, *fixed, tf.constant(first), tf.constant(steps), every,
            settings, choice,
        )  # fmt: skip
        parts.append(_unpack(rows, depth, scores, statistics, arrays))
    names = [*(f"hidden_{number}" for number in range(1, depth + 1)), "output"]
    attrs = network | {
        "loss": loss, "optimizer": name, "learning_rate": rate, "clip": clip,
        "num_replicates": num_replicates, "compiled": "XLA" if universal.has_xla() else "tf.function",
    }  # fmt: skip
    return _recording(plan, parts, names, carried[1].numpy(), attrs)


# ---------------------------------------------------------------- what a run is told


class _Plan:
    """The batches of a run, the rows to record, and the chunks it runs in."""

    @classmethod
    def make(cls, dataset, epochs, batch_size, seed, record_every, keep, progress, stop):
        plan = cls()
        plan.dataset = dataset
        plan.epochs = whole_number("epochs", epochs, low=0)
        plan.batch_size = whole_number("batch_size", batch_size, high=len(dataset))
        plan.seed = whole_number("seed", seed, low=0)
        plan.record_every = whole_number("record_every", record_every)
        plan.keep = (keep,) if isinstance(keep, str) else tuple(keep)
        if not set(plan.keep) <= set(KEEP):
            raise ValueError(f"keep may hold {' and '.join(map(repr, KEEP))}; got {keep!r}.")
        for name, call in (("progress", progress), ("stop", stop)):
            if call is not None and not callable(call):
                raise ValueError(f"{name} must be a function or None; got {call!r}.")
        plan.progress, plan.stop, plan.stopped = progress, stop, False
        plan.steps_per_epoch = len(dataset) // plan.batch_size
        plan.num_steps = plan.epochs * plan.steps_per_epoch
        rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(0,)))
        used = plan.steps_per_epoch * plan.batch_size
        # one epoch more: the row after the last update is measured on the batch that would follow
        order = [rng.permutation(len(dataset))[:used] for _ in range(plan.epochs + 1)]
        plan.order = np.concatenate(order).reshape(-1, plan.batch_size).astype(np.int32)
        return plan

    def chunks(self, room):
        """Yield (first step, number of steps, rows recorded), and tell and ask in between.

        A chunk starts at a row's step; `room` is how many steps can be recorded in one.
        """
        every, total = self.record_every, self.num_steps
        rows = max(1, min(room - 1, math.ceil(total / CHUNKS / every)))
        for first in range(0, total, rows * every):
            steps = min(rows * every, total - first)
            yield first, steps, math.ceil(steps / every)
            self.done = first + steps
            if self.progress is not None:
                self.progress(self.done / max(total, 1) if self.done < total else 0.999)
            if self.stop is not None and self.stop():
                self.stopped = True
                return
        self.done = total
        yield total, 1, 1  # only to measure: its update is not used
        if self.progress is not None:
            self.progress(1.0)

    @property
    def attrs(self):
        return {
            "dataset": self.dataset.name, "num_examples": len(self.dataset), "epochs": self.epochs,
            "batch_size": self.batch_size, "steps_per_epoch": self.steps_per_epoch,
            "seed": self.seed, "record_every": self.record_every, "keep": " ".join(self.keep),
            "stopped": self.stopped, "precision": keras.config.floatx(),
        }  # fmt: skip


def _loss(loss, num_outputs):
    allowed = LOSSES[num_outputs == 1]
    if loss is None:
        return allowed[0]
    if loss not in allowed:
        raise ValueError(
            f"loss must be None or {' or '.join(map(repr, allowed))} for {num_outputs} "
            f"output{'s' * (num_outputs > 1)}; got {loss!r}."
        )
    return loss


def _clip(clip):
    """A kind of clipping or None, and its threshold."""
    if clip is None:
        return None, 1.0
    if not isinstance(clip, (tuple, list)) or len(clip) != 2 or clip[0] not in CLIPS:
        raise ValueError(
            f"clip must be None or a pair ({' | '.join(map(repr, CLIPS))}, threshold); got {clip!r}."
        )
    return clip[0], positive_number("the threshold of clip", clip[1])


def _rule(optimizer):
    """Name, learning rate and constants for the compiled loop; None for another Keras optimizer."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        rule = OPTIMIZERS[optimizer]
        return optimizer, rule.learning_rate, [*rule.constants.values()]
    config = optimizer.get_config()
    for name in reversed(OPTIMIZERS):  # momentum before sgd: it covers more
        rule = OPTIMIZERS[name]
        plain = rule.keras().get_config()
        special = {key for key in config if key not in plain or config[key] != plain[key]}
        if type(optimizer) is rule.keras and special <= {"name", "learning_rate", *rule.constants}:
            if not isinstance(config["learning_rate"], (int, float)):
                return None  # a schedule
            if name == "momentum" and not optimizer.momentum:
                continue
            return name, config["learning_rate"], [config[key] for key in rule.constants]
    return None


def _plain(attrs):
    """Only what a netCDF file can hold: numbers and text."""

    def plain(value):
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, (tuple, list)):
            return " ".join(map(str, value))
        return value if isinstance(value, (int, float, str)) else str(value)

    return {key: plain(value) for key, value in attrs.items()}


# ---------------------------------------------------------------- in and out of the program


def _first_blocks(spec, sampler, entry, depth, seed):
    """The parameters as initialised, in the blocks that ``universal`` describes."""

    def block(fan_in, fan_out, layer, extra):
        rows = np.zeros((spec.num_replicates, fan_in + extra, fan_out), spec.dtype)
        for replicate in range(spec.num_replicates):
            rows[replicate, :fan_in] = sampler.sample(
                fan_in, fan_out, seed=seed, replicate=replicate, layer=layer
            )
        if layer:
            rows[:, fan_in + 1] = entry.slope if entry.slope_kind == "learned" else 0
        if layer and spec.normalization:
            rows[:, fan_in + 2] = 1
        return rows

    width, extra = spec.width, spec.extra_rows
    stack = np.zeros((spec.layers, spec.num_replicates, width + extra, width), spec.dtype)
    for number in range(1, depth):
        stack[number] = block(width, width, number + 1, extra)
    first = block(spec.num_inputs, width, 1, extra)
    last = block(width, spec.num_outputs, 0, 1)
    return tuple(tf.constant(blocks) for blocks in (first, stack, last))


def _unpack(rows, depth, scores, statistics, arrays):
    """What a chunk returned -> {name: array (replicate, row, layer, ...)}, only the rows in use."""

    def by_layer(first, hidden, last):
        """Rows and layers together; the first layer's kernel is not in the long buffer."""
        hidden = hidden[: rows * depth].reshape(rows, depth, *hidden.shape[1:])
        parts = [hidden, last[:rows, None]]
        return [first[:rows, None], hidden[:, 1:], last[:rows, None]] if first is not None else parts

    first, hidden, last = (part.numpy() for part in statistics)
    part = dict(zip(("loss", "accuracy"), scores.numpy()[:, :rows].swapaxes(1, 2), strict=True))
    for index, name in enumerate(universal.BY_LAYER):
        head = first[index] if name in universal.OF_KERNEL else None
        layers = np.concatenate(by_layer(head, hidden[index], last[index]), axis=1)
        part[name] = np.moveaxis(layers, -1, 0)
    if arrays:
        for name, *kernels in zip(("gradient", "kernel"), *arrays, strict=True):
            kernels = by_layer(*(kernel.numpy() for kernel in kernels))
            part[name] = _padded([k[:, i] for k in kernels for i in range(k.shape[1])])
    return part


def _padded(kernels):
    """Arrays (row, replicate, fan_in, fan_out), one a layer -> one array, NaN where there's none."""
    rows, replicates = kernels[0].shape[:2]
    size = [max(kernel.shape[axis] for kernel in kernels) for axis in (2, 3)]
    whole = np.full((replicates, rows, len(kernels), *size), np.nan, kernels[0].dtype)
    for number, kernel in enumerate(kernels):
        _, _, fan_in, fan_out = kernel.shape
        whole[:, :, number, :fan_in, :fan_out] = kernel.swapaxes(0, 1)
    return whole


def _recording(plan, parts, names, failed, attrs):
    """Chunks -> one labelled data set."""
    dims = ("replicate", "step", "layer", "fan_in", "fan_out")
    variables = {}
    for name, (long_name, units) in RECORDED.items():
        if name in parts[0] and (name not in KEEP or name in plan.keep):
            values = np.concatenate([part[name] for part in parts], axis=1)
            variables[name] = (dims[: values.ndim], values, {"long_name": long_name, "units": units})
    count = variables["loss"][1].shape[1]
    steps = np.arange(count) * plan.record_every
    if not plan.stopped:
        steps[-1] = plan.num_steps
    recording = xr.Dataset(
        variables,
        coords={
            "replicate": np.arange(len(variables["loss"][1])),
            "step": ("step", steps, {"long_name": "updates made", "units": "1"}),
            "epoch": ("step", steps / plan.steps_per_epoch, {"long_name": "epoch", "units": "1"}),
            "layer": names,
        },
    )
    hidden = recording["dead"].sel(layer=[name for name in names if name.startswith("hidden")])
    dead = (hidden == 1).any(("replicate", "layer")).values
    attrs = attrs | plan.attrs | {
        "diverged_at": int(min(failed[failed >= 0], default=-1)),
        "dead_at": int(steps[dead][0]) if dead.any() else -1,
    }  # fmt: skip
    return recording.assign_attrs(_plain(attrs))
