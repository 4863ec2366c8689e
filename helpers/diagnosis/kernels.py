"""The kernels of a Keras model: every one, under a name that no other has, in forward order."""

from collections import Counter
from typing import NamedTuple

import keras

# weights with two dimensions or more that multiply nothing: shifts and scales
NO_KERNELS = ("bias", "gamma", "beta", "alpha")


class Kernel(NamedTuple):
    """One weight matrix (or the like, such as a convolution's): its name, variable and owners.

    `owners` are the layer that holds it, and the layers around that one, inside out.
    """

    name: str
    variable: keras.Variable
    owners: tuple


def kernels(model) -> list[Kernel]:
    """Find every kernel, frozen ones too, from the input side.

    The name is that of the Keras layer; a layer with several kernels adds which one ("lstm" and
    "lstm_recurrent", "separable_conv2d_depthwise"), and where two would be called the same, the
    layers around are named, too ("encoder/dense"). The order is that in which a functional or
    sequential model computes, and in other models that in which the layers were made.
    """
    found = []
    seen = set()
    # the model itself is no part of a name: it is always the same
    _collect(model, (), found, seen, deep=False)
    for layer in sublayers(model):
        _collect(layer, (), found, seen, deep=True)
    names = _names([path for path, _, _ in found])
    return [
        Kernel(name, variable, owners)
        for name, (_, variable, owners) in zip(names, found, strict=True)
    ]


def _collect(layer, owners, found, seen, deep):
    """Add (path, variable, owners) of the kernels in `layer`; if `deep`, those inside, too."""
    for variable in layer._trainable_variables:
        if _is_kernel(variable) and id(variable) not in seen:
            seen.add(id(variable))
            around = (layer, *owners)
            found.append((_path(variable, around), variable, around))
    if deep:
        for child in sublayers(layer):
            _collect(child, (layer, *owners), found, seen, deep)


def sublayers(layer) -> list:
    """List the layers directly inside, in the order of a functional model's computation.

    Keras has no public way to list the layers inside a layer, such as a recurrent layer's cell.
    """
    return list(layer.layers) if isinstance(layer, keras.Model) else list(layer._layers)


def _is_kernel(variable):
    if variable.name.endswith("kernel") or variable.name == "embeddings":
        return True
    # a layer of the learner's own may call its weights what it likes
    return len(variable.shape) >= 2 and variable.name not in NO_KERNELS


def _path(variable, owners):
    """Name a kernel by its layers, outside in; the last part says which kernel of its layer."""
    # a recurrent layer's weights are its cell's, and nobody knows the cell
    cell = len(owners) > 1 and isinstance(owners[1], keras.layers.RNN)
    named = owners[1:] if cell else owners
    which = variable.name.removesuffix("kernel").removesuffix("_")
    # what a layer of the learner's own calls its only weight would not tell anybody more
    which = which if variable.name.endswith("kernel") else ""
    own = f"{named[0].name}_{which}" if which else named[0].name
    return (*reversed([layer.name for layer in named[1:]]), own)


def _names(paths):
    """Shorten each path to the fewest parts, from its end, that no other path ends in."""
    count = Counter(path[-parts:] for path in paths for parts in range(1, len(path) + 1))
    names = []
    for path in paths:
        # from the end: the nearest layers tell the most
        alone = (n for n in range(1, len(path) + 1) if count[path[-n:]] == 1)
        names.append("/".join(path[-next(alone, len(path)) :]))
    # layers of one name in one place: only models of the learner's own may hold such
    doubled = Counter(names)
    numbers = Counter()
    for index, name in enumerate(names):
        if doubled[name] > 1:
            numbers[name] += 1
            names[index] = f"{name}_{numbers[name]}"
    return names
