"""C: engine.c in a shared library, called by ctypes. It records the least, and is the limit."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.job import BATCH, EPSILON, RATE, RHO, Job
from benchmarks.sides import Result

SOURCE = Path(__file__).resolve().parent.parent / "engine.c"
COMPILERS = ("gcc", "cc", "clang")  # gcc first: it turns exp and tanh into vector instructions
FLAGS = ("-O3", "-ffast-math", "-march=native", "-fPIC")
ACTIVATION_CODES = {"sigmoid": 0, "tanh": 1}  # as engine.c numbers them


def find_compiler() -> str | None:
    """Return the path of a C compiler, or None."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


@functools.cache
def library() -> ctypes.CDLL:
    """Compile and load engine.c.

    Raises
    ------
    RuntimeError
        If the compiler refuses it, with what it wrote.
    """
    folder = Path(tempfile.mkdtemp(prefix="engine_c_"))
    compiled_file = folder / "engine.o"
    linked_file = folder / "engine.so"
    # Linked in a second step without -ffast-math: with it, gcc would add a start-up that flushes
    # denormal numbers to zero in the whole process, and so change what all others compute.
    steps = [
        [*FLAGS, "-c", SOURCE, "-o", compiled_file],
        ["-shared", compiled_file, "-o", linked_file, "-lm"],
    ]
    try:
        for arguments in steps:
            done = subprocess.run([find_compiler(), *arguments], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"engine.c does not compile:\n{done.stderr}")
        return ctypes.CDLL(str(linked_file))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compiled(job: Job):
    """Prepare the call; only the loop and the copy of the initial weights are timed."""
    call = library().train
    x = np.ascontiguousarray(job.dataset.x)
    y = np.ascontiguousarray(job.dataset.y)
    order = np.ascontiguousarray(job.order, np.int32)
    blocks = [(kernel.T.ravel(), np.zeros(kernel.shape[1])) for kernel in job.kernels]
    first = np.concatenate([part for block in blocks for part in block]).astype(np.float32)
    sizes = [job.num_steps, BATCH, job.dataset.num_inputs, job.depth, job.width]

    def run():
        parameters = first.copy()
        losses = np.empty(job.num_steps, np.float32)
        record = np.empty((job.num_steps, job.depth + 1, 2), np.float32)
        failed = call(
            *map(pointer, (x, y, order)),
            *map(ctypes.c_int, [*sizes, ACTIVATION_CODES[job.activation]]),
            *map(ctypes.c_float, (RATE, RHO, EPSILON)),
            ctypes.c_int(first.size),
            *map(pointer, (parameters, losses, record)),
        )
        if failed:
            raise MemoryError("engine.c got no memory")
        return Result(losses, {"gradient_mean": record[..., 0], "gradient_std": record[..., 1]})

    return run


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    """Where the array's numbers stand."""
    return ctypes.c_void_p(array.ctypes.data)
