"""Run the unit tests with the lowest or the newest versions that pyproject.toml allows.

``python3 tests/versions.py lowest`` makes an environment of its own, ``.venv-lowest`` (2 GB), with
the Python that runs this; what follows goes to pytest. The lowest are those of the direct
dependencies: what these need themselves is as new as they allow.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}


def main(which: str, *options: str) -> int:
    """Make the environment, say what is in it, and return pytest's status."""
    folder = ROOT / f".venv-{which}"
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
    uv = [python, "-m", "uv", "pip"]
    resolution = ["--resolution", RESOLUTIONS[which], "--only-binary", ":all:"]
    what = ["--no-binary", "vanishing-gradients", "--editable", f"{ROOT}[test]"]
    subprocess.run([*uv, "install", "--python", python, *resolution, *what], check=True)
    subprocess.run([*uv, "list", "--python", python], check=True)
    # the licences are those of the lock, which is not installed here
    left_out = ["--ignore=tests/browser", "--ignore=tests/test_licenses.py"]
    unit = ["tests", *left_out, "-n", "2"]
    return subprocess.run([python, "-m", "pytest", *unit, *options], cwd=ROOT).returncode


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in RESOLUTIONS:
        sys.exit(f"usage: python3 tests/versions.py {'|'.join(RESOLUTIONS)} [options of pytest]")
    sys.exit(main(*sys.argv[1:]))
