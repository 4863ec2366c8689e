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

import ctypes
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from helpers import universal, unrolled
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, check_normalization
from helpers.checks import Named, positive_number, whole_number
from helpers.data import Dataset, check_dataset
from helpers.measure import UNITS
from helpers.networks import make_mlp

tf.get_logger().setLevel("ERROR")  # it warns of retracing, which is not the learner's business


RECORDED = {
    "loss": ("loss", "1"),
    "accuracy": ("accuracy over the whole data set", "1"),
    **UNITS,
    "weight_mean": ("mean weight", "1"),
    "weight_std": ("standard deviation of the weights", "1"),
    "update_ratio": ("update ratio, std(update) / std(kernel)", "1"),
    "output": ("output at the probes", "1"),
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
# XLA's loop keeps to one processor, so the replicates take two; the threads stay, since glibc keeps
# some memory for every thread there ever was.
_HALVES = ThreadPoolExecutor(2)
_COMPILED = set()  # the kinds of run that are


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
    same batches. Computed in Keras's float type (``keras.config.floatx()``, float32).

    The first run of a kind compiles for two or three seconds, and the program is kept for good
    (some 40 MB, the first 100): a kind is a size of data set, room for 8, 16, 32 or 64 units (or a
    larger width itself), batch size, number of replicates, loss, sort of clip, normalization, and
    whether arrays are kept. Anything else, such as depth (to 50), activation, initializer,
    optimizer, learning rate, skip or seed, may change at no cost. An activation that you added to
    the catalogue compiles once more.

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
    probe : array, shape (num_points, num_inputs), optional
        Inputs at which to record "output" (dims replicate, step, point) along with the accuracy:
        the probability of class 1, or the likeliest of more than two classes.
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
    check_dataset(dataset)
    loss = _loss(loss, dataset.num_outputs)
    plan = _Plan.make(dataset, epochs, batch_size, seed, record_every, keep, progress, stop)
    kind, threshold = _clip(clip)
    rule = _rule(optimizer)
    network = {
        "activation": activation, "initializer": initializer, "depth": depth, "width": width,
        "normalization": normalization, "residual": residual,
    }  # fmt: skip
    probe = _probe(probe, dataset.num_inputs)
    if rule is None:
        if len(probe):
            raise ValueError("probe needs one of the optimizers sgd, momentum, rmsprop, adam.")
        models = (
            make_mlp(**network, num_inputs=dataset.num_inputs, num_outputs=dataset.num_outputs,
                     seed=seed, replicate=replicate)
            for replicate in range(num_replicates)
        )  # fmt: skip
        return _one_by_one(models, num_replicates, progress, network, dataset=dataset, loss=loss,
                           optimizer=optimizer, learning_rate=learning_rate, clip=clip,
                           epochs=epochs, batch_size=batch_size, seed=seed,
                           record_every=record_every, keep=keep, stop=stop)  # fmt: skip
    name, default_rate, constants = rule
    rate = positive_number(
        "learning_rate", default_rate if learning_rate is None else learning_rate
    )

    dtype = keras.config.floatx()
    course = any(entry is other for other in _COURSE_ACTIVATIONS)
    activations = _COURSE_ACTIVATIONS if course else (entry,)
    place = next(i for i, other in enumerate(activations) if other is entry)
    groups = np.split(np.arange(num_replicates), 2 if num_replicates % 2 == 0 else 1)
    spec = universal.Spec(
        len(dataset), dataset.num_inputs, universal.room_for(width), dataset.num_outputs,
        plan.batch_size, len(groups[0]), kind, loss, normalization, activations,
        layers=universal.DEPTH * math.ceil(depth / universal.DEPTH), keep=bool(keep),
        num_probes=len(probe), dtype=dtype,
    )  # fmt: skip
    run = universal.program(spec)
    states = []
    for group in groups:
        blocks = _first_blocks(spec, sampler, entry, depth, width, seed, group)
        slots = [
            tuple(tf.zeros_like(block) for block in blocks) for _ in range(universal.NUM_SLOTS)
        ]
        states.append((blocks, slots, _carried(len(group), spec)))
    keys = np.split(universal.replicate_keys(seed, num_replicates), len(groups))
    choice = {
        "depth": tf.constant(depth),
        "width": tf.constant(width),
        "residual": tf.constant(bool(residual)),
        "branch": tf.constant(universal.branch_numbers(activations)[place]),
        "learned": tf.constant(entry.slope_kind == "learned"),
        "largest": tf.constant(entry.largest_slope, dtype),
        "epoch": tf.constant(plan.steps_per_epoch),
    }
    fixed = tf.constant(np.concatenate([dataset.x, probe]), dtype), tf.constant(dataset.y, dtype)
    settings = tf.constant([rate, threshold, *universal.rule(name, constants)], dtype)
    every = tf.constant(plan.record_every)

    parts = []
    for first, steps, batches, rows in plan.chunks(spec.steps(depth), spec.room):
        now = batches, tf.constant(first), tf.constant(steps), every, settings, choice
        outcomes = list(
            _HALVES.map(lambda state, key, now=now: run(*state, *fixed, key, *now), states, keys)
        )
        states = [outcome[:3] for outcome in outcomes]
        unpacked = [_unpack(rows, depth, width, *outcome[3:]) for outcome in outcomes]
        parts.append({k: np.concatenate([u[k] for u in unpacked]) for k in unpacked[0]})
    if spec not in _COMPILED:
        _COMPILED.add(spec)
        _give_memory_back()
    failed = np.concatenate([carried[1].numpy() for _, _, carried in states])
    names = [*(f"hidden_{number}" for number in range(1, depth + 1)), "output"]
    attrs = network | {
        "loss": loss, "optimizer": name, "learning_rate": rate, "clip": clip,
        "num_replicates": num_replicates,
        "compiled": "XLA" if universal.has_xla() else "tf.function",
    }  # fmt: skip
    return _recording(plan, parts, names, failed, attrs)


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
    "lstm" and "lstm_recurrent". activation_*, delta_norm, saturation and dead need a
    pre-activation: they're there for every ``Dense`` of the model itself, whether the activation is
    its own or a layer that follows it, and NaN elsewhere. Accuracy is what ``model.evaluate`` would
    say, so batch normalisation uses its moving averages there.

    The model compiles in a second or more (a deep one takes longer, and up to 100 MB that are never
    freed); the next run of the same model and settings starts at once.

    Parameters
    ----------
    model : keras.Model
        Takes (num_examples, num_inputs), ends in a sigmoid for two classes, in a softmax for more.
        It needn't be compiled.
    The others as in `train`; an optimizer of yours is copied, so that every run starts fresh.

    Raises
    ------
    ValueError
        For a model that doesn't fit the data set or has no kernel, or a number out of range.
    """
    check_dataset(dataset)
    plan = _Plan.make(dataset, epochs, batch_size, seed, record_every, keep, progress, stop)
    _check_model(model, dataset)
    loss = _loss(loss, dataset.num_outputs)
    optimizer = _keras_optimizer(optimizer, learning_rate, clip)
    program = unrolled.program(
        model, len(dataset), plan.batch_size, dataset.num_outputs, loss, optimizer, bool(plan.keep)
    )
    program.reset()
    carried = tf.zeros((), program.dtype), tf.constant(-1)
    fixed = tf.constant(dataset.x, program.dtype), tf.constant(dataset.y, program.dtype)
    numbers = tf.constant(plan.record_every), tf.constant(plan.steps_per_epoch)
    names = list(program.kernels)
    parts = []
    for first, steps, batches, rows in plan.chunks(program.rows, program.rows):
        only_measure = tf.constant(first == plan.num_steps)
        carried, table, arrays = program.run(
            carried, *fixed, batches, tf.constant(first), tf.constant(steps), *numbers, only_measure
        )
        parts.append(_unpack_model(program, names, rows, table.numpy(), arrays))
    if program.is_new:
        program.is_new = False
        _give_memory_back()
    attrs = {
        "model": model.name, "loss": loss, "optimizer": optimizer.name,
        "learning_rate": float(optimizer.learning_rate), "clip": clip,
        "compiled": "XLA" if universal.has_xla() else "tf.function",
    }  # fmt: skip
    return _recording(plan, parts, names, np.atleast_1d(carried[1].numpy()), attrs)


class WeightCapture(keras.callbacks.Callback):
    """Keep every kernel while ``model.fit`` runs, from the initial ones on: source A's callback.

    ::

        capture = WeightCapture()
        model.fit(x, y, epochs=100, callbacks=[capture])
        capture.recording

    `weights` is a list of dicts, one for the start and one for each epoch: layer name -> kernel.
    A second ``fit`` goes on where the first ended.
    """

    def __init__(self):
        super().__init__()
        self.weights, self._logs, self._steps = [], [], []

    def on_train_begin(self, logs=None):
        """Keep the weights as they are before the first update."""
        if not self.weights and self.model.built:
            self._keep({})

    def on_train_batch_begin(self, batch, logs=None):
        """Catch up for a model that's built only by its first batch."""
        if not self.weights:
            self._keep({})

    def on_epoch_end(self, epoch, logs=None):
        """Keep the weights after this epoch."""
        self._keep(logs or {})

    def _keep(self, logs):
        kernels = unrolled.kernels(self.model)
        self.weights.append({name: kernel.numpy() for name, kernel in kernels.items()})
        self._logs.append(logs)
        self._steps.append(int(self.model.optimizer.iterations))

    @property
    def recording(self) -> xr.Dataset:
        """A recording with one row an epoch: kernel, weight_mean, weight_std, loss, accuracy.

        Loss and accuracy are what Keras reports for an epoch: means over its batches, while the
        weights change. Row 0 has none.

        Raises
        ------
        ValueError
            Before any ``fit``.
        """
        if not self.weights:
            raise ValueError("nothing was captured yet: pass this to model.fit(callbacks=[...]).")
        names = list(self.weights[0])
        kernels = [
            np.stack([row[name].reshape(-1, row[name].shape[-1]) for row in self.weights])[:, None]
            for name in names
        ]
        part = {
            name: np.array([[logs.get(name, np.nan) for logs in self._logs]])
            for name in ("loss", "accuracy")
        }
        for name, statistic in (("weight_mean", np.mean), ("weight_std", np.std)):
            part[name] = np.stack([statistic(k, axis=(2, 3)).T for k in kernels], axis=-1)
        part["kernel"] = _padded(kernels)
        epochs = np.arange(len(self.weights))
        return _dataset(part, names, self._steps, epochs).assign_attrs({"model": self.model.name})


def _one_by_one(models, count, progress, network, **arguments):
    """Train Keras models in turn, as the replicates of one recording."""
    runs = []
    for number, model in enumerate(models):
        tell = progress and (lambda done, number=number: progress((number + done) / count))
        runs.append(train_model(model, **arguments, progress=tell))
        if runs[-1].attrs["stopped"]:
            break
    together = xr.concat(runs, xr.DataArray(range(len(runs)), dims="replicate", name="replicate"))
    for name in ("diverged_at", "dead_at"):
        steps = [run.attrs[name] for run in runs if run.attrs[name] >= 0]
        together.attrs[name] = min(steps, default=-1)
    return together.assign_attrs(
        _plain(network | {"num_replicates": count, "stopped": runs[-1].attrs["stopped"]})
    )


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

    def chunks(self, room, length):
        """Yield (first step, number of steps, batches, rows recorded); tell and ask in between.

        `room` is how many rows a chunk can record, `length` how many batches it takes; the batches
        always have that shape, since another would be another program.
        """
        every, total = self.record_every, self.num_steps
        watched = self.progress is not None or self.stop is not None
        most = max(
            1, min(length, (room - 1) * every, math.ceil(total / (CHUNKS if watched else 1)))
        )
        for first in range(0, total, most):
            steps = min(most, total - first)
            rows = math.ceil((first + steps) / every) - math.ceil(first / every)
            yield first, steps, self._batches(first, steps, length), rows
            if self.progress is not None:
                self.progress(min((first + steps) / total, 0.999))  # 1 is told by the last row
            if self.stop is not None and self.stop():
                self.stopped = True
                return
        # only to measure: its update is not used
        yield total, 1, self._batches(total, 1, length), 1
        if self.progress is not None:
            self.progress(1.0)

    def _batches(self, first, steps, length):
        batches = np.zeros((length, self.batch_size), np.int32)
        batches[:steps] = self.order[first : first + steps]
        return tf.constant(batches)

    @property
    def attrs(self):
        return {
            "dataset": self.dataset.name, "num_examples": len(self.dataset), "epochs": self.epochs,
            "batch_size": self.batch_size, "steps_per_epoch": self.steps_per_epoch,
            "seed": self.seed, "record_every": self.record_every, "keep": " ".join(self.keep),
            "stopped": self.stopped, "precision": keras.config.floatx(),
        }  # fmt: skip


def _give_memory_back():
    """Return to the system what compiling needed for a moment: glibc would keep some 150 MB."""
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)


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
    """Return a kind of clipping or None, and its threshold."""
    if clip is None:
        return None, 1.0
    if not isinstance(clip, (tuple, list)) or len(clip) != 2 or clip[0] not in CLIPS:
        raise ValueError(
            f"clip must be None or a pair, {' or '.join(map(repr, CLIPS))} and a threshold; "
            f"got {clip!r}."
        )
    return clip[0], positive_number("the threshold of clip", clip[1])


def _probe(probe, num_inputs):
    """Return the inputs to look at, shape (num_points, num_inputs); None is 0 points."""
    points = np.zeros((0, num_inputs)) if probe is None else np.asarray(probe, np.float64)
    if points.ndim != 2 or points.shape[1] != num_inputs or not np.isfinite(points).all():
        raise ValueError(
            f"probe must be finite, of shape (num_points, {num_inputs}); got {points.shape}."
        )
    return points


def _rule(optimizer):
    """Name, learning rate and constants for the compiled loop; None for another Keras optimizer."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        rule = OPTIMIZERS[optimizer]
        return optimizer, rule.learning_rate, rule.constants
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
            return name, config["learning_rate"], {key: config[key] for key in rule.constants}
    return None


def _keras_optimizer(optimizer, learning_rate, clip):
    """Make a fresh Keras optimizer with these settings."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        kind, settings = type(optimizer), optimizer.get_config()
    else:
        rule = OPTIMIZERS[optimizer]
        kind, settings = rule.keras, {"name": optimizer, **rule.constants}
    if learning_rate is not None:
        settings["learning_rate"] = positive_number("learning_rate", learning_rate)
    sort, threshold = _clip(clip)
    if sort is not None:
        argument = {"global_norm": "global_clipnorm", "norm": "clipnorm", "value": "clipvalue"}[
            sort
        ]
        settings[argument] = threshold
    return kind.from_config(settings)


def _check_model(model, dataset):
    """Raise a ``ValueError`` unless `model` takes and gives what `dataset` holds."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model; got {type(model).__name__}.")
    if not model.built:
        model.build((None, dataset.num_inputs))
    shapes = model.input_shape, model.output_shape
    fits = (None, dataset.num_inputs), (None, dataset.num_outputs)
    if shapes != fits:
        raise ValueError(
            f"the model takes {shapes[0]} to {shapes[1]}, but {dataset.name!r} needs "
            f"{fits[0]} to {fits[1]}."
        )
    if not unrolled.kernels(model):
        raise ValueError(f"the model {model.name!r} has no kernel to train and to record.")


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


def _carried(num_replicates, spec):
    """Say what goes from step to step: the last scores, and the step of the first failure."""
    scores = tf.zeros((num_replicates, 1 + spec.num_probes), spec.dtype)
    return scores, tf.fill([num_replicates], -1)


def _first_blocks(spec, sampler, entry, depth, width, seed, replicates):
    """Draw the parameters of these replicates as initialised, in the blocks of ``universal``."""

    def block(fan_in, fan_out, layer, shape):
        rows = np.zeros((spec.num_replicates, *shape), spec.dtype)
        for place, replicate in enumerate(replicates):
            rows[place, :fan_in, :fan_out] = sampler.sample(
                fan_in, fan_out, seed=seed, replicate=replicate, layer=layer
            )
            bias = -universal.EXTRA_ROWS if layer else -1
            rows[place, bias, :fan_out] = sampler.sample_bias(
                fan_out, seed=seed, replicate=replicate, layer=layer
            )
        if layer:
            rows[:, -3] = entry.slope or 0
            rows[:, -2] = 1  # the scale of batch normalisation
        return rows

    room, extra = spec.width, universal.EXTRA_ROWS
    stack = np.zeros((spec.layers, spec.num_replicates, room + extra, room), spec.dtype)
    for number in range(1, depth):
        stack[number] = block(width, width, number + 1, stack.shape[2:])
    first = block(spec.num_inputs, width, 1, (spec.num_inputs + extra, room))
    last = block(width, spec.num_outputs, 0, (room + 1, spec.num_outputs))
    return tuple(tf.constant(blocks) for blocks in (first, stack, last))


def _unpack(rows, depth, width, scores, statistics, arrays):
    """Turn what a chunk returned into {name: array (replicate, row, layer, ...)}."""

    def by_layer(first, hidden, last):
        """Rows and layers together; the first layer's kernel is not in the long buffer."""
        hidden = hidden[: rows * depth].reshape(rows, depth, *hidden.shape[1:])
        parts = [hidden, last[:rows, None]]
        return (
            [first[:rows, None], hidden[:, 1:], last[:rows, None]] if first is not None else parts
        )

    first, hidden, last = (part.numpy() for part in statistics)
    loss, score = (score.numpy()[:rows].swapaxes(0, 1) for score in scores)
    part = {"loss": loss, "accuracy": score[..., 0]}
    if score.shape[-1] > 1:
        part["output"] = score[..., 1:]
    for index, name in enumerate(universal.BY_LAYER):
        head = first[index] if name in universal.OF_KERNEL else None
        layers = np.concatenate(by_layer(head, hidden[index], last[index]), axis=1)
        part[name] = np.moveaxis(layers, -1, 0)
    if arrays:
        for name, *kernels in zip(("gradient", "kernel"), *arrays, strict=True):
            head, hidden, last = (kernel.numpy() for kernel in kernels)
            head, hidden = head[..., :width], hidden[..., :width, :width]
            kernels = by_layer(head, hidden, last[..., :width, :])
            part[name] = _padded([k[:, i] for k in kernels for i in range(k.shape[1])])
    return part


def _padded(kernels):
    """Put arrays (row, replicate, fan_in, fan_out), one a layer, into one, with NaN around."""
    rows, replicates = kernels[0].shape[:2]
    size = [max(kernel.shape[axis] for kernel in kernels) for axis in (2, 3)]
    whole = np.full((replicates, rows, len(kernels), *size), np.nan, kernels[0].dtype)
    for number, kernel in enumerate(kernels):
        _, _, fan_in, fan_out = kernel.shape
        whole[:, :, number, :fan_in, :fan_out] = kernel.swapaxes(0, 1)
    return whole


def _unpack_model(program, names, rows, blocks, arrays):
    """Do the same for a program of ``unrolled``, which has one replicate."""
    flat = blocks.swapaxes(0, 1).reshape(blocks.shape[1], -1)[:, :rows]
    part = {"loss": flat[None, 0], "accuracy": flat[None, 1]}
    of_kernels, of_taps = (
        [names.index(name) for group in groups.values() for name in group]
        for groups in (program.of_kernels, program.of_taps)
    )
    count = len(universal.OF_KERNEL)
    table = np.full((len(universal.BY_LAYER), len(names), rows), np.nan, flat.dtype)
    split = 2 + count * len(names)
    for places, part_of, values in (
        (of_kernels, table[:count], flat[2:split]), (of_taps, table[count:], flat[split:])
    ):  # fmt: skip
        part_of[:, places] = values.reshape(len(places), len(part_of), rows).swapaxes(0, 1)
    part |= {name: table[index].T[None] for index, name in enumerate(universal.BY_LAYER)}
    if arrays:
        arrays = [array.numpy() for array in arrays]
        arrays = [array.reshape(-1, 1, *array.shape[2:])[:rows] for array in arrays]
        layers = [array[:, :, number] for array in arrays for number in range(array.shape[2])]
        for name, some in (("gradient", layers[: len(names)]), ("kernel", layers[len(names) :])):
            in_order = dict(zip(of_kernels, some, strict=True))
            part[name] = _padded([in_order[place] for place in range(len(names))])
    return part


def _dataset(part, names, steps, epochs):
    """Arrays (replicate, step, layer, ...) by name -> a labelled data set."""
    by_layer = ("replicate", "step", "layer", "fan_in", "fan_out")
    dims = {name: by_layer[: part[name].ndim] for name in part} | {
        "output": ("replicate", "step", "point")
    }
    return xr.Dataset(
        {
            name: (dims[name], part[name], {"long_name": long_name, "units": units})
            for name, (long_name, units) in RECORDED.items()
            if name in part
        },
        coords={
            "replicate": np.arange(len(part["loss"])),
            "step": ("step", steps, {"long_name": "updates made", "units": "1"}),
            "epoch": ("step", epochs, {"long_name": "epoch", "units": "1"}),
            "layer": names,
        },
    )


def _recording(plan, parts, names, failed, attrs):
    """Chunks -> the recording."""
    part = {
        name: np.concatenate([part[name] for part in parts], axis=1)
        for name in parts[0]
        if name not in KEEP or name in plan.keep
    }
    steps = np.arange(part["loss"].shape[1]) * plan.record_every
    if not plan.stopped:
        steps[-1] = plan.num_steps
    dead = (part["dead"][:, :, : len(names) - 1] == 1).any(axis=(0, 2))
    attrs = attrs | plan.attrs | {
        "diverged_at": int(min(failed[failed >= 0], default=-1)),
        "dead_at": int(steps[dead][0]) if dead.any() else -1,
    }  # fmt: skip
    return _dataset(part, names, steps, steps / plan.steps_per_epoch).assign_attrs(_plain(attrs))
