"""`GradientWatch`: the diagnosis of one batch, again and again while ``model.fit`` runs."""

import html

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from helpers.checks import shown
from helpers.diagnosis import examples, sums
from helpers.diagnosis.losses import HALVINGS, Loss, first_scale
from helpers.diagnosis.measuring import build, first, look, tensors
from helpers.diagnosis.notices import Notice, turned_bad
from helpers.diagnosis.sites import PROBE_EXAMPLES
from helpers.diagnosis.state import passing, unchanged
from helpers.diagnosis.table import LABELS, Meter, reasons, role_of
from helpers.diagnosis.updates import Step

MOST_WATCHED = 128  # examples: one batch, which has to cost little
RECORDED = (
    "delta_norm",
    "gradient_norm",
    "update_ratio",
    "weight_norm",
    "activation_mean",
    "activation_std",
    "saturation",
    "dead",
    "zero_share",
    "time_ratio",
)


class GradientWatch(keras.callbacks.Callback):
    """Watch the gradients of any Keras model while ``model.fit`` runs.

    ::

        watch = GradientWatch(x, y)
        model.fit(x, y, epochs=20, callbacks=[watch])
        watch

    As the last line of a cell it shows a heat map of delta, layers by epochs, the update ratios
    with their band, and what turned bad at which epoch. Nothing in the model or its training
    changes. A second ``fit`` goes on where the first ended.

    Cost: one forward and backward pass over 128 examples an epoch, compiled once (a second or two,
    at the start of ``fit``; more for a deep or recurrent model): some 5 ms for a network of 4
    layers, 3 to 5 % of an epoch of 100 steps.

    Parameters
    ----------
    x, y : arrays
        As for ``model.fit``; 128 examples of them, spread evenly, are watched.
    every : "epoch" or int
        When to look: after each epoch, or every so many batches.
    loss : str, keras.losses.Loss or function, optional
        For a model that was compiled without one, as it has a ``train_step`` of its own.

    Attributes
    ----------
    notices : list of Notice
        (epoch, layer, what): what turned bad, in order.
    recording : xarray.Dataset
        Dimensions replicate, step and layer (as the recordings of ``training``), coordinate epoch:
        delta_norm, gradient_norm, update_ratio, weight_norm, saturation, dead and more, and the
        loss of the watched examples. It goes to netCDF.

    Raises
    ------
    ValueError
        For data that aren't numbers, or another `every`.
    """

    def __init__(self, x, y, every="epoch", *, loss=None):
        super().__init__()
        x = examples.arrays("x", x)
        y = examples.arrays("y", y)
        whole = isinstance(every, (int, np.integer)) and not isinstance(every, bool)
        # an array can't be compared with a text: it would be compared entry by entry
        if not (isinstance(every, str) and every == "epoch") and not (whole and every >= 1):
            raise ValueError(
                f'every must be "epoch" or a whole number, 1 or more; got {shown(every)}.'
            )
        self.every = every
        self.loss = loss
        self.x, self.y = examples.some(x, y, MOST_WATCHED)
        self.notices: list[Notice] = []
        self._rows = []
        self._steps = []
        self._epochs = []
        self._watched = None
        self._epoch = 0  # of all calls of fit together
        self._step = 0
        self._batches = 0

    def on_train_begin(self, logs=None):
        """Compile, and look at the weights as they are before the first update."""
        examples.check_inputs(self.model, self.x)
        if self.model.built:
            self._begin()

    def on_train_batch_begin(self, batch, logs=None):
        """Catch up for a model that is built only by its first batch."""
        if self._watched is None:
            self._begin()

    def _begin(self):
        # found anew for each fit: layers may have been frozen, the model compiled again
        self._watched = _Watched(self.model, self.x, self.y, self.loss)
        if not self._rows:
            self._look()

    def on_train_batch_end(self, batch, logs=None):
        """Count the updates; look, if it's time."""
        self._step += 1
        self._batches += 1
        # counted over all calls of fit, as the recording's steps are
        if self.every != "epoch" and self._step % self.every == 0:
            self._look()

    def on_epoch_end(self, epoch, logs=None):
        """Look at the weights after this epoch."""
        # not the number that Keras gives, which starts at 0 again with each fit
        self._epoch += 1
        self._batches = 0
        if self.every == "epoch":
            self._look()

    def on_train_end(self, logs=None):
        """Let go of what was compiled for this fit."""
        self._watched = None

    def _look(self):
        # Keras says how many batches an epoch has, if it knows
        steps = (self.params or {}).get("steps") or 0
        # within an epoch a share of it; an epoch without an end known counts whole
        part = min(self._batches / steps, 1) if steps else 0
        self._steps.append(self._step)
        self._epochs.append(self._epoch + part)
        self._rows.append(self._watched.row())
        self.notices += turned_bad(self._rows, self._epochs[-1], self._watched.names())

    @property
    def recording(self) -> xr.Dataset:
        """What was recorded so far, one row a look; row 0 is the network before the first update.

        Raises
        ------
        ValueError
            Before any ``fit``.
        """
        if not self._rows:
            raise ValueError("nothing was watched yet: pass this to model.fit(callbacks=[...]).")
        # the last row says which layers there are
        last = self._rows[-1]
        # of a model that was changed between two fits the layers of the last one count
        values = {
            name: [[row.by_layer[name].get(layer, np.nan) for layer in last.layers] for row in rows]
            for rows in [self._rows]
            for name in RECORDED
        }
        variables = {
            name: (
                ("replicate", "step", "layer"),
                np.array([array]),
                {"long_name": LABELS[name][0], "units": LABELS[name][1]},
            )
            for name, array in values.items()
        }
        losses = np.array([[row.loss for row in self._rows]])
        variables["loss"] = (("replicate", "step"), losses, {"long_name": "loss", "units": "1"})
        coords = {
            "replicate": [0],
            "step": ("step", self._steps, {"long_name": "updates made", "units": "1"}),
            "epoch": ("step", self._epochs, {"long_name": "epoch", "units": "1"}),
            "layer": last.layers,
        }
        attrs = {"model": last.model, "unknown": last.unknown, "num_examples": last.num_examples}
        attrs["notices"] = "; ".join(map(str, self.notices))
        # netCDF takes text and numbers in the attrs, and no lists
        return xr.Dataset(variables, coords, attrs)

    def plot(self):
        """Draw the heat map of delta and the update ratios; return the two axes."""
        from helpers import plots

        return plots.watched(self.recording)

    def __repr__(self):
        if not self._rows:
            return "GradientWatch: nothing was watched yet."
        bad = "; ".join(map(str, self.notices)) or "nothing turned bad"
        return f"GradientWatch, epoch 0 to {self._epochs[-1]:g}: {bad}."

    def _repr_html_(self):
        if not self._rows:
            return f"<p>{html.escape(repr(self))}</p>"
        from helpers import plots

        return f"<p>{html.escape(repr(self))}</p>{plots.show(self.plot())._repr_html_()}"


class _Row:
    """One look: names and numbers."""

    def __init__(self, watched, loss, by_part, by_kernel):
        parts = watched.meter.anatomy.parts
        self.model = watched.meter.model.name
        self.layers = [part.kernel.name for part in parts]
        self.roles = {part.kernel.name: role_of(part) for part in parts}
        self.two_sided = {part.kernel.name: part.two_sided for part in parts}
        self.unknown = reasons(parts)
        self.num_examples = watched.num_examples
        self.loss = float(loss)
        numbers = {name: {} for name in RECORDED}
        rows = [(part.kernel.name, sums.statistics(found)) for part, found in by_part]
        rows += [
            (part.kernel.name, {name: float(value) for name, value in found.items()})
            for part, found in zip(parts, by_kernel, strict=True)
        ]
        for layer, row in rows:
            for name in numbers.keys() & row.keys():
                numbers[name][layer] = row[name]
        self.by_layer = numbers


class _Watched:
    """One model, ready to be looked at: compiled, with everything put back within the program."""

    def __init__(self, model, x, y, loss):
        self.num_examples = examples.count(x, y)
        self.x = tensors(x)
        self.y = tensors(y)
        build(model, x)
        # ``fit`` would build it at its first step, and the program has to know its means
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        loss = Loss(model, loss)
        self.meter = Meter(model, loss, look(model, x), Step(model, model.optimizer))
        # once by itself, as the first look at a loss makes variables
        with unchanged(model):
            loss.of_batch(first(self.x, PROBE_EXAMPLES), first(self.y, PROBE_EXAMPLES))
        self.changed = passing(model)
        self.scale = first_scale(model)
        # where the learner asked for plain Python, a loop of his own may need it
        self.run = self._run if model.run_eagerly else tf.function(self._run, autograph=False)

    def names(self):
        """Name the layers, in forward order."""
        return [part.kernel.name for part in self.meter.anatomy.parts]

    def _run(self, scale):
        """Look once. What a pass changes is put back within: outside it would cost more."""
        # copies, as the variables themselves change
        before = [tf.identity(variable.value) for variable in self.changed]
        loss, gradients, of_parts = self.meter.batch(self.x, self.y, scale)
        of_kernels = self.meter.of_kernels(gradients)
        # after the pass has read and changed them
        with tf.control_dependencies([loss]):
            for variable, value in zip(self.changed, before, strict=True):
                variable.assign(value)
        return loss, of_parts, of_kernels

    def row(self) -> _Row:
        """Look once; in float16 with a smaller scale, if this one overflows."""
        for _ in range(HALVINGS):
            loss, of_parts, of_kernels = self.run(tf.constant(self.scale, tf.float32))
            norms = [float(found["gradient_norm"]) for found in of_kernels]
            if self.scale <= 1 or not np.isfinite(float(loss)) or np.isfinite(norms).all():
                break
            self.scale /= 2
        by_part = list(zip(self.meter.parts, of_parts, strict=True))
        return _Row(self, loss, by_part, of_kernels)
