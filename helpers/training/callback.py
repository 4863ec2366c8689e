"""`WeightCapture`: source A's callback, for an ordinary ``model.fit``."""

import keras
import numpy as np
import xarray as xr

from helpers.training import keras_signals, recording


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
        self.weights = []
        self._logs = []
        self._steps = []

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
        # found anew each time: a layer may be frozen or set free between two calls of fit
        kernels = keras_signals.kernels(self.model)
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
        # a convolution's kernel has more than two dimensions: all but the last count as fan_in
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
        part["kernel"] = recording.pad(kernels)
        epochs = np.arange(len(self.weights))
        labelled = recording.label(part, names, self._steps, epochs)
        return labelled.assign_attrs({"model": self.model.name})
