"""The checks that every public function's arguments pass: one clear sentence for each bad value."""

import difflib
import math
import operator
from collections.abc import Mapping


class Named(dict):
    """An ordered mapping from names to entries, which answers a misspelt name with a suggestion.

    Parameters
    ----------
    noun : str
        What an entry is, for the error sentence ("activation").
    entries : mapping
        The first entries.
    """

    def __init__(self, noun: str, entries: Mapping):
        self.noun = noun
        super().__init__(entries)

    def check(self, name, *, also: str = "") -> None:
        """Raise the ``ValueError`` of an unknown name; `also` is what else may be given."""
        if not isinstance(name, str) or name not in self:
            raise ValueError(self._sentence(name, also))

    def __missing__(self, name):
        """Raise the one sentence that names what was given and what is allowed."""
        # `dict` calls this for a missing key, so that every look-up by name gives that sentence
        raise ValueError(self._sentence(name))

    def _sentence(self, name, also=""):
        # names are in lower case, so "ReLU" finds "relu"
        close = difflib.get_close_matches(str(name).lower(), self, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        allowed = ", ".join(filter(None, [also, *self]))
        return f"Unknown {self.noun} {name!r}.{hint} Allowed: {allowed}."


def true_or_false(name: str, value) -> bool:
    """Return `value` as a bool, or raise the ``ValueError`` that says what `name` may be."""
    # Python's own type and NumPy's, by name, as this file needs no NumPy; 0 and 1 are neither
    if type(value).__name__ not in ("bool", "bool_"):
        raise ValueError(f"{name} must be True or False; got {value!r}.")
    return bool(value)


def whole_number(name: str, value, *, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an int, or raise the ``ValueError`` that says what `name` may be."""
    # `index` takes every integer type, NumPy's too, and refuses 2.0; True is an int for Python
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < low or (high is not None and number > high):
        upper = " or more" if high is None else f" to {high}"
        raise ValueError(f"{name} must be a whole number, {low}{upper}; got {value!r}.")
    return number


def positive_number(name: str, value) -> float:
    """Return `value` as a finite float above 0, or raise the ``ValueError`` that says so."""
    number = _float(value)
    # NaN fails every comparison, so it needs no condition of its own
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0; got {value!r}.")
    return number


def finite_number(name: str, value, *, low: float = -math.inf) -> float:
    """Return `value` as a finite float, or raise the ``ValueError`` that says what it may be."""
    number = _float(value)
    if not math.isfinite(number) or number < low:
        limit = "" if low == -math.inf else f", {low} or more"
        raise ValueError(f"{name} must be a finite number{limit}; got {value!r}.")
    return number


def correlation_number(value) -> float:
    """Return `value` as a float from -1 to 1, or raise the ``ValueError`` that says so."""
    number = _float(value)
    if not -1 <= number <= 1:
        raise ValueError(f"A correlation must be from -1 to 1; got {value!r}.")
    return number


def _float(value):
    """Return `value` as a float; NaN, which no check lets pass, if it is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
