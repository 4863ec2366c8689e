"""Checks of variances, which `helpers.checks` has no use for elsewhere."""

import numpy as np

from helpers.checks import not_endless, shown


def non_negative(name: str, value, *, finite: bool = False) -> np.ndarray:
    """Return `value` as a float array of any shape with entries of 0 or more.

    Raises
    ------
    ValueError
        For what is no number, is NaN or negative, for an empty array, and, if `finite`, for inf.
    """
    try:
        number = np.asarray(not_endless(name, value))
        # NumPy would read "0.1" as a number, and None as NaN
        number = number.astype(float) if number.dtype.kind in "biuf" else np.asarray(np.nan)
    except (TypeError, ValueError, OverflowError):
        # the comparison below refuses it, with the same sentence as for any other bad value
        number = np.asarray(np.nan)
    # NaN >= 0 is False, so that one comparison refuses both NaN and negative numbers
    if not number.size or not (number >= 0).all() or (finite and np.isinf(number).any()):
        allowed = "a finite number, 0 or more" if finite else "0 or more"
        raise ValueError(f"{name} must be {allowed}; got {shown(value)}.")
    return number


def non_negative_number(name: str, value, *, finite: bool = True) -> float:
    """Return `value` as one float of 0 or more; the errors are those of `non_negative`."""
    number = non_negative(name, value, finite=finite)
    # a NumPy scalar or an array of no dimension is one number, too
    if number.ndim:
        raise ValueError(f"{name} must be one number; got {shown(value)}.")
    return float(number)


def two_variances(weight_variance, bias_variance) -> tuple[float, float]:
    """Return sigma_w^2 and sigma_b^2 as finite floats of 0 or more, or raise ``ValueError``."""
    return (
        non_negative_number("weight_variance", weight_variance),
        non_negative_number("bias_variance", bias_variance),
    )
