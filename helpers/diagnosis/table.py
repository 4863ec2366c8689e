"""What is measured of a model, layer by layer: a pass over the data, and an ``xarray.Dataset``."""

import numpy as np
import tensorflow as tf
import xarray as xr

from helpers.diagnosis import sums
from helpers.diagnosis.catching import Catcher
from helpers.measure import STATISTICS

LABELS = {
    **STATISTICS,
    "delta_norm": ("delta norm (RMS over examples)", "loss per unit of z"),
    "weight_norm": ("kernel norm (Frobenius)", "1"),
    "weight_mean": ("mean weight", "1"),
    "weight_std": ("standard deviation of the weights", "1"),
    "update_ratio": ("update ratio, std(update) / std(kernel)", "1"),
    "zero_share": ("share of activations that are exactly 0", "1"),
    "pre_activation_rms": ("root mean square of z", "1"),
    "input_rms": ("root mean square of the layer's input", "1"),
    "tokens_alike": ("mean correlation of two places of one example", "1"),
    "time_ratio": ("gradient at the first time steps / at the last", "1"),
}


class Meter:
    """Measures batches of one model: with plain tensors, so that TensorFlow may compile it.

    Parameters
    ----------
    model, loss, anatomy
        The model, its `Loss`, its ``anatomy``.
    step : Step, optional
        What an update would do, for `update_ratio`.
    """

    def __init__(self, model, loss, anatomy, step=None, **options):
        self.model = model
        self.loss = loss
        self.anatomy = anatomy
        self.parts = [part for part in anatomy.parts if part.sites]
        self.step = step
        self.training = not options.get("at_rest", False)
        self.catcher = Catcher(anatomy, **options)
        trained = {id(v): number for number, v in enumerate(model.trainable_variables)}
        # frozen kernels have a gradient, too: it is only never used
        frozen = [p.kernel.variable for p in anatomy.parts if id(p.kernel.variable) not in trained]
        self.variables = [*model.trainable_variables, *frozen]
        self.num_trained = len(trained)
        place = {id(v): number for number, v in enumerate(self.variables)}
        self.places = [place[id(part.kernel.variable)] for part in anatomy.parts]

    def batch(self, x, y, scale):
        """Measure a batch: its mean loss, the gradients of all variables, sums for each part.

        `scale` multiplies the loss before the gradient is taken, and divides it afterwards, so
        that small gradients survive float16.
        """
        values = [variable.value for variable in self.variables]
        # persistent memory isn't needed: all derivatives are asked for at once
        with tf.GradientTape() as tape:
            for value in values[self.num_trained :]:
                tape.watch(value)
            with self.catcher.catching(tape):
                loss = self.loss.of_batch(x, y, self.training)
            wide = tf.cast(loss, tf.float32 if loss.dtype == tf.float16 else loss.dtype)
            scaled = wide * tf.cast(scale, wide.dtype)
        signals = [self.catcher.signals(part) for part in self.parts]
        inputs = [self.catcher.inputs(part) for part in self.parts]
        wanted = [values, [[z for z, _, _ in some] for some in signals], self._sequences(inputs)]
        gradients, deltas, backwards = tape.gradient(scaled, wanted)
        # None is a variable that the loss doesn't depend on; an embedding's gradient is sparse
        gradients = [
            tf.zeros_like(v) if g is None else tf.convert_to_tensor(g) / tf.cast(scale, g.dtype)
            for g, v in zip(gradients, values, strict=True)
        ]
        return loss, gradients, self._sums(signals, inputs, deltas, backwards, scale)

    def _sequences(self, inputs):
        """Of the inputs keep those whose gradient by time step says something."""
        return [
            [t for t in some if t.dtype.is_floating and len(t.shape) == 3] if recurrent else []
            for some, recurrent in zip(inputs, map(sums.is_recurrent, self.parts), strict=True)
        ]

    def _sums(self, signals, inputs, deltas, backwards, scale):
        found = []
        for number, part in enumerate(self.parts):
            some = signals[number]
            num_examples = tf.shape(some[0][0])[0]
            # n dL/dz is dL_i/dz, where L is the mean of the L_i
            factor = tf.cast(num_examples, tf.float64) / tf.cast(scale, tf.float64)
            delta = [
                tf.zeros_like(z, tf.float64) if d is None else tf.cast(d, tf.float64) * factor
                for d, (z, _, _) in zip(deltas[number], some, strict=True)
            ]
            # words of a text have no size
            given = [t for t in inputs[number] if t.dtype.is_floating]
            back = backwards[number] or [None] * len(given)
            back = [None if g is None else tf.cast(g, tf.float64) * factor for g in back]
            masks = self.catcher.masks(part) if backwards[number] else [None] * len(given)
            reads_backwards = getattr(part.operation, "go_backwards", False)
            of_inputs = sums.of_inputs(given, back, masks, backwards=reads_backwards)
            found.append(sums.of_signals(part, some, delta, num_examples) | of_inputs)
        return found

    def of_kernels(self, gradients):
        """Measure the kernels' gradients, and what an update makes of each kernel."""
        changes = {}
        if self.step is not None and self.step.exists:
            made = self.step.changes(gradients[: self.num_trained])
            changes = dict(enumerate(made))
        found = []
        for place, part in zip(self.places, self.anatomy.parts, strict=True):
            weight = part.kernel.variable.value
            row = sums.of_gradient(gradients[place], weight)
            if place in changes:
                change = tf.math.reduce_std(tf.cast(changes[place], tf.float64))
                row["update_ratio"] = change / row["weight_std"]
            elif self.step is not None and self.step.exists:
                row["update_ratio"] = tf.zeros((), tf.float64)  # frozen
            found.append(row)
        return found


def table(meter: Meter, of_parts: list, of_kernels: list, attrs: dict) -> xr.Dataset:
    """Label what was measured: dimension layer, one entry a kernel, in forward order."""
    parts = meter.anatomy.parts
    by_name = {
        part.kernel.name: sums.statistics(found)
        for part, found in zip(meter.parts, of_parts, strict=True)
    }
    rows = []
    for part, kernel in zip(parts, of_kernels, strict=True):
        numbers = {name: float(value) for name, value in kernel.items()}
        rows.append(by_name.get(part.kernel.name, {}) | numbers)
    variables = {
        name: ("layer", [row.get(name, np.nan) for row in rows], {"long_name": text, "units": unit})
        for name, (text, unit) in LABELS.items()
        if any(name in row for row in rows)
    }
    trained = [bool(part.kernel.variable.trainable) for part in parts]
    variables["trainable"] = ("layer", np.array(trained), {"long_name": "trainable", "units": "1"})
    coords = {
        "layer": [part.kernel.name for part in parts],
        "activation": ("layer", [part.activation or "unknown" for part in parts]),
        "role": ("layer", [role_of(part) for part in parts]),
    }
    attrs = attrs | {"unknown": reasons(parts)}
    return xr.Dataset(variables, coords, attrs)


def role_of(part) -> str:
    """Say what a layer is for a verdict: "hidden", "output", "attention" or "unused"."""
    if not part.sites:
        return "unused"
    # what its own loss pulls at; through all others the gradient has to get
    if part.is_head:
        return "output"
    # queries and keys only weigh: little of the gradient passes them, in the best of networks
    around = (type(owner).__name__ for owner in part.kernel.owners[1:])
    weighs = part.kernel.owners[0].name in ("query", "key")
    return "attention" if weighs and any("Attention" in name for name in around) else "hidden"


def reasons(parts) -> str:
    """Say for each layer whose activation isn't known why that is so."""
    return "; ".join(f"{part.kernel.name}: {part.reason}" for part in parts if part.reason)
