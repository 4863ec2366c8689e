"""A setting as text, "activation=tanh depth=20", and back; and which values a control takes.

In a text a space within a label is an underscore: "residual=a_+_φ(z)".
"""

import numbers

import ipywidgets as widgets

from helpers.checks import a_text, shown, whole_number
from helpers.explorers.controls import Steps


def write(control, value) -> str:
    """Write a control's value as a setting does."""
    if is_choice(control):
        labels = {other: label for label, other in options(control)}
        return labels[value].replace(" ", "_")
    return f"{value:g}" if isinstance(value, float) else str(value)


def read(name: str, control, text: str):
    """Return the value that `write` wrote.

    Raises
    ------
    ValueError
        For a label that the control hasn't got, or for no number.
    """
    if is_choice(control):
        values = {label.replace(" ", "_"): value for label, value in options(control)}
        if text not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)}; got {text!r}.")
        return values[text]
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number; got {text!r}.") from None


def parse(text: str, controls: dict) -> dict:
    """Return the values in a line such as "activation=tanh depth=20", by name.

    Raises
    ------
    ValueError
        For a word that isn't ``name=value``, an unknown name, or what `read` refuses.
    """
    values = {}
    for word in a_text("A setting", text).split():
        name, equals, value = word.partition("=")
        if not equals or name not in controls:
            raise ValueError(
                f"Expected name=value, with a name from {', '.join(controls)}; got {word!r}."
            )
        values[name] = read(name, controls[name], value)
    return values


def check(controls: dict, values: dict) -> None:
    """Raise a ``ValueError`` for an unknown control, or a value that it can't take."""
    for name, value in values.items():
        if name not in controls:
            raise ValueError(f"Unknown control {name!r}. Allowed: {', '.join(controls)}.")
        _check_value(name, controls[name], value)


def _check_value(name, control, value):
    if is_choice(control):
        allowed = [other for _, other in options(control)]
        # 1 == True, but a width of True is a slip
        same_kind = [
            other for other in allowed if isinstance(other, bool) == isinstance(value, bool)
        ]
        # an array compares entry by entry, so it is no value before it is compared
        plain = isinstance(value, (str, numbers.Real)) or value is None
        if not plain or value not in same_kind:
            names = ", ".join(map(str, allowed))
            raise ValueError(f"{name} must be one of {names}; got {shown(value)}.")
    elif isinstance(control, widgets.Button):
        whole_number(name, value, low=0)
    else:
        whole = not isinstance(control, widgets.FloatSlider)
        kind = numbers.Integral if whole else numbers.Real
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not control.min <= value <= control.max:
            word = "a whole number" if whole else "a number"
            raise ValueError(
                f"{name} must be {word} from {control.min:g} to {control.max:g}; "
                f"got {shown(value)}."
            )


def is_choice(control) -> bool:
    """Whether a control offers a list of values, each with a label."""
    return isinstance(control, (Steps, widgets.Dropdown))


def options(control) -> list[tuple]:
    """Return (label, value) of everything that such a control offers."""
    if isinstance(control, Steps):
        return control.pairs
    return list(control._options_full)  # `options` holds what was given, of several forms
