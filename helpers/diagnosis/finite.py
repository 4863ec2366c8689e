"""Where numbers stop being numbers: the first place, in the order of computation."""

import keras
import numpy as np

from helpers.diagnosis import examples
from helpers.diagnosis.calls import traced
from helpers.diagnosis.state import unchanged


def _all_finite(array):
    array = np.asarray(array)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def where_not_finite(model, x, y, table, batch_size) -> str:
    """Name the first place with NaN or infinity, as a sentence with what to do; "" if none."""
    # in the order of computation: the first place is the cause, all others are its consequence
    for what, values in (("x", x), ("y", y)):
        for array in keras.tree.flatten(values):
            if not _all_finite(array):
                rows = int((~np.isfinite(array.reshape(len(array), -1))).any(axis=1).sum())
                return (
                    f"{what} holds NaN or infinity in {rows} of {len(array)} examples: fill or "
                    "remove them before anything else"
                )
    for variable in model.weights:
        if not _all_finite(variable.numpy()):
            return (
                f"the weight {variable.path} holds NaN or infinity: training has diverged. Build "
                "the model anew, and train with a smaller learning rate or clipped gradients "
                "(lesson 07)"
            )
    sizes = [table.delta_norm.values, table.gradient_norm.values, table.attrs["loss"]]
    # a layer that is never called has no delta, which is no failure
    if np.isfinite(np.r_[sizes[0][table.role.values != "unused"], sizes[1], sizes[2]]).all():
        return ""
    return _in_forward_pass(model, x, y, batch_size) or _in_gradient(table)


def _in_forward_pass(model, x, y, batch_size):
    # batch by batch, as it may be one example in a thousand
    for batch_x, _, _ in examples.batches(x, y, batch_size):
        with unchanged(model):
            calls, _ = traced(model, batch_x, training=True)
        for call in calls:
            if not all(map(_all_finite, call.outputs)):
                name = f"{call.operation.name} ({type(call.operation).__name__})"
                return (
                    f"numbers overflow or become NaN in {name}, although the data and the weights "
                    "are finite: look for a logarithm, a root or a division there, or for weights "
                    "that are too large (lesson 06)"
                )
    return ""


def _in_gradient(table):
    if not np.isfinite(table.attrs["loss"]):
        return (
            "the loss is NaN or infinite, although the outputs are finite: compute it from the "
            "logits, with from_logits=True, or look for a logarithm of 0 in it"
        )
    # the gradient comes from the output, so the last bad layer is where it begins
    bad = table.layer.values[~np.isfinite(table.delta_norm.values)]
    last = bad[-1] if len(bad) else table.layer.values[~np.isfinite(table.gradient_norm.values)][-1]
    return (
        f"the gradient is NaN or infinite from {last} on, towards the inputs, although the loss is "
        "finite: look for a root or a norm of 0 there, or clip the gradient (lesson 07)"
    )
