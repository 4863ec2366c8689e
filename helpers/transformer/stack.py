"""A stack of transformer blocks: its weights, its way forward, and its exact way back.

A block adds two branches to the stream x, one after the other::

    x + alpha A(N(x))     norm before the branch: "pre"
    N(x + alpha A(x))     norm after the sum: "post" (Vaswani et al. 2017)
    x + alpha A(x)        no norm: "none"

First A is self-attention with several heads, then it's an MLP, relu(x W_up) W_down, the same for
every token. "pre" ends with a last N, as in GPT-2. N is a normalisation of the catalogue, over the
units of each token; its learned scale is left at 1. There are no biases, which start at 0.

Arrays have the shape (replicates, sequences, tokens, width).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.catalogue import INITIALIZERS, NORMALIZATIONS
from helpers.checks import (
    Named,
    affordable,
    finite_number,
    instance,
    shown,
    true_or_false,
    whole_number,
)

KERNELS = ("query", "key", "value", "output", "up", "down")
PLACEMENTS = Named("placement", dict.fromkeys(("pre", "post", "none")))
ATTENTIONS = Named("attention", dict.fromkeys(("softmax", "uniform", "none")))
INPUTS = 0  # the stream of draws of the input tokens,
DIRECTION = 1  # of the loss's direction,
FIRST_KERNEL = 2  # and of the first kernel: so they stay the same when the depth changes


@dataclass(frozen=True)
class Transformer:
    """What a stack of blocks is made of.

    Parameters
    ----------
    depth, width : int
        Blocks, and units of a token.
    heads, hidden : int
        Heads of the attention, which share the width, and units within the MLP.
    placement : {"pre", "post", "none"}
    normalization : {"layer", "rms"}
    attention : {"softmax", "uniform", "none"}
        "uniform" takes the mean over all tokens, whatever they are; "none" leaves attention out.
    alpha : float
        Multiplies every branch.
    skip, mlp : bool
        Whether x itself is added to a branch, and whether there is an MLP.

    Raises
    ------
    ValueError
        For an unknown name, a size below 1, a width that heads cannot share, or alpha below 0.
    """

    depth: int = 12
    width: int = 32
    heads: int = 2
    hidden: int = 128
    placement: str = "pre"
    normalization: str = "layer"
    attention: str = "softmax"
    alpha: float = 1.0
    skip: bool = True
    mlp: bool = True

    def __post_init__(self):
        for name in ("depth", "width", "heads", "hidden"):
            whole_number(name, getattr(self, name))
        if self.width % self.heads:
            raise ValueError(
                f"heads must divide the width; got {self.heads} heads for a width of {self.width}."
            )
        PLACEMENTS.check(self.placement)
        ATTENTIONS.check(self.attention)
        NORMALIZATIONS.check(self.normalization)
        # over the examples it would tie the sequences of a batch together
        if NORMALIZATIONS[self.normalization].over != "units":
            raise ValueError(f"normalization must be over the units; got {self.normalization!r}.")
        finite_number("alpha", self.alpha, low=0)
        true_or_false("skip", self.skip)
        true_or_false("mlp", self.mlp)

    @property
    def branches(self) -> list:
        """The pairs of functions, forward and backward, that a block applies in turn."""
        attention = [(_attend, _attend_back)] if self.attention != "none" else []
        return attention + ([(_mlp, _mlp_back)] if self.mlp else [])

    def normalize(self, x):
        """Return N(x) and its divisor."""
        return NORMALIZATIONS[self.normalization].forward(x)

    def normalize_back(self, delta, z, divisor):
        """Turn dL/dN(x) into dL/dx."""
        return NORMALIZATIONS[self.normalization].backward(delta, z, divisor)


def check_stack(stack) -> None:
    """Raise a ``ValueError`` unless `stack` is a `Transformer`."""
    instance("stack", stack, Transformer, "a Transformer, such as Transformer(depth=6)")


def float_type(dtype) -> np.dtype:
    """Return float64 or float32, or raise the ``ValueError`` that says so."""
    # an array or a list may compare entry by entry, so only types and texts are looked at
    found = [kind for kind in ("float64", "float32") if _is_type(dtype, kind)]
    if not found:
        raise ValueError(f"dtype must be float64 or float32; got {shown(dtype)}.")
    return np.dtype(found[0])


def _is_type(dtype, kind):
    return isinstance(dtype, (str, type, np.dtype)) and dtype in (
        kind,
        np.dtype(kind),
        getattr(np, kind),
    )


class Run(NamedTuple):
    """A way forward: the stream before every block and after the last, and what the way back needs.

    `output` is the stream after the last norm; `tape` has an entry for each branch.
    """

    stream: list
    output: np.ndarray
    tape: list
    last: tuple | None


def weights(
    stack: Transformer,
    *,
    initializer: str = "glorot_uniform",
    num_replicates: int = 5,
    seed: int = 0,
    dtype=np.float64,
) -> list[dict]:
    """Draw the kernels of every block from the catalogue's sampler, as many as are used.

    Every block has a dictionary: query, key, value, output (width, width), up (width, hidden) and
    down (hidden, width), each behind an axis for the replicates. The columns of query, key and
    value belong to the heads in turn.
    """
    check_stack(stack)
    num_replicates = whole_number("num_replicates", num_replicates)
    width = stack.width
    per_block = width * (4 * width + 2 * stack.hidden)
    affordable("Stacks of this size", 2 * stack.depth * per_block * num_replicates)
    dtype = float_type(dtype)
    # in the order of KERNELS, which says where the stream of each kernel's draws stands
    sizes = dict.fromkeys(KERNELS, (width, width))
    sizes |= {"up": (width, stack.hidden), "down": (stack.hidden, width)}
    if stack.attention == "none":
        sizes = {name: sizes[name] for name in ("up", "down")}
    elif stack.attention == "uniform":  # which compares no tokens
        sizes = {name: sizes[name] for name in KERNELS[2:]}
    if not stack.mlp:
        sizes = {name: size for name, size in sizes.items() if name not in ("up", "down")}
    return [
        {
            name: draw(
                initializer,
                *size,
                layer=FIRST_KERNEL + len(KERNELS) * block + KERNELS.index(name),
                num_replicates=num_replicates,
                seed=seed,
            ).astype(dtype)
            for name, size in sizes.items()
        }
        for block in range(stack.depth)
    ]


def draw(name, fan_in, fan_out, *, layer, num_replicates, seed):
    """Draw one kernel for each replicate, (num_replicates, fan_in, fan_out), float32."""
    sample = INITIALIZERS[name].sample
    return np.stack(
        [
            sample(fan_in, fan_out, seed=seed, replicate=replicate, layer=layer)
            for replicate in range(num_replicates)
        ]
    )


def forward(stack: Transformer, kernels: list[dict], x: np.ndarray) -> Run:
    """Send tokens through the stack.

    Parameters
    ----------
    kernels : list of dict
        As `weights` draws them.
    x : array, shape (num_replicates or 1, sequences, tokens, width)
    """
    stream = [x]
    tape = []
    for block in kernels:
        for branch, _ in stack.branches:
            # pre-norm: only the branch sees N(x), the stream stays as it is
            before = stack.normalize(x) if stack.placement == "pre" else (x, None)
            added, kept = branch(stack, block, before[0])
            x = stack.alpha * added + (x if stack.skip else 0)
            # post-norm: the stream itself goes through N
            after = stack.normalize(x) if stack.placement == "post" else (x, None)
            x = after[0]
            tape.append((before, kept, after))
        stream.append(x)
    last = stack.normalize(x) if stack.placement == "pre" else None
    return Run(stream, x if last is None else last[0], tape, last)


def backward(
    stack: Transformer, kernels: list[dict], run: Run, delta: np.ndarray
) -> tuple[list, list[dict]]:
    """Go back from dL/d(output), shape as `run.output`.

    Returns
    -------
    deltas : list of arrays
        dL/dx before every block, and after the last one, before its norm.
    gradients : list of dict
        dL/dkernel, summed over sequences and tokens.
    """
    if run.last is not None:
        delta = stack.normalize_back(delta, *run.last)
    # from the last block to the first, and turned round at the end
    deltas = [delta]
    gradients = [{} for _ in kernels]
    entries = reversed(run.tape)
    for block, found in zip(reversed(kernels), reversed(gradients), strict=True):
        for _, branch_back in reversed(stack.branches):
            before, kept, after = next(entries)
            if stack.placement == "post":
                delta = stack.normalize_back(delta, *after)
            back = branch_back(stack, block, before[0], kept, stack.alpha * delta, found)
            if stack.placement == "pre":
                back = stack.normalize_back(back, *before)
            # the skip hands delta on as it is; the branch adds its own
            delta = back + (delta if stack.skip else 0)
        deltas.append(delta)
    return deltas[::-1], gradients


# ---- the two branches: each returns what it adds, and what its way back needs -------------------


def times(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Multiply every token by its replicate's kernel, in one product for each replicate."""
    replicates, sequences, tokens, width = x.shape
    # one set of sequences may serve all replicates: matmul repeats it
    product = x.reshape(replicates, sequences * tokens, width) @ kernel
    return product.reshape(len(product), sequences, tokens, -1)


def kernel_gradient(x: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Sum x^T delta over all tokens of all sequences: (replicates, fan_in, fan_out)."""
    # one sequence set may serve all replicates
    x = np.broadcast_to(x, (*delta.shape[:3], x.shape[3]))
    flat = [part.reshape(len(part), -1, part.shape[3]) for part in (x, delta)]
    return np.swapaxes(flat[0], 1, 2) @ flat[1]


def _back(delta, kernel):
    return times(delta, np.swapaxes(kernel, 1, 2))


def _split(stack, x):
    """(..., tokens, width) -> (..., heads, tokens, width of a head)."""
    return np.swapaxes(x.reshape(*x.shape[:3], stack.heads, -1), 2, 3)


def _join(x):
    """Put the heads side by side again."""
    x = np.swapaxes(x, 2, 3)
    return x.reshape(*x.shape[:3], -1)


def _attend(stack, kernels, x):
    value = times(x, kernels["value"])
    if stack.attention == "uniform":
        mixed = np.broadcast_to(value.mean(axis=2, keepdims=True), value.shape)
        return times(mixed, kernels["output"]), (mixed,)
    query, key, value = (_split(stack, times(x, kernels[name])) for name in KERNELS[:3])
    # Python's root: NumPy's is a float64, which would make one of every float32
    scores = query @ np.swapaxes(key, 3, 4) / math.sqrt(query.shape[4])
    # the largest is taken off first, so that no exponential overflows
    shares = np.exp(scores - scores.max(axis=4, keepdims=True))
    shares /= shares.sum(axis=4, keepdims=True)
    mixed = _join(shares @ value)
    return times(mixed, kernels["output"]), (mixed, shares, query, key, value)


def _attend_back(stack, kernels, x, kept, delta, found):
    mixed, *rest = kept
    found["output"] = kernel_gradient(mixed, delta)
    # from here on delta is that of what was mixed
    delta = _back(delta, kernels["output"])
    if stack.attention == "uniform":
        # every token feeds every other with the same share
        of_value = np.broadcast_to(delta.mean(axis=2, keepdims=True), delta.shape)
        found["value"] = kernel_gradient(x, of_value)
        return _back(of_value, kernels["value"])
    shares, query, key, value = rest
    delta = _split(stack, delta)
    of_shares = delta @ np.swapaxes(value, 3, 4)
    # softmax: a share grows at the cost of the others
    of_scores = shares * (of_shares - (shares * of_shares).sum(axis=4, keepdims=True))
    of_scores /= math.sqrt(query.shape[4])
    parts = {
        "query": of_scores @ key,
        "key": np.swapaxes(of_scores, 3, 4) @ query,
        "value": np.swapaxes(shares, 3, 4) @ delta,
    }
    # x feeds all three, so their ways back add up
    back = 0
    for name, part in parts.items():
        part = _join(part)
        found[name] = kernel_gradient(x, part)
        back = back + _back(part, kernels[name])
    return back


def _mlp(stack, kernels, x):
    active = np.maximum(times(x, kernels["up"]), 0)
    return times(active, kernels["down"]), active


def _mlp_back(stack, kernels, x, active, delta, found):
    found["down"] = kernel_gradient(active, delta)
    # relu's slope: 1 where it's on, else 0
    of_z = _back(delta, kernels["down"]) * (active > 0)
    found["up"] = kernel_gradient(x, of_z)
    return _back(of_z, kernels["up"])
