"""The rules of a verdict: each with its thresholds, in the order in which they are asked.

The first that applies is the verdict, as the later ones would only describe what it causes: data
of 0 to 255 saturate the first layer, and that makes the gradient vanish. All that apply are kept.

Thresholds: r, the delta of the first hidden layer over that of the last, is judged by the one scale
of the course (``theory.verdict``). The band of the update ratio, 1e-4 to 1e-2, is that of
Deeplearning4j's manual; as the first step of RMSprop is 3.2 times as large as the later ones, and
small layers have small kernels, the verdict leaves a factor of `LEEWAY` on both sides. The others
were set on the planted faults of the tests, with seeds and sizes that the tests don't use.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

from helpers.diagnosis import remedies
from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.heads import mismatch
from helpers.theory.verdict import EXPLODING, VANISHING, verdict

# of a learning rate a factor of ten is a fault that training shows, a factor of two is taste
LEEWAY = 10.0  # beyond the band on both sides: from there on an update ratio is off
BAND = (1e-4, 1e-2)  # of the update ratio
TARGET = 1e-3  # the update ratio in the middle of the band
SMALLEST_INPUT = 0.01  # root mean square of what goes into the first layer
LARGEST_INPUT = 5.0
# a network that has learned nothing has 1 here; one that has learned digits by heart 0.001
CONVERGED_SHARE = 0.1  # of the loss of the best constant answer
PLATEAU_SHARE = 0.95  # of that loss: nothing has been learned
# sound networks have 0.02 to 20 before training, the planted plateau 2e-4
PLATEAU_GRADIENT = 1e-3  # relative gradient: the loss changes less if a kernel changes by all of it
# 24 pre-norm blocks reach 0.86 to 0.95, 24 post-norm blocks 0.9999
COLLAPSED = 0.99  # mean correlation of two tokens of an example
# some dead units are usual: He-initialised layers have up to 10 %, trained ones up to 20 %
DEAD_UNITS = 0.5  # share of a layer
SATURATED_UNITS = 0.5  # share of the pairs of unit and example


class Finding(NamedTuple):
    """A rule that applies: what was seen, in which layers, and what to do about it."""

    name: str
    what: str
    next_step: str
    layers: tuple = ()


class Rule(NamedTuple):
    """One rule: its name, when it applies in words, and the check that makes a `Finding`."""

    name: str
    when: str
    check: Callable[[Evidence], tuple | None]


def _not_finite(e):
    if not e.not_finite:
        return None
    what, _, step = e.not_finite.partition(": ")
    return what, step, ()


def _mismatch(e):
    sentence = mismatch(e.heads, e.kinds, e.y)
    what, _, step = sentence.partition(": ")
    names = e.table.layer.values[e.table.role.values == "output"]
    return (what, step, names) if sentence else None


def _inputs(e):
    for part in e.parts:
        # the numbers that an embedding takes are names
        if not part.sites or isinstance(part.operation, keras.layers.Embedding):
            return None
        name = part.kernel.name
        size = float(e.table.input_rms.sel(layer=name))
        if not SMALLEST_INPUT <= size <= LARGEST_INPUT:
            what = f"the inputs of {name} have a root mean square of {size:.3g}"
            return what, remedies.for_inputs(e.x), (name,)
        return None
    return None


def _converged(e):
    if not e.loss_share < CONVERGED_SHARE:
        return None
    what = (
        f"the loss, {e.table.attrs['loss']:.3g}, is {e.loss_share:.2g} of what a constant answer "
        "would have: a small gradient is no fault here"
    )
    return what, "nothing to mend; compare with the loss on data that weren't trained on", ()


def _symmetric(e):
    if not e.symmetric:
        return None
    what = f"all units of {_listed(e.symmetric)} have the same weights, so they stay alike"
    return what, remedies.for_symmetric(e), e.symmetric


def _alike(e):
    if not e.alike:
        return None
    what = f"the kernels of {_listed(e.alike)} hold the same numbers"
    return what, remedies.for_alike(e), e.alike


def _frozen(e):
    if not e.frozen:
        return None
    what = f"{_listed(e.frozen)} {'is' if len(e.frozen) == 1 else 'are'} frozen"
    return what, remedies.for_frozen(e), e.frozen


def _dying(e):
    # NaN is not 0.5 or more, so a layer of which nothing is known is left alone
    share = e.hidden.dead
    dying = e.hidden.layer.values[share.values >= DEAD_UNITS]
    if not len(dying):
        return None
    worst = float(share.max())
    what = f"in {_listed(dying)} up to {worst:.0%} of the units are dead for every example"
    return what, remedies.for_dying(e, dying), dying


def _vanishing(e):
    # along depth first: it is what the other layers show, too
    if e.ratio < VANISHING:
        return (*remedies.along_depth(e, "falls"), e.hidden.layer.values[:1])
    # within a recurrent layer, along time
    for name, ratio in zip(e.hidden.layer.values, e.hidden.time_ratio.values, strict=True):
        if ratio < VANISHING:
            what = (
                f"in {name} the gradient of the first time steps is {ratio:.1e} of that of the last"
            )
            return what, remedies.along_time(name), (name,)
    return None


def _exploding(e):
    # inf, a gradient that comes from nowhere, is above every limit
    if e.ratio > EXPLODING:
        return (*remedies.along_depth(e, "grows"), e.hidden.layer.values[:1])
    for name, ratio in zip(e.hidden.layer.values, e.hidden.time_ratio.values, strict=True):
        if ratio > EXPLODING:
            what = f"in {name} the gradient of the first time steps is {ratio:.1e} times the last"
            return what, remedies.clip_along_time(name), (name,)
    return None


def _saturated(e):
    # a ReLU is flat at one end, and half of its units are there in the best of networks
    saturated = [
        part.kernel.name
        for part in e.parts
        if part.two_sided
        and part.kernel.name in e.hidden.layer.values
        and float(e.table.saturation.sel(layer=part.kernel.name)) >= SATURATED_UNITS
    ]
    if not saturated:
        return None
    share = float(e.table.saturation.sel(layer=saturated).max())
    what = f"in {_listed(saturated)} up to {share:.0%} of the activations are saturated"
    return what, remedies.for_saturated(e, saturated), saturated


def _collapsed(e):
    if not any("Attention" in type(owner).__name__ for p in e.parts for owner in p.kernel.owners):
        return None
    alike = e.hidden.tokens_alike.dropna("layer")
    if len(alike) < 2 or not float(alike[-1]) >= COLLAPSED > float(alike[0]):
        return None
    first, last = alike.layer.values[[0, -1]]
    what = (
        f"behind {last} any two tokens of an example have the correlation {float(alike[-1]):.4f}; "
        f"behind {first} it is {float(alike[0]):.2f}"
    )
    return what, remedies.for_collapse(str(last)), (last,)


def _linear(e):
    targets = keras.tree.flatten(e.y)
    inputs = keras.tree.flatten(e.x)
    # an autoencoder's code is often linear, and has to be
    if any(t.shape == i.shape for t in targets for i in inputs):
        return None
    linear = [p.kernel.name for p in e.parts if any(site.feeds for site in p.sites)]
    if not linear:
        return None
    return remedies.no_activation(e, linear), remedies.for_linear(linear), linear


def _plateau(e):
    # a layer that the answer doesn't depend on would hide a plateau, or make one
    gradient = e.relative_gradient[e.table.role.values != "unused"]
    if not (e.loss_share >= PLATEAU_SHARE and np.nanmax(gradient) < PLATEAU_GRADIENT):
        return None
    what = (
        f"the loss is that of a constant answer ({e.loss_share:.2g} of it), and no kernel's "
        f"gradient could change it by more than {np.nanmax(gradient):.1g} of itself"
    )
    return what, remedies.for_plateau(e), ()


def _update(e):
    if "update_ratio" not in e.table:
        return None
    # a frozen kernel's ratio is 0 on purpose, an unused one's gradient, too
    used = e.table.trainable.values & (e.table.role.values != "unused")
    ratios = e.table.update_ratio.values[used]
    ratios = ratios[np.isfinite(ratios)]
    if not len(ratios):
        return None
    # the middle one: an output layer of few units may be far off in the best of networks
    middle = float(np.median(ratios))
    if BAND[0] / LEEWAY <= middle <= BAND[1] * LEEWAY:
        return None
    end = "large" if middle > TARGET else "small"
    what = f"the update ratio is {middle:.1e} in the middle of the layers, too {end}"
    return what, remedies.for_update(e, middle / TARGET), ()


RULES = (
    Rule("NaN", "a number in data, weights, signals, loss or gradient is NaN or inf", _not_finite),
    Rule("wrong head or loss", "output, loss and labels don't belong together", _mismatch),
    Rule(
        "unscaled inputs",
        f"what goes into the first layer has a root mean square outside {SMALLEST_INPUT} to "
        f"{LARGEST_INPUT:g}",
        _inputs,
    ),
    Rule(
        "converged",
        f"the loss is below {CONVERGED_SHARE} of that of the best constant answer",
        _converged,
    ),
    Rule("symmetric units", "all units of a hidden kernel have the same weights", _symmetric),
    Rule("identical kernels", "a kernel repeats the numbers of another one", _alike),
    Rule("frozen", "a kernel is not trainable", _frozen),
    Rule("dying", f"{DEAD_UNITS:.0%} or more of a hidden layer's units are dead", _dying),
    Rule(
        "vanishing",
        f"delta of the first hidden layer, or of a sequence's first time steps, is below "
        f"{VANISHING:g} of that of the last",
        _vanishing,
    ),
    Rule("exploding", f"it is above {EXPLODING:g} times that of the last", _exploding),
    Rule(
        "saturated",
        f"{SATURATED_UNITS:.0%} or more of a hidden layer's activations are saturated at either "
        "end",
        _saturated,
    ),
    Rule(
        "rank collapse",
        f"in a network with attention the tokens' mean correlation reaches {COLLAPSED}",
        _collapsed,
    ),
    Rule("no activation", "nothing but a linear step lies between two kernels", _linear),
    Rule(
        "plateau",
        f"the loss is above {PLATEAU_SHARE} of that of the best constant answer, and every "
        f"relative gradient below {PLATEAU_GRADIENT:g}",
        _plateau,
    ),
    Rule(
        "update ratio off",
        f"the median of std(update) / std(kernel) is outside {BAND[0] / LEEWAY:g} to "
        f"{BAND[1] * LEEWAY:g}, ten times the usual band",
        _update,
    ),
)
MILD = ("healthy", "shrinking", "growing", "converged")  # verdicts that blame nothing


def findings(evidence: Evidence) -> list[Finding]:
    """Ask every rule; return what applies, the verdict first. It is never empty."""
    found = []
    for rule in RULES:
        answer = rule.check(evidence)
        if answer is not None:
            what, step, layers = answer
            found.append(Finding(rule.name, what, step, tuple(map(str, layers))))
            # behind numbers that are none, nothing else means anything
            if rule.name == "NaN":
                break
    return found or [_nothing(evidence)]


def _nothing(e):
    """Say how healthy it is, by the scale of the course."""
    if not np.isfinite(e.ratio):
        return Finding("healthy", "no rule applies", "nothing to mend", ())
    word = verdict(e.ratio)
    first, last = e.stations.layer.values[[0, -1]]
    what = f"delta in {first} is {e.ratio:.2g} of that in {last}"
    step = "nothing to mend" if word == "healthy" else "watch it while training (GradientWatch)"
    return Finding(word, what, step, (first, last))


def when(name: str) -> str:
    """Say when a verdict is given, with its threshold."""
    scale = {
        "healthy": "no rule applies; 0.1 to 10 is healthy",
        "shrinking": "no rule applies; 1e-3 to 0.1 is shrinking",
        "growing": "no rule applies; 10 to 1e3 is growing",
    }
    return scale.get(name) or next(rule.when for rule in RULES if rule.name == name)


def _listed(names):
    return remedies.listed(names)
