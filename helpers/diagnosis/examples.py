"""Inputs and targets as a learner has them: arrays, tables, lists or dicts of them, checked."""

import keras
import numpy as np

from helpers.checks import not_endless


def arrays(what: str, values):
    """Turn inputs or targets into arrays; nested as they are (a list for several inputs).

    Raises
    ------
    ValueError
        For text, objects, sparse matrices and streams, with what to do instead.
    """
    if values is None:
        raise ValueError(f"{what} is None: give arrays, x and y.")
    if isinstance(values, (dict, list, tuple)) and not values:
        raise ValueError(f"{what} is empty: give arrays, x and y.")
    kind = type(values).__module__.split(".")[0]
    if kind == "tensorflow" and not hasattr(values, "numpy"):
        raise ValueError(
            f"{what} is a tf.data.Dataset; take arrays out of it first: "
            "x, y = next(iter(dataset.unbatch().batch(1000)))."
        )
    if hasattr(values, "toarray"):
        raise ValueError(f"{what} is a sparse matrix; give {what}.toarray().")
    # tables, and columns of them
    if hasattr(values, "to_numpy"):
        return _array(what, values.to_numpy())
    if isinstance(values, dict):
        return {name: _array(f"{what}[{name!r}]", value) for name, value in values.items()}
    # a list of arrays is several inputs, a list of numbers (or rows) is one
    if isinstance(values, (list, tuple)) and any(hasattr(each, "shape") for each in values):
        return [_array(f"{what}[{number}]", each) for number, each in enumerate(values)]
    return _array(what, values)


def _array(what, values):
    try:
        found = np.asarray(not_endless(what, values))
        # numbers kept as Python objects, as a table of mixed columns has them
        if found.dtype == object:
            found = found.astype(keras.config.floatx())
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{what} must hold numbers in rows of one length; got {type(values).__name__}."
        ) from None
    if found.dtype.kind not in "biuf":
        raise ValueError(
            f"{what} must hold numbers; got {found.dtype}. Turn names of classes into numbers "
            "first: labels, y = np.unique(y, return_inverse=True)."
        )
    # float64 is what NumPy makes of everything, and not what anybody chose
    return found.astype(keras.config.floatx()) if found.dtype.kind == "f" else found


def count(x, y) -> int:
    """Count the examples, the same everywhere.

    Raises
    ------
    ValueError
        If the first axes differ, or hold nothing.
    """
    sizes = {len(array) if array.ndim else 0 for array in keras.tree.flatten((x, y))}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"x and y must hold the same number of examples, 1 or more; got {sorted(sizes)}."
        )
    return sizes.pop()


def some(x, y, most: int):
    """Take at most so many examples, spread evenly, as data are often sorted."""
    total = count(x, y)
    if total <= most:
        return x, y
    # both ends among them
    chosen = np.linspace(0, total - 1, most).astype(int)
    return keras.tree.map_structure(lambda array: array[chosen], (x, y))


def batches(x, y, size: int):
    """Yield (x, y, share of all examples) batch by batch; the last one may be smaller."""
    total = count(x, y)
    for start in range(0, total, size):
        batch = keras.tree.map_structure(lambda a, i=start: a[i : i + size], (x, y))
        yield *batch, (min(start + size, total) - start) / total


def check_inputs(model, x) -> None:
    """Raise a ``ValueError`` unless the model takes inputs of these shapes."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model; got {type(model).__name__}.")
    expected = getattr(model, "inputs", None) if model.built else None
    if not expected:
        return  # a model of the learner's own knows no shapes
    given = keras.tree.flatten(x)
    fits = len(given) == len(expected) and all(
        len(array.shape) == len(tensor.shape)
        and all(a == b for a, b in zip(array.shape[1:], tensor.shape[1:], strict=True) if b)
        for array, tensor in zip(given, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(tuple(tensor.shape)) for tensor in expected)
        got = ", ".join(str(array.shape) for array in given)
        raise ValueError(f"the model {model.name!r} takes inputs of shape {wanted}; x has {got}.")
