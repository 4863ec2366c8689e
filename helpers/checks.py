"""The checks that every public function's arguments pass: one clear sentence for each bad value."""

import difflib
import math
import operator
from collections.abc import Mapping, Sized

MOST_MEMORY = 4e9  # bytes that one call may ask for; many a computer has 8 in all
MOST_ENTRIES = 10**8  # of a list or range that is to become an array
LONGEST_SHOWN = 200  # letters of a bad value in its sentence


class Named(dict):
    """An ordered mapping from names to entries, which answers a misspelt name with a suggestion.

    Parameters
    ----------
    noun : str
        What an entry is, for the error sentence ("activation").
    entries : mapping
        The first entries.
    kind : type, optional
        What every entry has to be.

    Raises
    ------
    ValueError
        For an unknown name, and, when one is added, for a name that is no text or an entry that is
        no `kind`.
    """

    def __init__(self, noun: str, entries: Mapping, kind: type = object):
        self.noun = noun
        self.kind = kind
        super().__init__(entries)

    def __setitem__(self, name, entry):
        # refused here, a wrong entry can't reach the lists that are made of all of them
        if not isinstance(name, str) or not name:
            raise ValueError(f"The name of a new {self.noun} must be a text; got {shown(name)}.")
        if not isinstance(entry, self.kind):
            raise ValueError(
                f"The {self.noun} {name!r} must be of the kind {self.kind.__name__}; "
                f"got {shown(entry)}."
            )
        super().__setitem__(name, entry)

    def update(self, *more, **named) -> None:
        """Add entries, each of them checked: a plain dict would not ask `__setitem__`."""
        for name, entry in dict(*more, **named).items():
            self[name] = entry

    def setdefault(self, name, entry=None):
        """Add an entry, checked, unless there is one of that name; return the one there is."""
        if name not in self:
            self[name] = entry
        return self[name]

    def __ior__(self, more):
        self.update(more)
        return self

    def __getitem__(self, name):
        # a list or an array can't be looked up at all: a dict would call it unhashable
        self.check(name)
        return super().__getitem__(name)

    def check(self, name, *, also: str = "") -> None:
        """Raise the ``ValueError`` of an unknown name; `also` is what else may be given."""
        if not isinstance(name, str) or name not in self:
            raise ValueError(self._sentence(name, also))

    def _sentence(self, name, also=""):
        # names are in lower case, so "ReLU" finds "relu"
        close = difflib.get_close_matches(shown(name).strip("'").lower(), self, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        allowed = ", ".join(filter(None, [also, *self]))
        return f"Unknown {self.noun} {shown(name)}.{hint} Allowed: {allowed}."


def shown(value) -> str:
    """Write a bad value for a sentence: as `repr` does, cut where it is long."""
    try:
        text = repr(value)
    except Exception:  # a number of very many digits, or whatever a foreign class raises
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def a_text(name: str, value) -> str:
    """Return `value`, or raise the ``ValueError`` that says that `name` must be a text."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text; got {shown(value)}.")
    return value


def texts(name: str, values) -> list[str]:
    """Return a list of one text or more, or raise the ``ValueError`` that says so."""
    # a text is a sequence, too: of its letters
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError(f"{name} must be a list of texts; got {shown(values)}.")
    return [a_text(f"Each of the {name}", value) for value in values]


def a_function(name: str, value):
    """Return `value`, or raise the ``ValueError`` that says that `name` must be a function."""
    if not callable(value):
        raise ValueError(f"{name} must be a function; got {shown(value)}.")
    return value


def one_of(name: str, value, allowed) -> str:
    """Return `value`, or raise the ``ValueError`` that lists the texts `name` may be."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {shown(value)}.")
    return value


def instance(name: str, value, kind: type, hint: str):
    """Return `value`, or raise the ``ValueError`` that says that `name` must be a `kind`."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be {hint}; got {shown(value)}.")
    return value


def affordable(what: str, size: int, *, each: int = 8) -> None:
    """Raise a ``ValueError`` before any work, if `size` numbers of `each` bytes are too many.

    `size` is exact, as Python's whole numbers are: no product of two sizes overflows.
    """
    if size * each > MOST_MEMORY:
        # by way of the digits: 10**400 is beyond what a float holds
        power = len(str(size * each)) - 1
        raise ValueError(
            f"{what}: that needs some 10^{power} bytes of memory, and at most "
            f"{MOST_MEMORY / 1e9:g} GB are used. Choose a smaller number."
        )


def not_endless(name: str, value):
    """Return `value`, or raise the ``ValueError`` of a range or list too long to be an array."""
    # an array is there already; all else has to be read entry by entry
    if isinstance(value, Sized) and not hasattr(value, "shape") and len(value) > MOST_ENTRIES:
        raise ValueError(f"{name} may have at most {MOST_ENTRIES:g} entries; got {shown(value)}.")
    return value


def true_or_false(name: str, value) -> bool:
    """Return `value` as a bool, or raise the ``ValueError`` that says what `name` may be."""
    # Python's own type and NumPy's, by name, as this file needs no NumPy; 0 and 1 are neither
    if type(value).__name__ not in ("bool", "bool_"):
        raise ValueError(f"{name} must be True or False; got {shown(value)}.")
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
        raise ValueError(f"{name} must be a whole number, {low}{upper}; got {shown(value)}.")
    return number


def positive_number(name: str, value) -> float:
    """Return `value` as a finite float above 0, or raise the ``ValueError`` that says so."""
    number = _float(value)
    # NaN fails every comparison, so it needs no condition of its own
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0; got {shown(value)}.")
    return number


def finite_number(name: str, value, *, low: float = -math.inf) -> float:
    """Return `value` as a finite float, or raise the ``ValueError`` that says what it may be."""
    number = _float(value)
    if not math.isfinite(number) or number < low:
        limit = "" if low == -math.inf else f", {low} or more"
        raise ValueError(f"{name} must be a finite number{limit}; got {shown(value)}.")
    return number


def correlation_number(value) -> float:
    """Return `value` as a float from -1 to 1, or raise the ``ValueError`` that says so."""
    number = _float(value)
    if not -1 <= number <= 1:
        raise ValueError(f"A correlation must be from -1 to 1; got {shown(value)}.")
    return number


def number_array(name: str, value, *, finite: bool = False):
    """Return `value` as a float64 array, or raise the ``ValueError`` that says what it must be."""
    import numpy as np  # only here: nothing else in this file needs it

    try:
        numbers = np.asarray(not_endless(name, value))
    except (TypeError, ValueError, OverflowError):
        numbers = np.asarray(None)
    # booleans and numbers; NumPy would read "0.1" as a number, and None as NaN
    if numbers.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of numbers; got {shown(value)}.")
    numbers = numbers.astype(np.float64)
    if finite and not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be finite; got a number that is NaN or infinite.")
    return numbers


def _float(value):
    """Return `value` as a float; NaN, which no check lets pass, if it is no number."""
    # float() would read "0.1", take True for 1, and an array of one entry for that entry
    if isinstance(value, (str, bytes, bytearray, bool)) or getattr(value, "ndim", 0):
        return math.nan
    if type(value).__name__ == "bool_":
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
