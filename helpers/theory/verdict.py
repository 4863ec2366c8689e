"""The one scale by which every picture, explorer and claim judges a gradient.

r is the RMS over networks of delta = dL/dz in the first hidden layer over that in the last one,
a ratio without a unit::

    r      0 ......... 1e-3 ......... 0.1 ......... 10 ......... 1e3 ......... inf
    word     vanishing      shrinking     healthy      growing       exploding

A limit itself belongs to the milder word. Where a tenth of the networks or more are dead, the
answer is "dying", whatever the ratio of the rest.
"""

from helpers.theory.arguments import non_negative_number

VANISHING = 1e-3  # below it; from it on up to SHRINKING a gradient is shrinking
SHRINKING = 0.1  # below it
GROWING = 10.0  # above it; up to EXPLODING
EXPLODING = 1e3  # above it
DYING_SHARE = 0.1  # of the networks: from it on


def verdict(ratio: float, *, dead_share: float = 0.0) -> str:
    """Say in one word what became of a gradient on its way back.

    Parameters
    ----------
    ratio : float
        Size of the gradient at the input side over its size at the output side, 0 or more. inf
        stands for a size that overflowed.
    dead_share : float
        Share, 0 to 1, of the networks that pass no gradient at all to their first layer.

    Returns
    -------
    str
        "dying" if `dead_share` is `DYING_SHARE` or more; otherwise "vanishing", "shrinking",
        "healthy", "growing" or "exploding".

    Raises
    ------
    ValueError
        For a ratio that is NaN, negative or no number, or a share beyond 0 to 1.
    """
    # inf is a result, not an error: the gradient of an exploding network overflows
    ratio = non_negative_number("ratio", ratio, finite=False)
    dead_share = non_negative_number("dead_share", dead_share)
    if dead_share > 1:
        raise ValueError(f"dead_share must be from 0 to 1; got {dead_share!r}.")
    # first, as the ratio of the networks that are left says nothing about the dead ones
    if dead_share >= DYING_SHARE:
        return "dying"
    if ratio < VANISHING:
        return "vanishing"
    if ratio < SHRINKING:
        return "shrinking"
    if ratio <= GROWING:
        return "healthy"
    return "growing" if ratio <= EXPLODING else "exploding"
