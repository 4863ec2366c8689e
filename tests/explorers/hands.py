"""What a learner does with an explorer, and sees of it."""

import html
import io
import re

import ipywidgets as widgets
import matplotlib.image
import numpy as np

from helpers.explorers import settings


def pixels(explorer):
    """What a browser decodes, uint8 of shape (height, width, 4)."""
    picture = matplotlib.image.imread(io.BytesIO(explorer._image.value))
    return (255 * picture).round().astype(np.uint8)


def fresh_pixels(explorer):
    """The same picture with every background drawn anew."""
    for place in explorer._canvas.places:
        place.backgrounds.clear()
    explorer._show()
    return pixels(explorer)


def shown(explorer):
    """The sentence as the page shows it."""
    return html.unescape(re.sub("<[^>]+>", "", explorer._sentence.value))


def lines(ax, label, color=None):
    """The lines with a label, and a colour if several have that label."""
    return [
        line for line in ax.lines if line.get_label() == label and color in (None, line.get_color())
    ]


def curve(ax, label, color=None):
    """The numbers behind a line."""
    found = lines(ax, label, color)
    assert len(found) == 1, [line.get_label() for line in ax.lines]
    return found[0].get_ydata()


def is_button(control):
    return isinstance(control, widgets.Button)


def ends(control):
    """The values at both ends of a control."""
    if settings.is_choice(control):
        values = [value for _, value in settings.options(control)]
        return [values[0], values[-1]]
    return [control.min, control.max]


def all_values(control):
    """Every choice; of a number some in the lower part, where nothing takes long, and both ends."""
    if settings.is_choice(control):
        return [value for _, value in settings.options(control)]
    whole = isinstance(control, widgets.IntSlider)
    low = control.min
    some = [low + share * (control.max - low) for share in (0, 0.05, 0.1, 0.2)]
    return [round(value) if whole else round(value, 2) for value in some]


def act(explorer, rng):
    """Do one thing that a hand can do, at random; return what it was."""
    buttons = [*explorer.presets.values(), explorer._pin, explorer._reset]
    what = rng.choice(["control", "control", "control", "button", "text"])
    if what == "button":
        buttons[rng.integers(len(buttons))].click()
        return what
    names = list(explorer.controls)
    name = names[rng.integers(len(names))]
    control = explorer.controls[name]
    if is_button(control):
        control.click()
        return name
    choices = all_values(control)
    value = choices[rng.integers(len(choices))]
    if what == "text":
        words = dict(word.split("=") for word in explorer.text.split())
        words[name] = settings.write(control, value)
        explorer._text.value = " ".join("=".join(pair) for pair in words.items())
    else:
        control.value = value
    assert explorer.values[name] == value
    return name
