"""Build the page: ``python -m page.build site`` writes ``site/index.html``, one file for all.

It needs no server, no network and no other file: style, script and tables stand within it.
"""

import argparse
import base64
import hashlib
import json
from pathlib import Path

from helpers import theory
from helpers.catalogue import ACTIVATIONS, INITIALIZERS
from helpers.explorers.controls import NONE
from helpers.explorers.networks import PRESETS, color_of
from page import tables

SOURCES = Path(__file__).parent
SCRIPTS = ("tables.js", "words.js", "picture.js", "page.js")
DARK_GROUND = "#15181d"  # as in page.css
DARK_CONTRAST = 4.5  # of a line with that ground
# The network of the page for a hall, whose presets tell the story of the field.
FIRST = {
    "activation": "sigmoid",
    "initializer": "standard_normal",
    "normalization": NONE,
    "depth": 20,
    "width": 16,
}


def facts() -> dict:
    """Return what the page's script has to know besides the tables."""
    norms = [name or NONE for name in tables.NORMS]
    # the page has no skip connections
    presets = {
        label: {"activation": phi, "initializer": rule, "normalization": norm}
        for label, (phi, rule, norm, residual) in PRESETS.items()
        if not residual
    }
    return {
        "choices": {
            "activation": [*ACTIVATIONS],
            "initializer": [*INITIALIZERS],
            "normalization": norms,
            "depth": tables.DEPTHS,
            "width": tables.WIDTHS,
        },
        "first": FIRST,
        "presets": presets,
        "marks": {depth: tables.marks(depth) for depth in tables.DEPTHS},
        "curves": tables.CURVES,
        "units": tables.UNITS,
        "fine": tables.FINE,
        "networks": tables.NUM_NETWORKS,
        "dyingShare": theory.DYING_SHARE,
        "limits": {
            "vanishing": theory.VANISHING,
            "shrinking": theory.SHRINKING,
            "growing": theory.GROWING,
            "exploding": theory.EXPLODING,
        },
        "colors": {name: [color_of(name), on_dark(color_of(name))] for name in ACTIVATIONS},
    }


def luminance(color: str) -> float:
    """Return the relative luminance of "#rrggbb", as WCAG 2.2 defines it."""
    shares = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def on_dark(color: str) -> str:
    """Mix a colour with white until it stands out on the dark ground."""
    ground = luminance(DARK_GROUND) + 0.05
    channels = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    # twentieths of white; the last one is white itself
    for part in range(21):
        mixed = [round(channel + (255 - channel) * part / 20) for channel in channels]
        text = "#" + "".join(f"{channel:02X}" for channel in mixed)
        if (luminance(text) + 0.05) / ground >= DARK_CONTRAST:
            break
    return text


def page(packed: bytes, lessons: str | None = None) -> str:
    """Put the page together; `lessons` is the address of the rendered course, if there is one."""
    known = json.dumps(facts(), ensure_ascii=False, separators=(",", ":"))
    # no text of the catalogue can end the script
    script = f"const FACTS = {known.replace('<', chr(92) + 'u003c')};\n" + "\n".join(
        (SOURCES / name).read_text(encoding="utf-8") for name in SCRIPTS
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    link = ""
    if lessons is not None:
        link = f'<a href="{lessons}">Read the lessons here.</a> '
    parts = {
        "policy": f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        "style": (SOURCES / "page.css").read_text(encoding="utf-8"),
        "lessons": link,
        "networks": str(tables.NUM_NETWORKS),
        "examples": str(tables.NUM_EXAMPLES),
        "script": script,
        "tables": base64.b64encode(packed).decode(),
    }
    text = (SOURCES / "page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def main(arguments=None):
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m page.build", description=__doc__)
    parser.add_argument("folder", type=Path, help="where index.html is written")
    parser.add_argument("--lessons", help="address of the rendered lessons, from the page")
    options = parser.parse_args(arguments)
    print("Measuring the networks of the page: about two minutes.", flush=True)
    packed = tables.pack(tables.tables_of(tables.measure_all()))
    text = page(packed, options.lessons)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "index.html"
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, of which tables {len(packed) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
