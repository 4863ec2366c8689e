"""What every picture asks of its arguments, by their names, before anything is drawn."""

import functools
import inspect

import xarray as xr
from matplotlib.axes import Axes

from helpers.checks import a_text, instance, number_array, shown

A_RECORDING = "a recording, as train, train_model, WeightCapture or GradientWatch gives it"
# Arguments that are arrays of numbers wherever they occur -> numbers of axes that they may have.
ARRAYS = {
    "a": (1,),
    "accuracy": (2,),
    "bias_variances": (1,),
    "chi": (2,),
    "dead": (2,),
    "density": (1,),
    "depths": (1,),
    "outputs": (2,),
    "products": (1, 2),
    "saturated": (2,),
    "slope": (1,),
    "values": (1, 2),
    "weight_variances": (1,),
    "x": (1,),
    "z": (1,),
}
FINITE = ("bias_variances", "products", "weight_variances")
POSITIVE = ("products", "weight_variances")  # they stand on a log axis that has no place for 0
# ... that are dicts of arrays or recordings by name, and that are texts.
MAPPINGS = ("arrays", "curves", "measured", "recordings", "sizes")
TEXTS = ("exact_name", "label", "name", "quantity", "text", "title", "xlabel", "ylabel")


def asking(function):
    """Let a picture check its arguments first; it stays what it is otherwise."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def asked(*args, **options):
        # a missing or unknown argument is Python's to tell
        given = signature.bind(*args, **options).arguments
        for name, value in given.items():
            parameter = signature.parameters[name]
            left_out = value is None and parameter.default is None
            if not left_out and parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
                _check(name, value)
        if {"recording", "name"} <= given.keys() and given["name"] not in given["recording"]:
            allowed = ", ".join(map(str, given["recording"].data_vars))
            raise ValueError(f"name must be one of {allowed}; got {shown(given['name'])}.")
        return function(*args, **options)

    return asked


def _check(name, value):
    if name == "ax":
        instance("ax", value, Axes, "matplotlib Axes, or None for a new figure")
    elif name == "recording":
        instance("recording", value, xr.Dataset, A_RECORDING)
        instance("recording", value.get("epoch"), xr.DataArray, A_RECORDING)
    elif name == "table":
        instance("table", value, xr.Dataset, "the table of a diagnosis")
    elif name == "dataset" and not (hasattr(value, "x") and hasattr(value, "y")):
        raise ValueError(f"dataset must be a Dataset, with x and y; got {shown(value)}.")
    elif name == "extent" and number_array(name, value, finite=True).shape != (4,):
        raise ValueError(f"extent must be four numbers: x and y from and to; got {shown(value)}.")
    elif name in MAPPINGS and (not isinstance(value, dict) or not value):
        raise ValueError(f"{name} must be a dict with an entry or more; got {shown(value)}.")
    elif name in TEXTS:
        a_text(name, value)
    elif name in ARRAYS:
        _check_array(name, number_array(name, value, finite=name in FINITE), value)


def _check_array(name, found, value):
    if found.ndim not in ARRAYS[name] or not found.size:
        axes = " or ".join(map(str, ARRAYS[name]))
        raise ValueError(f"{name} must have {axes} axes, none of them empty; got {shown(value)}.")
    if name in POSITIVE and found.min() <= 0:
        raise ValueError(f"{name} must be above 0; got {shown(value)}.")
