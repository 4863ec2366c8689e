"""List the licence of every locked package: ``.venv/bin/python tests/licenses.py`` prints it.

A package says its licence in one of three fields, or only in the text of its licence file.
"""

import re
import sys
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.txt"
# May be used, and installed by anyone, for any purpose; MPL-2.0 asks who changes its files to share
# them, and nobody does here.
ALLOWED = (
    r"(?:The )?MIT(?:-0|-CMU)?(?: License)?",
    r"(?:BSD|[023]-Clause BSD|BSD-[23]-Clause|BSD [23]-Clause|0BSD)(?: License)?",
    r"Apache(?:[- ]2\.0| License| Software License)?(?:,? Version 2\.0| 2\.0)?"
    r"(?: WITH LLVM-exception)?",
    r"ISC(?: License)?(?: \(ISCL\))?",
    r"PSF-2\.0|Python Software Foundation License",
    r"Zlib|CC0-1\.0",
    r"Mozilla Public License 2\.0 \(MPL 2\.0\)|MPL-2\.0",
)
# Read by hand: those for other systems, and one that names its licence in a sentence only.
BY_HAND = {
    "namex": "Apache 2.0",
    "jupyterhub-idle-culler": "BSD-3-Clause",
    "appnope": "BSD License",
    # public domain and BSD; the GPL is for a mode of Emacs, which the package leaves out
    "docutils": "BSD-2-Clause",
    "colorama": "BSD License",
    "pywinpty": "MIT",
    "tensorflow": "Apache 2.0",
    "tensorflow-cpu": "Apache 2.0",
}


def locked() -> list[str]:
    """Return the names of the locked packages."""
    lines = LOCK.read_text("utf-8").splitlines()
    names = [re.split(r"[=\[; ]", line)[0] for line in lines if line and line[0] != "#"]
    return list(dict.fromkeys(names))


def licence(name: str) -> str:
    """Return what a package says of its licence, in its own words; "" if it says nothing."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return BY_HAND.get(name, "")
    if name in BY_HAND:
        return BY_HAND[name]
    classifiers = [
        text.split("::")[-1].strip()
        for text in said.get_all("Classifier", [])
        if text.startswith("License ::") and not text.endswith("OSI Approved")
    ]
    texts = [
        file.read_text("utf-8").strip().splitlines()[0].strip()
        for file in metadata.files(name) or []
        if re.search(r"dist-info/(licenses/)?LICEN[CS]E", str(file))
    ]
    lines = (said.get("License") or "").strip().splitlines()[:1]
    return said.get("License-Expression") or " AND ".join(classifiers or lines or texts[:1])


def is_allowed(said: str) -> bool:
    """Say whether each part of a licence is one of those that this course may use."""
    parts = re.split(r" AND | OR ", said)
    one = rf"\(*(?:{'|'.join(ALLOWED)})\)*"
    return all(re.fullmatch(one, part, re.I) for part in parts)


def main() -> int:
    """Print a line a package; return 1 if one isn't allowed."""
    bad = 0
    for name in locked():
        said = licence(name)
        bad += not is_allowed(said)
        print(f"{name:30} {said or 'says nothing'}{'' if is_allowed(said) else '   NOT ALLOWED'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
