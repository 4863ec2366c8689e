"""A pass over the data: batch by batch, everything in the model put back afterwards."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from helpers.diagnosis import examples, sums
from helpers.diagnosis.calls import call_model
from helpers.diagnosis.losses import HALVINGS, Loss, first_scale
from helpers.diagnosis.sites import PROBE_EXAMPLES, Anatomy, anatomy
from helpers.diagnosis.state import unchanged
from helpers.diagnosis.table import Meter, table
from helpers.diagnosis.updates import Step


class Measured(NamedTuple):
    """The table of a pass, and what led to it."""

    table: xr.Dataset
    anatomy: Anatomy
    loss: Loss


def measured(model, x, y, *, loss=None, batch_size, at_rest=False) -> Measured:
    """Measure a model on arrays that were checked; nothing in it changes.

    Parameters
    ----------
    loss : Loss, str or the like
        As in `Loss`.
    at_rest : bool
        Whether to look at random layers at rest, as ``measure.signals`` does; otherwise they do
        what they do in training.
    """
    with unchanged_once_built(model, x):
        # whoever measures often makes it once
        loss = loss if hasattr(loss, "of_batch") else Loss(model, loss)
        found = look(model, x)
        # at rest nothing is trained, so no update is asked for
        step = None if at_rest else Step(model, getattr(model, "optimizer", None))
        meter = Meter(model, loss, found, step, at_rest=at_rest)
        mean_loss, gradients, of_parts = _passed(meter, x, y, batch_size, first_scale(model))
        of_kernels = meter.of_kernels(gradients)
    attrs = {
        "model": model.name,
        "num_examples": examples.count(x, y),
        "batch_size": batch_size,
        "loss": float(mean_loss),
        "update": step.how if step is not None else "none",
    }
    return Measured(table(meter, of_parts, of_kernels, attrs), found, loss)


def unchanged_once_built(model, x):
    """Build a model that has no weights yet, and keep it `unchanged` from there."""
    build(model, x)
    return unchanged(model)


def build(model, x) -> None:
    """Build a model that has no weights yet, by a first call."""
    if not model.built:
        call_model(model, first(x, PROBE_EXAMPLES), False)


def first(x, number: int):
    """Return the first so many examples, as tensors."""
    return keras.tree.map_structure(lambda array: tf.convert_to_tensor(array[:number]), x)


def look(model, x) -> Anatomy:
    """Find where the signals are, from a few examples; nothing in the model changes."""
    # the draws of dropout, too, are afterwards what they were
    with unchanged(model):
        found = anatomy(model, first(x, PROBE_EXAMPLES))
    if not found.parts:
        raise ValueError(f"the model {model.name!r} has no kernel to look at.")
    return found


def _passed(meter, x, y, batch_size, scale):
    """Go through all batches; return mean loss, gradients of it, and the sums of each part."""
    mean_loss = 0.0
    gradients = None
    of_parts = None
    for batch_x, batch_y, share in examples.batches(x, y, batch_size):
        loss, some, found, scale = scaled_batch(meter, tensors(batch_x), tensors(batch_y), scale)
        # weighed by its examples: the last batch may be smaller
        mean_loss += share * float(loss)
        some = [share * gradient for gradient in some]
        # the first batch says of what shape the sums are
        if gradients is None:
            gradients = some
            of_parts = found
            continue
        gradients = [old + new for old, new in zip(gradients, some, strict=True)]
        of_parts = [sums.added(old, new) for old, new in zip(of_parts, found, strict=True)]
    return mean_loss, gradients, of_parts


def tensors(arrays):
    """Turn nested arrays into tensors."""
    return keras.tree.map_structure(tf.convert_to_tensor, arrays)


def scaled_batch(meter, x, y, scale):
    """Measure a batch; in float16 with a smaller scale, if this one overflows.

    Returns loss, gradients, sums, and the scale that did.
    """
    for _ in range(HALVINGS):
        loss, gradients, found = meter.batch(x, y, tf.constant(scale, tf.float32))
        # a loss that is none stays so at any scale
        if scale <= 1 or not np.isfinite(float(loss)) or _is_finite(found, gradients):
            break
        scale /= 2
    return loss, gradients, found, scale


def _is_finite(found, gradients):
    squares = [row.get("delta_squares", 0.0) for row in found]
    norms = [tf.norm(tf.cast(gradient, tf.float64)) for gradient in gradients]
    return bool(np.isfinite([float(value) for value in (*squares, *norms)]).all())
