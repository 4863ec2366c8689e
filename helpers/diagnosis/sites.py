"""Where the signals of each kernel are: its pre-activation z, its activation a and the slope phi'.

One forward pass of a few examples shows which tensor goes where (``calls``); from the output of a
kernel's layer the way is followed to the activation. z is what the activation is applied to: behind
a normalisation, a dropout or a pooling if there is one. Where the way can't be followed, z is the
output of the layer, and `Site.reason` says why its slope isn't known.
"""

from typing import NamedTuple

import keras

from helpers.diagnosis.calls import LOOPS, Call, linked, traced
from helpers.diagnosis.kernels import Kernel, kernels
from helpers.diagnosis.slopes import is_elementwise, is_linear, name_of, steepness

NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.UnitNormalization,
    keras.layers.RMSNormalization,
)
# Layers between a kernel and its activation that leave units what they are; with the poolings,
# paddings and croppings, which all end in 1D, 2D or 3D.
PASSED_BY = (
    *NORMALIZATIONS,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.AlphaDropout,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Identity,
    keras.layers.ActivityRegularization,
)
PASSED_BY_NAMES = ("Pooling", "Padding", "Cropping", "UpSampling", "SpatialDropout")
# Layers between two of which an activation is missed. The halves of a separable convolution, a
# projection into attention or a gated cell are linear on purpose.
PLAIN = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
PROBE_EXAMPLES = 4  # of the forward pass that shows the way


class Site(NamedTuple):
    """One call of a kernel's layer, and what became of its output.

    `call` is that call, by its key; `z` is (call, "fused" | "input" | "output"): inside the layer's
    own activation, what goes into another layer's call, or the output itself. `activation` is the
    name of phi, "" if unknown; `handed_on` the call whose output the next layers get; `head`
    whether that is the model's. `largest` is phi's largest |slope|; `two_sided` says whether phi is
    flat at both ends, and `feeds` whether a linear layer's output goes straight into a kernel.
    """

    call: tuple
    z: tuple
    handed_on: tuple
    activation: str
    reason: str
    head: bool
    largest: float
    two_sided: bool
    feeds: bool


class Part(NamedTuple):
    """One kernel with its sites: several for a layer that is called several times."""

    kernel: Kernel
    operation: object
    sites: tuple

    @property
    def reason(self) -> str:
        """Why the slope of phi isn't known; "" if it is."""
        if len({site.activation for site in self.sites}) > 1:
            return "its calls go into different activations"
        return next((site.reason for site in self.sites if site.reason), "")

    @property
    def activation(self) -> str:
        """The name of phi, "" if there is no knowing."""
        return "" if self.reason or not self.sites else self.sites[0].activation

    @property
    def largest(self) -> float:
        """Phi's largest |slope|; NaN if phi isn't known."""
        return self.sites[0].largest if self.activation else float("nan")

    @property
    def two_sided(self) -> bool:
        """Whether phi is known to be flat at both ends."""
        return bool(self.activation) and self.sites[0].two_sided

    @property
    def is_head(self) -> bool:
        """Whether the model's output comes from here."""
        return any(site.head for site in self.sites)


class Head(NamedTuple):
    """An output of the model: the activation that it comes from, "" if unknown, and its shape.

    The shape is that of one example, without the batch.
    """

    activation: str
    shape: tuple

    @property
    def units(self) -> int:
        """Output units, 1 for a plain number."""
        return self.shape[-1] if self.shape else 1


class Anatomy(NamedTuple):
    """All parts in the order of computation, and the heads of the model."""

    parts: tuple
    heads: tuple
    operations: dict  # id -> operation, which also keeps those ids from being used again


def anatomy(model, x, training=True) -> Anatomy:
    """Find every kernel's signals in one forward pass of a few examples; nothing is put back."""
    calls, outputs = traced(model, x, training)
    consumers = linked(calls)
    by_operation = {}
    for call in calls:
        by_operation.setdefault(id(call.operation), []).append(call)
    ends = {id(output) for output in outputs}
    found = []
    for kernel in kernels(model):
        made = next((by_operation[id(o)] for o in kernel.owners if id(o) in by_operation), [])
        sites = tuple(_follow(call, consumers, ends) for call in made)
        first = calls.index(made[0]) if made else len(calls)
        found.append((first, Part(kernel, made[0].operation if made else None, sites)))
    # as computed: in a model of the learner's own that needn't be the order in which it was made.
    # Sorting is stable, so kernels of one layer stay as they are
    parts = tuple(part for _, part in sorted(found, key=lambda pair: pair[0]))
    heads = tuple(_head_of(output, parts, calls) for output in outputs)
    return Anatomy(parts, heads, {id(call.operation): call.operation for call in calls})


def _head_of(output, parts, calls) -> Head:
    """Find what an output comes from."""
    shape = tuple(output.shape[1:])
    by_key = {call.key: call for call in calls}
    for part in parts:
        for site in part.sites:
            if site.head and any(output is made for made in by_key[site.handed_on].outputs):
                # what a function of the learner's own does is not in its name
                known = hasattr(keras.activations, site.activation)
                return Head(site.activation if known else "", shape)
    return Head("", shape)


def _follow(call: Call, consumers, ends) -> Site:
    """Follow the output of a kernel's layer to its activation."""
    fused = getattr(call.operation, "activation", None)
    if isinstance(call.operation, LOOPS) or not callable(fused):
        fused = keras.activations.linear
    if fused is not keras.activations.linear:
        phi = _phi(fused, call.outputs[0], name_of(fused))
        return _finished(call, (call.key, "fused"), call, phi, consumers, ends)
    if isinstance(call.operation, LOOPS) or len(call.outputs) != 1:
        reason = f"{_describe(call.operation)} has activations of its own inside"
        return _finished(call, (call.key, "output"), call, Phi("", reason), consumers, ends)
    station = call  # the last call on the way whose output is still this layer's, unit by unit
    normalized = call  # the same, but a pooling or a dropout doesn't move it
    while True:
        following = consumers.get(id(station.outputs[0]), [])
        if len(following) != 1 or id(station.outputs[0]) in ends or _ends_way(following[0]):
            break
        station = following[0]
        if _kind(station) == "activation":
            phi = _phi(station.function, station.inputs[0], name_of(station.operation))
            return _finished(call, (station.key, "input"), station, phi, consumers, ends)
        if isinstance(station.operation, NORMALIZATIONS):
            normalized = station
    phi = _without_activation(call, station, normalized is not call, consumers, ends)
    return _finished(call, (normalized.key, "output"), normalized, phi, consumers, ends)


def _ends_way(call) -> bool:
    """Whether the way to an activation ends before this call."""
    several = len(call.inputs) != 1 or len(call.outputs) != 1
    return several or _has_kernel(call) or _kind(call) == "unknown"


def _without_activation(call, station, is_normalized, consumers, ends):
    """Say what a layer is on whose way no activation was found: linear, or not to be told."""
    following = consumers.get(id(station.outputs[0]), [])
    if id(station.outputs[0]) in ends:
        return LINEAR
    # a sum hands its inputs' gradient on as it is: up to there the layer is linear
    sums = [each for each in following if name_of(each.operation) in ("add", "addition")]
    kernels_next = [each for each in following if _has_kernel(each)]
    if following and len(sums) + len(kernels_next) == len(following):
        plain = not sums and not is_normalized and isinstance(call.operation, PLAIN)
        feeds = plain and any(isinstance(each.operation, PLAIN) for each in kernels_next)
        return LINEAR._replace(feeds=feeds)
    if not following:
        return Phi("", "its output goes on outside any layer, in a function that can't be watched")
    names = ", ".join(_describe(each.operation) for each in following)
    return Phi("", f"its output goes into {'several: ' if len(following) > 1 else ''}{names}")


def _finished(call, z, last, phi, consumers, ends):
    """Make a site; what is handed on is behind the sum of a residual block, if one follows."""
    handed_on = last
    # several steps may lie behind: a sum, or a reshape of the model's output
    while id(handed_on.outputs[0]) not in ends:
        following = consumers.get(id(handed_on.outputs[0]), [])
        residual = isinstance(following[0].operation, keras.layers.Add) if following else False
        if len(following) != 1:
            break
        if residual and handed_on is last:
            handed_on = following[0]
            break
        if not _leads_out(following[0], consumers, ends):
            break
        handed_on = following[0]
    head = any(id(output) in ends for output in handed_on.outputs)
    return Site(call.key, z, handed_on.key, phi.name, phi.reason, head, *phi[2:])


def _leads_out(call, consumers, ends):
    """Whether nothing but reshapes and the like lies between a call and the model's output."""
    while _kind(call) == "passed by":
        if id(call.outputs[0]) in ends:
            return True
        following = consumers.get(id(call.outputs[0]), [])
        if len(following) != 1:
            return False
        call = following[0]
    return False


def _has_kernel(call):
    weights = getattr(call.operation, "trainable_variables", ()) or getattr(
        call.operation, "_trainable_variables", ()
    )
    return any(v.name.endswith("kernel") or v.name == "embeddings" for v in weights)


def _kind(call):
    """Tell an activation from what lies on the way to one: "activation", "passed by", "unknown"."""
    operation = call.operation
    name = type(operation).__name__
    if isinstance(operation, PASSED_BY) or any(part in name for part in PASSED_BY_NAMES):
        return "passed by"
    if isinstance(operation, keras.layers.Softmax) or name_of(operation) == "softmax":
        return "activation"
    if len(call.inputs) != 1 or len(call.outputs) != 1:
        return "unknown"
    z = call.inputs[0]
    if not z.dtype.is_floating or z.shape != call.outputs[0].shape:
        return "unknown"
    if not is_elementwise(call.function, z):
        return "unknown"
    # a scale or a shift is not what bends
    return "passed by" if is_linear(call.function, z) else "activation"


class Phi(NamedTuple):
    """An activation: its name, "" if it isn't known for the `reason`, and what `Site` says."""

    name: str
    reason: str
    largest: float = float("nan")
    two_sided: bool = False
    feeds: bool = False


LINEAR = Phi("linear", "", 1.0)


def _phi(operation, z, name):
    """Find out what an activation does to single numbers."""
    if name != "softmax" and not is_elementwise(operation, z):
        return Phi("", f"{name} mixes units, so that a unit has no slope of its own")
    return Phi(name, "", *steepness(name, operation, z))


def _describe(operation):
    return f"{operation.name} ({type(operation).__name__})"
