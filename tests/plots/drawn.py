"""What the tests of the plots share: a made-up recording, and what was drawn under a name."""

import numpy as np
import xarray as xr


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def crosses(ax):
    return next(line for line in ax.lines if line.get_marker() == "x")


def recording(values, *, layers=("hidden_1", "hidden_2", "output"), **attrs):
    """A recording of two steps an epoch, `values` of shape (replicate, step, layer)."""
    values = np.asarray(values, float)
    labels = {"long_name": "kernel-gradient norm", "units": "loss per unit of weight"}
    return xr.Dataset(
        {
            "gradient_norm": (("replicate", "step", "layer"), values, labels),
            "weight_mean": (("replicate", "step", "layer"), -values, {"long_name": "mean weight"}),
            "loss": (("replicate", "step"), values[..., 0], {"long_name": "loss"}),
        },
        coords={"layer": list(layers), "epoch": ("step", np.arange(values.shape[1]) / 2)},
        attrs={"diverged_at": -1, "steps_per_epoch": 2} | attrs,
    )


def curves(loss, accuracy):
    """A recording of loss and accuracy alone, each of shape (replicate, step)."""
    dims = ("replicate", "step")
    epochs = ("step", np.arange(np.shape(loss)[1]) / 2)
    return xr.Dataset({"loss": (dims, loss), "accuracy": (dims, accuracy)}, {"epoch": epochs})
