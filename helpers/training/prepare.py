"""Compile the training engine, so that no lesson waits for it.

``python -m helpers.training.prepare`` does it, and the set-up of the course calls that once. The
compiled code is kept beside the package, or in the user's cache folder.
"""

from typing import NamedTuple


class EngineStatus(NamedTuple):
    """Whether the engine is compiled for this machine, and where it is kept."""

    compiled: bool
    folder: str | None  # None where no folder can be written to: then every process compiles


def status() -> EngineStatus:
    """Look at the cache on disk, without compiling or running anything."""
    from helpers.training import engine

    cache = getattr(engine.advance, "_cache", None)
    folder = getattr(cache, "cache_path", None)  # numba has an empty cache where it found none
    if folder is None:
        return EngineStatus(bool(engine.advance.signatures), None)
    # numba's index holds an entry for each compiled signature of this version of the file
    return EngineStatus(bool(cache._cache_file._load_index()), folder)


def prepare() -> None:
    """Train one tiny network, which compiles whatever is not on disk yet."""
    from helpers import data
    from helpers.training import train

    train("tanh", "glorot_uniform", dataset=data.circles(32), depth=1, width=2, epochs=1)


if __name__ == "__main__":
    prepare()
