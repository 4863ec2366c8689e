"""One next step in words for each finding: which layer, what to change, and the lesson on it."""

import keras
import numpy as np

SHOWN = 3  # layers that a sentence names, before it says how many more there are
# by the names that Keras gives their functions and layers
SQUASHING = ("sigmoid", "hard_sigmoid", "tanh", "softsign")
RECTIFIERS = ("relu", "leakyrelu", "leaky_relu", "elu", "gelu", "silu", "swish", "mish", "prelu")


def listed(names) -> str:
    """Name layers in a sentence: a few, and how many more."""
    # NumPy would write np.str_(...)
    names = [str(name) for name in names]
    if len(names) <= SHOWN:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def for_inputs(x) -> str:
    """Say how to scale what goes in."""
    # pixels reach 255; a table's columns are seldom that large
    largest = max(float(np.abs(array).max()) for array in keras.tree.flatten(x))
    # pixels reach 255; nothing that was standardised gets here
    if largest > 100:
        return "divide the inputs by 255 if they're pixels, or standardise each column (lesson 06)"
    return "standardise the inputs: mean 0 and standard deviation 1 in each column (lesson 06)"


def for_symmetric(e) -> str:
    """Say which initializer to replace."""
    # the first one: what comes behind it may be alike only because of it
    name = e.symmetric[0]
    made = e.initializer(name)
    now = f"instead of {made} " if made else ""
    return (
        f'give {name} a random kernel_initializer {now}("he_normal", "glorot_uniform"; lesson 04)'
    )


def for_alike(e) -> str:
    """Say how kernels become different."""
    return (
        f"give {listed(e.alike)} an initializer of its own each, or its name as a string: one "
        "object draws the same numbers again (lesson 02)"
    )


def for_frozen(e) -> str:
    """Say how to set layers free."""
    return (
        f"if that wasn't meant, set trainable = True on {listed(e.frozen)} and compile again; "
        "weights that were trained before may stay frozen"
    )


def for_dying(e, dying) -> str:
    """Say how units come back to life, or stay alive."""
    name = str(dying[0])
    # dead as a whole: no example will bring a gradient back
    if float(e.table.activation_mean.sel(layer=name)) == 0:
        start = f"build the model anew: {name} gives nothing but 0"
    else:
        start = f"in {name}"
    return f"{start}; try leaky_relu or elu, biases of 0 and a smaller learning rate (lesson 05)"


def along_depth(e, how) -> tuple[str, str]:
    """Describe a gradient that falls or grows from layer to layer, and what to change."""
    names = e.stations.layer.values
    # the mean factor of a layer, a geometric one
    factor = e.ratio ** (1 / max(len(names) - 1, 1))
    what = (
        f"{names[0]} to {names[-1]}: from the last to the first delta {how} by {factor:.2g} a "
        f"layer, to {e.ratio:.1e} of it"
    )
    phi = _commonest(e.hidden.activation.values)
    made = e.initializer(str(names[-1]))
    now = " with ".join(filter(None, [phi, made]))
    start = f"{names[0]} to {names[-1]} ({now}): " if now else f"{names[0]} to {names[-1]}: "
    return what, start + _change(phi, made, how)


def _commonest(values):
    # what isn't known, or bends nothing, names no remedy
    known = [value for value in values if value not in ("unknown", "linear")]
    return max(known, key=known.count) if known else ""


def _change(phi, made, how):
    """Choose the remedy for an activation and an initializer."""
    standard = "add a normalisation or skip connections (lesson 07)"
    if how == "grows":
        return f"try a smaller initializer, glorot_uniform or he_normal (lesson 04), or {standard}"
    if phi in ("sigmoid", "hard_sigmoid"):
        return "try relu with he_normal, or tanh with glorot_uniform (lessons 04 and 05)"
    # weights made for another slope come first, since they cost nothing
    if phi in RECTIFIERS and not made.startswith("he"):
        return f"try he_normal (lesson 04), or {standard}"
    if phi in SQUASHING and not made.startswith("glorot"):
        return f"try glorot_uniform (lesson 04), or {standard}"
    return standard


def along_time(name) -> str:
    """Say what helps a gradient through time."""
    return (
        f"give {name} shorter sequences, or outputs at every step (return_sequences=True with "
        "pooling), or attention behind it (lesson 08)"
    )


def clip_along_time(name) -> str:
    """Say what holds an exploding gradient through time."""
    return (
        f"clip the gradient (global_clipnorm=1), and give {name} an orthogonal recurrent kernel "
        "(lesson 08)"
    )


def for_saturated(e, saturated) -> str:
    """Say what brings activations back from their ends."""
    name = str(saturated[0])
    made = e.initializer(name)
    now = f" instead of {made}" if made and made != "glorot_uniform" else ""
    return (
        f"give {name} smaller pre-activations: glorot_uniform{now} (lesson 04), or a "
        "normalisation before the activation (lesson 07)"
    )


def no_activation(e, linear) -> str:
    """Describe layers without an activation, and what is narrow about them."""
    # a product of matrices has at most the rank of its narrowest
    widths = {name: e.kernels[name].shape[-1] for name in linear}
    # the narrowest decides the rank of the product
    narrow = min(widths, key=widths.get)
    return (
        f"{listed(linear)} {'has' if len(linear) == 1 else 'have'} no activation: with the next "
        f"kernel it is one matrix, of rank {widths[narrow]} at most behind {narrow}"
    )


def for_collapse(layer) -> str:
    """Say what keeps the tokens of an example apart."""
    return (
        f"put each normalisation before its attention or dense layers, not behind the sum (up to "
        f"{layer}), or use fewer blocks (lesson 09)"
    )


def for_linear(linear) -> str:
    """Say where an activation is missing."""
    return f'give {listed(linear)} an activation, such as activation="relu" (lesson 05)'


def for_plateau(e) -> str:
    """Say how to get off a plateau."""
    names = e.hidden.layer.values
    where = f" of {names[0]} to {names[-1]}" if len(names) > 1 else ""
    return f"start anew with larger weights{where}, he_normal or glorot_uniform (lesson 04)"


def for_update(e, factor) -> str:
    """Say by how much to change the learning rate."""
    rate = getattr(e.optimizer, "learning_rate", None)
    now = f", now {float(rate):.2g}," if rate is not None else ""
    if factor == 0:
        return "no gradient reaches the kernels: look at the layers and the labels first"
    if factor > 1:
        return f"divide the learning rate{now} by about {_round(factor)} (lesson 02)"
    return f"multiply the learning rate{now} by about {_round(1 / factor)} (lesson 02)"


def _round(factor):
    """Round to one digit."""
    # a learning rate is chosen by powers, so more digits would mislead
    return f"{float(f'{factor:.0e}'):,.0f}"
