"""Source A's job on every side: the same results first, then the time."""

from functools import partial

from benchmarks import timing
from benchmarks.job import SOURCE_A, Job
from benchmarks.sides import (
    EVERYTHING,
    Side,
    c_side,
    compare,
    jax_side,
    keras_sides,
    numpy_side,
    ours,
    torch_side,
)

TENTH = Job(epochs=10)
TANH = Job(activation="tanh")

EAGER = "eager Keras, source A's loop"
FIT = "Keras `fit` with `WeightCapture`"
TORCH = "PyTorch, eager"
NUMPY = "NumPy by hand"
JAX = "JAX, jit and scan"
JAX_ALL = "JAX, jit and scan, all of it"
C = "C"
C_TANH = "C, tanh"
MODEL = "`train_model`, a Keras model of your own"
TRAIN = "`train`"
TRAIN_TANH = "`train`, tanh"
MANY = "`train`, 32 networks together"

SIDES = {
    EAGER: Side(keras_sides.eager, job=TENTH),
    FIT: Side(keras_sides.fit_with_capture, "kernels, by epoch", TENTH),
    TORCH: Side(torch_side.eager),
    NUMPY: Side(numpy_side.by_hand),
    JAX: Side(jax_side.lean, read=jax_side.as_result),
    JAX_ALL: Side(jax_side.everything, EVERYTHING, read=jax_side.as_result),
    C: Side(c_side.compiled),
    C_TANH: Side(c_side.compiled, job=TANH),
    MODEL: Side(ours.train_model, EVERYTHING, read=ours.as_result),
    TRAIN: Side(ours.train, EVERYTHING, read=ours.as_result),
    TRAIN_TANH: Side(ours.train, EVERYTHING, TANH, ours.as_result),
    MANY: Side(partial(ours.train, num_replicates=32), EVERYTHING, read=ours.as_result),
}


def sides() -> dict[str, Side]:
    """Return the sides that can run here: C needs a compiler, and its lack is said."""
    if c_side.find_compiler():
        return SIDES
    print(f"  no C compiler is found ({', '.join(c_side.COMPILERS)}): C doesn't take part")
    return {name: side for name, side in SIDES.items() if name not in (C, C_TANH)}


def run(rounds: int) -> dict[str, list[float]]:
    """Seconds that source A's job takes on every side: name -> one number a round."""
    taking_part = sides()
    runs = {name: side.prepare(side.job) for name, side in taking_part.items()}
    references = {
        side.job: side.read(runs[name]())
        for name, side in taking_part.items()
        if name in (TRAIN, TRAIN_TANH)
    }
    for name, side in taking_part.items():
        reference = references[TANH if side.job == TANH else SOURCE_A]
        first, whole, record = compare(side.read(runs[name]()), reference)
        print(
            f"  the same as train, {name}: first losses to {first:.0e}, all to {whole:.0e}, "
            f"what it records to {record:.0e}",
            flush=True,
        )
    seconds = timing.alternate(runs, rounds)
    return {
        name: [value * SOURCE_A.epochs / taking_part[name].job.epochs for value in values]
        for name, values in seconds.items()
    }
