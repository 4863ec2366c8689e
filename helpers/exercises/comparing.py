"""The usual body of an exercise's checker."""

from collections.abc import Mapping

import numpy as np

from helpers.checks import finite_number, instance, not_endless, number_array

ABSOLUTE_TOLERANCE = 1e-9  # of the largest entry: what counts as right beside a 0


def compare(answer, right, misconceptions=None, *, rtol: float = 1e-3) -> str | None:
    """Compare numbers with the right ones, and with what known misconceptions lead to.

    The usual body of a checker. Lists, arrays and tensors serve alike; what is no number at all
    (None, a text) is named. A single number that was rounded too far is asked for one more digit.

    Parameters
    ----------
    answer : number or array
        The learner's.
    right : number or array
        What is right, to a relative `rtol` (beside zeros, to 1e-9 of its largest entry).
    misconceptions : dict of str to number or array, optional
        One sentence -> what comes out if one thinks so; tried in order.

    Returns
    -------
    str or None
        What is wrong, or None.
    """
    # before NumPy, which reads None as NaN and the text "1" as the number
    parts = answer if isinstance(answer, list | tuple) else [answer]
    if any(part is None for part in parts):
        return "There's a None in place of a number: is a `return` missing?"
    if any(isinstance(part, str) for part in parts):
        return "That's a text: leave out the quotation marks."
    rtol = finite_number("rtol", rtol, low=0)
    misconceptions = {} if misconceptions is None else misconceptions
    instance("misconceptions", misconceptions, Mapping, "a dictionary of sentences")
    right = _squeezed("right", right)
    try:
        got = np.squeeze(np.asarray(not_endless("An answer", answer), float))
    except (TypeError, ValueError, OverflowError):
        return "That's no number, and no list or array of numbers that belong together."

    def equals(wanted):
        wanted = _squeezed("A misconception", wanted)
        # an empty array has no largest entry
        floor = ABSOLUTE_TOLERANCE * np.abs(wanted).max(initial=0)
        return wanted.shape == got.shape and np.allclose(got, wanted, rtol=rtol, atol=floor)

    if equals(right):
        return None
    # before the shape: a misconception may lead to another one
    for sentence, wanted in misconceptions.items():
        if equals(wanted):
            return sentence
    if got.shape != right.shape:
        if not right.shape:
            return f"One number is asked for; yours has shape {got.shape}."
        return f"The shape should be {right.shape}; yours is {got.shape or 'a single number'}."
    if not np.isfinite(got).all():
        return "Not all of that is finite: is there a division by 0?"
    if _is_rounded(got, right):
        return "Right as far as it goes: give one more digit."
    return "That isn't it: the hints may help."


def _is_rounded(got, right):
    """Whether one number is another one that isn't whole, rounded to one, two or three digits."""
    if right.shape or float(right).is_integer():
        return False
    return any(float(f"{right:.{digits}g}") == got for digits in (1, 2, 3))


def _squeezed(name, numbers):
    """Return floats without dimensions of length 1: a column counts like a row."""
    return np.squeeze(number_array(name, numbers))
