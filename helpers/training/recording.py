"""What a run leaves: an ``xarray.Dataset`` with named dimensions, labels and units."""

import numpy as np
import xarray as xr

from helpers.measure import STATISTICS

RECORDED = {
    "loss": ("loss", "1"),
    "accuracy": ("accuracy over the whole data set", "1"),
    **STATISTICS,
    "weight_mean": ("mean weight", "1"),
    "weight_std": ("standard deviation of the weights", "1"),
    "update_ratio": ("update ratio, std(update) / std(kernel)", "1"),
    "output": ("output at the probes", "1"),
    "kernel": ("kernel", "1"),
    "gradient": ("kernel gradient", "loss per unit of weight"),
}
BY_LAYER = ("replicate", "step", "layer", "fan_in", "fan_out")
DIMS = {"output": ("replicate", "step", "point")}


def label(arrays: dict, layers: list[str], steps, epochs) -> xr.Dataset:
    """Name the dimensions of arrays (replicate, step, layer, ...), and what they hold."""
    variables = {
        name: (
            DIMS.get(name, BY_LAYER[: arrays[name].ndim]),
            arrays[name],
            {"long_name": long_name, "units": units},
        )
        for name, (long_name, units) in RECORDED.items()
        if name in arrays
    }
    coords = {
        "replicate": np.arange(len(arrays["loss"])),
        "step": ("step", steps, {"long_name": "updates made", "units": "1"}),
        "epoch": ("step", epochs, {"long_name": "epoch", "units": "1"}),
        "layer": layers,
    }
    return xr.Dataset(variables, coords)


def finish(plan, arrays: dict, layers: list[str], failed, attrs: dict) -> xr.Dataset:
    """Label the arrays of a run that `plan` describes, and note what happened to it.

    `failed` holds the first step without a finite loss of each replicate, or -1. In the attrs,
    ``diverged_at`` is the first of them, and ``dead_at`` the first recorded step at which a whole
    hidden layer has slope 0 for the whole batch; -1 if never.
    """
    steps = plan.recorded_steps
    # of the output layer a single unit would be the whole layer: it is left out
    dead = (arrays["dead"][:, :, :-1] == 1).any(axis=(0, 2))
    attrs = attrs | plan.attrs
    attrs["diverged_at"] = int(min(failed[failed >= 0], default=-1))
    attrs["dead_at"] = int(steps[dead][0]) if dead.any() else -1
    recording = label(arrays, layers, steps, steps / plan.steps_per_epoch)
    return recording.assign_attrs(plain(attrs))


def plain(attrs: dict) -> dict:
    """Keep only what a netCDF file can hold: numbers and text."""
    return {name: _plain(value) for name, value in attrs.items()}


def _plain(value):
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value))
    return value if isinstance(value, (int, float, str)) else str(value)


def pad(kernels: list[np.ndarray]) -> np.ndarray:
    """Put arrays (row, replicate, fan_in, fan_out), one a layer, into one, with NaN around.

    Returns an array (replicate, row, layer, largest fan_in, largest fan_out).
    """
    rows, replicates = kernels[0].shape[:2]
    size = [max(kernel.shape[axis] for kernel in kernels) for axis in (2, 3)]
    whole = np.full((replicates, rows, len(kernels), *size), np.nan, kernels[0].dtype)
    for number, kernel in enumerate(kernels):
        _, _, fan_in, fan_out = kernel.shape
        whole[:, :, number, :fan_in, :fan_out] = kernel.swapaxes(0, 1)
    return whole
