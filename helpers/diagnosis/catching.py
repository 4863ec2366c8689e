"""Catch the signals of every part (``sites``) while the model runs: eagerly, or being compiled."""

from contextlib import contextmanager

import keras
import tensorflow as tf

from helpers.diagnosis.calls import LOOPS, replaced
from helpers.diagnosis.sites import Anatomy, Part


class Catcher:
    """Holds what went through the calls that an anatomy names, in the pass that just ran.

    `at_rest` runs activations outside training, where a random slope is its mean, and batch
    normalisations in training, for a model that is itself called outside training.
    """

    def __init__(self, anatomy: Anatomy, *, at_rest: bool = False):
        self.anatomy = anatomy
        self.at_rest = at_rest
        self.caught = {}  # (call, "input" | "fused" | "output" | "slope" ...) -> tensor
        # the calls to look at; everything else runs as always
        self.wanted = set()
        self.with_slope = set()
        for part in anatomy.parts:
            for site in part.sites:
                call, where = site.z
                self.wanted |= {site.call, call, site.handed_on}
                # softmax has none, and of the model's own output it is written down: p (1 - p)
                if where == "input" and site.activation not in ("", "softmax"):
                    self.with_slope.add(call[0])

    @contextmanager
    def catching(self, tape=None):
        """Within it a call of the model is caught; `tape` will know the derivative for each z."""
        self.caught.clear()
        changes = []
        for key in {key for key, _ in self.wanted}:
            operation = self.anatomy.operations[key]
            counter = [0]
            changes.append((operation, "call", self._watch(operation, counter, tape)))
            if not isinstance(operation, LOOPS) and callable(
                getattr(operation, "activation", None)
            ):
                fused = self._watch_fused(operation, counter, tape)
                changes.append((operation, "activation", fused))
        if self.at_rest:
            changes += self._normalizations(changes)
        with replaced(changes):
            yield self

    def _watch(self, operation, counter, tape):
        function = operation.call
        key = id(operation)
        slope_wanted = key in self.with_slope
        mode = {}
        if self.at_rest and _takes_training(operation):
            # a layer that draws its slopes at random takes their mean
            mode = {"training": isinstance(operation, keras.layers.BatchNormalization)}

        def watched(*args, **options):
            call = (key, counter[0])
            if call not in self.wanted:
                counter[0] += 1
                return function(*args, **options)
            given = args[0] if args else next(iter(options.values()), None)
            if tf.is_tensor(given):
                self.caught[call, "input"] = given
                # of a recurrent layer: which time steps are filling
                self.caught[call, "mask"] = options.get("mask")
                _tell(tape, given)
            if slope_wanted:
                outputs, slope = _with_slope(function, given, args[1:], options | mode)
                self.caught[call, "slope"] = slope
            else:
                outputs = function(*args, **options | mode)
            if tf.is_tensor(outputs):
                self.caught[call, "output"] = outputs
                _tell(tape, outputs)
            counter[0] += 1
            return outputs

        return watched

    def _watch_fused(self, operation, counter, tape):
        function = operation.activation

        def watched(z, *args, **options):
            call = (id(operation), counter[0])
            if call not in self.wanted:
                return function(z, *args, **options)
            _tell(tape, z)
            a, slope = _with_slope(function, z, args, options)
            self.caught |= {(call, "fused"): z, (call, "fused slope"): slope}
            return a

        return watched

    def _normalizations(self, changes):
        """Let batch normalisations take the batch's statistics, as in training."""
        changed = {id(operation) for operation, _, _ in changes}
        return [
            (each, "call", lambda z, call=each.call, **options: call(z, **options | _TRAINING))
            for each in self.anatomy.operations.values()
            if isinstance(each, keras.layers.BatchNormalization) and id(each) not in changed
        ]

    def signals(self, part: Part) -> list[tuple]:
        """List (z, slope, a) of the part's calls; the slope is None where it isn't known."""
        return [self._signal(site) for site in part.sites]

    def _signal(self, site):
        call, where = site.z
        z = self.caught[call, where]
        a = self.caught[site.handed_on, "output"]
        # without a name there is no phi to have a slope
        if not site.activation:
            return z, None, a
        if site.activation == "softmax":
            # of a unit in its own logit
            slope = a * (1 - a) if site.head else None
            return z, slope if z.shape == a.shape else None, a
        if where == "output":
            slope = tf.ones_like(z)
        else:
            slope = self.caught[call, "fused slope" if where == "fused" else "slope"]
        # a kink passes no gradient to a NaN either, but it is not dead
        return z, tf.where(tf.math.is_nan(z), z, slope), a

    def inputs(self, part: Part) -> list:
        """List what went into the part's layer, call by call."""
        keys = [(site.call, "input") for site in part.sites]
        return [self.caught[key] for key in keys if key in self.caught]

    def masks(self, part: Part) -> list:
        """List what says which time steps count, call by call as `inputs`; None is all of them."""
        keys = [site.call for site in part.sites if (site.call, "input") in self.caught]
        return [self.caught[key, "mask"] for key in keys]


_TRAINING = {"training": True}


def _takes_training(operation):
    return getattr(operation, "_call_has_training_arg", False)


def _tell(tape, tensor):
    """Let the tape know the derivative for this tensor, if it has one."""
    if tape is not None and tensor.dtype.is_floating:
        tape.watch(tensor)


def _with_slope(function, z, args, options):
    """Return phi(z), and phi'(z) if phi acts on each entry alone."""
    # a tape of its own: the outer one knows dL/da, and phi' is wanted
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = function(z, *args, **options)
    return a, tape.gradient(a, z, unconnected_gradients="zero")
