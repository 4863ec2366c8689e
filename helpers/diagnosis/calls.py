"""A model's calls, seen from outside: which layer or operation got which tensors, in what order.

For the time of one forward pass the method ``call`` of every layer, and of every operation of a
functional model (``keras.ops.relu(z)`` makes one), is replaced in that one object. So a model of
any kind can be watched, and nothing has to be rebuilt.
"""

from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from helpers.diagnosis.kernels import sublayers

# they run their inner layers in loops of their own, whose tensors mean nothing outside
LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


class Call(NamedTuple):
    """One call: the `number`-th of this operation, tensors that went in, tensors that came out."""

    operation: object
    number: int
    inputs: list
    outputs: list
    arguments: tuple = ((), {})

    @property
    def function(self):
        """The operation as a function of its one tensor, with what else it was given."""
        args, options = self.arguments
        extra = {name for name in options if name not in ("training", "mask")}
        return Again(self) if len(args) != 1 or extra else self.operation

    @property
    def key(self):
        """What names this call in every later forward pass, too."""
        return id(self.operation), self.number


class Again:
    """A call with another tensor in place of the one that went in: ``2 * z`` has a 2, too."""

    def __init__(self, call: Call):
        self.call = call
        self.name = call.operation.name
        self.weights = getattr(call.operation, "weights", ())

    def __call__(self, z):
        """Call the operation on `z`."""
        args, options = keras.tree.map_structure(
            lambda leaf: z if tf.is_tensor(leaf) else leaf, self.call.arguments
        )
        return self.call.operation(*args, **options)


def operations(model) -> list:
    """List the layers and operations inside the model that can be watched one by one."""
    found = {}
    # a functional model's operations that aren't layers are in this list of Keras's only
    parts = [*sublayers(model), *getattr(model, "_operations", ())]
    for part in parts:
        if id(part) in found or isinstance(part, keras.layers.InputLayer):
            continue
        found[id(part)] = part
        if isinstance(part, keras.layers.Layer) and not isinstance(part, LOOPS):
            found |= {id(inner): inner for inner in operations(part)}
    return list(found.values())


@contextmanager
def replaced(changes):
    """Within it the objects have other attributes: changes are (object, name, new value)."""
    old = []
    try:
        for thing, name, new in changes:
            old.append((thing, name, thing.__dict__.get(name)))
            thing.__dict__[name] = new  # past Keras's bookkeeping: only for this call
        yield
    finally:
        # backwards, so that an attribute changed twice ends as it began
        for thing, name, value in reversed(old):
            if value is None:
                del thing.__dict__[name]
            else:
                thing.__dict__[name] = value


def tensors(structure) -> list:
    """List the tensors in nested arguments or results."""
    return [leaf for leaf in keras.tree.flatten(structure) if tf.is_tensor(leaf)]


def traced(model, x, training) -> tuple[list[Call], list]:
    """Call the model once, eagerly; return its calls in the order of their ends, and its outputs.

    A call around others, such as a nested model's, is left out, unless it has weights of its own.
    """
    calls = []
    inside = [0]  # for each call that is open, how many calls it made

    def watch(operation):
        function = operation.call
        count = [0]

        def watched(*args, **options):
            inside.append(0)
            outputs = function(*args, **options)
            made = inside.pop()
            given = tensors((args, options))
            seen = Call(operation, count[0], given, tensors(outputs), (args, options))
            # in a loop or a compiled part TensorFlow hands out placeholders
            if all(isinstance(t, tf.Tensor) and hasattr(t, "numpy") for t in seen.outputs):
                # not before: while a model is being built, its layers are called without numbers
                count[0] += 1
                inside[-1] += 1
                if not made or getattr(operation, "_trainable_variables", ()):
                    calls.append(seen)
            return outputs

        return watched

    # only the objects of this model: another one may be training in another thread
    with replaced([(each, "call", watch(each)) for each in operations(model)]):
        outputs = call_model(model, x, training)
    return calls, tensors(outputs)


def call_model(model, x, training):
    """Call the model as ``fit`` does: a ``call`` without the argument training isn't given it."""
    return model(x, training=training) if model._call_has_training_arg else model(x)


def linked(calls) -> dict[int, list[Call]]:
    """Find the calls that a tensor goes into, by the id of the tensor: in order of the calls."""
    consumers = {}
    made = []
    ids = set()
    for call in calls:
        for tensor in call.inputs:
            source = tensor if id(tensor) in ids else _before_cast(tensor, made)
            # a layer that hands its input on as it is (dropout at rest) is no station on the way
            if all(source is not output for output in call.outputs):
                consumers.setdefault(id(source), []).append(call)
        made += call.outputs
        ids |= {id(output) for output in call.outputs}
    return consumers


def _before_cast(tensor, made):
    """Find the output that was cast to another float type to become `tensor`."""
    for output in reversed(made):
        alike = output.dtype != tensor.dtype and output.shape == tensor.shape
        if alike and np.array_equal(tf.cast(output, tensor.dtype), tensor):
            return output
    return tensor
