"""A Keras model as a classifier of a `Dataset`: whether it fits, its losses, its accuracy."""

import keras
import numpy as np
import tensorflow as tf

from helpers.data import Dataset, check_dataset
from helpers.diagnosis.calls import call_model
from helpers.diagnosis.heads import PROBABILITIES, mismatch
from helpers.diagnosis.kernels import kernels
from helpers.diagnosis.losses import LossKind
from helpers.diagnosis.sites import PROBE_EXAMPLES, Anatomy, anatomy
from helpers.diagnosis.state import unchanged

CHECKED = 256  # examples of which a head that isn't known has to give probabilities
CLOSE = 1e-3  # to 1, the sum of one example's probabilities


class Classifier:
    """A checked model: its `anatomy`, and how its outputs are to be read.

    Parameters
    ----------
    model : keras.Model
        One input (num_examples, num_inputs); one output, of one unit for two classes, else of a
        unit for each class: probabilities, or logits from a layer without activation.
    dataset : Dataset
    loss : str
        "binary_crossentropy", "categorical_crossentropy" or "mean_squared_error".

    Raises
    ------
    ValueError
        For a model that doesn't fit, whose output isn't known to be either, without a kernel, or
        in mixed precision.
    """

    def __init__(self, model, dataset: Dataset, loss: str):
        check_dataset(dataset)
        _check_model(model, dataset)
        self.model = model
        self.num_outputs = dataset.num_outputs
        self.examples = _floats(model, dataset.x[:PROBE_EXAMPLES])
        self.loss = loss
        self.anatomy = _look(model, dataset)
        self.from_logits = loss != "mean_squared_error" and self._gives_logits(dataset)

    def _gives_logits(self, dataset) -> bool:
        """Whether the output is logits; a `ValueError` if it's neither these nor probabilities."""
        (head,) = self.anatomy.heads
        # nothing squashes them, so they can only be meant as logits
        if head.activation == "linear":
            return True
        if not head.activation:
            return self._check_probabilities(dataset)
        # labels that fit for certain: only the head is in question
        one_hot = np.eye(self.num_outputs)[:1] if self.num_outputs > 1 else np.zeros((1, 1))
        sentence = mismatch([head], [LossKind(self.loss, False)], one_hot)
        if sentence or head.activation not in PROBABILITIES:
            raise ValueError(f"the model {self.model.name!r} doesn't fit the loss: {sentence}.")
        return False

    def _check_probabilities(self, dataset):
        """Look at what a head of the learner's own gives; it's False, or a `ValueError`."""
        with unchanged(self.model):
            given = np.asarray(self.model(_floats(self.model, dataset.x[:CHECKED])))
        sums = given.sum(axis=-1) if self.num_outputs > 1 else np.ones(1)
        if given.min() < 0 or given.max() > 1 or np.abs(sums - 1).max() > CLOSE:
            squash = "sigmoid" if self.num_outputs == 1 else "softmax"
            raise ValueError(
                f"the model {self.model.name!r} must end in probabilities, or in a layer without "
                f'activation; give its last layer activation="{squash}".'
            )
        return False

    def run(self, num_examples: int):
        """Call the model once on a few examples, as in training; nothing in it changes."""
        with unchanged(self.model):
            call_model(self.model, self.examples[:num_examples], True)

    def losses(self, y, outputs):
        """Compute the loss of each example of a batch; y holds class numbers, as floats."""
        if self.num_outputs == 1:
            target = tf.cast(y, outputs.dtype)[:, None]
        else:
            target = tf.one_hot(tf.cast(y, tf.int32), self.num_outputs, dtype=outputs.dtype)
        function = getattr(keras.losses, self.loss)
        if self.from_logits:
            return function(target, outputs, from_logits=True)
        return function(target, outputs)

    def of_batch(self, x, y, training=True):
        """Compute the loss of a batch, with regularisers: what `Meter` asks of a loss."""
        outputs = call_model(self.model, x, training)
        return tf.reduce_mean(self.losses(y, outputs)) + self.added(outputs.dtype)

    def added(self, dtype):
        """Sum the regularisers and ``add_loss`` of the last call; a tensor."""
        parts = [tf.cast(loss, dtype) for loss in self.model.losses]
        return tf.add_n(parts) if parts else tf.zeros((), dtype)

    def right(self, outputs, y):
        """Say for each example whether its class is the likeliest; shape (num_examples,)."""
        if self.num_outputs > 1:
            return tf.argmax(outputs, axis=1) == tf.cast(y, tf.int64)
        # the logit of one half is 0
        return (outputs[:, 0] > (0.0 if self.from_logits else 0.5)) == (y > 0.5)


def _floats(model, x):
    """Turn inputs into the model's float type, in which its own data would come."""
    return tf.convert_to_tensor(x, keras.backend.standardize_dtype(model.compute_dtype))


def _look(model, dataset) -> Anatomy:
    with unchanged(model):
        found = anatomy(model, _floats(model, dataset.x[:PROBE_EXAMPLES]))
    # a model of the learner's own shows only when it is called what it gives
    needed = (dataset.num_outputs,)
    shapes = [head.shape for head in found.heads]
    if shapes != [needed]:
        given = " and ".join(str((None, *shape)) for shape in shapes)
        raise ValueError(
            f"the model {model.name!r} gives {given}, but {dataset.name!r} needs "
            f"{(None, *needed)}; for other outputs use model.fit with diagnosis.GradientWatch."
        )
    return found


def _check_model(model, dataset):
    """Raise a ``ValueError`` unless `model` takes and gives what `dataset` holds."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model; got {type(model).__name__}.")
    # a model without an Input has no weights yet
    if not model.built:
        model(_floats(model, dataset.x[:PROBE_EXAMPLES]))
    # None for a model of the learner's own: what it takes shows when it is called
    inputs = getattr(model, "inputs", None)
    if inputs:
        _check_shapes(model, dataset)
    if not kernels(model):
        raise ValueError(f"the model {model.name!r} has no kernel to train and to record.")
    mixed = {layer.compute_dtype for layer in model._flatten_layers()} & {"float16", "bfloat16"}
    if mixed:
        raise ValueError(
            f"the model {model.name!r} computes in {mixed.pop()}, which is not recorded here; use "
            "model.fit with diagnosis.GradientWatch, or build it in float32."
        )


def _check_shapes(model, dataset):
    shapes = model.input_shape, model.output_shape
    if any(isinstance(shape, (list, dict)) for shape in shapes):
        raise ValueError(
            f"the model {model.name!r} has several inputs or outputs, but {dataset.name!r} has one "
            "of each; use model.fit with diagnosis.GradientWatch."
        )
    fits = (None, dataset.num_inputs), (None, dataset.num_outputs)
    wanted = zip(shapes, fits, strict=True)
    # an axis of any length takes any number
    if any(len(s) != len(f) or s[1] not in (f[1], None) for s, f in wanted):
        raise ValueError(
            f"the model takes {shapes[0]} to {shapes[1]}, but {dataset.name!r} needs "
            f"{fits[0]} to {fits[1]}."
        )
