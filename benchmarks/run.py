"""Measure what the README claims about speed: the one entry point behind `make bench`.

Makes an environment of its own, .venv-bench (the course's packages, PyTorch and JAX), and runs
engine.py there. Only the standard library is used here; further options go to engine.py. It takes
some 5 minutes, and means something only on a machine that does nothing else.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-bench"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = FOLDER / "packages.txt"  # written last: without it the environment is half-made
RIVALS = ("torch==2.13.0", "jax==0.10.2", "psutil>=6")
# A processor forced upon OpenBLAS would slow NumPy, and whoever uses its matrix products.
BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS")


def make_environment():
    """Install everything, unless the same packages are there already."""
    lock = (ROOT / "requirements.txt").read_bytes()
    wanted = hashlib.sha256(lock + repr((RIVALS, sys.version)).encode()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("Making .venv-bench: the course's packages, PyTorch and JAX (some 3 GB)", flush=True)
    venv.create(FOLDER, with_pip=True, clear=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", ROOT / "requirements.txt", *RIVALS], check=True)
    STAMP.write_text(wanted)


if __name__ == "__main__":
    make_environment()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for name in BLAS_SETTINGS:
        environment.pop(name, None)
    command = [PYTHON, "-m", "benchmarks.engine", *sys.argv[1:]]
    sys.exit(subprocess.run(command, env=environment).returncode)
