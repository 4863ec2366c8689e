"""A clinic: small networks with one known illness each, to be named from what their gradients do.

``CLINIC[name](seed)`` builds one: a compiled Keras model and its data, ``(model, x, y)``. Weights,
data and some sizes depend on the seed. `Exam` draws six of them at random and hides their names.
"""

import html

import keras
import numpy as np

from helpers.checks import whole_number
from helpers.data import digits
from helpers.diagnosis.diagnose import diagnose
from helpers.diagnosis.losses import Loss, constant_loss

NUM_EXAMPLES = 256
NUM_CLASSES = 10
FEW_SEQUENCES = 48  # long ones: their gradient through time takes its while
LONGEST_PIXEL = 255  # of a picture as it comes from a file
NORMAL = keras.initializers.RandomNormal
# column of the table -> its heading in an exam
COLUMNS = {
    "input_rms": "inputs",
    "activation_mean": "mean",
    "activation_std": "spread",
    "saturation": "saturated",
    "dead": "dead",
    "weight_std": "kernel",
    "gradient_norm": "gradient",
    "delta_norm": "delta",
    "update_ratio": "update ratio",
    "time_ratio": "first step / last",
}


def _digits(seed):
    """Return digits of mean 0 and standard deviation 1, and their classes."""
    found = digits(NUM_EXAMPLES, seed=seed)
    # one mean for all pixels: some of them never change
    x = (found.x - found.x.mean()) / found.x.std()
    return x.astype("float32"), found.y.astype("int32")


def _units(seed):
    """Draw a width that depends on the seed."""
    return int(np.random.default_rng([seed, 1]).integers(24, 49))


def _classifier(
    seed, activation, kernel=None, *, depth=4, head="softmax", optimizer="adam", scale=1.0, **dense
):
    """Build dense layers on the digits; `kernel` makes a fresh initializer for each of them."""
    keras.utils.set_random_seed(seed)
    x, y = _digits(seed)
    model = keras.Sequential([keras.Input(x.shape[1:])])
    # another size with another seed: no number can be learned by heart
    units = _units(seed)
    for number in range(1, depth + 1):
        # one object would draw the same kernel for every layer
        made = kernel() if kernel else "he_normal"
        model.add(
            keras.layers.Dense(
                units, activation, kernel_initializer=made, name=f"hidden_{number}", **dense
            )
        )
    model.add(keras.layers.Dense(NUM_CLASSES, head, name="output"))
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, x * scale, y


def _vanishing(seed):
    # weights that were made for a slope of 1; sigmoid's is a quarter
    return _classifier(seed, "sigmoid", keras.initializers.GlorotUniform, depth=8 + seed % 3)


def _exploding(seed):
    # twice He's standard deviation: every layer doubles what passes it, both ways
    def too_large():
        return keras.initializers.VarianceScaling(8.0, "fan_in", "untruncated_normal")

    return _classifier(seed, "relu", too_large, depth=13 + seed % 3)


def _saturated(seed):
    # with 64 inputs of size 1: pre-activations of size 8
    return _classifier(seed, "tanh", lambda: NORMAL(stddev=1.0), depth=2)


def _dying(seed):
    model, x, y = _classifier(seed, "relu", depth=3)
    for layer in model.layers[:-1]:
        # as a single step that was much too large leaves them; a few survive
        far_below = np.arange(layer.units) % 5 > 0
        layer.bias.assign(-20.0 * far_below)
    return model, x, y


def _symmetric(seed):
    model, x, y = _classifier(seed, "tanh", keras.initializers.GlorotUniform, depth=3)
    kernel = model.get_layer(f"hidden_{1 + seed % 3}").kernel
    # equal weights get equal gradients, so they stay equal
    kernel.assign(np.full(kernel.shape, 0.05))
    return model, x, y


def _identical(seed):
    # one object for all layers, as beginners write it
    shared = keras.initializers.HeNormal(seed=seed)
    return _classifier(seed, "relu", lambda: shared, depth=4 + seed % 3)


def _frozen(seed):
    model, x, y = _classifier(seed, "relu", depth=3)
    model.get_layer(f"hidden_{1 + seed % 3}").trainable = False
    # the optimizer learns of it by compiling anew
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, x, y


def _unscaled(seed):
    """Build a small convolutional network for pixels from 0 to 255."""
    keras.utils.set_random_seed(seed)
    found = digits(NUM_EXAMPLES, seed=seed)
    pixels = np.round(found.x / found.x.max() * LONGEST_PIXEL).reshape(-1, 8, 8, 1)
    filters = 6 + seed % 4
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(filters, 3, activation="relu", name="conv_1"),
            keras.layers.Conv2D(filters, 3, activation="relu", name="conv_2"),
            keras.layers.Flatten(),
            keras.layers.Dense(NUM_CLASSES, "softmax", name="output"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, pixels.astype("float32"), found.y.astype("int32")


def _fast(seed):
    # Adam's first step changes every weight by the rate
    return _classifier(seed, "relu", depth=3, optimizer=keras.optimizers.Adam(0.1 * (5 + seed % 4)))


def _slow(seed):
    return _classifier(seed, "relu", depth=3, optimizer=keras.optimizers.SGD(1e-7))


def _linear(seed):
    # several matrices in a row are one matrix
    return _classifier(seed, None, keras.initializers.GlorotUniform, depth=3 + seed % 3)


def _wrong_head(seed):
    # the loss takes the numbers of the last layer for probabilities
    return _classifier(seed, "relu", depth=3, head=None)


def _forgetful(seed):
    """Build an LSTM whose answer lies far behind the beginning of what it reads."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(FEW_SEQUENCES, 80 + 5 * (seed % 3), 1)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.LSTM(8, name="lstm"),
            keras.layers.Dense(1, "sigmoid", name="output"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    # what was first decides
    return model, x, (x[:, 0, 0] > 0).astype("float32")


# name -> maker(seed); the names are what an exam asks for
CLINIC = {
    "vanishing through layers": _vanishing,
    "vanishing through time": _forgetful,
    "exploding": _exploding,
    "saturated": _saturated,
    "dead units": _dying,
    "symmetric units": _symmetric,
    "identical kernels": _identical,
    "frozen layer": _frozen,
    "unscaled inputs": _unscaled,
    "rate too large": _fast,
    "rate too small": _slow,
    "no activation": _linear,
    "wrong head": _wrong_head,
}


class Exam:
    """Networks from the clinic, drawn at random without repetition, their illness hidden.

    Parameters
    ----------
    seed : int
        Of the draw; and, with the patient's number, of its weights and data.
    num_patients : int
        At most as many as there are illnesses.

    Attributes
    ----------
    names : tuple of str
        The right answers, in order.

    Raises
    ------
    ValueError
        For a seed or a number that can't be.
    """

    def __init__(self, seed: int, num_patients: int = 6):
        seed = whole_number("seed", seed, low=0)
        num_patients = whole_number("num_patients", num_patients, high=len(CLINIC))
        # a permutation: no illness comes twice
        drawn = np.random.default_rng(seed).permutation(list(CLINIC))[:num_patients]
        self.names = tuple(map(str, drawn))
        self._seeds = [1000 * seed + number for number in range(num_patients)]

    def patient(self, number: int):
        """Build one of them, counted from 1: (model, x, y)."""
        index = whole_number("number", number, high=len(self.names)) - 1
        return CLINIC[self.names[index]](self._seeds[index])

    def show(self, number: int):
        """Show a patient's picture and numbers, without the verdict."""
        model, x, y = self.patient(number)
        return Chart(f"patient {number}", model, x, y)

    def check(self, answer) -> str | None:
        """Say which of these names are wrong; None if all are right.

        Parameters
        ----------
        answer : sequence or dict of str
            A name for each patient, in order; of a dict the values count.
        """
        given = list(answer.values()) if isinstance(answer, dict) else list(answer)
        if len(given) != len(self.names):
            return f"There are {len(self.names)} patients; you named {len(given)}."
        if any(name is ... for name in given):
            return "A patient has no name yet: replace all the dots."
        # capitals and spaces are no part of an answer
        given = [" ".join(str(name).lower().split()) for name in given]
        unknown = [name for name in given if name not in CLINIC]
        if unknown:
            return f"{unknown[0]!r} is none of the names: {', '.join(CLINIC)}."
        wrong = [
            str(number)
            for number, pair in enumerate(zip(given, self.names, strict=True), start=1)
            if pair[0] != pair[1]
        ]
        right = len(given) - len(wrong)
        if not wrong:
            return None
        return f"{right} of {len(given)} are right. Look again at patient {', '.join(wrong)}."


class Chart:
    """What an exam shows of one network: a picture without its verdict, and a table."""

    def __init__(self, title: str, model, x, y):
        self.title = title
        self.table = diagnose(model, x, y).table
        kind = Loss(model, None).kinds[0]
        self.facts = (
            f"{len(x)} examples; loss {kind.name}, {self.table.attrs['loss']:.3g} now, "
            f"{constant_loss(kind, y):.3g} with the best constant answer."
        )

    def rows(self):
        """Return the numbers as a table of text, one line a kernel."""
        columns = {
            # five digits of a kernel's spread tell whether two kernels are the same
            heading: [_short(value, 5 if name == "weight_std" else 2) for value in found]
            for name, heading in COLUMNS.items()
            if name in self.table and np.isfinite(found := self.table[name].values).any()
        }
        frame = self.table[["layer"]].to_dataframe()[["activation"]]
        return frame.assign(**columns)

    def plot(self, ax=None):
        """Draw the sizes by layer; return the axes."""
        from helpers import plots

        return plots.diagnosis_by_layer(self.table, verdict=self.title, ax=ax)

    def __repr__(self):
        return f"{self.title}: {self.facts}\n{self.rows().to_string()}"

    def _repr_html_(self):
        from helpers import plots

        picture = plots.show(self.plot())._repr_html_()
        return f"{picture}<p>{html.escape(self.facts)}</p>{self.rows().to_html()}"


def _short(value, digits):
    """Write a number in so many digits; nothing for what isn't known."""
    return f"{value:.{digits}g}" if np.isfinite(value) else ""
