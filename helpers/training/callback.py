"""`WeightCapture`: source A's callback, for an ordinary ``model.fit``."""

import keras
import numpy as np
import xarray as xr

from helpers.diagnosis.kernels import kernels
from helpers.training import recording

# of what Keras reports for an epoch: how a metric of right answers may be called, by its default
# name or by the word that it was asked for with
ACCURACIES = (
    "accuracy",
    "acc",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
)
MOST_PADDING = 2.0  # times the size of the kernels that one array of all of them may take
SMALL = 1e6  # entries of a recording's kernels: below that nobody minds the padding


class WeightCapture(keras.callbacks.Callback):
    """Keep every kernel while ``model.fit`` runs, from the initial ones on: source A's callback.

    ::

        capture = WeightCapture()
        model.fit(x, y, epochs=100, callbacks=[capture])
        capture.recording

    `weights` is a list of dicts, one for the start and one for each epoch: layer name -> kernel,
    in forward order, frozen ones too.
    A second ``fit`` goes on where the first ended.
    """

    def __init__(self):
        super().__init__()
        self.weights = []
        self._logs = []
        self._steps = []
        self._step = 0
        self._recording = None

    def on_train_begin(self, logs=None):
        """Keep the weights as they are before the first update."""
        if not self.weights and self.model.built:
            self._keep({})

    def on_train_batch_begin(self, batch, logs=None):
        """Catch up for a model that's built only by its first batch."""
        if not self.weights:
            self._keep({})

    def on_train_batch_end(self, batch, logs=None):
        """Count the updates: a model compiled again has a new optimizer, which starts at 0."""
        self._step += 1

    def on_epoch_end(self, epoch, logs=None):
        """Keep the weights after this epoch."""
        self._keep(logs or {})

    def _keep(self, logs):
        self.weights.append({k.name: k.variable.numpy() for k in kernels(self.model)})
        self._logs.append(logs)
        self._steps.append(self._step)
        self._recording = None

    @property
    def recording(self) -> xr.Dataset:
        """A recording with one row an epoch: kernel, weight_mean, weight_std, loss, accuracy.

        Loss and accuracy are what Keras reports for an epoch: means over its batches, while the
        weights change. Row 0 has none. The kernels of layers of very different size are left out,
        as one large array of all of them would be mostly empty: ``attrs["left_out"]`` says so, and
        they're in `weights`.

        Raises
        ------
        ValueError
            Before any ``fit``, or if layers were added or removed between two calls of it.
        """
        if not self.weights:
            raise ValueError("nothing was captured yet: pass this to model.fit(callbacks=[...]).")
        if self._recording is None:
            self._recording = self._make()
        # a copy that shares the arrays: what is added to one recording isn't in the next
        return self._recording.copy()

    def _make(self):
        names = list(self.weights[0])
        shapes = [{name: kernel.shape for name, kernel in row.items()} for row in self.weights]
        if any(row != shapes[0] for row in shapes):
            raise ValueError(
                "the model's layers changed between two calls of fit: take a new WeightCapture for "
                "the changed model."
            )
        part = {
            "loss": np.array([[logs.get("loss", np.nan) for logs in self._logs]]),
            "accuracy": np.array([[_accuracy(logs) for logs in self._logs]]),
        }
        for name, statistic in (("weight_mean", np.mean), ("weight_std", np.std)):
            values = [[statistic(row[layer]) for layer in names] for row in self.weights]
            part[name] = np.array([values])
        # a convolution's kernel has more than two dimensions: all but the last count as fan_in
        flat = {name: (int(np.prod(shape[:-1])), shape[-1]) for name, shape in shapes[0].items()}
        whole = np.max(list(flat.values()), axis=0).prod() * len(names)
        needed = sum(np.prod(size) for size in flat.values())
        padded = whole <= MOST_PADDING * needed or whole * len(self.weights) <= SMALL
        if padded:
            part["kernel"] = recording.pad(
                [
                    np.stack([row[name].reshape(flat[name]) for row in self.weights])[:, None]
                    for name in names
                ]
            )
        attrs = {"model": self.model.name}
        if not padded:
            attrs["left_out"] = "kernel, as the layers differ much in size; see weights"
        epochs = np.arange(len(self.weights))
        return recording.label(part, names, self._steps, epochs).assign_attrs(attrs)


def _accuracy(logs) -> float:
    """Find what Keras reports of right answers, whatever the metric is called; NaN if nothing."""
    return next((logs[name] for name in ACCURACIES if name in logs), np.nan)
