"""`diagnose`: any Keras model and data in, a `Diagnosis` out."""

import tensorflow as tf

from helpers.checks import whole_number
from helpers.diagnosis import examples
from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.finite import where_not_finite
from helpers.diagnosis.heads import mismatch
from helpers.diagnosis.losses import Loss
from helpers.diagnosis.measuring import look, measured, unchanged_once_built
from helpers.diagnosis.report import Diagnosis
from helpers.diagnosis.rules import findings

MOST_EXAMPLES = 2000  # that are looked at: more would change no verdict


def diagnose(model, x, y, *, loss=None, batch_size: int = 128) -> Diagnosis:
    """Say in one line, a picture and a table what a model's gradients do on these data.

    ::

        diagnose(model, x, y)

    Any Keras 3 model will do: sequential, functional or of your own class; dense, convolutional,
    recurrent, with attention or embeddings; with several inputs or outputs; in mixed precision.
    It is measured as it is now, in training mode, and nothing in it changes: weights, the
    optimizer's means, moving averages, seeds and metrics are afterwards what they were.

    Parameters
    ----------
    model : keras.Model
        Compiled, or with a `loss`. An optimizer is needed for the update ratio only.
    x, y : arrays
        As for ``model.fit``: arrays or tables of numbers, or lists or dicts of them. Of more than
        2,000 examples 2,000 are taken, spread evenly.
    loss : str, keras.losses.Loss or function, optional
        In place of the compiled one; a list or dict of them for several outputs.
    batch_size : int
        Examples at a time: it bounds the memory, and a batch normalisation uses the statistics of
        a batch. Take that of your training.

    Raises
    ------
    ValueError
        For data that aren't numbers or don't fit the model, a model without a kernel or a loss.
    """
    x = examples.arrays("x", x)
    y = examples.arrays("y", y)
    batch_size = whole_number("batch_size", batch_size)
    examples.check_inputs(model, x)
    x, y = examples.some(x, y, MOST_EXAMPLES)
    found = _measured(model, x, y, loss, batch_size)
    not_finite = where_not_finite(model, x, y, found.table, batch_size)
    return Diagnosis(found.table, findings(Evidence(found, x, y, not_finite)))


def _measured(model, x, y, loss, batch_size):
    """Measure; where the loss can't be computed at all, say what doesn't fit."""
    loss = Loss(model, loss)
    try:
        return measured(model, x, y, loss=loss, batch_size=batch_size)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        with unchanged_once_built(model, x):
            sentence = mismatch(look(model, x).heads, loss.kinds, y)
        if not sentence:
            raise
        raise ValueError(f"the loss can't be computed: {sentence}.") from error
