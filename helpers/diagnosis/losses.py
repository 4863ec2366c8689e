"""The loss that a model is trained with, and what it expects of the model's output."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from helpers.checks import shown
from helpers.diagnosis.calls import call_model

# losses of probabilities, unless they're told from_logits=True
CROSS_ENTROPIES = ("binary_crossentropy", "categorical_crossentropy")
CROSS_ENTROPIES += ("sparse_categorical_crossentropy", "binary_focal_crossentropy")
CROSS_ENTROPIES += ("categorical_focal_crossentropy",)
REGRESSIONS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
ALIASES = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "bce": "binary_crossentropy"}
HALVINGS = 16  # of a loss scale that overflows, as Keras's own optimizer halves it
FIRST_SCALE = 2.0**15  # that of Keras's LossScaleOptimizer


class LossKind(NamedTuple):
    """What is known of a loss: its name ("" for a function of the learner's), and from_logits."""

    name: str
    from_logits: bool


class Loss:
    """The mean loss of a batch, everything included that is added to it in training.

    Parameters
    ----------
    model : keras.Model
    loss : None, str, keras.losses.Loss or function
        None takes what the model was compiled with. A list or a dict for several outputs, as
        ``compile`` takes it.

    Raises
    ------
    ValueError
        For a model without a loss, or a name that Keras doesn't know.
    """

    def __init__(self, model, loss=None):
        self.model = model
        own = type(model).compute_loss is not keras.Model.compute_loss
        if loss is None and not own and not (model.compiled and model.loss is not None):
            raise ValueError(
                f"the model {model.name!r} has no loss yet: compile it with one, or give one here, "
                'as in loss="binary_crossentropy".'
            )
        if loss is not None and not keras.tree.flatten(loss):
            raise ValueError(f"loss must be a loss, or a list or dict of them; got {loss!r}.")
        self.given = None if loss is None else keras.tree.map_structure(_as_loss, loss)
        named = model.loss if loss is None else loss
        self.kinds = [kind_of(one) for one in keras.tree.flatten(named)]

    def of_batch(self, x, y, training=True):
        """Compute the loss of a batch: a scalar tensor, with regularisers and ``add_loss``."""
        # the regularisers of this very call are in ``model.losses`` from here on
        outputs = call_model(self.model, x, training)
        if self.given is None:
            return self.model._compute_loss(x=x, y=y, y_pred=outputs, training=training)
        if keras.tree.is_nested(self.given):
            pairs = _by_output(self.model, self.given, y, outputs)
        else:
            pairs = [(self.given, t, o) for t, o in _paired(y, outputs)]
        parts = [loss(_same_rank(target, output), output) for loss, target, output in pairs]
        return tf.add_n([tf.cast(part, parts[0].dtype) for part in [*parts, *self.model.losses]])


def _by_output(model, losses, y, outputs):
    """Pair losses, targets and outputs by their names, or by their order."""
    if isinstance(losses, dict):
        names = list(outputs) if isinstance(outputs, dict) else model.output_names
        targets = y if isinstance(y, dict) else dict(_paired(names, y))
        found = dict(_paired(names, outputs))
        if unknown := losses.keys() - (found.keys() & targets.keys()):
            raise ValueError(f"No output is called {shown(min(unknown))}: there are {names}.")
        return [(loss, targets[name], found[name]) for name, loss in losses.items()]
    return _paired(losses, y, outputs)


def _paired(*structures):
    """Put together what belongs to each output: losses, targets, outputs."""
    flat = [_flat(structure) for structure in structures]
    numbers = [len(parts) for parts in flat]
    if len(set(numbers)) > 1:
        raise ValueError(
            f"The model's outputs, their targets and losses differ in number: {numbers}."
        )
    return list(zip(*flat, strict=True))


def _flat(structure):
    return keras.tree.flatten(structure)


def _same_rank(target, output):
    """Give labels of shape (n,) the axis that an output of shape (n, 1) has."""
    flat = len(target.shape) == len(output.shape) - 1 and output.shape[-1] == 1
    return target[..., None] if flat else target


class _Mean(keras.losses.Loss):
    """The mean over a batch of a function (y_true, y_pred)."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, y_true, y_pred):
        name = getattr(self.function, "__name__", shown(self.function))
        try:
            found = self.function(y_true, y_pred)
        except Exception as error:  # a learner's function raises whatever it likes
            raise ValueError(f"the loss {name} failed: {shown(error)}.") from error
        if found is None:
            raise ValueError(f"the loss {name} returned None: it must return a tensor.")
        return found


def _as_loss(loss):
    try:
        found = keras.losses.get(loss)
    except ValueError:
        raise ValueError(f"Keras knows no loss {shown(loss)}.") from None
    if found is None:
        raise ValueError("A loss must be a name, a keras.losses.Loss or a function; got None.")
    return found if isinstance(found, keras.losses.Loss) else _Mean(found)


def kind_of(loss) -> LossKind:
    """Tell what a loss is from its name, its object or its function."""
    if loss is None:
        return LossKind("", False)
    if isinstance(loss, str):
        loss = keras.losses.get(ALIASES.get(loss.lower(), loss))
    # from_logits is among the settings of a loss object; a function has none
    config = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    name = config.get("name") or getattr(loss, "__name__", "")
    known = name in CROSS_ENTROPIES or name in REGRESSIONS
    return LossKind(name if known else "", bool(config.get("from_logits", False)))


def constant_loss(kind: LossKind, y) -> float:
    """Loss of the best answer that looks at no input: NaN for a loss that isn't known.

    The entropy of the labels for a cross-entropy, the spread of the targets for a regression.
    """
    y = np.asarray(y, np.float64)
    if kind.name == "sparse_categorical_crossentropy":
        share = np.unique(y, return_counts=True)[1] / y.size
        return float(-(share * np.log(share)).sum())
    # every output by itself, over the examples
    flat = y.reshape(len(y), -1)
    mean = flat.mean(axis=0)
    if kind.name == "categorical_crossentropy":
        rows = y.reshape(-1, y.shape[-1]).mean(axis=0)
        return float(-(rows * np.log(np.maximum(rows, 1e-300))).sum())
    if kind.name == "binary_crossentropy":
        inside = np.clip(mean, 1e-12, 1 - 1e-12)
        return float(-(inside * np.log(inside) + (1 - inside) * np.log(1 - inside)).mean())
    if kind.name == "mean_squared_error":
        return float(flat.var(axis=0).mean())
    if kind.name == "mean_absolute_error":
        return float(np.abs(flat - np.median(flat, axis=0)).mean())
    return float("nan")


def first_scale(model) -> float:
    """By what a loss is multiplied, so that small gradients survive float16; 1 elsewhere."""
    layers = model._flatten_layers()
    return FIRST_SCALE if any(layer.compute_dtype == "float16" for layer in layers) else 1.0
