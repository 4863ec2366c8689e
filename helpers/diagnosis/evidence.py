"""What the rules of a verdict look at: the table of a model, and what else is known of it."""

from functools import cached_property
from itertools import combinations

import keras
import numpy as np

from helpers.diagnosis.losses import constant_loss

FEWEST_ENTRIES = 4  # of a kernel that can be said to repeat another's numbers


class Evidence:
    """A measured model, and quantities that several rules ask for.

    Parameters
    ----------
    measured : Measured
    x, y : arrays
        What it was measured on.
    not_finite : str
        Where numbers stop being numbers, as a sentence; "" if they're all finite.
    """

    def __init__(self, measured, x, y, not_finite=""):
        self.table = measured.table
        self.parts = measured.anatomy.parts
        self.heads = measured.anatomy.heads
        self.kinds = measured.loss.kinds
        self.optimizer = getattr(measured.loss.model, "optimizer", None)
        self.x = x
        self.y = y
        self.not_finite = not_finite

    @cached_property
    def hidden(self):
        """The rows of the table that the gradient has to get through, in forward order."""
        return self.table.isel(layer=np.flatnonzero(self.table.role.values == "hidden"))

    @cached_property
    def stations(self):
        """The rows of `hidden` with one for each layer: a recurrent layer has two kernels."""
        operations = {part.kernel.name: id(part.operation) for part in self.parts}
        # reversed, so that of several kernels the first one stays
        first = dict(reversed([(operations[n], n) for n in self.hidden.layer.values]))
        return self.hidden.sel(layer=[n for n in self.hidden.layer.values if n in first.values()])

    @cached_property
    def ratio(self) -> float:
        """Delta in the first hidden layer over that in the last; NaN with fewer than two."""
        delta = self.stations.delta_norm.values
        # 0 over 0 is no ratio: nothing comes through at all, which other rules look at
        if len(delta) < 2 or (delta[-1] == 0 and delta[0] == 0):
            return float("nan")
        return float(delta[0] / delta[-1]) if delta[-1] else float("inf")

    @cached_property
    def loss_share(self) -> float:
        """The loss over that of the best constant answer; NaN where that isn't known."""
        targets = keras.tree.flatten(self.y)
        # several losses come with weights, and their sum has no known floor
        if len(targets) != 1 or len(self.kinds) != 1:
            return float("nan")
        baseline = constant_loss(self.kinds[0], targets[0])
        return self.table.attrs["loss"] / baseline if baseline > 0 else float("nan")

    @cached_property
    def relative_gradient(self) -> np.ndarray:
        """By what share the loss would change, to first order, if a kernel changed by all of it."""
        # 1e-300: a loss of exactly 0 has a gradient of 0, too
        size = self.table.gradient_norm * self.table.weight_norm
        return (size / max(abs(self.table.attrs["loss"]), 1e-300)).values

    @cached_property
    def frozen(self) -> list[str]:
        """Kernels that no optimizer changes."""
        return self.table.layer.values[~self.table.trainable.values].tolist()

    @cached_property
    def kernels(self) -> dict[str, np.ndarray]:
        """The kernels by name."""
        return {part.kernel.name: part.kernel.variable.numpy() for part in self.parts}

    @cached_property
    def alike(self) -> list[str]:
        """Kernels with the same numbers as another one, or with the beginning of its numbers."""
        flat = {name: kernel.ravel() for name, kernel in self.kernels.items()}
        # constants are alike without anybody having shared an initializer
        flat = {name: f for name, f in flat.items() if f.size >= FEWEST_ENTRIES and np.ptp(f) > 0}
        found = []
        for first, second in combinations(flat, 2):
            size = min(flat[first].size, flat[second].size)
            if np.array_equal(flat[first][:size], flat[second][:size]):
                found += [first, second]
        return list(dict.fromkeys(found))

    @cached_property
    def symmetric(self) -> list[str]:
        """Hidden kernels all of whose units have the same weights, as zeros or ones make them."""
        return [
            name
            for name, kernel in self.kernels.items()
            if name in self.hidden.layer.values
            and kernel.shape[-1] > 1
            and np.ptp(kernel.reshape(-1, kernel.shape[-1]), axis=1).max() == 0
        ]

    def initializer(self, layer: str) -> str:
        """Name the initializer of a layer's kernel; "" if it has none."""
        part = next(part for part in self.parts if part.kernel.name == layer)
        made = getattr(part.kernel.owners[0], "kernel_initializer", None)
        # zeros under weights that aren't 0: somebody set them, as ``make_mlp`` does
        given = isinstance(made, keras.initializers.Zeros) and self.kernels[layer].any()
        known = isinstance(made, keras.initializers.Initializer)
        return _snake(made) if known and not given else ""


def _snake(initializer):
    """Write a class as Keras spells its initializer in a layer: GlorotUniform, glorot_uniform."""
    name = type(initializer).__name__
    return "".join("_" * (i > 0) * c.isupper() + c.lower() for i, c in enumerate(name))
